// Padded rows in vectors. A vector that is part image, part border would be gathered element by
// element; so a row is filled with the padding first, and then gets the row of the image.
#include "generators/kernels/planar_rows.h"

#include <algorithm>

namespace convc {

using Halide::Expr;

PlanarRows::PlanarRows(const Halide::Func& image, const SpatialAxes& axes, Border border,
                       bool whole_rows, int lanes)
    : lanes_(lanes) {
  border.always = true;
  const bool fills = border.mode == PaddingMode::zeros || border.mode == PaddingMode::constant;
  const SpatialAxis& columns = axes.column;
  const bool crops = columns.pad_before < 0 || columns.pad_after < 0;
  if (!fills || !whole_rows || !border.reads_input || columns.open || crops) {
    padded_ = padded_input(image, axes, border);
    return;
  }
  const float value = border.mode == PaddingMode::constant ? border.value : 0.0F;
  padded_(pure_vars(ImageVars{})) = value;
  // The last vector overlaps the one before: what is written with a mask is slow to read back.
  const int in_vectors = columns.in / lanes * lanes;
  if (in_vectors > 0) copied_.push_back({Halide::RDom(0, in_vectors, "columns"), lanes});
  if (in_vectors < columns.in) {
    const int rest = std::min(lanes, columns.in);
    copied_.push_back({Halide::RDom(columns.in - rest, rest, "last_columns"), rest});
  }
  for (const RowCopy& copy : copied_) copy_columns(image, axes, value, copy.columns);
}

void PlanarRows::copy_columns(const Halide::Func& image, const SpatialAxes& axes, float border,
                              const Halide::RDom& columns) {
  const ImageVars v;
  const auto inside = [](const Expr& x, const SpatialAxis& axis) {
    return Halide::likely(x >= 0) && Halide::likely(x < axis.in_extent);
  };
  const auto nearest = [](const Expr& x, const SpatialAxis& axis) {
    return Halide::clamp(x, 0, axis.in_extent - 1);
  };
  const Expr row = v.row - axes.row.before;
  const Expr plane = v.plane - axes.plane.before;
  const ImagePoint target = {v.channel, columns + axes.column.pad_before, v.row, v.plane, v.batch,
                             v.group};
  const ImagePoint source = {v.channel, columns, nearest(row, axes.row), nearest(plane, axes.plane),
                             v.batch,   v.group};
  padded_(target.coordinates()) = Halide::select(inside(row, axes.row) && inside(plane, axes.plane),
                                                 image(source.coordinates()), border);
}

void PlanarRows::vectorize() {
  const ImageVars v;
  padded_.vectorize(v.column, lanes_, Halide::TailStrategy::RoundUp);
  for (std::size_t i = 0; i < copied_.size(); ++i) {
    const RowCopy& copy = copied_[i];
    Halide::RVar vector("vector"), lane("lane");
    padded_.update(static_cast<int>(i))
        .split(copy.columns, vector, lane, copy.lanes)
        .reorder(lane, vector, v.row, v.plane)
        .vectorize(lane);
  }
}

}  // namespace convc
