// Cost models of whole layers. Each term is an estimate of a mechanism; none is fitted to one
// layer.
#include "generators/plan/roofline.h"

#include <algorithm>

#include "dsl/cost.h"
#include "generators/plan/algorithms.h"
#include "generators/plan/integers.h"
#include "generators/plan/literal_filter.h"
#include "generators/plan/register_tile.h"
#include "generators/plan/tile_cost.h"

namespace convc {
namespace {

double pixels_of(const LayerSpec& layer, const Size& size) {
  return real(layer.batch) * real(size.depth) * real(size.height) * real(size.width);
}

double output_elements(const LayerSpec& layer) {
  return pixels_of(layer, layer.out) * real(layer.filters);
}
double input_elements(const LayerSpec& layer) {
  return pixels_of(layer, layer.in) * real(layer.in_channels);
}

double macs_per_cycle(const Machine& machine) {
  return real(machine.f32_lanes) * machine.fma_pipes;
}

/// Elements that a copy moves between layouts into the cache, one by one or transposed in
/// registers.
constexpr double kCyclesPerGatheredElement = 1, kCyclesPerTransposedElement = 0.35;
/// Stores of few elements, each to a cache line of its own.
constexpr double kCyclesPerScatteredStore = 2;
/// A vector of neighbours: a load and a store.
constexpr double kCyclesPerCopiedVector = 1;
/// The same of patches, once for each tap: more than L1 holds.
constexpr double kCyclesPerPatchedVector = 5;

/// Copies of an input in another layout, by kernels whose vectors run over filters (`planar`: over
/// pixels).
double gather_cycles(const LayerSpec& layer, bool planar,
                     double per_element = kCyclesPerGatheredElement) {
  const bool gathers = planar ? !has_dense_pixels(layer.input_form, layer.in_channels)
                              : !has_dense_channels(layer.input_form, layer.in_channels);
  if (!gathers) return 0;
  const Size read = layer.kernel_size == Size{} ? layer.out : layer.in;  // what 1x1 filters read
  return pixels_of(layer, read) * real(layer.in_channels) * per_element;
}

/// Of kernels whose vectors run over filters: pixels that a stride picks are moved one by one.
double cycles_per_gathered_element(const LayerSpec& layer) {
  const bool picks = layer.kernel_size == Size{} && layer.strides != Size{};
  return picks ? kCyclesPerGatheredElement : kCyclesPerTransposedElement;
}

/// Copies of the input before the multiply-adds.
double copy_cycles(const LayerSpec& layer, bool planar, const Machine& machine,
                   double per_element = kCyclesPerGatheredElement) {
  const double gathered = gather_cycles(layer, planar, per_element);
  if (gathered > 0 || !may_be_padded(layer)) return gathered;
  return input_elements(layer) / machine.f32_lanes * kCyclesPerCopiedVector;
}

/// Stores of results whose neighbours in a vector are no neighbours in memory: one by one, or
/// `at_once` after these were transposed.
double scatter_cycles(const LayerSpec& layer, bool planar, int at_once = 1) {
  const bool scatters = planar ? !has_dense_pixels(layer.output_form, layer.filters)
                               : !has_dense_channels(layer.output_form, layer.filters);
  return scatters ? output_elements(layer) * kCyclesPerScatteredStore / at_once : 0;
}

/// Neighbours of tiles of `columns` that are transposed and stored at once.
int stored_at_once(int columns) {
  return columns >= 4 ? 4 : columns >= 2 ? 2 : 1;
}

RegisterTile tile_of(const Plan& plan) {
  RegisterTile tile;
  tile.height = plan.tile_height;
  tile.width = plan.tile_width;
  tile.vectors = plan.tile_vectors;
  tile.lanes = plan.lanes;
  return tile;
}

/// Vectors over channels: a multiply-add takes a load of the input, and one of the weights that a
/// tile shares. Lanes whose channels are no neighbours are gathered.
double merged_groups_cycles(const LayerSpec& layer, const Plan& plan, const Machine& machine) {
  constexpr double kLoadsPerCycle = 2;
  constexpr double kPerVector = 4;
  const double turns = vector_turns(plan.lanes, machine);
  const double loads = turns * (1 + 1.0 / plan.tile_width);
  double per_product = std::max(loads / kLoadsPerCycle, 1.0 / machine.fma_pipes);
  const std::int64_t sharing = layer.filters_per_group();
  if (sharing % plan.lanes != 0 && (sharing > 1 || layer.channels_per_group() > 1)) {
    // Each lane takes its group's number: a shuffle where groups fill vectors evenly, else loads.
    constexpr double kPerShuffle = 0.5;
    const bool even = plan.lanes % sharing == 0;
    per_product += even ? turns * kPerShuffle : real(plan.lanes) / kLoadsPerCycle;
  }
  const double vectors = pixels_of(layer, layer.out) * vectors_of(layer.filters, plan.lanes);
  return vectors * (real(layer.taps() * layer.channels_per_group()) * per_product + kPerVector) +
         copy_cycles(layer, false, machine) + scatter_cycles(layer, false);
}

/// Vectors over the columns of a channel, also those between the columns of a stride. Unaligned
/// vectors lie on two cache lines now and then.
double planar_depthwise_cycles(const LayerSpec& layer, const Plan& plan) {
  constexpr double kPerProduct = 0.75, kPerVector = 2, kPerCopiedVector = 2;
  const double in_rows = input_elements(layer) / real(layer.in.width);
  const double out_rows = output_elements(layer) / real(layer.out.width);
  return out_rows * vectors_of(layer.out.width, plan.lanes) *
             (real(layer.taps() * layer.strides.width) * kPerProduct + kPerVector) +
         in_rows * vectors_of(layer.in.width, plan.lanes) * kPerCopiedVector;
}

double planar_cycles(const LayerSpec& layer, const Plan& plan, const Machine& machine) {
  if (layer.groups > 1 && layer.channels_per_group() == 1) {
    return planar_depthwise_cycles(layer, plan) + gather_cycles(layer, true) +
           scatter_cycles(layer, true);
  }
  const LayerSpec group = one_group(layer);
  RegisterTile tile;
  tile.width = plan.tile_vectors;
  tile.vectors = std::max(plan.tile_width / plan.lanes, 1);
  tile.lanes = plan.lanes;
  // Patches: each pixel with the channels of all its taps.
  const double patches =
      pixels_of(layer, layer.out) * real(layer.in_channels * layer.taps()) / machine.f32_lanes *
      (layer.kernel_size == Size{} ? kCyclesPerCopiedVector : kCyclesPerPatchedVector);
  const bool any_row = reads_pixel_in_place(layer);
  const std::int64_t rows = plan.row_block == 0 || any_row ? layer.out.height : plan.row_block;
  const std::int64_t columns =
      plan.column_block == 0 || any_row ? layer.out.width : plan.column_block;
  TileDomain domain = planar_domain(group, rows, columns);
  // Of pixels that are one row for several tasks, the last tile is computed whole (tiled_cost.h).
  const bool cuts_row = any_row && plan.row_block != 0 && plan.row_block < layer.out.height;
  if (cuts_row) domain.filters = round_up(domain.filters, plan.tile_width);
  return predicted_cycles(domain, tile, machine) + patches + copy_cycles(layer, true, machine) +
         scatter_cycles(layer, true);
}

/// Numbers in the code: one multiply-add each, for a vector of columns.
double literal_cycles(const LayerSpec& layer, const Plan& plan, const Machine& machine) {
  constexpr double kPerVector = 4;
  const double taps = real(static_cast<std::int64_t>(nonzero_taps(layer).size()));
  const double rows = real(layer.batch) * real(layer.out.height);
  return rows * vectors_of(layer.out.width, plan.lanes) * (taps / machine.fma_pipes + kPerVector) +
         copy_cycles(layer, true, machine);
}

double elementwise_cycles(const LayerSpec& layer, const Machine& machine) {
  constexpr double kPerStep = 2;  // cheap ones; what needs e^x takes some 20 operations
  const bool keeps_layout = layer.input_form.layout == layer.output_form.layout ||
                            layer.filters == 1 || layer.kind == LayerKind::constant;
  const double steps = 1 + kPerStep * real(static_cast<std::int64_t>(layer.post_ops.size()));
  return output_elements(layer) * steps / machine.f32_lanes +
         (keeps_layout ? 0 : output_elements(layer) * kCyclesPerGatheredElement);
}

/// Two passes with e^x over all numbers.
double channelwise_cycles(const LayerSpec& layer, const Machine& machine) {
  constexpr double kPerVector = 40;
  return pixels_of(layer, layer.in) * kPerVector * real(layer.in_channels) / machine.f32_lanes;
}

double separable_layer_cycles(const LayerSpec& layer, const Plan& plan, const Machine& machine) {
  const LayerSpec pointwise = pointwise_part(layer);
  Plan depthwise = plan;
  depthwise.algorithm = Algorithm::depthwise;
  return merged_groups_cycles(depthwise_part(layer), depthwise, machine) +
         predicted_cycles(tile_domain(pointwise, false), tile_of(plan), machine) +
         scatter_cycles(layer, false, stored_at_once(plan.tile_width));
}

}  // namespace

double vectors_of(std::int64_t count, int lanes) {
  return real(ceil_div(count, lanes));
}

double memory_cycles(std::int64_t bytes, const Machine& machine) {
  return real(bytes) / machine.memory_bytes_per_cycle;
}

double roofline_cycles(const LayerSpec& layer, const Machine& machine) {
  const Cost cost = cost_of(layer);
  return std::max(real(cost.macs) / macs_per_cycle(machine),
                  memory_cycles(cost.compulsory_bytes(), machine));
}

double compute_cycles(const LayerSpec& layer, const Plan& plan, const Machine& machine) {
  switch (plan.algorithm) {
    case Algorithm::direct:
    case Algorithm::few_channels:
    case Algorithm::pointwise:
    case Algorithm::subsampled:
    case Algorithm::split_channels:
      return tiled_layer_cost(layer, plan, machine).total() +
             gather_cycles(layer, false, cycles_per_gathered_element(layer)) +
             scatter_cycles(layer, false, stored_at_once(plan.tile_width));
    case Algorithm::depthwise_pointwise:
      return separable_layer_cycles(layer, plan, machine);
    case Algorithm::depthwise:
    case Algorithm::grouped:
      return merged_groups_cycles(layer, plan, machine);
    case Algorithm::planar:
      return planar_cycles(layer, plan, machine);
    case Algorithm::winograd:
      return winograd_cycles(layer, plan, machine) +
             copy_cycles(layer, false, machine, kCyclesPerTransposedElement) +
             scatter_cycles(layer, false, stored_at_once(plan.output_tile));
    case Algorithm::elementwise:
      return elementwise_cycles(layer, machine);
    case Algorithm::channelwise:
      return channelwise_cycles(layer, machine);
    case Algorithm::taps:
    case Algorithm::separable:
      return literal_cycles(layer, plan, machine);
    case Algorithm::naive:  // one multiply-add waits for the one before it
      return real(cost_of(layer).macs) * machine.fma_latency_cycles;
  }
  return 0;
}

double predicted_cycles(const LayerSpec& layer, const Plan& plan, const Machine& machine) {
  return std::max(compute_cycles(layer, plan, machine),
                  memory_cycles(cost_of(layer).compulsory_bytes(), machine));
}

double predicted_fraction(const LayerSpec& layer, const Plan& plan, const Machine& machine) {
  return roofline_cycles(layer, machine) / predicted_cycles(layer, plan, machine);
}

}  // namespace convc
