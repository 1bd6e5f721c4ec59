// Where the elements of a tensor lie in memory: strides from its form. What checks kernels computes
// them here on its own, not by the code that made the descriptors. Needs dsl only.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "dsl/module.h"

namespace convc {

/// Axes in the order batch, depth, height, width, channels, whatever the layout. In elements.
struct TensorLayout {
  std::array<std::int64_t, 5> extents{1, 1, 1, 1, 1};
  std::array<std::int64_t, 5> strides{};
  std::int64_t span = 1;  ///< from the first element to the last
  Layout layout = Layout::channels_last;
  int rank = 2;

  [[nodiscard]] std::size_t count() const;  ///< elements, without gaps

  /// Calls f(element, place) for every element: its number in dense channels_last order, and where
  /// it lies in memory.
  template <class F>
  void for_each(F f) const {
    std::size_t element = 0;
    std::array<std::int64_t, 5> at{};
    for (at[0] = 0; at[0] < extents[0]; ++at[0])
      for (at[1] = 0; at[1] < extents[1]; ++at[1])
        for (at[2] = 0; at[2] < extents[2]; ++at[2])
          for (at[3] = 0; at[3] < extents[3]; ++at[3])
            for (at[4] = 0; at[4] < extents[4]; ++at[4]) f(element++, place_of(at));
  }

  /// The indices of an element as the tensor's shape orders them, e.g. "[0, 5, 4, 2]".
  [[nodiscard]] std::string index_text(std::size_t element) const;

 private:
  [[nodiscard]] std::size_t place_of(const std::array<std::int64_t, 5>& at) const {
    std::int64_t place = 0;
    for (std::size_t axis = 0; axis < 5; ++axis) place += at[axis] * strides[axis];
    return static_cast<std::size_t>(place);
  }
};

/// Precondition: every size is fixed.
TensorLayout layout_of(const Tensor& tensor);

/// The dimension of Tensor::shape that is the given axis of TensorLayout; -1: the rank has no such
/// axis.
int dimension_of_axis(Layout layout, int rank, int axis);

}  // namespace convc
