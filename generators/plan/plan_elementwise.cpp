// Plans of layers without a filter: elementwise (constant layers too) and channelwise. Pure.
#include <algorithm>
#include <utility>

#include "dsl/axes.h"
#include "dsl/cost.h"
#include "generators/plan/algorithms.h"
#include "generators/plan/register_tile.h"
#include "generators/plan/roofline.h"
#include "generators/plan/tasks.h"

namespace convc {
namespace {

bool has_no_filter(const LayerSpec& layer) {
  return layer.kind == LayerKind::elementwise || layer.kind == LayerKind::constant;
}

Plan without_filter(Algorithm algorithm, const LayerSpec& layer, const Machine& machine) {
  Plan plan;
  plan.algorithm = algorithm;
  plan.lanes = machine.f32_lanes;
  RegisterTile tile;
  tile.width = static_cast<int>(std::min<std::int64_t>(machine.f32_lanes, layer.out.width));
  tile.lanes = plan.lanes;
  tile.cycles = memory_cycles(cost_of(layer).compulsory_bytes(), machine);
  const Tasks tasks = choose_tasks(layer, tile, /*flat=*/false, machine, TaskCuts::pixels);
  plan.row_block = tasks.row_block;
  plan.column_block = tasks.column_block;
  plan.reason = tasks.text;
  return plan;
}

}  // namespace

TensorAxis channelwise_axis(const LayerSpec& layer) {
  return begins_channelwise(layer.post_ops) ? layer.post_ops.front().activation.axis
                                            : TensorAxis::channels;
}

LayerSpec exchange_channels(const LayerSpec& layer) {
  const TensorAxis axis = channelwise_axis(layer);
  if (axis == TensorAxis::channels) return layer;
  LayerSpec exchanged = layer;
  std::swap(at(exchanged.in, spatial(axis)), exchanged.in_channels);
  std::swap(at(exchanged.out, spatial(axis)), exchanged.filters);
  exchanged.post_ops.front().activation.axis = TensorAxis::channels;
  return exchanged;
}

std::string why_not_elementwise(const LayerSpec& layer) {
  if (has_no_filter(layer) &&
      std::none_of(layer.post_ops.begin(), layer.post_ops.end(), is_channelwise)) {
    return {};
  }
  return "elementwise needs a layer without a filter, whose post_ops see one element each";
}

std::string why_not_channelwise(const LayerSpec& layer) {
  // What comes before it, and another one after it, are steps of their own.
  if (layer.kind == LayerKind::elementwise && layer.padding == Padding{} &&
      begins_channelwise(layer.post_ops) &&
      std::count_if(layer.post_ops.begin(), layer.post_ops.end(), is_channelwise) == 1) {
    if (channelwise_axis(layer) == TensorAxis::channels || channel_vectors(layer).empty()) {
      return {};
    }
    return "channelwise over another axis than the channels has no numbers for each channel";
  }
  return "channelwise needs a layer that begins with softmax, log_softmax, sparsemax or glu";
}

Plan elementwise_plan(const LayerSpec& layer, const Machine& machine) {
  Plan plan = without_filter(Algorithm::elementwise, layer, machine);
  plan.reason = "no filter: one pass over the image; " + plan.reason;
  return plan;
}

Plan channelwise_plan(const LayerSpec& layer, const Machine& machine) {
  Plan plan = without_filter(Algorithm::channelwise, exchange_channels(layer), machine);
  const TensorAxis axis = channelwise_axis(layer);
  plan.reason = (axis == TensorAxis::channels
                     ? "all channels of a pixel at a time; "
                     : "all along the " + std::string(name_of(axis)) + " at a time; ") +
                plan.reason;
  return plan;
}

}  // namespace convc
