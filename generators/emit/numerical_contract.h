// How far the results of a kernel may be from exact arithmetic: the bound that the header and the
// manifest state.
#pragma once

#include <cstdint>

#include "dsl/layer_spec.h"
#include "generators/plan/plan.h"

namespace convc {

/// n of the bound gamma_n of a layer's sum (before its post_ops, but for a normalization that
/// packing folds): the roundings that one term can go through. Each product and the bias is added
/// with one (a fused multiply-add rounds once). A separable_conv has those of both its sums; two
/// passes of a separable filter round their intermediate result, too, and a folded normalization
/// each weight. Winograd's transforms round, too. 0 for layers without a kernel.
std::int64_t rounding_steps(const LayerSpec& layer, const Plan& plan);

/// What the magnitudes of a sum's terms may come to, relative to those of the plain sum of the
/// largest inputs and weights: 1, or winograd_amplification (generators/plan/winograd.h).
double term_amplification(const LayerSpec& layer, const Plan& plan);

/// gamma_n = n*u / (1 - n*u), u = 2^-24: every sum differs from its exact value by at most
/// gamma_n * (|bias| + sum |input * kernel|), winograd's by at most gamma_n * (|bias| +
/// term_amplification * products * max |input| * max |kernel|), over the inputs of its tile and the
/// weights of its filter. Infinite when n*u >= 1.
double gamma_bound(std::int64_t steps);

}  // namespace convc
