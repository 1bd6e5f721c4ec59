#include "generators/driver/tensor_layout.h"

namespace convc {

int dimension_of_axis(Layout layout, int rank, int axis) {
  if (axis == 0) return 0;
  const bool last = layout == Layout::channels_last;
  if (axis == 4) return last ? rank + 1 : 1;
  const int spatial = axis - (4 - rank);  // rank 2: height is 0, width is 1
  return spatial < 0 ? -1 : spatial + (last ? 1 : 2);
}

std::size_t TensorLayout::count() const {
  std::int64_t count = 1;
  for (const std::int64_t extent : extents) count *= extent;
  return static_cast<std::size_t>(count);
}

std::string TensorLayout::index_text(std::size_t element) const {
  std::array<std::int64_t, 5> at{};
  auto rest = static_cast<std::int64_t>(element);
  for (std::size_t axis = 5; axis-- > 0;) {
    at[axis] = rest % extents[axis];
    rest /= extents[axis];
  }
  std::vector<std::int64_t> indices(static_cast<std::size_t>(rank) + 2);
  for (int axis = 0; axis < 5; ++axis) {
    const int dimension = dimension_of_axis(layout, rank, axis);
    if (dimension >= 0)
      indices[static_cast<std::size_t>(dimension)] = at[static_cast<std::size_t>(axis)];
  }
  std::string text;
  for (const std::int64_t index : indices)
    text += (text.empty() ? "" : ", ") + std::to_string(index);
  return "[" + text + "]";
}

TensorLayout layout_of(const Tensor& tensor) {
  TensorLayout result;
  result.layout = tensor.form.layout;
  result.rank = static_cast<int>(tensor.shape.size()) - 2;
  for (int axis = 0; axis < 5; ++axis) {
    const int dimension = dimension_of_axis(result.layout, result.rank, axis);
    if (dimension >= 0)
      result.extents[static_cast<std::size_t>(axis)] =
          tensor.shape[static_cast<std::size_t>(dimension)].min;
  }
  const std::int64_t depth = result.extents[1], height = result.extents[2];
  const std::int64_t width = result.extents[3], channels = result.extents[4];
  const bool last = result.layout == Layout::channels_last;
  const std::int64_t column = last ? channels : 1;
  const std::int64_t row = tensor.form.row_pitch > 0 ? tensor.form.row_pitch : width * column;
  const std::int64_t plane = height * row, image = depth * plane;
  result.strides = {last ? image : channels * image, plane, row, column, last ? 1 : image};
  for (std::size_t axis = 0; axis < 5; ++axis)
    result.span += (result.extents[axis] - 1) * result.strides[axis];
  return result;
}

}  // namespace convc
