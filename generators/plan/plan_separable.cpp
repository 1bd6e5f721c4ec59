// Plans of separable layers: the depthwise result of a task stays in cache, the 1x1 filters are a
// tiled convolution over it. Pure.
#include "generators/plan/algorithms.h"
#include "generators/plan/planned_sizes.h"
#include "generators/plan/register_tile.h"
#include "generators/plan/tasks.h"

namespace convc {

LayerSpec depthwise_part(const LayerSpec& layer) {
  LayerSpec part = layer;
  part.kind = LayerKind::depthwise_conv;
  part.groups = layer.in_channels;
  part.filters = layer.in_channels * layer.depth_multiplier;
  part.use_bias = false;
  part.pointwise_kernel = part.bias = nullptr;
  part.post_ops.clear();
  part.output_form = {};
  return part;
}

LayerSpec pointwise_part(const LayerSpec& layer) {
  LayerSpec part = layer;
  part.kind = LayerKind::conv;
  part.groups = part.depth_multiplier = 1;
  part.in_channels = layer.in_channels * layer.depth_multiplier;
  part.in = layer.out;
  part.kernel_size = part.strides = part.dilation_rate = {};
  part.padding = {};
  part.padding_rule = PaddingRule::valid;
  part.padding_mode = PaddingMode::zeros;
  part.kernel = layer.pointwise_kernel;
  part.pointwise_kernel = nullptr;
  part.input_form = {};
  return part;
}

std::string why_not_depthwise_pointwise(const LayerSpec& layer) {
  return layer.kind == LayerKind::separable_conv ? ""
                                                 : "depthwise_pointwise needs a separable layer";
}

Plan depthwise_pointwise_plan(const LayerSpec& layer, const Machine& machine) {
  const LayerSpec pointwise = pointwise_part(layer);
  RegisterTile tile =
      choose_register_tile(tile_domains(planned_sizes(pointwise), /*flat=*/false), machine);
  // Each task makes its own depthwise result: over panels it would be made several times.
  const Tasks tasks = choose_tasks(pointwise, tile, /*flat=*/false, machine, TaskCuts::pixels);
  Plan plan;
  plan.algorithm = Algorithm::depthwise_pointwise;
  plan.lanes = tile.lanes;
  plan.tile_height = tile.height;
  plan.tile_width = tile.width;
  plan.tile_vectors = tile.vectors;
  plan.row_block = tasks.row_block;
  plan.column_block = tasks.column_block;
  plan.reason = "1x1 tile " + tile.text + "; " + tasks.text + " as the depthwise result";
  return plan;
}

}  // namespace convc
