// Winograd's transforms of one axis of a tile, as expressions that share what the points p and -p
// have in common. Maths only; holds no schedule.
#pragma once

#include <Halide.h>

#include <vector>

#include "generators/plan/winograd.h"

namespace convc {

/// B^T d: `inputs` values of `inputs` neighbours.
std::vector<Halide::Expr> transformed_input(const WinogradTransform& transform,
                                            const std::vector<Halide::Expr>& d);

/// A^T m: `outputs` values of `inputs` products.
std::vector<Halide::Expr> transformed_output(const WinogradTransform& transform,
                                             const std::vector<Halide::Expr>& m);

}  // namespace convc
