// Tensors as memory sees them: which size is which, elements, rows. Plain C++.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "dsl/module.h"

namespace convc {

/// More elements than any tensor has: kernels index with 32 bits.
inline constexpr std::int64_t kMaxTensorElements = std::int64_t{2147483647};

/// Positions of the sizes in Tensor::shape.
struct ShapeAxes {
  std::size_t batch = 0;
  std::size_t channels = 0;
  std::size_t width = 0;
  std::optional<std::size_t> height, depth;  ///< of tensors that have them
};
ShapeAxes axes_of(const Tensor& tensor);

/// With the largest sizes where they are known at run time only.
std::vector<std::int64_t> largest_shape(const Tensor& tensor);

bool is_open(const Tensor& tensor);

/// Number of elements; kMaxTensorElements when there are more.
std::int64_t element_count(const std::vector<std::int64_t>& shape);

/// A tensor as rows in memory: `rows` of `length` elements, `pitch` elements apart.
struct Rows {
  std::int64_t rows = 1;
  std::int64_t length = 1;
  std::int64_t pitch = 1;
  /// Elements from the first to the last; kMaxTensorElements when there are more.
  [[nodiscard]] std::int64_t span() const;
};
/// Of a tensor with these sizes instead of its own (which may be open).
Rows rows_of(const Tensor& tensor, const std::vector<std::int64_t>& shape);

}  // namespace convc
