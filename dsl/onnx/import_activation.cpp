// The functions of one number, Clip, and Softmax with LogSoftmax.
#include <cmath>
#include <limits>

#include "dsl/axes.h"
#include "dsl/onnx/ops.h"
#include "dsl/text.h"

namespace convc::onnx_import {
namespace {

using Function = ActivationFunction;

// A parameter of an activation: an attribute with its default.
struct Parameter {
  const char* attribute = nullptr;
  float fallback = 0;
};

struct Entry {
  const char* op;
  Function function;
  Parameter alpha, beta, gamma;
};

constexpr float kInfinity = std::numeric_limits<float>::infinity();

// Where an operator has no such attribute, the fallback is the parameter.
constexpr Entry kEntries[] = {
    {"Celu", Function::celu, {"alpha", 1}, {}, {}},
    {"Elu", Function::elu, {"alpha", 1}, {}, {}},
    {"Exp", Function::exponential, {}, {}, {}},
    {"HardSigmoid", Function::hard_sigmoid, {"alpha", 0.2F}, {"beta", 0.5F}, {}},
    {"HardSwish", Function::hard_silu, {}, {}, {}},
    {"LeakyRelu", Function::leaky_relu, {"alpha", 0.01F}, {}, {}},
    {"Mish", Function::mish, {}, {}, {}},
    {"Relu", Function::relu, {nullptr, 0}, {nullptr, kInfinity}, {nullptr, 0}},
    {"Selu",
     Function::selu,
     {"alpha", 1.67326319217681884765625F},
     {},
     {"gamma", 1.05070102214813232421875F}},
    {"Shrink", Function::shrink, {"lambd", 0.5F}, {"bias", 0}, {}},
    {"Sigmoid", Function::sigmoid, {}, {}, {}},
    {"Softplus", Function::softplus, {}, {}, {}},
    {"Softsign", Function::softsign, {}, {}, {}},
    {"Tanh", Function::tanh, {}, {}, {}},
    {"ThresholdedRelu", Function::threshold, {"alpha", 1}, {nullptr, 0}, {}},
};

float read(NodeReader& node, const Parameter& parameter) {
  if (parameter.attribute == nullptr) return parameter.fallback;
  const float value = node.real(parameter.attribute, parameter.fallback);
  if (std::isnan(value)) node.fail_attribute(parameter.attribute, "is not a number");
  return value;
}

Activation read_activation(NodeReader& node) {
  Activation activation;
  if (node.op() == "Gelu") {
    const std::string approximate = node.text("approximate", "none");
    activation.function = approximate == "tanh" ? Function::gelu_tanh : Function::gelu;
    if (approximate != "tanh" && approximate != "none") {
      node.fail_attribute("approximate",
                          cat("is \"", shown(approximate), "\"; it is none or tanh"));
    }
    return activation;
  }
  for (const Entry& entry : kEntries) {
    if (node.op() != entry.op) continue;
    activation.function = entry.function;
    activation.alpha = read(node, entry.alpha);
    activation.beta = read(node, entry.beta);
    activation.gamma = read(node, entry.gamma);
  }
  if (activation.function == Function::celu && activation.alpha == 0) {
    node.fail_attribute("alpha", "is 0, by which the operator divides");
  }
  // inf * 0, or inf - inf.
  const bool subtracts =
      activation.function == Function::celu || activation.function == Function::selu;
  if (subtracts && std::isinf(activation.alpha)) {
    node.fail_attribute("alpha", "is infinite, with which the formula is not a number")
        .help("give it a finite number");
  }
  return activation;
}

void add_activation(NodeReader& node, Importer& importer, const Activation& activation) {
  const std::optional<Image> image = importer.image_input(node, 0);
  if (node.failed() || !image) return;
  PostOp step;
  step.activation = activation;
  importer.add_post_op(node, std::move(step), {*image});
}

}  // namespace

void import_activation(NodeReader& node, Importer& importer) {
  add_activation(node, importer, read_activation(node));
}

// x * sigmoid(alpha * x): silu, or else each factor by itself.
void import_swish(NodeReader& node, Importer& importer) {
  const float alpha = read(node, {"alpha", 1});
  Activation activation;
  activation.function = alpha == 1 ? Function::silu : Function::sigmoid;
  if (alpha == 1) return add_activation(node, importer, activation);
  const std::optional<Image> image = importer.image_input(node, 0);
  if (node.failed() || !image) return;
  PostOp scaling, sigmoid, product;
  scaling.kind = PostOpKind::rescaling;
  scaling.scale = alpha;
  sigmoid.activation = activation;
  product.kind = PostOpKind::multiply;
  product.operand = 1;
  product.operand_layout = Layout::channels_first;
  const std::optional<Image> scaled = importer.add_inner_step(node, std::move(scaling), *image);
  if (!scaled) return;
  const std::optional<Image> gate = importer.add_inner_step(node, std::move(sigmoid), *scaled);
  if (gate) importer.add_post_op(node, std::move(product), {*image, *gate});
}

void import_clip(NodeReader& node, Importer& importer) {
  Activation activation;
  activation.function = Function::clip;
  if (node.opset() < 11) {
    activation.alpha = node.real("min", -kInfinity);
    activation.beta = node.real("max", kInfinity);
  } else {
    const std::optional<float> min = importer.scalar_input(node, 1, "min", -kInfinity);
    const std::optional<float> max = importer.scalar_input(node, 2, "max", kInfinity);
    if (!min || !max) return;
    activation.alpha = *min;
    activation.beta = *max;
  }
  if (std::isnan(activation.alpha) || std::isnan(activation.beta)) {
    node.fail(Code::onnx_not_supported, "a bound is not a number");
  }
  add_activation(node, importer, activation);
}

void import_softmax(NodeReader& node, Importer& importer) {
  const bool old = node.opset() < 13;
  std::int64_t axis = node.integer("axis", old ? 1 : -1);
  const std::optional<Image> image = importer.image_input(node, 0);
  if (node.failed() || !image) return;
  if (axis < 0) axis += image->model_rank;
  const auto fail = [&](const std::string& why) {
    node.fail_attribute("axis", cat("is ", node.integer("axis", old ? 1 : -1), " for an input of ",
                                    shape_text(image->model_sizes()), "; ", why));
  };
  // Before opset 13 all sizes from the axis on are one: those of 1 make no difference.
  for (std::int64_t next = axis + 1; old && next < image->model_rank; ++next) {
    const auto dim = [&](std::int64_t i) { return image->dims[static_cast<std::size_t>(i)]; };
    if (axis < 0 || dim(next) == Dim{1, 1}) continue;
    if (dim(axis) != Dim{1, 1}) {
      return fail(
          cat("by opset ", node.opset(), " it goes over several axes, which is not supported"));
    }
    axis = next;
  }
  if (axis < 1 || axis >= image->model_rank) return fail("it is one of the axes but the batch");
  if (!image->dims[static_cast<std::size_t>(axis)].fixed()) {
    return fail("the size of that axis must be known");
  }
  Activation activation;
  activation.function = node.op() == "Softmax" ? Function::softmax : Function::log_softmax;
  activation.axis = axis_at(static_cast<int>(axis), image->rank(), Layout::channels_first);
  add_activation(node, importer, activation);
}

}  // namespace convc::onnx_import
