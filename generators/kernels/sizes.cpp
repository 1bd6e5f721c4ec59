// Sizes that are known only when a kernel runs: those of the input that are open, and what derives
// from them. No Halide.
#include "generators/kernels/image_views.h"

namespace convc {
namespace {

/// A spatial axis of a layer, as far as its sizes are concerned.
struct OpenAxis {
  std::int64_t in = 1, kernel_size = 1, stride = 1, dilation = 1, padding = 0;
  PaddingRule rule = PaddingRule::valid;
};

KernelSize affine(int source, std::int64_t multiplier, std::int64_t addend) {
  KernelSize size;
  size.source = source;
  size.multiplier = multiplier;
  size.addend = addend;
  size.divisor = 1;
  return size;
}

KernelSize output_size(int source, const OpenAxis& axis) {
  KernelSize size = affine(source, 1, 0);
  size.divisor = axis.stride;
  if (axis.rule == PaddingRule::same || axis.rule == PaddingRule::same_lower) {
    size.addend = axis.stride - 1;
  } else {
    size.addend = axis.padding - ((axis.kernel_size - 1) * axis.dilation + 1);
    size.offset = 1;
  }
  return size;
}

/// Collects sizes and numbers them.
class Sizes {
 public:
  explicit Sizes(const LayerSpec& layer) {
    if (layer.open.batch) indices.batch = open('n');
    if (layer.open.height) indices.in_height = open('h');
    if (layer.open.width) indices.in_width = open('w');
    const OpenAxis height = {layer.in.height,
                             layer.kernel_size.height,
                             layer.strides.height,
                             layer.dilation_rate.height,
                             layer.padding.top + layer.padding.bottom,
                             layer.padding_rule};
    const OpenAxis width = {layer.in.width,
                            layer.kernel_size.width,
                            layer.strides.width,
                            layer.dilation_rate.width,
                            layer.padding.left + layer.padding.right,
                            layer.padding_rule};
    if (layer.open.height) indices.out_height = add(output_size(indices.in_height, height));
    if (layer.open.width) indices.out_width = add(output_size(indices.in_width, width));
    if (layer.output_view) add_view(layer, *layer.output_view);
  }

  std::vector<KernelSize> list;
  SizeIndices indices;

 private:
  int add(const KernelSize& size) {
    list.push_back(size);
    return static_cast<int>(list.size()) - 1;
  }
  int open(char axis) {
    KernelSize size;
    size.open_axis = axis;
    return add(size);
  }

  /// The whole tensor grows by a view's step with every element of the input.
  void add_view(const LayerSpec& layer, const OutputView& view) {
    if (layer.open.height) {
      indices.whole_height = add(affine(indices.in_height, view.step.height,
                                        view.whole.height - layer.in.height * view.step.height));
    }
    if (layer.open.width) {
      indices.whole_width = add(affine(indices.in_width, view.step.width,
                                       view.whole.width - layer.in.width * view.step.width));
    }
  }
};

}  // namespace

SizeIndices size_indices(const LayerSpec& layer) {
  return Sizes(layer).indices;
}

std::vector<KernelSize> kernel_sizes(const LayerSpec& layer) {
  return Sizes(layer).list;
}

}  // namespace convc
