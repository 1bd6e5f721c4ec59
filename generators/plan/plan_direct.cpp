// Plans of the register-tiled algorithms whose vectors run over filters: direct, few_channels and
// pointwise. Pure.
#include <algorithm>

#include "generators/plan/algorithms.h"
#include "generators/plan/register_tile.h"
#include "generators/plan/tasks.h"

namespace convc {
namespace {

constexpr std::int64_t kFloatBytes = 4;

bool has_operand(const PostOp& op) {
  return op.kind == PostOpKind::add || op.kind == PostOpKind::multiply;
}

/// Pixels of a tensor follow one another without gaps, each with its channels.
bool is_flat(const TensorForm& form, std::int64_t channels) {
  return has_dense_channels(form, channels) && form.row_pitch == 0;
}

/// An operand of one pixel per image keeps images apart.
bool merges_images(const LayerSpec& layer) {
  if (layer.batch == 1 && !layer.open.batch) return true;
  return std::none_of(layer.post_ops.begin(), layer.post_ops.end(), [](const PostOp& op) {
    return has_operand(op) && (op.operand_shape == OperandShape::per_channel ||
                               op.operand_shape == OperandShape::scalar);
  });
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
  return layer.in_channels <= kFewChannels && layer.kernel_size.width > 1 &&
         why_not_few_channels(layer).empty();
}

/// The layer as the loops of the algorithm see it: one group, folded channels.
LayerSpec as_tiled(const LayerSpec& layer, Algorithm algorithm) {
  if (algorithm == Algorithm::few_channels) return fold_channels(layer);
  LayerSpec tiled = one_group(layer);
  if (algorithm == Algorithm::pointwise && !merges_images(layer)) tiled.batch = 1;
  return tiled;
}

/// Blocks of channels, when a panel of all of them takes too much of L2.
void block_channels(const LayerSpec& layer, const RegisterTile& tile, const Machine& machine,
                    Plan& plan) {
  if (plan.algorithm != Algorithm::direct ||
      !panel_exceeds_l2(tile_domain(layer, false), tile.vectors, tile.lanes, machine)) {
    return;
  }
  const std::int64_t bytes_per_channel = layer.taps() * plan.filter_panel() * kFloatBytes;
  const std::int64_t block =
      useful_divisor(layer.in_channels, machine.l2_bytes / 2 / bytes_per_channel);
  if (block == 0 || block == layer.in_channels) return;
  plan.channel_block = block;
  plan.reason += "; a panel of all channels takes " +
                 std::to_string(bytes_per_channel * layer.in_channels / 1024) +
                 " KiB, too much for L2, so " + std::to_string(block) + " at a time";
}

}  // namespace

LayerSpec one_group(const LayerSpec& layer) {
  LayerSpec group = layer;
  group.batch *= layer.groups;
  group.in_channels = layer.channels_per_group();
  group.filters = layer.filters_per_group();
  group.groups = 1;
  return group;
}

bool has_dense_channels(const TensorForm& form, std::int64_t channels) {
  return form.layout == Layout::channels_last || channels == 1;
}

bool has_dense_pixels(const TensorForm& form, std::int64_t channels) {
  return form.layout == Layout::channels_first || channels == 1;
}

std::string why_not_direct(const LayerSpec& layer) {
  const bool is_conv = layer.kind == LayerKind::conv || layer.kind == LayerKind::depthwise_conv;
  return is_conv ? "" : "direct needs a layer with one filter bank";
}

std::string why_not_few_channels(const LayerSpec& layer) {
  if (layer.kind == LayerKind::conv && layer.groups == 1 && layer.dilation_rate.width == 1) {
    return {};
  }
  return "few_channels needs a convolution with groups=1 and no dilation of columns";
}

std::string why_not_pointwise(const LayerSpec& layer) {
  if (layer.kind != LayerKind::conv || layer.kernel_size != Size{} || layer.strides != Size{} ||
      layer.padding != Padding{} || layer.groups != 1) {
    return "pointwise needs kernel_size=1, strides=1, no padding and groups=1";
  }
  const bool operands_are_flat =
      std::all_of(layer.post_ops.begin(), layer.post_ops.end(), [&](const PostOp& op) {
        return !has_operand(op) || op.operand_shape != OperandShape::full ||
               is_flat({op.operand_layout, 0}, layer.filters);
      });
  if (!is_flat(layer.input_form, layer.in_channels) || !is_flat(layer.output_form, layer.filters) ||
      layer.output_view || !operands_are_flat) {
    return "pointwise needs images whose pixels follow one another without gaps";
  }
  return {};
}

Algorithm preferred_tiled_algorithm(const LayerSpec& layer) {
  if (why_not_pointwise(layer).empty()) return Algorithm::pointwise;
  return has_few_channels(layer) ? Algorithm::few_channels : Algorithm::direct;
}

Plan tiled_plan(const LayerSpec& spec, const Machine& machine, Algorithm algorithm) {
  Plan plan;
  plan.algorithm = algorithm;
  const bool flat = algorithm == Algorithm::pointwise;
  const LayerSpec layer = as_tiled(spec, plan.algorithm);
  const RegisterTile tile = choose_register_tile(tile_domain(layer, flat), machine);
  const Tasks tasks = choose_tasks(layer, tile, flat, machine);
  plan.lanes = tile.lanes;
  plan.tile_height = tile.height;
  plan.tile_width = tile.width;
  plan.tile_vectors = tile.vectors;
  plan.row_block = tasks.row_block;
  plan.column_block = tasks.column_block;
  plan.panel_block = tasks.panel_block;
  plan.reason = "tile " + tile.text + "; " + tasks.text;
  if (algorithm == Algorithm::few_channels) {
    plan.reason =
        "channels=" + std::to_string(spec.in_channels) + " are folded into columns; " + plan.reason;
  }
  if (spec.groups > 1) {
    plan.reason = "groups=" + std::to_string(spec.groups) + " are an outer loop; " + plan.reason;
  }
  block_channels(layer, tile, machine, plan);
  // All panels in a quarter of L1: one visit per tile of pixels writes the output in order.
  const std::int64_t weights_bytes = layer.taps() * layer.in_channels * layer.filters * kFloatBytes;
  if (weights_bytes <= machine.l1d_bytes / 4) {
    plan.loop_order = LoopOrder::pixels_outer;
    plan.reason += "; all weights fit in L1, so pixels are the outer loop";
  }
  return plan;
}

}  // namespace convc
