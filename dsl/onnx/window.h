// What Conv and ConvTranspose have in common: the attributes of their windows and their weights.
// Sees ONNX' schema.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "dsl/onnx/importer.h"
#include "dsl/resolve.h"

namespace convc::onnx_import {

enum class AutoPad { notset, same_upper, same_lower, valid };

/// The attributes, by spatial axis; lists that are not given are empty.
struct Window {
  std::vector<std::int64_t> kernel, strides, dilations;
  std::vector<std::int64_t> pads;  ///< all begins, then all ends
  AutoPad auto_pad = AutoPad::notset;
  std::int64_t group = 1;
};

/// Elements from the first tap of a filter to the last one, these included.
inline std::int64_t span_of(const Window& window, std::size_t axis) {
  return (window.kernel[axis] - 1) * window.dilations[axis] + 1;
}

/// Reads the attributes and checks what needs no rank. Problems are reported.
Window read_window(NodeReader& node);

/// Gives lists that are empty their defaults and checks all against the rank and the sizes of the
/// filter. False when something has been reported.
bool complete_window(NodeReader& node, const std::vector<std::int64_t>& weights_shape,
                     Window* window);

/// The weights have as many sizes as the input, 3 to 5. False when something has been reported.
bool check_ranks(NodeReader& node, const std::vector<std::int64_t>& weights_shape,
                 const Image& image);

/// Pads that are given beside an `auto_pad` ask for what it does of each size that the axis may
/// have, or are all 0. False when something has been reported.
bool check_auto_pads(NodeReader& node, const Window& window, std::size_t axis, const Dim& in,
                     const std::function<AxisPadding(std::int64_t)>& pads_of);

/// Puts spatial axis `axis` of the window and of the output into the layer.
void put_axis(const Window& window, std::size_t axis, const AxisPadding& pads, const Image& output,
              LayerSpec* layer);

/// The attribute `name`, empty where it is not given. Numbers that are not in [least, kMaxElements]
/// are reported.
std::vector<std::int64_t> read_list(NodeReader& node, const std::string& name, std::int64_t least);
/// Fills an empty list with `count` times `fallback`; false, reported, when it has another length.
bool complete_list(NodeReader& node, const std::string& name, std::size_t count,
                   std::int64_t fallback, std::vector<std::int64_t>* list);
/// False, reported, when a number is not in [least, kMaxElements].
bool check_numbers(NodeReader& node, const std::string& name, std::int64_t least,
                   const std::vector<std::int64_t>& list);

/// Weights or a bias of a node.
struct Weights {
  std::vector<std::int64_t> shape;
  LiteralRef literal;  ///< null: a variable
};
std::optional<Weights> read_weights(NodeReader& node, Importer& importer, int index,
                                    const std::string& what);

/// Puts the filters and the bias (input 2) into the layer; both come from the model, or both are
/// variables. False when something has been reported.
bool set_weights(NodeReader& node, Importer& importer, const Weights& kernel, LayerSpec* layer);

/// Reports `message` about an axis of `image`, with what to do where its size is open.
void fail_axis(NodeReader& node, Code code, const std::string& message, const Image& image,
               std::size_t axis);

/// An axis of the output: sizes of a fixed, or least and largest of an open one. `size` gives the
/// output's size for an input's.
template <typename OutputSize>
bool set_axis(Image* output, std::size_t axis, OutputSize size) {
  Dim& dim = output->dims[axis];
  const bool fixed = dim.fixed();
  output->sizes[axis] = size(output->sizes[axis]);
  dim = fixed ? Dim{output->sizes[axis], output->sizes[axis]}
              : Dim{std::max<std::int64_t>(size(dim.min), 1),
                    std::min<std::int64_t>(size(dim.max), kMaxElements)};
  return output->sizes[axis] >= 1 && output->sizes[axis] <= kMaxElements;
}

}  // namespace convc::onnx_import
