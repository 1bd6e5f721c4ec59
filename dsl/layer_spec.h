// LayerSpec: one convolution (or elementwise) layer with every size resolved. It is what all later
// rooms work from. Plain data: no parsing, no Halide, no LLVM. A LayerSpec that left `check`
// (dsl/checker.h) is valid, so later rooms never re-check it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "dsl/post_op.h"

namespace convc {

/// Element type of a tensor. Others are parsed and refused by name ("not supported yet").
enum class DType { f32 };

enum class LayerKind {
  conv,            ///< Conv1D, Conv2D, Conv3D
  depthwise_conv,  ///< each input channel has depth_multiplier filters of its own
  separable_conv,  ///< a depthwise convolution, then a 1x1 convolution
  conv_transpose,  ///< Conv1DTranspose, ...: the gradient of conv with respect to its input
  elementwise,     ///< the (padded) input itself; what it does is in post_ops
  constant,        ///< zero everywhere, then bias and post_ops: phases of a transposed convolution
                   ///< that no tap reaches. Made by lowering only
};

/// A size along the spatial axes, in elements. A layer of rank 2 has depth 1; one of rank 1 has
/// depth and height 1 and its only axis is the width.
struct Size {
  std::int64_t height = 1;
  std::int64_t width = 1;
  std::int64_t depth = 1;
  friend bool operator==(const Size&, const Size&) = default;
};

/// Planes, rows and columns around the input, in elements. Negative: the input is cropped there.
struct Padding {
  std::int64_t top = 0, bottom = 0, left = 0, right = 0, front = 0, back = 0;
  /// Something is to be put around the input.
  [[nodiscard]] bool any() const {
    return top > 0 || bottom > 0 || left > 0 || right > 0 || front > 0 || back > 0;
  }
  friend bool operator==(const Padding&, const Padding&) = default;
};

/// How the padding was asked for; the printer gives it back, later rooms read `LayerSpec::padding`
/// (and, with run-time sizes, `padding_rule`).
enum class PaddingRule { valid, same, same_lower, causal, explicit_pairs };

/// What stands in the padding.
enum class PaddingMode {
  zeros,
  constant,   ///< LayerSpec::padding_value
  reflect,    ///< mirrored at the border, which is not repeated; padding < size
  replicate,  ///< the nearest border element
  circular,   ///< from the other end; padding <= size
};
/// The border is one number, not read from the image.
constexpr bool fills_border(PaddingMode mode) {
  return mode == PaddingMode::zeros || mode == PaddingMode::constant;
}

/// How filters lie in memory as the user gives them.
enum class KernelLayout {
  filters_last,   ///< Keras: HWIO; transposed HWOI (kernel.., filters / groups, in_channels)
  filters_first,  ///< ONNX, PyTorch: OIHW; transposed IOHW (in_channels, filters / groups,
                  ///< kernel..)
};

/// A dimension is fixed (min == max) or a range known only at run time.
struct Dim {
  std::int64_t min = 1;
  std::int64_t max = 1;
  [[nodiscard]] bool fixed() const { return min == max; }
  friend bool operator==(const Dim&, const Dim&) = default;
};

/// Position in a source file, 1-based; line 0 means "not from a file".
struct SourceLocation {
  std::string file;
  int line = 0;
  int column = 0;
};

/// How an input or output lies in memory. Strides in elements follow from it and the shape.
struct TensorForm {
  Layout layout = Layout::channels_last;
  /// Elements from one row to the next; 0: dense. Rows of planes and images follow one another
  /// densely: a plane has height * row_pitch elements (per channel, for channels_first).
  std::int64_t row_pitch = 0;
  friend bool operator==(const TensorForm&, const TensorForm&) = default;
};

/// Sizes of the input known only at run time. The fields of LayerSpec (`batch`, `in`, `out`,
/// `padding`) then hold a representative size within the range, for planning and costs.
struct OpenSizes {
  std::optional<Dim> batch, height, width;
  [[nodiscard]] bool any() const { return batch || height || width; }
  friend bool operator==(const OpenSizes&, const OpenSizes&) = default;
};

/// The taps of a variable that a layer made by lowering uses: along each axis, tap t of the layer
/// is tap first + t * step of the variable, whose own size is `whole`. A transposed convolution is
/// a convolution for each phase of its output, with every stride-th tap, in reverse.
struct KernelView {
  Size first{0, 0, 0};
  Size step;
  Size whole;
  friend bool operator==(const KernelView&, const KernelView&) = default;
};

/// The elements of the output tensor that a layer made by lowering writes: element q of the layer
/// is element first + q * step of the tensor, whose own size is `whole`.
struct OutputView {
  Size first{0, 0, 0};
  Size step;
  Size whole;
  friend bool operator==(const OutputView&, const OutputView&) = default;
};

/// One layer. Shapes are given here as [batch, depth, height, width, channels] whatever the layout.
/// conv: the filter is [kernel.., in_channels / groups, filters]; it is cross-correlation:
///   y[n,z,y,x,k] = bias[k] + sum_{d,i,j,c} kernel[d,i,j,c,k] *
///       in[n, z*strides.depth  + d*dilation_rate.depth  - padding.front,
///             y*strides.height + i*dilation_rate.height - padding.top,
///             x*strides.width  + j*dilation_rate.width  - padding.left, c + first_channel(k)]
/// with what padding_mode says outside the input and first_channel(k) = (k / (filters/groups)) *
/// (in_channels/groups). Then the post_ops in order.
/// depthwise_conv: the same with groups = in_channels, filters = in_channels * depth_multiplier.
/// separable_conv: the depthwise one without bias, then conv with a 1x1 filter.
/// conv_transpose: out[o] = bias + sum over i, k with i*strides + k*dilation_rate - padding.before
///   == o of kernel[k] * in[i]; padding here takes away from the output; padding_mode is zeros.
/// elementwise: y = in, padded by padding (and padding_mode).
struct LayerSpec {
  LayerKind kind = LayerKind::conv;
  int rank = 2;  ///< spatial axes: 1, 2 or 3
  std::string name;
  DType dtype = DType::f32;

  std::int64_t batch = 1;
  Size in;
  std::int64_t in_channels = 1;
  std::int64_t filters = 1;  ///< channels of the output
  Size kernel_size;
  Size strides;
  Size dilation_rate;
  PaddingRule padding_rule = PaddingRule::valid;
  Padding padding;  ///< resolved for every padding_rule
  PaddingMode padding_mode = PaddingMode::zeros;
  float padding_value = 0;
  std::int64_t groups = 1;
  std::int64_t depth_multiplier = 1;  ///< depthwise_conv, separable_conv
  Size output_padding{0, 0, 0};       ///< conv_transpose: resolved; already in `out`
  bool output_padding_given = false;
  Size out;  ///< resolved output size
  OpenSizes open;

  TensorForm input_form, output_form;
  KernelLayout kernel_layout = KernelLayout::filters_last;

  bool use_bias = true;
  LiteralRef kernel;  ///< null: the numbers arrive at run time, through NAME_pack
  LiteralRef
      pointwise_kernel;  ///< separable_conv: of the 1x1 filter; `kernel` is the depthwise one
  LiteralRef bias;       ///< non-null only when `kernel` is and use_bias
  std::vector<PostOp> post_ops;

  // Set by lowering (generators/plan/lowering.h) only.
  std::optional<KernelView> kernel_view;
  std::optional<OutputView> output_view;

  SourceLocation location;

  [[nodiscard]] bool has_kernel() const {
    return kind != LayerKind::elementwise && kind != LayerKind::constant;
  }
  [[nodiscard]] bool weights_are_literal() const { return kernel != nullptr; }
  [[nodiscard]] bool pads_with_zeros() const {
    return padding_mode == PaddingMode::zeros ||
           (padding_mode == PaddingMode::constant && padding_value == 0);
  }
  [[nodiscard]] std::int64_t channels_per_group() const { return in_channels / groups; }
  [[nodiscard]] std::int64_t filters_per_group() const { return filters / groups; }
  /// Products of one filter's window.
  [[nodiscard]] std::int64_t taps() const {
    return kernel_size.depth * kernel_size.height * kernel_size.width;
  }
};

/// Equal but for the location; literal numbers by their bits.
bool operator==(const LayerSpec& a, const LayerSpec& b);

/// What a variable of a layer is. Keras' names are those of `keras_name`.
enum class VariableRole { kernel, pointwise_kernel, bias, alpha, gamma, beta, mean, variance };

/// "kernel", "depthwise_kernel" (separable layers), "pointwise_kernel", "bias",
/// "alpha", "gamma", "beta", "moving_mean", "moving_variance".
std::string_view keras_name(VariableRole role, const LayerSpec& layer);

/// An array that a layer needs. Order: kernel, pointwise_kernel, bias, then those of the post_ops
/// in order (alpha; gamma, beta, mean, variance).
struct LayerVariable {
  VariableRole role = VariableRole::kernel;
  int post_op = -1;                 ///< index into post_ops; -1: the layer's own
  std::string layer;                ///< name of the layer that the user gave it
  std::vector<std::int64_t> shape;  ///< as the user gives it, in the layer's rank and kernel_layout
  LiteralRef literal;               ///< null: arrives at run time
};
std::vector<LayerVariable> variables_of(const LayerSpec& layer);

}  // namespace convc
