// PostOp: one elementwise step on what a layer computes: an activation, a normalization, a
// residual sum. A layer has a chain of them, in any order and of any length. Plain data.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace convc {

/// Numbers given in the spec or the model, row-major in the variable's shape. Shared, because a
/// bank of filters can be large and specs are copied freely.
struct Literal {
  std::vector<std::int64_t> shape;
  std::vector<float> values;
};
/// By bits: 0.0 and -0.0 differ.
bool operator==(const Literal& a, const Literal& b);
using LiteralRef = std::shared_ptr<const Literal>;
/// Both null, or equal numbers.
bool same_literal(const LiteralRef& a, const LiteralRef& b);

/// Keras 3's activation functions, with ONNX's parameters. What `alpha`, `beta` and `gamma` of an
/// Activation mean stands beside each; a function that names none ignores them.
enum class ActivationFunction {
  linear,
  relu,            ///< x < gamma ? alpha * (x - gamma) : min(x, beta): slope, max, threshold
  leaky_relu,      ///< x < 0 ? alpha * x : x
  elu,             ///< x > 0 ? x : alpha * (e^x - 1)
  selu,            ///< gamma * (x > 0 ? x : alpha * (e^x - 1)); alpha, gamma are SELU's
  celu,            ///< max(x, 0) + min(0, alpha * (e^(x / alpha) - 1))
  gelu,            ///< x * (1 + erf(x / sqrt 2)) / 2
  gelu_tanh,       ///< x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3))) / 2
  silu,            ///< x * sigmoid(x)
  mish,            ///< x * tanh(log(1 + e^x))
  sigmoid,         ///< 1 / (1 + e^-x)
  hard_sigmoid,    ///< clip(alpha * x + beta, 0, 1); Keras: 1/6 and 0.5
  hard_silu,       ///< x * hard_sigmoid(x) with 1/6 and 0.5
  log_sigmoid,     ///< -log(1 + e^-x)
  tanh,            ///< tanh(x)
  hard_tanh,       ///< clip(x, -1, 1)
  tanh_shrink,     ///< x - tanh(x)
  soft_shrink,     ///< |x| > alpha ? x - sign(x) * alpha : 0
  hard_shrink,     ///< |x| > alpha ? x : 0
  shrink,          ///< ONNX: x < -alpha ? x + beta : x > alpha ? x - beta : 0
  softplus,        ///< log(1 + e^x)
  softsign,        ///< x / (1 + |x|)
  exponential,     ///< e^x
  squareplus,      ///< (x + sqrt(x^2 + alpha)) / 2
  sparse_plus,     ///< x <= -1 ? 0 : x >= 1 ? x : (x + 1)^2 / 4
  sparse_sigmoid,  ///< clip((x + 1) / 2, 0, 1)
  threshold,       ///< x > alpha ? x : beta
  clip,            ///< min(max(x, alpha), beta); either may be infinite
  // Each number needs all along one axis; they are a step of their own (reads_whole_axis).
  softmax,
  log_softmax,
  sparsemax,
  glu,  ///< halves the axis: a * sigmoid(b) of the halves a, b
};

/// Axes of a tensor but the batch.
enum class TensorAxis { depth, height, width, channels };
/// "depth", ..
std::string_view name_of(TensorAxis axis);

struct Activation {
  ActivationFunction function = ActivationFunction::linear;
  float alpha = 0, beta = 0, gamma = 0;
  TensorAxis axis = TensorAxis::channels;  ///< of softmax and its kin
  friend bool operator==(const Activation&, const Activation&) = default;
};

/// The name in the canonical text, e.g. "leaky_relu".
std::string_view name_of(ActivationFunction function);

/// The function with Keras 3's defaults for its parameters.
Activation default_activation(ActivationFunction function);

/// True for softmax and its kin.
bool reads_whole_axis(ActivationFunction function);

enum class PostOpKind {
  activation,
  prelu,                ///< x < 0 ? slope[k] * x : x
  batch_normalization,  ///< (x - mean[k]) / sqrt(variance[k] + epsilon) * gamma[k] + beta[k]
  rescaling,            ///< scale * x + offset
  add,                  ///< x + operand
  multiply,             ///< x * operand
};

/// How a second tensor is read by add and multiply.
enum class OperandShape {
  full,         ///< of the output's own shape
  per_channel,  ///< [batch, 1, .., 1, channels]: squeeze-and-excite's gate
  per_pixel,    ///< one channel
  scalar,       ///< [batch, 1, .., 1]
};

enum class Layout {
  channels_last,   ///< [batch, depth, height, width, channels]
  channels_first,  ///< [batch, channels, depth, height, width]
};

/// One step of a chain; y is the value before it.
struct PostOp {
  PostOpKind kind = PostOpKind::activation;
  std::string
      name;  ///< of the layer it comes from: names its variables; empty: of the layer itself

  Activation activation;  ///< kind activation

  float epsilon = 0;            ///< batch_normalization
  bool scales = true;           ///< batch_normalization: has gamma
  bool centers = true;          ///< batch_normalization: has beta
  float scale = 1, offset = 0;  ///< rescaling
  /// Numbers known in the spec or model, shape [channels]; null: they arrive at run time.
  LiteralRef alpha;                        ///< prelu
  LiteralRef gamma, beta, mean, variance;  ///< batch_normalization: all or none

  int operand = 0;  ///< add, multiply: index into Node::inputs, from 1 on
  OperandShape operand_shape = OperandShape::full;
  Layout operand_layout = Layout::channels_last;
};
/// Softmax or one of its kin.
bool is_channelwise(const PostOp& op);
bool begins_channelwise(const std::vector<PostOp>& chain);

/// By bits of the literal numbers; `name` counts.
bool operator==(const PostOp& a, const PostOp& b);

/// Canonical text of a chain without names and literal numbers, e.g.
/// "relu(0,inf,0);batch_normalization(0.001,1,1);add(1,full,channels_last)"; "" for none.
std::string to_text(const std::vector<PostOp>& chain);
/// The inverse. Precondition: the text is one that to_text wrote.
std::vector<PostOp> post_ops_from_text(std::string_view text);

}  // namespace convc
