// Folding of what rearranges elements.
#include <algorithm>
#include <numeric>
#include <set>

#include "dsl/onnx/fold.h"
#include "dsl/onnx/importer.h"
#include "dsl/text.h"

namespace convc::onnx_import {
namespace {

using Integers = std::vector<std::int64_t>;

// A longer step means the same: tensors have fewer elements.
constexpr std::int64_t kMaxDataStep = std::int64_t{1} << 31;

// Elements from one index of each axis to the next.
Integers strides_of(const Integers& shape) {
  Integers strides(shape.size(), 1);
  for (std::size_t i = shape.size(); i-- > 1;) strides[i - 1] = strides[i] * shape[i];
  return strides;
}

// Indices of the elements at first[i] + j * step[i], for j below count[i], along each axis.
Integers view_indices(const Integers& first, const Integers& step, const Integers& count) {
  Integers indices = {0};
  for (std::size_t i = 0; i < count.size(); ++i) {
    Integers next;
    for (const std::int64_t index : indices) {
      for (std::int64_t j = 0; j < count[i]; ++j) next.push_back(index + first[i] + j * step[i]);
    }
    indices = std::move(next);
  }
  return indices;
}

// The axes of Squeeze and Unsqueeze: an attribute until opset 12, an input from 13 on.
std::optional<Integers> read_axes(NodeReader& node, const Constants& inputs) {
  if (node.opset() < 13) return node.integers("axes");
  if (inputs.size() < 2 || !inputs[1]) return std::nullopt;
  return list_of(node, inputs, 1);
}

// Inputs of one type, put together along an axis. Precondition: `shape` is what that makes.
ConstantRef concatenated(const Constants& inputs, Integers shape, std::size_t axis) {
  const Constant& first = *inputs[0];
  const std::int64_t count = element_count(shape).value_or(0);
  const Integers outer_shape(shape.begin(), shape.begin() + static_cast<std::ptrdiff_t>(axis));
  const std::int64_t outer = count > 0 ? element_count(outer_shape).value_or(0) : 0;
  const bool any_open = std::any_of(inputs.begin(), inputs.end(),
                                    [](const ConstantRef& input) { return !input->open.empty(); });
  std::vector<float> floats;
  Integers integers;
  OpenElements open;
  for (std::int64_t i = 0; i < outer; ++i) {
    for (const ConstantRef& input : inputs) {
      const std::int64_t run = element_count(input->shape).value_or(0) / outer;
      if (first.is_float()) {
        const auto begin = input->floats->values.begin() + i * run;
        floats.insert(floats.end(), begin, begin + run);
      } else {
        const auto begin = input->integers.begin() + i * run;
        integers.insert(integers.end(), begin, begin + run);
      }
      for (std::int64_t j = i * run; any_open && j < (i + 1) * run; ++j) {
        open.push_back(open_size(input->open, static_cast<std::size_t>(j)));
      }
    }
  }
  return first.is_float()
             ? make_floats(std::move(shape), std::move(floats), first.type, std::move(open))
             : make_integers(std::move(shape), std::move(integers), first.type, std::move(open));
}

}  // namespace

ConstantRef fold_reshape(NodeReader& node, const Constants& inputs) {
  const Constant& data = *inputs[0];
  const bool keeps_zero = node.opset() >= 14 && node.integer("allowzero", 0) != 0;
  if (inputs.size() < 2) {
    node.fail(Code::onnx_damaged, "input 1 (the shape) is missing");
    return nullptr;
  }
  std::optional<Integers> shape = list_of(node, inputs, 1);
  if (!shape) return nullptr;
  std::optional<std::size_t> inferred;
  bool ok = true;
  for (std::size_t i = 0; i < shape->size(); ++i) {
    std::int64_t& size = (*shape)[i];
    if (size == 0 && !keeps_zero) {
      ok = ok && i < data.shape.size();
      if (ok) size = data.shape[i];
    }
    if (size != -1) continue;
    ok = ok && !inferred;
    inferred = i;
    size = 1;
  }
  const std::optional<std::int64_t> total = element_count(data.shape);
  const std::optional<std::int64_t> known = ok ? element_count(*shape) : std::nullopt;
  if (known && inferred && *known > 0) (*shape)[*inferred] = *total / *known;
  if (!known || element_count(*shape) != total) {
    node.fail(Code::shapes_disagree,
              cat("makes ", shape_text(*shape), " of ", shape_text(data.shape)));
    return nullptr;
  }
  return reshaped(data, std::move(*shape));
}

ConstantRef fold_squeeze(NodeReader& node, const Constants& inputs) {
  const Constant& data = *inputs[0];
  const std::optional<Integers> axes = read_axes(node, inputs);
  if (node.failed()) return nullptr;
  std::set<std::size_t> gone;
  for (std::size_t i = 0; i < data.shape.size() && !axes; ++i) {
    if (data.shape[i] == 1) gone.insert(i);
  }
  for (const std::int64_t given : axes.value_or(Integers())) {
    const std::optional<std::size_t> axis = axis_of(node, given, data.shape.size());
    if (!axis) return nullptr;
    if (data.shape[*axis] != 1) {
      node.fail(Code::shapes_disagree, cat("removes axis ", given, " of ", shape_text(data.shape)));
      return nullptr;
    }
    gone.insert(*axis);
  }
  Integers shape;
  for (std::size_t i = 0; i < data.shape.size(); ++i) {
    if (gone.count(i) == 0) shape.push_back(data.shape[i]);
  }
  return reshaped(data, std::move(shape));
}

ConstantRef fold_unsqueeze(NodeReader& node, const Constants& inputs) {
  const Constant& data = *inputs[0];
  const std::optional<Integers> axes = read_axes(node, inputs);
  if (node.failed()) return nullptr;
  if (!axes) {
    node.fail(Code::onnx_damaged, "its axes are missing");
    return nullptr;
  }
  constexpr std::size_t kMostAxes = 16;
  const std::size_t rank = data.shape.size() + axes->size();
  std::set<std::size_t> added;
  for (const std::int64_t given : *axes) {
    const std::optional<std::size_t> axis = axis_of(node, given, rank);
    if (!axis) return nullptr;
    added.insert(*axis);
  }
  if (added.size() != axes->size() || rank > kMostAxes) {
    node.fail(Code::shapes_disagree, "its axes are wrong: one is given twice, or too many");
    return nullptr;
  }
  Integers shape;
  auto size = data.shape.begin();
  for (std::size_t i = 0; i < rank; ++i) shape.push_back(added.count(i) != 0 ? 1 : *size++);
  return reshaped(data, std::move(shape));
}

ConstantRef fold_transpose(NodeReader& node, const Constants& inputs) {
  const Constant& data = *inputs[0];
  const std::size_t rank = data.shape.size();
  Integers order(rank);
  for (std::size_t i = 0; i < rank; ++i) order[i] = static_cast<std::int64_t>(rank - 1 - i);
  order = node.integers("perm").value_or(order);
  Integers sorted = order, expected(rank);
  std::sort(sorted.begin(), sorted.end());
  std::iota(expected.begin(), expected.end(), 0);
  if (node.failed() || sorted != expected) {
    if (!node.failed()) node.fail_attribute("perm", "is not an order of the axes");
    return nullptr;
  }
  const Integers strides = strides_of(data.shape);
  Integers shape, steps;
  for (const std::int64_t axis : order) {
    shape.push_back(data.shape[static_cast<std::size_t>(axis)]);
    steps.push_back(strides[static_cast<std::size_t>(axis)]);
  }
  return select(data, shape, view_indices(Integers(rank, 0), steps, shape));
}

ConstantRef fold_slice(NodeReader& node, const Constants& inputs) {
  const Constant& data = *inputs[0];
  const std::size_t rank = data.shape.size();
  // Attributes until opset 9, inputs from 10 on: starts, ends, axes, steps.
  std::optional<Integers> lists[4];
  constexpr const char* kNames[] = {"starts", "ends", "axes"};
  for (std::size_t i = 0; i < 4; ++i) {
    if (node.opset() < 10) {
      if (i < 3) lists[i] = node.integers(kNames[i]);
    } else if (i + 1 < inputs.size() && inputs[i + 1]) {
      lists[i] = list_of(node, inputs, i + 1);
    }
  }
  if (node.failed()) return nullptr;
  const std::size_t count = lists[0] ? lists[0]->size() : 0;
  Integers axes(count), steps(count, 1);
  std::iota(axes.begin(), axes.end(), 0);
  if (lists[2]) axes = *lists[2];
  if (lists[3]) steps = *lists[3];
  if (!lists[0] || !lists[1] || lists[1]->size() != count || axes.size() != count ||
      steps.size() != count) {
    node.fail(Code::shapes_disagree, "starts, ends, axes and steps have different lengths");
    return nullptr;
  }
  const Integers strides = strides_of(data.shape);
  Integers firsts(rank, 0), step_elements = strides, shape = data.shape;
  for (std::size_t i = 0; i < count; ++i) {
    const std::optional<std::size_t> axis = axis_of(node, axes[i], rank);
    if (!axis) return nullptr;
    const std::int64_t size = data.shape[*axis], step = steps[i];
    if (step == 0 || step < -kMaxDataStep || step > kMaxDataStep) {
      node.fail(Code::bad_size, cat("has the step ", step));
      return nullptr;
    }
    // As Python clips them: to [0, size], or going down to [-1, size - 1].
    const std::int64_t low = step > 0 ? 0 : -1, high = step > 0 ? size : size - 1;
    const auto clip = [&](std::int64_t index) {
      return std::min(std::max(index < 0 ? index + size : index, low), high);
    };
    const std::int64_t start = clip((*lists[0])[i]), end = clip((*lists[1])[i]);
    const std::int64_t span = step > 0 ? end - start : start - end;
    const std::int64_t width = step > 0 ? step : -step;
    shape[*axis] = span > 0 ? (span - 1) / width + 1 : 0;
    firsts[*axis] = start * strides[*axis];
    step_elements[*axis] = step * strides[*axis];
  }
  return select(data, shape, view_indices(firsts, step_elements, shape));
}

ConstantRef fold_gather(NodeReader& node, const Constants& inputs, ConstantReader& limits) {
  const Constant& data = *inputs[0];
  const Constant& indices = *inputs[1];
  const std::optional<std::size_t> axis = axis_of(node, node.integer("axis", 0), data.shape.size());
  if (!axis || !require_known(node, indices, "input 1 (the indices)")) return nullptr;
  const auto split = data.shape.begin() + static_cast<std::ptrdiff_t>(*axis);
  Integers shape(data.shape.begin(), split);
  const std::int64_t outer = element_count(shape).value_or(0), size = *split;
  shape.insert(shape.end(), indices.shape.begin(), indices.shape.end());
  shape.insert(shape.end(), split + 1, data.shape.end());
  const std::int64_t inner = strides_of(data.shape)[*axis];
  const std::optional<std::int64_t> count = element_count(shape);
  if (indices.is_float() || !count || !limits.reserve(*count)) {
    node.fail(Code::shapes_disagree, cat("gathers ", shape_text(shape)));
    return nullptr;
  }
  Integers elements;
  for (std::int64_t i = 0; i < outer; ++i) {
    for (std::int64_t index : indices.integers) {
      if (index < 0) index += size;
      if (index < 0 || index >= size) {
        node.fail(Code::shapes_disagree, cat("index ", index, " of ", size, " elements"));
        return nullptr;
      }
      for (std::int64_t j = 0; j < inner; ++j) elements.push_back((i * size + index) * inner + j);
    }
  }
  return select(data, std::move(shape), elements);
}

ConstantRef fold_concat(NodeReader& node, const Constants& inputs, ConstantReader& limits) {
  const Constant& first = *inputs[0];
  const std::optional<std::size_t> axis =
      axis_of(node, node.integer("axis", 1), first.shape.size());
  if (!axis) return nullptr;
  Integers shape = first.shape;
  shape[*axis] = 0;
  bool ok = true;
  for (const ConstantRef& input : inputs) {
    ok = ok && input && input->type == first.type && input->shape.size() == shape.size();
    for (std::size_t i = 0; ok && i < shape.size(); ++i) {
      if (i == *axis) {
        shape[i] += input->shape[i];
      } else {
        ok = input->shape[i] == shape[i];
      }
    }
  }
  const std::optional<std::int64_t> count = ok ? element_count(shape) : std::nullopt;
  if (!count || !limits.reserve(*count)) {
    node.fail(Code::shapes_disagree, "its inputs do not fit together");
    return nullptr;
  }
  return concatenated(inputs, std::move(shape), *axis);
}

}  // namespace convc::onnx_import
