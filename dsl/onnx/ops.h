// The operators: how each node becomes a layer, or folds to a constant. Sees ONNX' schema.
#pragma once

#include <span>

#include "dsl/onnx/importer.h"

namespace convc::onnx_import {

/// Asks for all attributes before it looks at what the node reads: attributes are reported of nodes
/// behind one that is not supported, too.
using ImportNode = void (*)(NodeReader& node, Importer& importer);

struct Operator {
  const char* name;
  std::int64_t first_opset;  ///< the oldest whose meaning is implemented
  ImportNode import;
};

/// All that are supported, by name.
std::span<const Operator> all_operators();

/// Null for an operator that is not supported.
const Operator* find_operator(const std::string& name);

/// The newest opset whose operators have been compared with ours.
inline constexpr std::int64_t kNewestOpset = 25;

void import_conv(NodeReader& node, Importer& importer);
void import_conv_transpose(NodeReader& node, Importer& importer);
void import_batch_normalization(NodeReader& node, Importer& importer);
void import_prelu(NodeReader& node, Importer& importer);
void import_activation(NodeReader& node, Importer& importer);
void import_swish(NodeReader& node, Importer& importer);
void import_softmax(NodeReader& node, Importer& importer);
void import_clip(NodeReader& node, Importer& importer);
void import_pad(NodeReader& node, Importer& importer);
void import_arithmetic(NodeReader& node, Importer& importer);
void import_sum(NodeReader& node, Importer& importer);
void import_identity(NodeReader& node, Importer& importer);
void import_dropout(NodeReader& node, Importer& importer);
void import_constant(NodeReader& node, Importer& importer);
void import_constant_of_shape(NodeReader& node, Importer& importer);
void import_shape(NodeReader& node, Importer& importer);
/// Operators that fold when all their inputs are constants: see fold.h.
void import_folded(NodeReader& node, Importer& importer);

/// The inputs of a node that take weights: these, and not images, may be variables.
bool is_weight_input(const std::string& op, int input);

}  // namespace convc::onnx_import
