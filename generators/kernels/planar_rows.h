// The padded rows of an image whose columns are neighbours in memory, as kernels copy them: whole
// vectors, also beside the border. Maths only; where it is computed is up to the kernel.
#pragma once

#include <Halide.h>

#include "generators/kernels/coordinates.h"
#include "generators/kernels/padded_input.h"

namespace convc {

/// padded(channel, column, row, plane, batch, group). What a vector of columns asks for outside the
/// image is not read. The border is there along all axes but planes, whether or not the layer has
/// padding. `dense_columns`: columns lie one element apart.
Halide::Func planar_rows(const Halide::Func& image, const SpatialAxes& axes, Border border,
                         bool dense_columns);

/// One element of them, for taps that read the image in place, in a loop over vectors of columns
/// that is unrolled: `strided`. The border is zeros or a constant, columns lie one element apart.
/// Lanes of columns from `end` on count for nothing.
Halide::Expr element_in_place(const Halide::Func& image, const SpatialAxes& axes,
                              const Border& border, const ImagePoint& at, const Halide::Expr& end);

}  // namespace convc
