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

/// A row and plane that exist: of others nothing counts.
struct Row {
  Expr index, plane, exists;
};
Row row_at(const ImagePoint& at, const SpatialAxes& axes) {
  const Expr row = at.row - axes.row.before, plane = at.plane - axes.plane.before;
  if (!axes.plane.bordered) return {nearest(row, axes.row), plane, is_inside(row, axes.row)};
  return {nearest(row, axes.row), nearest(plane, axes.plane),
          is_inside(row, axes.row) && is_inside(plane, axes.plane)};
}

/// Bounds inference takes the word for it that no column outside is read.
Expr element_of(const Func& image, const ImagePoint& at, const Row& row, const Expr& column,
                const SpatialAxis& columns) {
  const ImagePoint source = {
      at.channel, Halide::unsafe_promise_clamped(column, 0, columns.in_extent - 1),
      row.index,  row.plane,
      at.batch,   at.group};
  return image(source.coordinates());
}

/// Halide splits the loops over rows and planes, so that the interior does not pay for the border.
Expr where_row_exists(const Row& row, const Expr& element, const Expr& outside) {
  return Halide::select(row.exists, Halide::likely(element), outside);
}

Func rows_with_masks(const Func& image, const SpatialAxes& axes, const Border& border) {
  const ImageVars v;
  const Row row = row_at(point_of(v), axes);
  const Expr column = v.column - axes.column.before, outside = fill_of(border);
  const Expr exists = is_inside(column, axes.column);
  const Expr element = element_of(image, point_of(v), row, column, axes.column);
  Func padded("padded");
  padded(pure_vars(v)) =
      where_row_exists(row, Halide::select(exists, masked(exists, element), outside), outside);
  return padded;
}

}  // namespace

Func planar_rows(const Func& image, const SpatialAxes& axes, Border border, bool dense_columns) {
  border.always = true;
  const bool masks = fills_border(border.mode) && border.reads_input && dense_columns &&
                     !fits_one_vector(axes.column);
  return masks ? rows_with_masks(image, axes, border) : padded_input(image, axes, border);
}

Expr element_in_place(const Func& image, const SpatialAxes& axes, const Border& border,
                      const ImagePoint& at, const Expr& end) {
  const Row row = row_at(at, axes);
  const Expr column = at.column - axes.column.before, outside = fill_of(border);
  const Expr element = element_of(image, at, row, column, axes.column);
  const PlaneElement place = {column, axes.column.in_extent, row.index, axes.row.in_extent,
                              end - axes.column.before};
  return where_row_exists(row, strided(element, place, outside), outside);
}

}  // namespace convc
