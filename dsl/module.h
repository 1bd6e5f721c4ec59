// Module: what a spec file, the C++ builder or a model says, checked. A graph of named tensors.
// `Sequential` is sugar for a graph whose layers form a chain; a bare layer is a graph of one
// layer.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "dsl/layer_spec.h"

namespace convc {

/// Affine quantization of an integer tensor: real = scale * (stored - zero_point).
struct Quantization {
  std::vector<float> scale;
  std::vector<std::int32_t> zero_point;
  friend bool operator==(const Quantization&, const Quantization&) = default;
};

using TensorId = int;

/// A tensor of rank spatial axes. `shape` is in the order of the layout: [batch, spatial..,
/// channels] or [batch, channels, spatial..], with as many spatial sizes as the layers' rank.
struct Tensor {
  std::string name;
  DType dtype = DType::f32;
  TensorForm form;
  std::vector<Dim> shape;
  std::optional<Quantization> quantization;
  friend bool operator==(const Tensor&, const Tensor&) = default;
};

/// A layer with the tensors it connects. inputs[0] is what the layer reads; post_ops refer to the
/// others by index. A tensor may be written by several nodes (phases of a transposed convolution),
/// which lowering makes.
struct Node {
  LayerSpec layer;
  std::vector<TensorId> inputs;
  std::vector<TensorId> outputs;
  friend bool operator==(const Node&, const Node&) = default;
};

/// How a graph was written, and how the printer gives it back.
enum class GraphForm {
  layer,       ///< a bare layer
  sequential,  ///< Sequential(...)
  model,       ///< functional calls and Model(...), or an ONNX model
};

/// One function of the generated library. Nodes are in execution order.
struct Graph {
  std::string name;
  GraphForm form = GraphForm::layer;
  bool batch_given = false;  ///< an ungiven batch is 1, and shown as None by `summary`
  std::vector<Tensor> tensors;
  std::vector<Node> nodes;
  std::vector<TensorId> inputs;
  std::vector<TensorId> outputs;
  SourceLocation location;
};
/// Equal but for the location.
bool operator==(const Graph& a, const Graph& b);

/// All functions of one library. As `dsl` makes it, a node is one layer as the user wrote it:
/// activations, normalizations and sums that stand alone are elementwise nodes with one post_op.
/// Lowering (generators/plan/lowering.h) merges them into the convolutions before them.
struct Module {
  std::string name;
  std::vector<Graph> graphs;
  friend bool operator==(const Module&, const Module&) = default;
};

}  // namespace convc
