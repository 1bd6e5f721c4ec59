// Vectors that are stored across the memory they lie in: of filters or channels, where columns are
// neighbours, or the other way round. One by one, their elements are a store each.
#pragma once

#include <Halide.h>

#include "generators/kernels/coordinates.h"

namespace convc {

/// So many stores of strided vectors that are neighbours in memory are transposed together:
/// kernels unroll by it what is dense there.
constexpr int kTransposedVectors = 4;

/// The schedule of a copy of columns, neighbours in memory, to channels that are: whole vectors of
/// columns, also at the ends of rows.
void copy_transposed(Halide::Func& copy, const ImageVars& v, int lanes);

/// Stores of strided vectors, unrolled side by side over neighbours in memory, become stores of
/// these neighbours, transposed in registers.
void lower_transposed_stores(Halide::Pipeline& pipeline);

}  // namespace convc
