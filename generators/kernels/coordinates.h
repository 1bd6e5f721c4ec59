// Coordinates of images and filters as Halide expressions, in the order of dims.h, and the layer
// along one spatial axis. Holds no schedule.
#pragma once

#include <Halide.h>

#include <vector>

#include "generators/kernels/dims.h"

namespace convc {

/// Variables of an image.
struct ImageVars {
  Halide::Var channel{"channel"}, column{"column"}, row{"row"}, plane{"plane"}, batch{"batch"},
      group{"group"};
};

/// One element of an image.
struct ImagePoint {
  Halide::Expr channel, column, row, plane, batch, group;

  /// In Halide's order, to call a Func or buffer with.
  [[nodiscard]] std::vector<Halide::Expr> coordinates() const {
    return {channel, column, row, plane, batch, group};
  }
};

/// The element at the variables, of channel `channel`.
inline ImagePoint point_of(const ImageVars& v, const Halide::Expr& channel) {
  return {channel, v.column, v.row, v.plane, v.batch, v.group};
}
inline ImagePoint point_of(const ImageVars& v) {
  return point_of(v, v.channel);
}

/// The variables in Halide's order, `channel` in the place of the channel.
inline std::vector<Halide::Var> pure_vars(const ImageVars& v, const Halide::Var& channel) {
  return {channel, v.column, v.row, v.plane, v.batch, v.group};
}
inline std::vector<Halide::Var> pure_vars(const ImageVars& v) {
  return pure_vars(v, v.channel);
}

/// One element of packed filters.
struct FilterPoint {
  Halide::Expr filter, channel, column, row, plane, block, panel, group;

  [[nodiscard]] std::vector<Halide::Expr> coordinates() const {
    return {filter, channel, column, row, plane, block, panel, group};
  }
};

/// The layer along one spatial axis. Of an axis whose size is known only at run time, the numbers
/// are those of a representative size, and the expressions those to compute with.
struct SpatialAxis {
  int kernel_size = 1, stride = 1, dilation = 1;
  int pad_before = 0, pad_after = 0;
  int in = 1, out = 1;
  bool open = false;
  bool bordered = false;  ///< something may have to be put around the input
  Halide::Expr in_extent = 1, out_extent = 1;
  Halide::Expr before = 0;  ///< padding before the first element; negative: cropped

  /// Input elements that the taps of one output element span.
  [[nodiscard]] int span() const { return (kernel_size - 1) * dilation + 1; }
};
inline SpatialAxis without_window(SpatialAxis axis) {
  axis.kernel_size = axis.stride = axis.dilation = 1;
  return axis;
}
inline SpatialAxis without_border(SpatialAxis axis) {
  axis.bordered = false;
  return axis;
}

/// The padded coordinate that tap `tap` of output coordinate `coordinate` reads.
inline Halide::Expr step(const Halide::Expr& coordinate, const SpatialAxis& axis,
                         const Halide::Expr& tap) {
  return coordinate * axis.stride + tap * axis.dilation;
}

/// Leaves out the `taps` for which padded coordinate `x` is not of the image. What is left is where
/// Halide sees it, too, so that no padding is copied.
inline Halide::Expr of_image(const Halide::Expr& x, const SpatialAxis& axis, Halide::RDom& taps) {
  const Halide::Expr first = axis.before, last = axis.before + axis.in_extent - 1;
  taps.where(x >= first && x <= last);
  return Halide::clamp(x, first, last);
}

}  // namespace convc
