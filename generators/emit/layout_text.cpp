// See layout_text.h.
#include "generators/emit/layout_text.h"

#include <vector>

#include "generators/emit/tensor_shape.h"

namespace convc {
namespace {

using Words = std::vector<std::string>;

std::string joined(const Words& words, const char* separator) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : separator) + word;
  return text;
}

Words spatial(int rank) {
  if (rank == 1) return {"width"};
  if (rank == 2) return {"height", "width"};
  return {"depth", "height", "width"};
}

/// (kernel.., inner, outer) or (outer, inner, kernel..).
Words filter_axes(const LayerSpec& layer, const std::string& inner, const std::string& outer) {
  Words axes = spatial(layer.rank);
  if (layer.kernel_layout == KernelLayout::filters_last) {
    axes.insert(axes.end(), {inner, outer});
  } else {
    axes.insert(axes.begin(), {outer, inner});
  }
  return axes;
}

Words kernel_axes(const LayerSpec& layer) {
  const std::string of_group = layer.groups > 1 ? " / groups" : "";
  switch (layer.kind) {
    case LayerKind::conv_transpose:
      return filter_axes(layer, "filters" + of_group, "input channels");
    case LayerKind::depthwise_conv:
    case LayerKind::separable_conv:
      return layer.kernel_layout == KernelLayout::filters_last
                 ? filter_axes(layer, "input channels", "depth multiplier")
                 : filter_axes(layer, "1", "input channels * depth multiplier");
    default:
      return filter_axes(layer, "input channels" + of_group, "filters");
  }
}

/// A derived size in terms of the open one it comes from.
std::string size_text(const RunTimeSizes& sizes, std::uint32_t index) {
  const RunTimeSize& size = sizes.sizes.at(index);
  if (size.numbers.kind == CONVC_SIZE_OPEN) return size.member;
  std::string text = size_text(sizes, size.numbers.source);
  if (sizes.sizes.at(size.numbers.source).numbers.kind != CONVC_SIZE_OPEN) text = "(" + text + ")";
  if (size.numbers.multiplier != 1) text = std::to_string(size.numbers.multiplier) + " * " + text;
  if (size.numbers.addend > 0) text += " + " + std::to_string(size.numbers.addend);
  if (size.numbers.addend < 0) text += " - " + std::to_string(-size.numbers.addend);
  if (size.numbers.divisor == 1) return text;
  return (size.numbers.addend == 0 ? text : "(" + text + ")") + " / " +
         std::to_string(size.numbers.divisor);
}

std::string kind_text(const LayerSpec& layer) {
  switch (layer.kind) {
    case LayerKind::conv:
      return "conv";
    case LayerKind::depthwise_conv:
      return "depthwise conv";
    case LayerKind::separable_conv:
      return "separable conv";
    case LayerKind::conv_transpose:
      return "transposed conv";
    case LayerKind::elementwise:
      return layer.padding == Padding{} ? "elementwise" : "padding";
    case LayerKind::constant:
      return "constant";
  }
  return "?";
}

}  // namespace

std::string axes_text(const Tensor& tensor) {
  Words axes = spatial(static_cast<int>(tensor.shape.size()) - 2);
  const bool last = tensor.form.layout == Layout::channels_last;
  axes.insert(last ? axes.end() : axes.begin(), "channels");
  axes.insert(axes.begin(), "batch");
  return joined(axes, ", ");
}

std::string axes_text(const Variable& variable, const LayerSpec& layer) {
  switch (variable.role) {
    case VariableRole::kernel:
      return joined(kernel_axes(layer), ", ");
    case VariableRole::pointwise_kernel:
      return joined(filter_axes(layer, "input channels * depth multiplier", "filters"), ", ");
    case VariableRole::bias:
      return "filters";
    case VariableRole::alpha: {
      Words axes(static_cast<std::size_t>(layer.rank), "1");
      const bool last = layer.output_form.layout == Layout::channels_last;
      axes.insert(last ? axes.end() : axes.begin(), "channels");
      return joined(axes, ", ");
    }
    default:
      return "channels";
  }
}

std::string shape_text(const Graph& graph, TensorId tensor, const RunTimeSizes& sizes) {
  const auto open = sizes.shapes.find(tensor);
  Words extents;
  for (std::size_t i = 0; i < graph.tensors.at(static_cast<std::size_t>(tensor)).shape.size();
       ++i) {
    const Dim& dim = graph.tensors[static_cast<std::size_t>(tensor)].shape[i];
    const bool is_open = open != sizes.shapes.end() && open->second[i].count != 0;
    extents.push_back(is_open ? size_text(sizes, open->second[i].sizes[0])
                              : std::to_string(dim.max));
  }
  return "[" + joined(extents, ", ") + "]";
}

std::string step_text(const LayerSpec& layer) {
  std::string text = kind_text(layer);
  if (layer.has_kernel()) {
    Words sizes = {std::to_string(layer.kernel_size.width)};
    if (layer.rank > 1) sizes.insert(sizes.begin(), std::to_string(layer.kernel_size.height));
    if (layer.rank > 2) sizes.insert(sizes.begin(), std::to_string(layer.kernel_size.depth));
    text += " " + joined(sizes, "x");
  }
  if (!layer.post_ops.empty()) text += ", " + to_text(layer.post_ops);
  return text;
}

}  // namespace convc
