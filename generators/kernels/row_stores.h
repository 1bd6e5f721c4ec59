// Stores of rows that are narrower than a vector. Of those side by side in memory, all but the last
// are whole vectors: the next row overwrites what is too much.
#pragma once

#include <Halide.h>

namespace convc {

/// Vectors of which the first lanes are stored (TailStrategy::PredicateStores): whole where the
/// next statement stores as many after them, else in pieces. AVX's stores with masks are slow.
void lower_row_stores(Halide::Pipeline& pipeline);

}  // namespace convc
