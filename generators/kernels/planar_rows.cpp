// Padded rows in vectors. A vector that is part image, part border is a load with a mask: with
// clamped coordinates it would be gathered element by element.
#include "generators/kernels/planar_rows.h"

#include <algorithm>

#include "generators/kernels/strided_vectors.h"

namespace convc {
namespace {

using Halide::Expr;
using Halide::Func;
namespace ir = Halide::Internal;

Expr is_inside(const Expr& index, const SpatialAxis& axis) {
  return index >= 0 && index < axis.in_extent;
}
Expr nearest(const Expr& index, const SpatialAxis& axis) {
  return Halide::clamp(Halide::likely(index), 0, axis.in_extent - 1);
}

/// `value`, an element of an image, is read only where `condition` holds: of a vector, the lanes
/// for which it does.
Expr masked(const Expr& condition, const Expr& value) {
  return ir::Call::make(value.type(), ir::Call::if_then_else, {condition, value},
                        ir::Call::PureIntrinsic);
}

/// Of a row that fits one vector, read or computed, masked lanes can have constant negative
/// indices, which Halide 21 asserts not to meet.
bool fits_one_vector(const SpatialAxis& axis) {
  constexpr int kMostLanes = 16;
  const int read = axis.pad_before + axis.in + axis.pad_after;
  return !axis.open && std::min(read, axis.out * axis.stride) <= kMostLanes;
}

}  // namespace

Func planar_rows(const Func& image, const SpatialAxes& axes, Border border, bool dense_columns) {
  border.always = true;
  const bool masks = fills_border(border.mode) && border.reads_input && dense_columns &&
                     !fits_one_vector(axes.column);
  return masks ? rows_in_place(image, axes, border, false) : padded_input(image, axes, border);
}

Func rows_in_place(const Func& image, const SpatialAxes& axes, const Border& border,
                   bool unrolled) {
  const ImageVars v;
  const Expr column = v.column - axes.column.before;
  const Expr row = v.row - axes.row.before;
  const Expr plane = v.plane - axes.plane.before;
  Expr has_row = is_inside(row, axes.row);
  if (axes.plane.bordered) has_row = has_row && is_inside(plane, axes.plane);
  const Expr has_column = is_inside(column, axes.column);
  // Bounds inference takes the word for it that no other column is read.
  const ImagePoint source = {v.channel,
                             Halide::unsafe_promise_clamped(column, 0, axes.column.in_extent - 1),
                             nearest(row, axes.row),
                             axes.plane.bordered ? nearest(plane, axes.plane) : plane,
                             v.batch,
                             v.group};
  const Expr outside = fill_of(border);
  Func padded("padded");
  const Expr element = image(source.coordinates());
  const Expr part_of_row = unrolled
                               ? strided(element, column, axes.column.in_extent, outside)
                               : Halide::select(has_column, masked(has_column, element), outside);
  // Halide splits the loops over rows and planes, so that the interior does not pay for the border.
  padded(pure_vars(v)) = Halide::select(has_row, Halide::likely(part_of_row), outside);
  return padded;
}

}  // namespace convc
