// Equality of specs: what they compute and are called, not where they are written.
#include <algorithm>
#include <bit>
#include <cstdint>
#include <tuple>

#include "dsl/module.h"

namespace convc {
namespace {

bool same_literal(const LiteralRef& a, const LiteralRef& b) {
  return a == b || (a && b && *a == *b);
}

}  // namespace

bool operator==(const Literal& a, const Literal& b) {
  return a.shape == b.shape &&
         std::equal(a.values.begin(), a.values.end(), b.values.begin(), b.values.end(),
                    [](float x, float y) {
                      return std::bit_cast<std::uint32_t>(x) == std::bit_cast<std::uint32_t>(y);
                    });
}

bool operator==(const LayerSpec& a, const LayerSpec& b) {
  const auto plain = [](const LayerSpec& l) {
    return std::tie(l.kind, l.name, l.dtype, l.batch, l.in, l.in_channels, l.filters, l.kernel_size,
                    l.strides, l.dilation_rate, l.padding_mode, l.padding, l.groups, l.out,
                    l.activation, l.use_bias);
  };
  return plain(a) == plain(b) && same_literal(a.kernel, b.kernel) && same_literal(a.bias, b.bias);
}

bool operator==(const Graph& a, const Graph& b) {
  return a.name == b.name && a.is_sequential == b.is_sequential && a.batch_given == b.batch_given &&
         a.tensors == b.tensors && a.nodes == b.nodes && a.inputs == b.inputs &&
         a.outputs == b.outputs;
}

}  // namespace convc
