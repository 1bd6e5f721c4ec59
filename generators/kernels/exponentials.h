// The functions made of e^x in f32, at most 4 ulp from the exact value over the whole range, for
// kernels' epilogues. Maths only; holds no schedule.
#pragma once

#include <Halide.h>

#include "generators/kernels/float_ops.h"

namespace convc {

// Each gives the function of x, an f32 value that is cheap to repeat (a name). Denormal results are
// right; NaN gives NaN; infinities give what Keras' own formula gives for them.

Halide::Expr exponential(Bindings& let, const Halide::Expr& x);
/// e^(x / scale) - 1 for x / scale <= 0, or for any when `scale` is negative.
Halide::Expr exponential_minus_1(Bindings& let, const Halide::Expr& x, float scale);
/// e^(x - most) for x <= most, as if the difference were not rounded.
Halide::Expr exponential_of_difference(Bindings& let, const Halide::Expr& x,
                                       const Halide::Expr& most);
/// log(1 + u) for u >= 0.
Halide::Expr logarithm_of_1_plus(Bindings& let, const Halide::Expr& u);
Halide::Expr sigmoid(Bindings& let, const Halide::Expr& x);
/// a * sigmoid(b).
Halide::Expr gated(Bindings& let, const Halide::Expr& a, const Halide::Expr& b);
Halide::Expr silu(Bindings& let, const Halide::Expr& x);
Halide::Expr softplus(Bindings& let, const Halide::Expr& x);
Halide::Expr log_sigmoid(Bindings& let, const Halide::Expr& x);
Halide::Expr mish(Bindings& let, const Halide::Expr& x);
Halide::Expr tanh(Bindings& let, const Halide::Expr& x);
Halide::Expr tanh_shrink(Bindings& let, const Halide::Expr& x);
Halide::Expr gelu(Bindings& let, const Halide::Expr& x);
Halide::Expr gelu_tanh(Bindings& let, const Halide::Expr& x);

}  // namespace convc
