// How far the results of a kernel may be from exact arithmetic: the bound that the header and the
// manifest state.
#pragma once

#include <cstdint>

#include "dsl/layer_spec.h"
#include "generators/plan/plan.h"

namespace convc {

/// n of the bound gamma_n: the roundings that one term of an output element can go through. The sum
/// has kernel_height * kernel_width * channels_per_group products and the bias, each added with one
/// rounding (a fused multiply-add rounds once). Two passes of a separable filter round their
/// intermediate result, too.
std::int64_t rounding_steps(const LayerSpec& layer, const Plan& plan);

/// gamma_n = n*u / (1 - n*u), u = 2^-24: every output differs from its exact value by at most
/// gamma_n * (|bias| + sum |input * kernel|). Infinite when n*u >= 1.
double gamma_bound(std::int64_t steps);

}  // namespace convc
