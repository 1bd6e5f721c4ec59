// The table of operators.
#include "dsl/onnx/ops.h"

#include <algorithm>

namespace convc::onnx_import {
namespace {

constexpr Operator kOperators[] = {
    {"Add", 6, import_arithmetic},
    {"BatchNormalization", 6, import_batch_normalization},
    {"Cast", 6, import_folded},
    {"Ceil", 6, import_folded},
    {"Celu", 12, import_activation},
    {"Clip", 6, import_clip},
    {"Concat", 4, import_folded},
    {"Constant", 1, import_constant},
    {"ConstantOfShape", 9, import_constant_of_shape},
    {"Conv", 1, import_conv},
    {"ConvTranspose", 1, import_conv_transpose},
    {"Div", 6, import_arithmetic},
    {"Dropout", 6, import_dropout},
    {"Elu", 6, import_activation},
    {"Exp", 6, import_activation},
    {"Floor", 6, import_folded},
    {"Gather", 1, import_folded},
    {"Gelu", 20, import_activation},
    {"HardSigmoid", 6, import_activation},
    {"HardSwish", 14, import_activation},
    {"Identity", 1, import_identity},
    {"LeakyRelu", 6, import_activation},
    {"LogSoftmax", 1, import_softmax},
    {"Mish", 18, import_activation},
    {"Mul", 6, import_arithmetic},
    {"Neg", 6, import_folded},
    {"PRelu", 6, import_prelu},
    {"Pad", 2, import_pad},
    {"Relu", 6, import_activation},
    {"Reshape", 5, import_folded},
    {"Selu", 6, import_activation},
    {"Shape", 1, import_shape},
    {"Shrink", 9, import_activation},
    {"Sigmoid", 6, import_activation},
    {"Slice", 1, import_folded},
    {"Softmax", 1, import_softmax},
    {"Softplus", 1, import_activation},
    {"Softsign", 1, import_activation},
    {"Squeeze", 1, import_folded},
    {"Sub", 6, import_arithmetic},
    {"Sum", 8, import_sum},
    {"Swish", 24, import_swish},
    {"Tanh", 6, import_activation},
    {"ThresholdedRelu", 10, import_activation},
    {"Transpose", 1, import_folded},
    {"Unsqueeze", 1, import_folded},
};

}  // namespace

std::span<const Operator> all_operators() {
  return kOperators;
}

const Operator* find_operator(const std::string& name) {
  const auto* found = std::find_if(std::begin(kOperators), std::end(kOperators),
                                   [&](const Operator& entry) { return name == entry.name; });
  return found == std::end(kOperators) ? nullptr : found;
}

bool is_weight_input(const std::string& op, int input) {
  if (op == "Conv" || op == "ConvTranspose") return input == 1 || input == 2;
  if (op == "BatchNormalization") return input >= 1 && input <= 4;
  return op == "PRelu" && input == 1;
}

}  // namespace convc::onnx_import
