// The arrays of a layer, with the names and shapes that Keras gives them (kernels also in ONNX'
// order). Pure data.
#include <utility>

#include "dsl/layer_spec.h"

namespace convc {
namespace {

using Shape = std::vector<std::int64_t>;

/// The sizes along the layer's own axes.
Shape spatial(const Size& size, int rank) {
  if (rank == 1) return {size.width};
  if (rank == 2) return {size.height, size.width};
  return {size.depth, size.height, size.width};
}

/// filters_last: (kernel.., inner, outer); filters_first: (outer, inner, kernel..).
Shape filters_shape(const LayerSpec& layer, const Size& size, std::int64_t inner,
                    std::int64_t outer) {
  Shape shape = spatial(size, layer.rank);
  if (layer.kernel_layout == KernelLayout::filters_last) {
    shape.insert(shape.end(), {inner, outer});
  } else {
    shape.insert(shape.begin(), {outer, inner});
  }
  return shape;
}

/// Of the kernel as the user gives it: a phase of a transposed convolution has taps of a larger
/// one.
Shape kernel_shape(const LayerSpec& layer) {
  if (layer.kernel_view) {
    return filters_shape(layer, layer.kernel_view->whole, layer.filters_per_group(),
                         layer.in_channels);
  }
  if (layer.kind == LayerKind::conv_transpose) {
    return filters_shape(layer, layer.kernel_size, layer.filters_per_group(), layer.in_channels);
  }
  if (layer.kind == LayerKind::conv) {
    return filters_shape(layer, layer.kernel_size, layer.channels_per_group(), layer.filters);
  }
  // Depthwise kernels, of separable layers too.
  if (layer.kernel_layout == KernelLayout::filters_first) {
    return filters_shape(layer, layer.kernel_size, 1, layer.in_channels * layer.depth_multiplier);
  }
  return filters_shape(layer, layer.kernel_size, layer.in_channels, layer.depth_multiplier);
}

/// PReLU's slopes: one per channel, the same along the spatial axes.
Shape alpha_shape(const LayerSpec& layer) {
  Shape shape(static_cast<std::size_t>(layer.rank), 1);
  shape.insert(layer.output_form.layout == Layout::channels_last ? shape.end() : shape.begin(),
               layer.filters);
  return shape;
}

}  // namespace

std::string_view keras_name(VariableRole role, const LayerSpec& layer) {
  switch (role) {
    case VariableRole::kernel:
      return layer.kind == LayerKind::separable_conv ? "depthwise_kernel" : "kernel";
    case VariableRole::pointwise_kernel:
      return "pointwise_kernel";
    case VariableRole::bias:
      return "bias";
    case VariableRole::alpha:
      return "alpha";
    case VariableRole::gamma:
      return "gamma";
    case VariableRole::beta:
      return "beta";
    case VariableRole::mean:
      return "moving_mean";
    case VariableRole::variance:
      return "moving_variance";
  }
  return {};
}

std::vector<LayerVariable> variables_of(const LayerSpec& layer) {
  std::vector<LayerVariable> variables;
  const auto add = [&](VariableRole role, Shape shape, const LiteralRef& literal) {
    variables.push_back({role, -1, layer.name, std::move(shape), literal});
  };
  // A phase that no tap reaches still belongs to a layer with a kernel.
  if (layer.has_kernel() || layer.kernel_view) {
    add(VariableRole::kernel, kernel_shape(layer), layer.kernel);
  }
  if (layer.kind == LayerKind::separable_conv) {
    add(VariableRole::pointwise_kernel,
        filters_shape(layer, Size{}, layer.in_channels * layer.depth_multiplier, layer.filters),
        layer.pointwise_kernel);
  }
  const bool is_filter = layer.kind != LayerKind::elementwise;
  if (is_filter && layer.use_bias) add(VariableRole::bias, {layer.filters}, layer.bias);
  for (std::size_t i = 0; i < layer.post_ops.size(); ++i) {
    const PostOp& op = layer.post_ops[i];
    const auto add_own = [&](VariableRole role, Shape shape, const LiteralRef& literal) {
      variables.push_back({role, static_cast<int>(i), op.name.empty() ? layer.name : op.name,
                           std::move(shape), literal});
    };
    if (op.kind == PostOpKind::prelu) add_own(VariableRole::alpha, alpha_shape(layer), op.alpha);
    if (op.kind != PostOpKind::batch_normalization) continue;
    if (op.scales) add_own(VariableRole::gamma, {layer.filters}, op.gamma);
    if (op.centers) add_own(VariableRole::beta, {layer.filters}, op.beta);
    add_own(VariableRole::mean, {layer.filters}, op.mean);
    add_own(VariableRole::variance, {layer.filters}, op.variance);
  }
  return variables;
}

}  // namespace convc
