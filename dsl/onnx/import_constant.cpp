// Constant, ConstantOfShape and Shape, and what passes its input on: Identity and Dropout.
#include <limits>

#include "dsl/onnx/fold.h"
#include "dsl/onnx/ops.h"
#include "dsl/text.h"

namespace convc::onnx_import {
namespace {

constexpr const char* kConstantForms[] = {"value",         "value_float", "value_floats",
                                          "value_int",     "value_ints",  "value_string",
                                          "value_strings", "sparse_value"};

}  // namespace

void import_identity(NodeReader& node, Importer& importer) {
  importer.set_alias(node);
}

void import_dropout(NodeReader& node, Importer& importer) {
  node.ignore("seed");
  node.ignore("ratio");
  if (node.opset() < 7 && node.integer("is_test", 0) == 0) {
    node.fail_attribute("is_test", "is 0, which asks for training; only inference is supported");
    return;
  }
  if (node.opset() >= 12 && node.has_input(2)) {
    const ConstantRef training = importer.constant_input(node, 2, "training_mode");
    if (!training) return;
    if (training->is_float() || element_count(training->shape) != 1 ||
        training->integers.front() != 0) {
      node.fail(Code::onnx_not_supported,
                "input 2 (training_mode) asks for training; only inference is supported");
      return;
    }
  }
  importer.set_alias(node);
}

void import_constant(NodeReader& node, Importer& importer) {
  int given = 0;
  for (const char* form : kConstantForms) {
    given += node.has(form) ? 1 : 0;
    node.ignore(form);  // this importer says which of them it cannot read
  }
  if (given != 1) {
    node.fail(Code::onnx_damaged, cat("has ", given, " values; one is needed"));
    return;
  }
  ConstantRef constant;
  std::string error;
  if (node.has("value_float")) {
    constant = make_floats({}, {node.real("value_float", 0)});
  } else if (node.has("value_int")) {
    constant = make_integers({}, {node.integer("value_int", 0)});
  } else if (const auto reals = node.reals("value_floats"); node.has("value_floats") && reals) {
    constant = make_floats({static_cast<std::int64_t>(reals->size())}, *reals);
  } else if (const auto integers = node.integers("value_ints");
             node.has("value_ints") && integers) {
    constant = make_integers({static_cast<std::int64_t>(integers->size())}, *integers);
  } else if (const onnx::TensorProto* tensor = node.tensor("value")) {
    constant = importer.constants().read(*tensor, &error);
    if (!constant) node.fail(Code::onnx_damaged, cat("its value ", error));
  } else if (!node.failed()) {
    node.fail(Code::onnx_not_supported, "its value is sparse or of strings");
  }
  if (constant && !node.failed()) importer.set_constant(node, std::move(constant));
}

void import_constant_of_shape(NodeReader& node, Importer& importer) {
  ConstantRef value = make_floats({1}, {0});
  if (const onnx::TensorProto* tensor = node.tensor("value")) {
    std::string error;
    value = importer.constants().read(*tensor, &error);
    if (!value) {
      node.fail(Code::onnx_damaged, cat("its value ", error));
    } else if (element_count(value->shape) != 1) {
      node.fail_attribute(
          "value", cat("has the shape ", shape_text(value->shape), "; one number is needed"));
    }
  }
  const auto shape = importer.integers_input(node, 0, "the shape");
  if (!shape || node.failed()) return;
  const std::optional<std::int64_t> count = element_count(*shape);
  if (!count || !importer.constants().reserve(*count)) {
    node.fail(Code::tensor_too_large, cat("makes ", shape_text(*shape), ", which is too large"));
    return;
  }
  const auto elements = static_cast<std::size_t>(*count);
  importer.set_constant(
      node,
      value->is_float()
          ? make_floats(*shape, std::vector<float>(elements, value->floats->values.front()),
                        value->type)
          : make_integers(*shape, std::vector<std::int64_t>(elements, value->integers.front()),
                          value->type));
}

void import_shape(NodeReader& node, Importer& importer) {
  constexpr std::int64_t kAllAxes = std::numeric_limits<std::int64_t>::max();
  std::int64_t start = node.integer("start", 0), end = node.integer("end", kAllAxes);
  const Value* value = importer.input(node, 0);
  if (value == nullptr || value->kind == Value::Kind::broken || node.failed()) {
    if (value == nullptr) node.fail(Code::onnx_damaged, "input 0 is missing");
    return;
  }
  const Image* image = value->kind == Value::Kind::image ? &value->image : nullptr;
  std::vector<std::int64_t> sizes = image != nullptr                       ? image->model_sizes()
                                    : value->kind == Value::Kind::constant ? value->constant->shape
                                                                           : value->shape;
  const auto rank = static_cast<std::int64_t>(sizes.size());
  const auto clamp = [&](std::int64_t axis) {
    return std::min(std::max<std::int64_t>(axis < 0 ? axis + rank : axis, 0), rank);
  };
  start = clamp(start);
  end = std::max(clamp(end), start);
  sizes = {sizes.begin() + start, sizes.begin() + end};
  OpenElements open;
  for (std::int64_t i = start; i < end && image != nullptr && image->is_open(); ++i) {
    const auto axis = static_cast<std::size_t>(i);
    open.push_back(image->dims[axis].fixed() ? nullptr : &image->names[axis]);
  }
  importer.set_constant(node, make_integers({end - start}, std::move(sizes),
                                            onnx::TensorProto::INT64, std::move(open)));
}

}  // namespace convc::onnx_import
