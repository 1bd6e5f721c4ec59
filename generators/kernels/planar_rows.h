// The padded rows of an image whose columns are neighbours in memory, as kernels copy them: whole
// vectors, also beside the border. Maths and the schedule of its own loops; where it is computed is
// up to the kernel.
#pragma once

#include <Halide.h>

#include <vector>

#include "generators/kernels/coordinates.h"
#include "generators/kernels/padded_input.h"

namespace convc {

class PlanarRows {
 public:
  PlanarRows() = default;
  /// `whole_rows`: whoever computes this needs all columns of a row. The border is there along all
  /// axes but planes, whether or not the layer has padding.
  PlanarRows(const Halide::Func& image, const SpatialAxes& axes, Border border, bool whole_rows,
             int lanes);

  /// padded(channel, column, row, plane, batch, group).
  [[nodiscard]] const Halide::Func& func() const { return padded_; }
  /// Column after column, in vectors.
  void vectorize();

 private:
  /// Columns of the image that go on top of a filled row; `lanes` divides their number.
  struct RowCopy {
    Halide::RDom columns;
    int lanes = 1;
  };
  void copy_columns(const Halide::Func& image, const SpatialAxes& axes, float border,
                    const Halide::RDom& columns);

  Halide::Func padded_{"padded"};
  std::vector<RowCopy> copied_;
  int lanes_ = 1;
};

}  // namespace convc
