// The axes of layers and tensors, so that depth, height and width are treated in one loop. Plain
// data.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "dsl/layer_spec.h"

namespace convc {

enum class Axis { depth, height, width };

inline constexpr std::array kAxes = {Axis::depth, Axis::height, Axis::width};

/// The axes of a layer of `rank` in the order in which they are written. Precondition: 1 to 3.
inline std::span<const Axis> axes_of(int rank) {
  return std::span(kAxes).last(static_cast<std::size_t>(rank));
}

constexpr std::string_view name_of(Axis axis) {
  return axis == Axis::depth ? "depth" : axis == Axis::height ? "height" : "width";
}

inline std::int64_t& at(Size& size, Axis axis) {
  return axis == Axis::depth ? size.depth : axis == Axis::height ? size.height : size.width;
}
inline std::int64_t at(const Size& size, Axis axis) {
  return axis == Axis::depth ? size.depth : axis == Axis::height ? size.height : size.width;
}

inline std::int64_t& before(Padding& pad, Axis axis) {
  return axis == Axis::depth ? pad.front : axis == Axis::height ? pad.top : pad.left;
}
inline std::int64_t before(const Padding& pad, Axis axis) {
  return axis == Axis::depth ? pad.front : axis == Axis::height ? pad.top : pad.left;
}
inline std::int64_t& after(Padding& pad, Axis axis) {
  return axis == Axis::depth ? pad.back : axis == Axis::height ? pad.bottom : pad.right;
}
inline std::int64_t after(const Padding& pad, Axis axis) {
  return axis == Axis::depth ? pad.back : axis == Axis::height ? pad.bottom : pad.right;
}

/// Place of the axis that `axis` names in a shape [batch, ..] of `rank` spatial axes: as in Keras,
/// -1 is the last.
constexpr std::int64_t counted_from_0(std::int64_t axis, int rank) {
  return axis < 0 ? axis + rank + 2 : axis;
}

/// Precondition: not the channels.
constexpr Axis spatial(TensorAxis axis) {
  return axis == TensorAxis::depth    ? Axis::depth
         : axis == TensorAxis::height ? Axis::height
                                      : Axis::width;
}

/// What a tensor of `size` and `channels` has along an axis.
inline std::int64_t& along(TensorAxis axis, Size& size, std::int64_t& channels) {
  return axis == TensorAxis::channels ? channels : at(size, spatial(axis));
}

/// Place of an axis in a shape [batch, ..] of `rank` spatial axes.
constexpr int index_of(TensorAxis axis, int rank, Layout layout) {
  const bool last = layout == Layout::channels_last;
  if (axis == TensorAxis::channels) return last ? rank + 1 : 1;
  return static_cast<int>(axis) - static_cast<int>(TensorAxis::width) + rank + (last ? 0 : 1);
}
/// The inverse. Precondition: 1 to rank + 1.
constexpr TensorAxis axis_at(int index, int rank, Layout layout) {
  if (index == index_of(TensorAxis::channels, rank, layout)) return TensorAxis::channels;
  const int width = index_of(TensorAxis::width, rank, layout);
  return static_cast<TensorAxis>(static_cast<int>(TensorAxis::width) - (width - index));
}

/// "height, width" for rank 2.
inline std::string axes_text(int rank) {
  std::string out;
  for (const Axis axis : axes_of(rank)) {
    out += out.empty() ? "" : ", ";
    out += name_of(axis);
  }
  return out;
}

/// "3x5" for rank 2.
inline std::string times_text(const Size& size, int rank) {
  std::string out;
  for (const Axis axis : axes_of(rank)) {
    out += out.empty() ? "" : "x";
    out += std::to_string(at(size, axis));
  }
  return out;
}

}  // namespace convc
