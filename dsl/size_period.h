// How often sizes must be tried: along a graph with strides, whether the operands of a sum agree
// depends on the size of the input modulo a period. Plain dsl.
#pragma once

#include <cstdint>
#include <vector>

#include "dsl/axes.h"
#include "dsl/layer_spec.h"

namespace convc {

/// A tensor's size along an axis, as a function of the open size it comes from: whenever that grows
/// by `period`, this grows by `growth`. A fixed size has growth 0.
struct SizeGrowth {
  std::int64_t period = 1, growth = 0;
};

/// Of what an input of a graph has.
constexpr SizeGrowth growth_of_input(bool open) {
  return {1, open ? 1 : 0};
}

/// Of what `layer` makes of tensors that grow as `inputs` do. Operands that are repeated are fixed;
/// the others grow alike, or the layer is not sound.
SizeGrowth growth_through(const LayerSpec& layer, Axis axis, const std::vector<SizeGrowth>& inputs);

/// The least common multiple, kMaxElements where it is that or more.
std::int64_t common_period(std::int64_t a, std::int64_t b);

/// Of longer periods, what lies between is not tried but refused.
inline constexpr std::int64_t kMostSizesTried = 1024;

}  // namespace convc
