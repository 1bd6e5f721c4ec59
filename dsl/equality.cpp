// Equality of specs: what they compute and are called, not where they are written.
#include <tuple>

#include "dsl/module.h"

namespace convc {
namespace {

auto plain_fields(const LayerSpec& l) {
  return std::tie(l.kind, l.rank, l.name, l.dtype, l.batch, l.in, l.in_channels, l.filters,
                  l.kernel_size, l.strides, l.dilation_rate, l.padding_rule, l.padding,
                  l.padding_mode, l.padding_value, l.groups, l.depth_multiplier, l.output_padding,
                  l.output_padding_given, l.out, l.open, l.input_form, l.output_form,
                  l.kernel_layout, l.use_bias, l.post_ops, l.kernel_view, l.output_view);
}

}  // namespace

bool operator==(const LayerSpec& a, const LayerSpec& b) {
  return plain_fields(a) == plain_fields(b) && same_literal(a.kernel, b.kernel) &&
         same_literal(a.pointwise_kernel, b.pointwise_kernel) && same_literal(a.bias, b.bias);
}

bool operator==(const Graph& a, const Graph& b) {
  return a.name == b.name && a.form == b.form && a.batch_given == b.batch_given &&
         a.tensors == b.tensors && a.nodes == b.nodes && a.inputs == b.inputs &&
         a.outputs == b.outputs;
}

}  // namespace convc
