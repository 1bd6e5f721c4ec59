// Folding of arithmetic and casts.
#include "dsl/onnx/fold.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "dsl/onnx/ops.h"
#include "dsl/text.h"

namespace convc::onnx_import {
namespace {

using Proto = onnx::TensorProto;
using Integers = std::vector<std::int64_t>;

// An attribute of an operator that folds, and the opsets that have it.
struct AttributeEntry {
  const char* op;
  const char* name;
  bool is_list;
  std::int64_t first_opset, last_opset;
};

constexpr AttributeEntry kAttributes[] = {
    {"Cast", "saturate", false, 1, kNewestOpset},
    {"Cast", "to", false, 1, kNewestOpset},
    {"Concat", "axis", false, 1, kNewestOpset},
    {"Gather", "axis", false, 1, kNewestOpset},
    {"Reshape", "allowzero", false, 14, kNewestOpset},
    {"Slice", "axes", true, 1, 9},
    {"Slice", "ends", true, 1, 9},
    {"Slice", "starts", true, 1, 9},
    {"Squeeze", "axes", true, 1, 12},
    {"Transpose", "perm", true, 1, kNewestOpset},
    {"Unsqueeze", "axes", true, 1, 12},
};

// Before inputs are looked at (ops.h); what folds asks for their values.
void ask_for_attributes(NodeReader& node) {
  const std::int64_t opset = std::min(node.opset(), kNewestOpset);
  for (const AttributeEntry& entry : kAttributes) {
    if (node.op() != entry.op || opset < entry.first_opset || opset > entry.last_opset) continue;
    if (entry.is_list) {
      node.integers(entry.name);
    } else {
      node.integer(entry.name, 0);
    }
  }
}

// The common shape of two operands, by numpy's rules.
std::optional<Integers> broadcast_shape(const Integers& a, const Integers& b) {
  Integers shape(std::max(a.size(), b.size()), 1);
  for (std::size_t i = 0; i < shape.size(); ++i) {  // from the last size
    const std::int64_t x = i < a.size() ? a[a.size() - 1 - i] : 1;
    const std::int64_t y = i < b.size() ? b[b.size() - 1 - i] : 1;
    if (x != y && x != 1 && y != 1) return std::nullopt;
    shape[shape.size() - 1 - i] = x == 1 ? y : x;
  }
  return shape;
}

// Which element of an operand of `from` stands at each element of `shape`.
Integers broadcast_indices(const Integers& from, const Integers& shape) {
  Integers indices = {0};
  std::int64_t stride = 1;
  for (const std::int64_t size : from) stride *= size;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    const std::size_t missing = shape.size() - from.size();
    const std::int64_t size = i < missing ? 1 : from[i - missing];
    if (size > 0) stride /= size;
    Integers next;
    next.reserve(indices.size() * static_cast<std::size_t>(shape[i]));
    for (const std::int64_t index : indices) {
      for (std::int64_t j = 0; j < shape[i]; ++j)
        next.push_back(index + (size == 1 ? 0 : j * stride));
    }
    indices = std::move(next);
  }
  return indices;
}

float apply(const std::string& op, float a, float b) {
  if (op == "Add") return a + b;
  if (op == "Sub") return a - b;
  if (op == "Mul") return a * b;
  return a / b;
}

// Integer arithmetic that does not overflow; division truncates.
std::optional<std::int64_t> apply(const std::string& op, std::int64_t a, std::int64_t b) {
  std::int64_t result = 0;
  if (op == "Div") {
    if (b == 0 || (b == -1 && a == std::numeric_limits<std::int64_t>::min())) return std::nullopt;
    return a / b;
  }
  const bool overflows = op == "Add"   ? __builtin_add_overflow(a, b, &result)
                         : op == "Sub" ? __builtin_sub_overflow(a, b, &result)
                                       : __builtin_mul_overflow(a, b, &result);
  if (overflows) return std::nullopt;
  return result;
}

ConstantRef fold_binary(NodeReader& node, const Constants& inputs, ConstantReader& limits) {
  const Constant& a = *inputs[0];
  const Constant& b = *inputs[1];
  const std::optional<Integers> shape = broadcast_shape(a.shape, b.shape);
  const auto count = shape ? element_count(*shape) : std::nullopt;
  if (!count || a.type != b.type || !limits.reserve(*count)) {
    node.fail(Code::shapes_disagree,
              cat("its operands are ", type_name(a.type), " ", shape_text(a.shape), " and ",
                  type_name(b.type), " ", shape_text(b.shape)));
    return nullptr;
  }
  const ConstantRef x = select(a, *shape, broadcast_indices(a.shape, *shape));
  const ConstantRef y = select(b, *shape, broadcast_indices(b.shape, *shape));
  const auto elements = static_cast<std::size_t>(*count);
  OpenElements open = x->open.empty() ? y->open : x->open;
  for (std::size_t i = 0; i < y->open.size(); ++i) {
    if (open[i] == nullptr) open[i] = y->open[i];
  }
  if (a.is_float()) {
    std::vector<float> values(elements);
    for (std::size_t i = 0; i < elements; ++i) {
      values[i] = apply(node.op(), x->floats->values[i], y->floats->values[i]);
    }
    return make_floats(*shape, std::move(values), a.type, std::move(open));
  }
  Integers values(elements);
  for (std::size_t i = 0; i < elements; ++i) {
    if (open_size(open, i) != nullptr) continue;
    const auto value = apply(node.op(), x->integers[i], y->integers[i]);
    if (!value) {
      node.fail(Code::overflow,
                cat("overflows or divides by zero: ", x->integers[i], " and ", y->integers[i]));
      return nullptr;
    }
    values[i] = *value;
  }
  return make_integers(*shape, std::move(values), a.type, std::move(open));
}

ConstantRef fold_unary(NodeReader& node, const Constant& data) {
  if (data.is_float()) {
    std::vector<float> values = data.floats->values;
    for (float& value : values) {
      value = node.op() == "Neg"     ? -value
              : node.op() == "Floor" ? std::floor(value)
                                     : std::ceil(value);
    }
    return make_floats(data.shape, std::move(values), data.type, data.open);
  }
  Integers values = data.integers;
  for (std::int64_t& value : values) {
    if (node.op() != "Neg") continue;
    if (value == std::numeric_limits<std::int64_t>::min()) {
      node.fail(Code::overflow, "overflows");
      return nullptr;
    }
    value = -value;
  }
  return make_integers(data.shape, std::move(values), data.type, data.open);
}

ConstantRef fold_cast(NodeReader& node, const Constant& data) {
  const auto to = static_cast<int>(node.integer("to", 0));
  if (to == data.type) return std::make_shared<Constant>(data);
  if (to == Proto::FLOAT || to == Proto::DOUBLE) {
    std::vector<float> values;
    if (data.is_float()) values = data.floats->values;
    for (const std::int64_t value : data.integers) values.push_back(static_cast<float>(value));
    return make_floats(data.shape, std::move(values), to, data.open);
  }
  if (to != Proto::INT64 && to != Proto::INT32 && to != Proto::BOOL) {
    node.fail_attribute("to", cat("is ", type_name(to), ", which is not supported"));
    return nullptr;
  }
  const double limit = to == Proto::INT32 ? 0x1p31 : 0x1p63;
  Integers values = data.integers;
  if (data.is_float()) {
    for (std::size_t i = 0; i < data.floats->values.size(); ++i) {
      const float value = open_size(data.open, i) != nullptr ? 0 : data.floats->values[i];
      if (to != Proto::BOOL && !(value >= -limit && value < limit)) {
        node.fail(Code::onnx_not_supported, cat("casts ", value, " to ", type_name(to)));
        return nullptr;
      }
      values.push_back(to == Proto::BOOL ? (value != 0 ? 1 : 0) : static_cast<std::int64_t>(value));
    }
    return make_integers(data.shape, std::move(values), to, data.open);
  }
  for (std::int64_t& value : values) {
    if (to == Proto::BOOL) value = value != 0 ? 1 : 0;
    if (to == Proto::INT32) value = static_cast<std::int32_t>(value);
  }
  return make_integers(data.shape, std::move(values), to, data.open);
}

}  // namespace

ConstantRef select(const Constant& data, Integers shape, const Integers& indices) {
  OpenElements open;
  for (std::size_t i = 0; i < indices.size() && !data.open.empty(); ++i) {
    open.push_back(data.open[static_cast<std::size_t>(indices[i])]);
  }
  if (data.is_float()) {
    std::vector<float> values;
    values.reserve(indices.size());
    for (const std::int64_t index : indices) {
      values.push_back(data.floats->values[static_cast<std::size_t>(index)]);
    }
    return make_floats(std::move(shape), std::move(values), data.type, std::move(open));
  }
  Integers values;
  values.reserve(indices.size());
  for (const std::int64_t index : indices) {
    values.push_back(data.integers[static_cast<std::size_t>(index)]);
  }
  return make_integers(std::move(shape), std::move(values), data.type, std::move(open));
}

ConstantRef reshaped(const Constant& data, Integers shape) {
  return data.is_float() ? make_floats(std::move(shape), data.floats->values, data.type, data.open)
                         : make_integers(std::move(shape), data.integers, data.type, data.open);
}

std::optional<std::size_t> axis_of(NodeReader& node, std::int64_t axis, std::size_t rank) {
  const auto sizes = static_cast<std::int64_t>(rank);
  if (axis >= -sizes && axis < sizes)
    return static_cast<std::size_t>(axis < 0 ? axis + sizes : axis);
  node.fail(Code::shapes_disagree, cat("axis ", axis, " of a constant with ", rank, " sizes"));
  return std::nullopt;
}

std::optional<Integers> list_of(NodeReader& node, const Constants& inputs, std::size_t index) {
  const ConstantRef& constant = inputs[index];
  const std::string what = cat("input ", index);
  if (!constant || constant->is_float() || constant->shape.size() > 1) {
    node.fail(Code::shapes_disagree, cat(what, " is not a list of integers"));
    return std::nullopt;
  }
  return require_known(node, *constant, what) ? std::optional(constant->integers) : std::nullopt;
}

ConstantRef fold(NodeReader& node, const Constants& inputs, ConstantReader& limits) {
  const std::string& op = node.op();
  if (op == "Concat") return fold_concat(node, inputs, limits);
  if (op == "Gather") return fold_gather(node, inputs, limits);
  if (op == "Add" || op == "Sub" || op == "Mul" || op == "Div") {
    return fold_binary(node, inputs, limits);
  }
  // The others make no more elements than they read.
  if (!limits.reserve(element_count(inputs[0]->shape).value_or(0))) {
    node.fail(Code::tensor_too_large, "its constants are too large to fold");
    return nullptr;
  }
  if (op == "Cast") return fold_cast(node, *inputs[0]);
  if (op == "Reshape") return fold_reshape(node, inputs);
  if (op == "Slice") return fold_slice(node, inputs);
  if (op == "Squeeze") return fold_squeeze(node, inputs);
  if (op == "Transpose") return fold_transpose(node, inputs);
  if (op == "Unsqueeze") return fold_unsqueeze(node, inputs);
  return fold_unary(node, *inputs[0]);
}

void import_folded(NodeReader& node, Importer& importer) {
  ask_for_attributes(node);
  if (node.failed()) return;
  const Value* first = importer.input(node, 0);
  if (node.op() == "Cast" && first != nullptr && first->kind == Value::Kind::image &&
      node.integer("to", 0) == Proto::FLOAT) {
    importer.set_alias(node);
    return;
  }
  Constants inputs;
  for (int i = 0; i < node.proto().input_size(); ++i) {
    inputs.push_back(nullptr);
    if (!node.has_input(i)) continue;
    const Value* value = importer.input(node, i);
    if (value->kind == Value::Kind::broken) return;
    if (value->kind != Value::Kind::constant) {
      node.fail(Code::onnx_not_supported,
                cat("reads \"", shown(node.input_name(i)),
                    "\", which is computed when the model runs; only constants are supported"));
      return;
    }
    inputs.back() = value->constant;
  }
  const bool binary = node.op() == "Gather" || node.op() == "Add" || node.op() == "Sub" ||
                      node.op() == "Mul" || node.op() == "Div";
  const std::size_t needed = binary ? 2 : 1;
  for (std::size_t i = 0; i < needed; ++i) {
    if (i < inputs.size() && inputs[i]) continue;
    node.fail(Code::onnx_damaged, cat("input ", i, " is missing"));
    return;
  }
  ConstantRef result = fold(node, inputs, importer.constants());
  if (result && !node.failed()) importer.set_constant(node, std::move(result));
}

}  // namespace convc::onnx_import
