// See tensor_shape.h.
#include "generators/emit/tensor_shape.h"

#include <algorithm>

namespace convc {

ShapeAxes axes_of(const Tensor& tensor) {
  const bool last = tensor.form.layout == Layout::channels_last;
  const std::size_t sizes = tensor.shape.size();
  ShapeAxes axes;
  axes.channels = last ? sizes - 1 : 1;
  axes.width = last ? sizes - 2 : sizes - 1;
  if (sizes > 3) axes.height = axes.width - 1;
  if (sizes > 4) axes.depth = axes.width - 2;
  return axes;
}

std::vector<std::int64_t> largest_shape(const Tensor& tensor) {
  std::vector<std::int64_t> shape;
  for (const Dim& dim : tensor.shape) shape.push_back(dim.max);
  return shape;
}

bool is_open(const Tensor& tensor) {
  return !std::all_of(tensor.shape.begin(), tensor.shape.end(),
                      [](const Dim& dim) { return dim.fixed(); });
}

std::int64_t element_count(const std::vector<std::int64_t>& shape) {
  std::int64_t count = 1;
  for (const std::int64_t extent : shape) {
    // Both are below 2^31.
    count = std::min(count * std::min(extent, kMaxTensorElements), kMaxTensorElements);
  }
  return count;
}

std::int64_t Rows::span() const {
  return std::min((rows - 1) * pitch + length, kMaxTensorElements);
}

Rows rows_of(const Tensor& tensor, const std::vector<std::int64_t>& shape) {
  const ShapeAxes axes = axes_of(tensor);
  Rows rows;
  std::vector<std::int64_t> of_row, others;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    const bool in_row = i == axes.width || (i == axes.channels && axes.channels > axes.width);
    (in_row ? of_row : others).push_back(shape[i]);
  }
  rows.length = element_count(of_row);
  rows.rows = element_count(others);
  rows.pitch = tensor.form.row_pitch != 0 ? tensor.form.row_pitch : rows.length;
  return rows;
}

}  // namespace convc
