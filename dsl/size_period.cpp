// Sizes of outputs are floor((size + a) / stride) + b, of transposed convolutions size * stride +
// b.
#include "dsl/size_period.h"

#include <algorithm>
#include <numeric>

#include "dsl/draft.h"

namespace convc {

std::int64_t common_period(std::int64_t a, std::int64_t b) {
  const std::int64_t factor = b / std::gcd(a, b);
  return a > kMaxElements / factor ? kMaxElements : a * factor;
}

SizeGrowth growth_through(const LayerSpec& layer, Axis axis,
                          const std::vector<SizeGrowth>& inputs) {
  const auto open = std::find_if(inputs.begin(), inputs.end(),
                                 [](const SizeGrowth& input) { return input.growth != 0; });
  if (open == inputs.end()) return {};
  const std::int64_t stride = at(layer.strides, axis);
  if (layer.kind == LayerKind::conv_transpose) {
    // Whatever grows so much has one size below 2^31 at most.
    if (open->growth > kMaxElements / stride) return {kMaxElements, 1};
    return {open->period, open->growth * stride};
  }
  const std::int64_t shared = std::gcd(open->growth, stride);
  return {common_period(open->period, open->period * (stride / shared)), open->growth / shared};
}

}  // namespace convc
