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

enum class Layout { nhwc, nchw };

/// A dimension is fixed (min == max) or a range known only at run time. Only fixed ones are
/// supported yet.
struct Dim {
  std::int64_t min = 1;
  std::int64_t max = 1;
  [[nodiscard]] bool fixed() const { return min == max; }
  friend bool operator==(const Dim&, const Dim&) = default;
};

/// Affine quantization of an integer tensor: real = scale * (stored - zero_point).
struct Quantization {
  std::vector<float> scale;
  std::vector<std::int32_t> zero_point;
  friend bool operator==(const Quantization&, const Quantization&) = default;
};

using TensorId = int;

struct Tensor {
  std::string name;
  DType dtype = DType::f32;
  Layout layout = Layout::nhwc;
  std::vector<Dim> shape;             ///< [batch, height, width, channels] for images
  std::vector<std::int64_t> strides;  ///< in elements; empty: dense, row-major
  std::optional<Quantization> quantization;
  friend bool operator==(const Tensor&, const Tensor&) = default;
};

/// A layer with the tensors it connects.
struct Node {
  LayerSpec layer;
  std::vector<TensorId> inputs;
  std::vector<TensorId> outputs;
  friend bool operator==(const Node&, const Node&) = default;
};

/// One function of the generated library. Nodes are in execution order.
struct Graph {
  std::string name;
  bool is_sequential = false;  ///< printed as Sequential(...); false: as a bare layer
  bool batch_given = false;    ///< an ungiven batch is 1, and shown as None by `summary`
  std::vector<Tensor> tensors;
  std::vector<Node> nodes;
  std::vector<TensorId> inputs;
  std::vector<TensorId> outputs;
  SourceLocation location;
};
/// Equal but for the location.
bool operator==(const Graph& a, const Graph& b);

/// All functions of one library.
struct Module {
  std::string name;
  std::vector<Graph> graphs;
  friend bool operator==(const Module&, const Module&) = default;
};

}  // namespace convc
