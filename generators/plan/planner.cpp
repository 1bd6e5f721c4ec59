// The planner: which algorithm, then its tile and tasks. Pure.
#include "generators/plan/planner.h"

#include <algorithm>

#include "generators/plan/literal_filter.h"
#include "generators/plan/register_tile.h"
#include "generators/plan/tasks.h"

namespace convc {
namespace {

constexpr std::int64_t kFloatBytes = 4;

bool is_pointwise(const LayerSpec& layer) {
  return layer.kernel_size == Size2D{1, 1} && layer.strides == Size2D{1, 1} &&
         !layer.padding.any() && layer.groups == 1;
}

/// Numbers up to which a literal filter is unrolled into the code. 4 images of 4 channels cover
/// gray, RGB and RGBA filters; wider banks fill vectors with filters instead.
constexpr std::int64_t kMostUnrolledTaps = 256;
constexpr std::int64_t kMostUnrolledChannels = 4;

bool is_unrolled(const LayerSpec& layer) {
  return layer.weights_are_literal() && layer.groups == 1 &&
         layer.filters <= kMostUnrolledChannels && layer.in_channels <= kMostUnrolledChannels &&
         nonzero_taps(layer).size() <= kMostUnrolledTaps;
}

std::int64_t count_nonzero(const std::vector<float>& values) {
  return static_cast<std::int64_t>(values.size()) - std::count(values.begin(), values.end(), 0.0f);
}

/// Multiply-adds per output pixel of the two passes. The vertical pass is made once per input
/// column, that is strides.width times per output column.
std::int64_t separable_cost(const LayerSpec& layer, const std::vector<SeparableSlice>& slices) {
  std::int64_t cost = 0;
  for (const SeparableSlice& slice : slices) {
    cost += count_nonzero(slice.vertical) * layer.strides.width + count_nonzero(slice.horizontal);
  }
  return cost;
}

Plan literal_plan(const LayerSpec& layer, const Machine& machine) {
  Plan plan;
  plan.algorithm = Algorithm::taps;
  plan.lanes = machine.f32_lanes;
  plan.tile_width =
      static_cast<int>(std::min<std::int64_t>(4 * machine.f32_lanes, layer.out.width));
  const auto taps = static_cast<std::int64_t>(nonzero_taps(layer).size());
  const std::int64_t all = layer.kernel_size.height * layer.kernel_size.width *
                           layer.channels_per_group() * layer.filters;
  plan.reason = std::to_string(taps) + " of " + std::to_string(all) +
                " literal numbers are not zero; each is a constant in the code";
  if (const auto slices = separate(layer)) {
    const std::int64_t cost = separable_cost(layer, *slices);
    // The passes exchange a row through L1: worth it when a quarter of the work is saved.
    if (cost * 4 <= taps * 3) {
      plan.algorithm = Algorithm::separable;
      plan.reason = "the literal filter is of rank 1: two passes take " + std::to_string(cost) +
                    " multiply-adds per pixel, one would take " + std::to_string(taps);
    }
  }
  RegisterTile tile;
  tile.cycles = static_cast<double>(taps * layer.batch * layer.out.height * layer.out.width) /
                machine.f32_lanes;
  const Tasks tasks = choose_tasks(layer, tile, /*flat=*/false, machine);
  plan.row_block = tasks.row_block;
  return plan;
}

Plan grouped_plan(const LayerSpec& layer, const Machine& machine) {
  Plan plan;
  plan.algorithm = Algorithm::grouped;
  // Vectors run over filters; with few of them a narrower vector wastes fewer lanes.
  plan.lanes = machine.f32_lanes;
  while (plan.lanes > 4 && plan.lanes / 2 >= layer.filters) plan.lanes /= 2;
  plan.tile_width = static_cast<int>(
      std::min<std::int64_t>(machine.vector_registers >= 32 ? 8 : 4, layer.out.width));
  plan.tile_vectors = static_cast<int>((layer.filters + plan.lanes - 1) / plan.lanes);
  RegisterTile tile;
  tile.cycles = static_cast<double>(layer.batch * layer.out.height * layer.out.width *
                                    layer.filters * layer.channels_per_group() *
                                    layer.kernel_size.height * layer.kernel_size.width) /
                machine.f32_lanes;
  plan.row_block = choose_tasks(layer, tile, /*flat=*/false, machine).row_block;
  plan.reason = "groups=" + std::to_string(layer.groups) +
                ": vectors over filters, each reading its own group's channels";
  return plan;
}

/// The largest divisor of `value` that is at most `limit`; 0 when there is none of useful size.
std::int64_t useful_divisor(std::int64_t value, std::int64_t limit) {
  constexpr std::int64_t kLeast = 16;
  for (std::int64_t divisor = std::min(value, limit); divisor >= kLeast; --divisor) {
    if (value % divisor == 0) return divisor;
  }
  return 0;
}

/// Gray, RGB and RGBA images, whose loop over channels would be mostly overhead.
bool has_few_channels(const LayerSpec& layer) {
  constexpr std::int64_t kFewChannels = 4;
  return layer.groups == 1 && layer.in_channels <= kFewChannels && layer.kernel_size.width > 1 &&
         layer.dilation_rate.width == 1;
}

Plan tiled_plan(const LayerSpec& spec, const Machine& machine) {
  const bool flat = is_pointwise(spec);
  const bool folded = has_few_channels(spec);
  const LayerSpec layer = folded ? fold_channels(spec) : spec;
  const RegisterTile tile = choose_register_tile(tile_domain(layer, flat), machine);
  const Tasks tasks = choose_tasks(layer, tile, flat, machine);
  Plan plan;
  plan.algorithm = flat     ? Algorithm::pointwise
                   : folded ? Algorithm::few_channels
                            : Algorithm::direct;
  plan.lanes = tile.lanes;
  plan.tile_height = tile.height;
  plan.tile_width = tile.width;
  plan.tile_vectors = tile.vectors;
  plan.row_block = tasks.row_block;
  plan.panel_block = tasks.panel_block;
  plan.reason = "tile " + tile.text + "; " + tasks.text;
  if (folded) {
    plan.reason =
        "channels=" + std::to_string(spec.in_channels) + " are folded into columns; " + plan.reason;
  }
  const std::int64_t tap_positions = layer.kernel_size.height * layer.kernel_size.width;
  const std::int64_t panel_bytes_per_channel = tap_positions * plan.filter_panel() * kFloatBytes;
  const std::int64_t panel_bytes = panel_bytes_per_channel * layer.in_channels;
  if (plan.algorithm == Algorithm::direct &&
      panel_exceeds_l2(tile_domain(layer, flat), tile.vectors, tile.lanes, machine)) {
    const std::int64_t block =
        useful_divisor(layer.in_channels, machine.l2_bytes / 2 / panel_bytes_per_channel);
    if (block != 0 && block < layer.in_channels) {
      plan.channel_block = block;
      plan.reason += "; a panel of all channels takes " + std::to_string(panel_bytes / 1024) +
                     " KiB, too much for L2, so " + std::to_string(block) + " at a time";
    }
  }
  // All panels in a quarter of L1: one visit per tile of pixels writes the output in order.
  if (panel_bytes / plan.filter_panel() * layer.filters <= machine.l1d_bytes / 4) {
    plan.loop_order = LoopOrder::pixels_outer;
    plan.reason += "; all weights fit in L1, so pixels are the outer loop";
  }
  return plan;
}

}  // namespace

Plan make_plan(const LayerSpec& layer, const Machine& machine) {
  if (is_unrolled(layer)) return literal_plan(layer, machine);
  if (layer.groups > 1) return grouped_plan(layer, machine);
  return tiled_plan(layer, machine);
}

Plan make_naive_plan(const LayerSpec& layer, const Machine&) {
  Plan plan;
  plan.algorithm = Algorithm::naive;
  plan.lanes = 1;
  plan.tile_vectors = static_cast<int>(layer.filters);
  plan.reason = "plain loops in the order of the definition, for comparison";
  return plan;
}

std::string why_plan_is_invalid(const Plan& plan, const LayerSpec& layer, const Machine& machine) {
  auto text = [](std::int64_t value) { return std::to_string(value); };
  const bool unrolled = plan.algorithm == Algorithm::taps || plan.algorithm == Algorithm::separable;
  if (unrolled && !is_unrolled(layer)) {
    return std::string(name_of(plan.algorithm)) +
           " needs a literal kernel of at most 4 channels and 4 filters, and groups=1";
  }
  if (plan.algorithm == Algorithm::separable && !separate(layer)) {
    return "separable needs a literal kernel of rank 1";
  }
  if (plan.algorithm == Algorithm::pointwise && !is_pointwise(layer)) {
    return "pointwise needs kernel_size=1, strides=1, no padding and groups=1";
  }
  if (plan.algorithm == Algorithm::direct && layer.groups != 1) return "direct needs groups=1";
  if (plan.algorithm == Algorithm::few_channels &&
      (layer.groups != 1 || layer.dilation_rate.width != 1)) {
    return "few_channels needs groups=1 and no dilation of columns";
  }
  if (plan.algorithm == Algorithm::naive) return {};
  if (plan.lanes != 4 && plan.lanes != 8 && plan.lanes != 16) return "lanes is 4, 8 or 16";
  if (plan.lanes > machine.f32_lanes) {
    return "lanes=" + text(plan.lanes) + " exceeds the " + text(machine.f32_lanes) + " of " +
           machine.name;
  }
  if (plan.algorithm == Algorithm::grouped && plan.filter_panel() < layer.filters) {
    return "grouped needs one panel of all filters: tile vectors x lanes = " +
           text(plan.filter_panel()) + " is less than " + text(layer.filters);
  }
  const bool tiled = plan.algorithm == Algorithm::direct ||
                     plan.algorithm == Algorithm::pointwise ||
                     plan.algorithm == Algorithm::few_channels;
  if (!tiled) return {};
  const std::int64_t tile = std::int64_t{plan.tile_height} * plan.tile_width * plan.tile_vectors;
  constexpr std::int64_t kMostAccumulators = 128;
  if (tile > kMostAccumulators) {
    return "a tile of " + text(tile) + " accumulators cannot stay in registers";
  }
  if (plan.channel_block != 0 &&
      (plan.algorithm != Algorithm::direct || layer.in_channels % plan.channel_block != 0)) {
    return "channel_block=" + text(plan.channel_block) +
           " must divide in_channels=" + text(layer.in_channels) + " of a direct convolution";
  }
  return {};
}

std::vector<std::string> performance_notes(const LayerSpec& layer, const Plan& plan) {
  std::vector<std::string> notes;
  if (plan.algorithm == Algorithm::grouped && layer.filters_per_group() > 1) {
    notes.push_back("groups=" + std::to_string(layer.groups) +
                    " is computed without register tiling yet and may be slow");
  }
  if (plan.algorithm == Algorithm::grouped || plan.algorithm == Algorithm::direct ||
      plan.algorithm == Algorithm::pointwise) {
    const std::int64_t idle = (plan.lanes - layer.filters % plan.lanes) % plan.lanes;
    if (layer.filters < plan.lanes && idle * 2 >= plan.lanes) {
      notes.push_back("filters=" + std::to_string(layer.filters) + " leaves " +
                      std::to_string(idle) + " of " + std::to_string(plan.lanes) + " lanes idle");
    }
  }
  return notes;
}

}  // namespace convc
