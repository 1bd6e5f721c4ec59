// Sums and products of tensors: broadcasting. Of this room only.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "dsl/layer_spec.h"
#include "dsl/resolve.h"

namespace convc {

/// Sizes that can be compared: fixed ones, or ranges.
template <typename T>
struct MergeShape {
  T size[3];  ///< depth, height, width
  T channels;
  friend bool operator==(const MergeShape&, const MergeShape&) = default;
};

/// How `operand` is read beside a tensor of the shape `full`; nullopt: not at all. `one`: the
/// size 1.
template <typename T>
std::optional<OperandShape> operand_shape(const MergeShape<T>& operand, const MergeShape<T>& full,
                                          const T& one) {
  if (operand == full) return OperandShape::full;
  const bool pixel = operand.size[0] == one && operand.size[1] == one && operand.size[2] == one;
  if (pixel && operand.channels == full.channels) return OperandShape::per_channel;
  if (pixel && operand.channels == one) return OperandShape::scalar;
  if (operand.channels == one && std::equal(operand.size, operand.size + 3, full.size)) {
    return OperandShape::per_pixel;
  }
  return std::nullopt;
}

/// The shape of the sum of `shapes`. Reports, at the call, shapes that do not fit, and those that
/// convc cannot broadcast.
std::optional<InputShape> merge_shapes(const NodeDraft& node, const std::vector<InputShape>& shapes,
                                       const std::vector<Layout>& layouts, const ResolveMode& mode,
                                       Diagnostics& diagnostics);

}  // namespace convc
