// Which plans can be compiled for a layer: the preconditions of all algorithms' parameters. Pure.
#include <algorithm>

#include "generators/plan/algorithms.h"
#include "generators/plan/integers.h"
#include "generators/plan/planner.h"
#include "generators/plan/winograd.h"

namespace convc {
namespace {

bool has_register_tile(Algorithm algorithm) {
  return has_vectors_of_filters(algorithm) || algorithm == Algorithm::planar ||
         algorithm == Algorithm::winograd;
}

std::string why_lanes_are_wrong(const Plan& plan, const Machine& machine) {
  if (plan.lanes != 4 && plan.lanes != 8 && plan.lanes != 16) return "lanes is 4, 8 or 16";
  if (plan.lanes <= machine.f32_lanes) return {};
  return "lanes=" + std::to_string(plan.lanes) + " exceeds the " +
         std::to_string(machine.f32_lanes) + " of " + machine.name;
}

std::string why_tile_is_wrong(const Plan& plan) {
  if (!has_register_tile(plan.algorithm)) return {};
  const bool planar = plan.algorithm == Algorithm::planar;
  if (planar && plan.tile_width % plan.lanes != 0) {
    return "planar needs a tile of whole vectors of pixels: " + std::to_string(plan.tile_width) +
           " is not a multiple of lanes=" + std::to_string(plan.lanes);
  }
  const std::int64_t accumulators = std::int64_t{plan.tile_height} * plan.tile_width *
                                    plan.tile_vectors * plan.parts_of_sum() /
                                    (planar ? plan.lanes : 1);
  constexpr std::int64_t kMostAccumulators = 128;
  if (accumulators <= kMostAccumulators) return {};
  return "a tile of " + std::to_string(accumulators) + " accumulators cannot stay in registers";
}

std::string why_channel_block_is_wrong(const Plan& plan, const LayerSpec& layer) {
  if (plan.channel_block == 0) return {};
  if (plan.algorithm == Algorithm::direct && layer.channels_per_group() % plan.channel_block == 0) {
    return {};
  }
  return "channel_block=" + std::to_string(plan.channel_block) + " must divide the " +
         std::to_string(layer.channels_per_group()) +
         " channels of a group of a direct convolution";
}

/// Outputs along an axis, at most.
std::int64_t most_outputs(std::int64_t outputs, const std::optional<Dim>& open) {
  return open ? std::max(outputs, open->max) : outputs;
}

std::string why_block_is_too_large(const char* name, std::int64_t block, std::int64_t most,
                                   const char* what) {
  if (block <= most) return {};
  return std::string(name) + "=" + std::to_string(block) + " exceeds the " + std::to_string(most) +
         " " + what;
}

/// A block along an axis holds no more than what all images have, and what fills the last tile.
std::string why_blocks_are_too_large(const Plan& plan, const LayerSpec& layer) {
  const std::int64_t rows = most_outputs(layer.out.height, layer.open.height);
  const std::int64_t columns = most_outputs(layer.out.width, layer.open.width);
  const std::int64_t images = most_outputs(layer.batch, layer.open.batch) * layer.out.depth;
  const std::int64_t largest_tile =
      std::max({plan.tile_height, plan.tile_width, plan.lanes, plan.output_tile});
  constexpr std::int64_t kMostPixels = std::int64_t{1} << 31;  // indices have 32 bits
  const double pixels = real(images) * real(rows) * real(columns);
  const std::int64_t most = pixels < real(kMostPixels)
                                ? round_up(static_cast<std::int64_t>(pixels), largest_tile)
                                : kMostPixels;
  for (const std::string& reason :
       {why_block_is_too_large("row_block", plan.row_block, most, "pixels of whole tiles"),
        why_block_is_too_large("column_block", plan.column_block, most, "pixels of whole tiles"),
        why_block_is_too_large("panel_block", plan.panel_block, layer.filters, "filters")}) {
    if (!reason.empty()) return reason;
  }
  return {};
}

/// Scratch has a constant size, which images of open sizes do not limit; its indices have 32 bits.
std::string why_task_is_too_large(const Plan& plan, const LayerSpec& layer) {
  constexpr double kMostElements = 1U << 31U;
  if (!layer.open.height && !layer.open.width) return {};
  const std::int64_t rows = plan.row_block == 0 ? layer.out.height : plan.row_block;
  const std::int64_t columns = plan.is_flat()           ? 1
                               : plan.column_block == 0 ? layer.out.width
                                                        : plan.column_block;
  const std::int64_t per_output =
      std::max(layer.filters, layer.in_channels * layer.strides.height * layer.strides.width);
  if (real(rows) * real(columns) * real(per_output) < kMostElements) return {};
  return "a task of row_block=" + std::to_string(plan.row_block) +
         " and column_block=" + std::to_string(plan.column_block) +
         " has scratch of 2^31 elements or more";
}

/// Scratch has a constant size.
std::string why_blocks_are_wrong(const Plan& plan, const LayerSpec& layer) {
  const bool flat = plan.is_flat();
  if (plan.row_block == 0 && (layer.open.height || (flat && layer.open.any()))) {
    return "an image whose size arrives at run time needs a row_block";
  }
  if (plan.column_block == 0 && layer.open.width && !flat) {
    return "an image whose width arrives at run time needs a column_block";
  }
  if (plan.column_block != 0 && flat) {
    return std::string(name_of(plan.algorithm)) + " has no column_block; its rows are pixels";
  }
  const std::string why = why_blocks_are_too_large(plan, layer);
  return why.empty() ? why_task_is_too_large(plan, layer) : why;
}

std::string why_partial_sums_are_wrong(const Plan& plan, const LayerSpec& layer) {
  const bool splits = plan.algorithm == Algorithm::split_channels;
  if (!splits) return plan.partial_sums == 0 ? "" : "partial_sums is for split_channels alone";
  if (plan.partial_sums > 1 && layer.channels_per_group() % plan.partial_sums == 0) return {};
  return "partial_sums=" + std::to_string(plan.partial_sums) +
         " must be 2 or more and divide the " + std::to_string(layer.channels_per_group()) +
         " channels of a group";
}

/// Tasks are whole tiles.
std::string why_output_tile_is_wrong(const Plan& plan, const LayerSpec& layer) {
  if (plan.algorithm != Algorithm::winograd) {
    return plan.output_tile == 0 ? "" : "output_tile is for winograd alone";
  }
  if (!has_winograd_transforms(layer, plan.output_tile)) {
    return "winograd has an output_tile of 2, 4 or 6 for 3 taps, of 2 or 4 for 5 taps or strides "
           "of "
           "2, and of 2 for 7 taps";
  }
  const WinogradTransforms transforms = winograd_transforms(layer, plan.output_tile);
  if (plan.row_block % transforms.row.outputs != 0 ||
      plan.column_block % transforms.column.outputs != 0) {
    return "row_block and column_block of winograd are multiples of its output_tile";
  }
  return plan.tile_height == 1 ? "" : "winograd has tiles of one row: 1xTILESxVECTORS";
}

std::string why_all_taps_is_wrong(const Plan& plan, const LayerSpec& layer) {
  const bool may_skip = plan.algorithm == Algorithm::direct ||
                        plan.algorithm == Algorithm::few_channels ||
                        is_depthwise_kernel(plan, layer);
  return !plan.all_taps || may_skip
             ? ""
             : "all_taps is for direct, few_channels and kernels of depthwise layers alone";
}

std::string why_inside_taps_is_wrong(const Plan& plan, const LayerSpec& layer) {
  if (!plan.inside_taps) return {};
  if (plan.algorithm != Algorithm::direct && plan.algorithm != Algorithm::few_channels &&
      plan.algorithm != Algorithm::split_channels) {
    return "inside_taps is for direct, few_channels and split_channels alone";
  }
  if (plan.all_taps) return "all_taps and inside_taps contradict each other";
  return why_not_inside_taps(layer, plan.tile_height);
}

}  // namespace

std::string why_not_naive(const LayerSpec& layer) {
  if (layer.has_kernel() && layer.kind != LayerKind::conv_transpose) return {};
  return "naive needs a layer with a filter";
}

std::string why_not(Algorithm algorithm, const LayerSpec& layer) {
  switch (algorithm) {
    case Algorithm::direct:
      return why_not_direct(layer);
    case Algorithm::few_channels:
      return why_not_few_channels(layer);
    case Algorithm::pointwise:
      return why_not_pointwise(layer);
    case Algorithm::subsampled:
      return why_not_subsampled(layer);
    case Algorithm::split_channels:
      return why_not_split_channels(layer);
    case Algorithm::depthwise_pointwise:
      return why_not_depthwise_pointwise(layer);
    case Algorithm::depthwise:
      return why_not_depthwise(layer);
    case Algorithm::grouped:
      return why_not_grouped(layer);
    case Algorithm::planar:
      return why_not_planar(layer);
    case Algorithm::elementwise:
      return why_not_elementwise(layer);
    case Algorithm::channelwise:
      return why_not_channelwise(layer);
    case Algorithm::taps:
      return why_not_taps(layer);
    case Algorithm::winograd:
      return why_not_winograd(layer);
    case Algorithm::separable:
      return why_not_separable(layer);
    case Algorithm::naive:
      return why_not_naive(layer);
  }
  return "unknown algorithm";
}

std::string why_plan_is_invalid(const Plan& plan, const LayerSpec& layer, const Machine& machine) {
  const std::string why = why_not(plan.algorithm, layer);
  if (!why.empty() || plan.algorithm == Algorithm::naive) return why;
  for (const std::string& reason :
       {why_lanes_are_wrong(plan, machine), why_tile_is_wrong(plan),
        why_channel_block_is_wrong(plan, layer), why_blocks_are_wrong(plan, layer),
        why_output_tile_is_wrong(plan, layer), why_partial_sums_are_wrong(plan, layer),
        why_all_taps_is_wrong(plan, layer), why_inside_taps_is_wrong(plan, layer)}) {
    if (!reason.empty()) return reason;
  }
  return {};
}

}  // namespace convc
