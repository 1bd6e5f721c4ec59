// Sizes of outputs, as resolve_convolution.cpp and resolve_transpose.cpp have them.
#include "dsl/resize.h"

#include "dsl/axes.h"
#include "dsl/resolve.h"

namespace convc {

LayerSpec resized(LayerSpec layer, std::int64_t batch, const Size& in) {
  layer.batch = batch;
  layer.in = in;
  layer.open = {};
  const bool lower = layer.padding_rule == PaddingRule::same_lower;
  for (const Axis axis : kAxes) {
    const std::int64_t kernel = at(layer.kernel_size, axis), stride = at(layer.strides, axis);
    const std::int64_t dilation = at(layer.dilation_rate, axis), size = at(in, axis);
    const std::int64_t reach = (kernel - 1) * dilation + 1;
    if (layer.kind == LayerKind::conv_transpose) {  // its padding is the same for every size
      at(layer.out, axis) = (size - 1) * stride + reach - before(layer.padding, axis) -
                            after(layer.padding, axis) + at(layer.output_padding, axis);
      continue;
    }
    if (lower || layer.padding_rule == PaddingRule::same) {
      const AxisPadding same = same_padding(size, kernel, stride, dilation, lower);
      before(layer.padding, axis) = same.before;
      after(layer.padding, axis) = same.after;
    }
    const std::int64_t padded = size + before(layer.padding, axis) + after(layer.padding, axis);
    at(layer.out, axis) = padded < reach ? 0 : (padded - reach) / stride + 1;
  }
  return layer;
}

}  // namespace convc
