// The one file that maps names of dimensions to Halide's order. Halide counts dimensions from the
// innermost; our shapes are written outermost first. May touch Halide; holds no schedule.
#pragma once

#include <Halide.h>

#include <vector>

#include "generators/kernels/kernel.h"

namespace convc {

/// Variables of an image [batch, row, column, channel], in Halide's order.
struct ImageVars {
  Halide::Var channel{"channel"}, column{"column"}, row{"row"}, batch{"batch"};
};

/// Fixes extents and strides, which makes every size in the generated code a constant.
template <typename BufferLike>
void set_shape(BufferLike& buffer, const std::vector<ArgumentDim>& dims) {
  int index = 0;
  for (const ArgumentDim& dim : dims) {
    buffer.dim(index).set_bounds(0, dim.extent).set_stride(dim.stride);
    ++index;
  }
}

}  // namespace convc
