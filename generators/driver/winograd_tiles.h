// What checkers of Winograd's sums share: the padded image that tiles read, and entries of the
// transforms. Needs dsl, plan and the reference only.
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "convc/reference.h"
#include "generators/plan/winograd.h"

namespace convc {

/// The transforms of a convolution that winograd may compute.
WinogradTransforms transforms_of(const convc_conv& conv, int output_tile);

/// Entry (row, column) of a matrix with `columns` columns.
inline double entry(const std::vector<double>& matrix, std::int64_t columns, std::int64_t row,
                    std::int64_t column) {
  return matrix[static_cast<std::size_t>(row * columns + column)];
}

/// The same times `factor`, to the nearest multiple of 2^-10: a factor that clears the table's
/// fractions makes them exact, where doubles are next to them only.
inline double scaled_entry(const std::vector<double>& matrix, std::int64_t columns,
                           std::int64_t row, std::int64_t column, double factor) {
  return std::nearbyint(entry(matrix, columns, row, column) * factor * 0x1p10) * 0x1p-10;
}

inline std::int64_t groups_of(const convc_conv& conv) {
  return conv.groups > 1 ? conv.groups : 1;
}

/// Calls visit(plane, y, x) for the first output of each tile; planes of all images are numbered.
template <typename Visit>
void for_each_tile(const convc_conv& conv, const WinogradTransforms& transforms,
                   const Visit& visit) {
  std::int64_t out[3] = {};
  convc_reference_output_size(&conv, out);
  for (std::int64_t plane = 0; plane < conv.batch * out[0]; ++plane) {
    for (std::int64_t y = 0; y < out[1]; y += transforms.row.outputs) {
      for (std::int64_t x = 0; x < out[2]; x += transforms.column.outputs) visit(plane, y, x);
    }
  }
}

/// The input with its padding, dense channels_last.
class PaddedImage {
 public:
  PaddedImage(const convc_conv& conv, const std::vector<double>& values);

  /// The channels of a pixel of plane `plane` (planes of all images are numbered); null beyond the
  /// padding.
  [[nodiscard]] const double* pixel(std::int64_t plane, std::int64_t y, std::int64_t x) const {
    if (y >= size_[1] || x >= size_[2]) return nullptr;
    return numbers_.data() + ((plane * size_[1] + y) * size_[2] + x) * channels_;
  }

 private:
  std::int64_t channels_, size_[3] = {};
  std::vector<double> numbers_;
};

}  // namespace convc
