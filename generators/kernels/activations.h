// The activation functions in f32, as expressions that vectorize: no calls, no tables.
// Maths only; holds no schedule.
#pragma once

#include <Halide.h>

#include "dsl/post_op.h"

namespace convc {

/// The function of x. Within 4 ulp of the exact value for those that need e^x, within 1 ulp for the
/// piecewise-linear ones, over the whole f32 range; NaN gives NaN, and infinities and signed zeros
/// give what Keras 3 gives. Precondition: the function does not read all channels.
Halide::Expr activate(const Activation& activation, const Halide::Expr& x);

}  // namespace convc
