// The buffers of each kernel: roles, extents and strides. No Halide here, so that descriptors can
// be written without it.
#include <span>

#include "generators/kernels/dims.h"
#include "generators/kernels/image_views.h"
#include "generators/kernels/kernel.h"
#include "generators/plan/integers.h"

namespace convc {
namespace {

/// Dense dimensions from extents given innermost first.
std::vector<ArgumentDim> dense(const std::vector<std::int64_t>& extents) {
  std::vector<ArgumentDim> dims;
  std::int64_t stride = 1;
  for (std::int64_t extent : extents) {
    dims.push_back({fixed(extent), fixed(stride)});
    stride *= extent;
  }
  return dims;
}

/// Filters as filter_dim orders them.
KernelArgument filter_argument(const LayerSpec& spec, const Plan& plan) {
  const bool folds = plan.algorithm == Algorithm::few_channels;
  const LayerSpec layer = folds ? fold_channels(spec) : spec;
  const PackedLayout packed = packed_layout(spec, plan);
  const bool is_pointwise = layer.kind == LayerKind::separable_conv;
  Size window = packed.window;
  if (folds) window.width = layer.kernel_size.width;
  const std::int64_t channels =
      is_pointwise ? layer.in_channels * layer.depth_multiplier : layer.channels_per_group();
  const std::int64_t block = folds ? 1 : packed.channel_block;
  const std::int64_t filters = layer.filters / packed.groups;
  const std::int64_t panels = ceil_div(filters, packed.filter_panel);
  return {ArgumentRole::packed_kernel,
          0,
          dense({packed.filter_panel, block, window.width, window.height, window.depth,
                 channels / block, panels, packed.groups}),
          {}};
}

KernelArgument depthwise_argument(const LayerSpec& layer, const Plan& plan) {
  const std::int64_t panel = packed_layout(layer, plan).depthwise_panel;
  const std::int64_t channels = layer.in_channels * layer.depth_multiplier;
  return {ArgumentRole::packed_depthwise,
          0,
          dense({round_up(channels, panel), 1, layer.kernel_size.width, layer.kernel_size.height,
                 layer.kernel_size.depth, 1, 1, 1}),
          {}};
}

KernelArgument vector_argument(const LayerSpec& layer, const Plan& plan, int index) {
  const PackedLayout packed = packed_layout(layer, plan);
  return {ArgumentRole::packed_vector,
          index,
          dense({packed.vector_bytes / kFloatBytes / packed.groups, packed.groups}),
          {}};
}

/// Every image of the layer: the input, the operands of its post_ops in order, the output.
std::vector<KernelArgument> images_of(const LayerSpec& layer, const Plan& plan) {
  std::vector<KernelArgument> images = {input_image(layer, plan)};
  for (std::size_t i = 0; i < layer.post_ops.size(); ++i) {
    if (!has_operand(layer.post_ops[i])) continue;
    images.push_back(operand_image(layer, plan, static_cast<int>(i)));
  }
  images.push_back(output_image(layer, plan));
  return images;
}

/// The layer as the loops of its kernel see it; merges what they run over in `images`.
LayerSpec merged(const LayerSpec& layer, const Plan& plan, std::vector<KernelArgument>& images) {
  if (!merges_pixels(layer, plan)) return layer;
  if (plan.algorithm != Algorithm::subsampled) return merge_pixels(layer, images);
  LayerSpec picked = layer;
  picked.in = layer.out;
  picked.strides = {};
  return merge_pixels(picked, std::span(images).subspan(1));
}

}  // namespace

bool has_operand(const PostOp& op) {
  return op.kind == PostOpKind::add || op.kind == PostOpKind::multiply;
}

LayerSpec as_computed(const LayerSpec& layer, const Plan& plan) {
  const LayerSpec seen = exchange_channels(layer);
  std::vector<KernelArgument> images = images_of(layer, plan);
  return merged(seen, plan, images);
}

std::vector<KernelArgument> kernel_arguments(const LayerSpec& layer, const Plan& plan) {
  std::vector<KernelArgument> images = images_of(layer, plan);
  merged(layer, plan, images);
  // The input, then what is packed, then the other images.
  std::vector<KernelArgument> arguments = {images.front()};
  if (is_packed(layer, plan)) {
    if (layer.has_kernel()) arguments.push_back(filter_argument(layer, plan));
    if (layer.kind == LayerKind::separable_conv) {
      arguments.push_back(depthwise_argument(layer, plan));
    }
    const auto vectors = static_cast<int>(channel_vectors(layer).size());
    for (int i = 0; i < vectors; ++i) arguments.push_back(vector_argument(layer, plan, i));
  }
  arguments.insert(arguments.end(), images.begin() + 1, images.end());
  return arguments;
}

bool is_packed(const LayerSpec& layer, const Plan& plan) {
  return !layer.weights_are_literal() || literal_is_packed(layer, plan);
}

bool literal_is_packed(const LayerSpec& layer, const Plan& plan) {
  return layer.weights_are_literal() && plan.algorithm != Algorithm::taps &&
         plan.algorithm != Algorithm::separable;
}

}  // namespace convc
