// Add, Sub, Mul, Div and Sum: of two constants, of an image and a constant, of two images.
#include <algorithm>
#include <bit>
#include <cmath>

#include "dsl/onnx/fold.h"
#include "dsl/onnx/ops.h"
#include "dsl/text.h"

namespace convc::onnx_import {
namespace {

// Sizes of `shape` beside `rank` sizes of the other operand: aligned at the last one, or in opset 6
// at the attribute `axis`. Nullopt when they do not fit.
std::optional<std::vector<std::int64_t>> align(NodeReader& node,
                                               const std::vector<std::int64_t>& shape,
                                               std::size_t rank) {
  if (shape.size() > rank) return std::nullopt;
  std::size_t first = rank - shape.size();
  if (node.opset() < 7 && node.has("axis")) {
    const auto sizes = static_cast<std::int64_t>(rank);
    const std::int64_t axis = node.integer("axis", 0);
    const std::int64_t given = axis < 0 ? axis + sizes : axis;
    if (given < 0 || given > static_cast<std::int64_t>(first)) return std::nullopt;
    first = static_cast<std::size_t>(given);
  }
  std::vector<std::int64_t> aligned(rank, 1);
  std::copy(shape.begin(), shape.end(), aligned.begin() + static_cast<std::ptrdiff_t>(first));
  return aligned;
}

// scale * x + offset, for one number of the constant.
struct Affine {
  float scale = 1, offset = 0;
};

Affine affine_of(const std::string& op, bool constant_first, float number) {
  if (op == "Add") return {1, number};
  if (op == "Sub") return constant_first ? Affine{-1, number} : Affine{1, -number};
  // Adding -0 keeps the sign of a zero.
  return {op == "Mul" ? number : 1 / number, -0.0F};
}

// Dividing is multiplying by the reciprocal, which a divisor next to 0 does not have in float32.
// That of 0 is infinite, and so are the quotients.
bool has_reciprocal(float divisor) {
  return divisor == 0 || !std::isinf(1 / divisor);
}

LiteralRef literal_of(std::vector<std::int64_t> shape, std::vector<float> values) {
  return make_floats(std::move(shape), std::move(values))->floats;
}

// A normalization with mean 0 and variance 1, whose scale and offset the numbers are.
PostOp normalization_of(std::vector<float> scales, std::vector<float> offsets) {
  const std::size_t count = scales.size();
  const std::vector<std::int64_t> shape = {static_cast<std::int64_t>(count)};
  PostOp step;
  step.kind = PostOpKind::batch_normalization;
  step.gamma = literal_of(shape, std::move(scales));
  step.beta = literal_of(shape, std::move(offsets));
  step.mean = literal_of(shape, std::vector<float>(count, 0));
  step.variance = literal_of(shape, std::vector<float>(count, 1));
  return step;
}

// Only multiplies: a depthwise convolution of one tap. The offset that a normalization is folded
// to, (0 - mean) * scale + offset, is not a number where the scale is infinite.
void add_depthwise(NodeReader& node, Importer& importer, const Image& image,
                   std::vector<float> scales) {
  LayerSpec layer = importer.layer_on(node, LayerKind::conv, image);
  layer.groups = image.channels();
  std::vector<std::int64_t> shape(image.sizes.size(), 1);
  shape[0] = image.channels();
  layer.kernel = literal_of(std::move(shape), std::move(scales));
  importer.add_layer(node, std::move(layer), {image}, image);
}

// The same for all elements: a rescaling. For each channel: a normalization.
void add_affine(NodeReader& node, Importer& importer, const Image& image, const Constant& constant,
                bool constant_first) {
  if (node.op() == "Div" && constant_first) {
    node.fail(Code::onnx_not_supported, "divides a constant; only dividing by one is supported");
    return;
  }
  if (constant.type != onnx::TensorProto::FLOAT || constant.floats->values.empty()) {
    node.fail(Code::onnx_not_supported, "its constant operand is not of floats");
    return;
  }
  if (!require_known(node, constant, "its constant operand")) return;
  const std::vector<float>& values = constant.floats->values;
  if (node.op() == "Div" && !std::all_of(values.begin(), values.end(), has_reciprocal)) {
    node.fail(Code::onnx_not_supported,
              "divides by a number so near 0 that its reciprocal is out of float32's range")
        .help("scale it and what it divides, so that it is 1e-38 or more");
    return;
  }
  const auto aligned = align(node, constant.shape, static_cast<std::size_t>(image.model_rank));
  bool fits = aligned.has_value(), per_channel = fits && image.model_rank >= 2;
  for (std::size_t i = 0; fits && i < aligned->size(); ++i) {
    const bool one = (*aligned)[i] == 1;
    fits = one || (image.dims[i].fixed() && image.sizes[i] == (*aligned)[i]);
    per_channel = per_channel && (i == 1 || one);
  }
  const bool uniform = std::all_of(values.begin(), values.end(), [&](float value) {
    return std::bit_cast<std::uint32_t>(value) == std::bit_cast<std::uint32_t>(values.front());
  });
  if (!fits || !(uniform || per_channel)) {
    node.fail(Code::onnx_not_supported,
              cat("its constant operand of the shape ", shape_text(constant.shape),
                  " is neither one number nor one for each channel of ",
                  shape_text(image.model_sizes())))
        .help(constant.shape == image.model_sizes() && (node.op() == "Add" || node.op() == "Mul")
                  ? "make it an input of the model: two tensors of one shape are supported"
                  : "a constant operand has one number, or one for each channel");
    return;
  }
  importer.warn_of_infinite(node, constant_first ? 0 : 1, "the constant", values);
  if (uniform) {
    const Affine affine = affine_of(node.op(), constant_first, values.front());
    PostOp step;
    step.kind = PostOpKind::rescaling;
    step.scale = affine.scale;
    step.offset = affine.offset;
    importer.add_post_op(node, std::move(step), {image});
    return;
  }
  std::vector<float> scales, offsets;
  for (const float value : values) {
    const Affine affine = affine_of(node.op(), constant_first, value);
    scales.push_back(affine.scale);
    offsets.push_back(affine.offset);
  }
  if (std::all_of(scales.begin(), scales.end(), [](float x) { return std::isfinite(x); })) {
    importer.add_post_op(node, normalization_of(std::move(scales), std::move(offsets)), {image});
  } else {  // of Mul and Div, whose offsets are zeros
    add_depthwise(node, importer, image, std::move(scales));
  }
}

// How `operand` is read beside `image`; nullopt when it is none of the ways.
std::optional<OperandShape> operand_shape(const Image& image, const Image& operand) {
  if (image.model_rank != operand.model_rank || image.dims[0] != operand.dims[0]) {
    return std::nullopt;
  }
  // Open sizes are the same where the model gives them one name.
  for (std::size_t i = 0; i < image.dims.size(); ++i) {
    if (!image.dims[i].fixed() && image.names[i] != operand.names[i]) return std::nullopt;
  }
  const bool channels = image.dims[1] == operand.dims[1], one_channel = operand.dims[1] == Dim{};
  const bool pixels =
      std::equal(image.dims.begin() + 2, image.dims.end(), operand.dims.begin() + 2);
  const bool one_pixel = std::all_of(operand.dims.begin() + 2, operand.dims.end(),
                                     [](const Dim& dim) { return dim == Dim{}; });
  if (channels && pixels) return OperandShape::full;
  if (channels && one_pixel) return OperandShape::per_channel;
  if (one_channel && pixels) return OperandShape::per_pixel;
  if (one_channel && one_pixel) return OperandShape::scalar;
  return std::nullopt;
}

void add_operand(NodeReader& node, Importer& importer, const std::string& op, const Image& a,
                 const Image& b) {
  if (op != "Add" && op != "Mul") {
    node.fail(Code::onnx_not_supported,
              cat("of two tensors is not supported; ", op, " with a constant is"));
    return;
  }
  PostOp step;
  if (op == "Add" && a.id == b.id) {  // exact
    step.kind = PostOpKind::rescaling;
    step.scale = 2;
    step.offset = -0.0F;
    importer.add_post_op(node, std::move(step), {a});
    return;
  }
  step.kind = op == "Add" ? PostOpKind::add : PostOpKind::multiply;
  step.operand = 1;
  step.operand_layout = Layout::channels_first;
  if (const auto shape = operand_shape(a, b)) {
    step.operand_shape = *shape;
    importer.add_post_op(node, std::move(step), {a, b});
  } else if (const auto swapped = operand_shape(b, a)) {
    step.operand_shape = *swapped;
    importer.add_post_op(node, std::move(step), {b, a});
  } else {
    node.fail(Code::onnx_not_supported,
              cat("its operands have the shapes ", shape_text(a.model_sizes()), " and ",
                  shape_text(b.model_sizes())))
        .help(
            "supported are equal shapes, and a second tensor with the same batch and one "
            "number for each channel, for each pixel, or for each image");
  }
}

}  // namespace

void import_arithmetic(NodeReader& node, Importer& importer) {
  if (node.opset() < 7) {
    node.integer("broadcast", 0);
    node.integer("axis", 0);
    node.ignore("consumed_inputs");
  }
  const Value* a = importer.input(node, 0);
  const Value* b = importer.input(node, 1);
  const auto is_constant = [](const Value* value) {
    return value != nullptr && value->kind == Value::Kind::constant;
  };
  if (node.failed()) return;
  if (is_constant(a) && is_constant(b)) {
    import_folded(node, importer);
    return;
  }
  std::optional<Image> images[2];
  for (int i = 0; i < 2; ++i) {
    if (!is_constant(i == 0 ? a : b)) images[i] = importer.image_input(node, i);
  }
  if (images[0] && images[1]) {
    add_operand(node, importer, node.op(), *images[0], *images[1]);
  } else if (images[0] && is_constant(b)) {
    add_affine(node, importer, *images[0], *b->constant, false);
  } else if (images[1] && is_constant(a)) {
    add_affine(node, importer, *images[1], *a->constant, true);
  }
}

void import_sum(NodeReader& node, Importer& importer) {
  const int count = node.proto().input_size();
  if (count == 1) {
    import_identity(node, importer);
    return;
  }
  const std::optional<Image> a = importer.image_input(node, 0);
  const std::optional<Image> b = importer.image_input(node, 1);
  if (count > 2) {
    node.fail(Code::onnx_not_supported, cat("of ", count, " tensors; one and two are supported"));
  } else if (a && b) {
    add_operand(node, importer, "Add", *a, *b);
  }
}

}  // namespace convc::onnx_import
