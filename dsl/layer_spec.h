// LayerSpec: one convolution layer with every size resolved. It is what all later rooms work from.
// Plain data: no parsing, no Halide, no LLVM. A LayerSpec that left `check` (dsl/checker.h) is
// valid, so later rooms never re-check it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace convc {

/// Element type of a tensor. Others are parsed and refused by name ("not supported yet").
enum class DType { f32 };

enum class Activation { linear, relu };

enum class LayerKind { conv2d };

/// A size along the two image axes, in elements.
struct Size2D {
  std::int64_t height = 1;
  std::int64_t width = 1;
  friend bool operator==(const Size2D&, const Size2D&) = default;
};

/// Rows and columns of zeros around the input, in elements; all are >= 0.
struct Padding2D {
  std::int64_t top = 0, bottom = 0, left = 0, right = 0;
  [[nodiscard]] bool any() const { return (top | bottom | left | right) != 0; }
  friend bool operator==(const Padding2D&, const Padding2D&) = default;
};

/// How the padding was asked for; the printer gives it back, later rooms read `LayerSpec::padding`.
enum class PaddingMode { valid, same, explicit_pairs };

/// Numbers given in the spec, row-major in the variable's shape (kernel: HWIO, bias: filters).
/// Shared, because a bank of filters can be large and specs are copied freely.
struct Literal {
  std::vector<std::int64_t> shape;
  std::vector<float> values;
};
/// By bits: 0.0 and -0.0 differ.
bool operator==(const Literal& a, const Literal& b);
using LiteralRef = std::shared_ptr<const Literal>;

/// Position in a source file, 1-based; line 0 means "not from a file".
struct SourceLocation {
  std::string file;
  int line = 0;
  int column = 0;
};

/// One layer. Input is [batch, in_height, in_width, in_channels], output is
/// [batch, out_height, out_width, filters], both row-major with channels innermost (NHWC); the
/// filter is [kernel_height, kernel_width, in_channels / groups, filters] (HWIO). It is
/// cross-correlation:
///   out[n,y,x,k] = act(bias[k] + sum_{i,j,c} kernel[i,j,c,k] *
///       in[n, y*strides.height + i*dilation_rate.height - padding.top,
///             x*strides.width  + j*dilation_rate.width  - padding.left, c + first_channel(k)])
/// with zeros outside the input and first_channel(k) = (k / (filters/groups)) *
/// (in_channels/groups).
struct LayerSpec {
  LayerKind kind = LayerKind::conv2d;
  std::string name;
  DType dtype = DType::f32;

  std::int64_t batch = 1;
  Size2D in;
  std::int64_t in_channels = 1;
  std::int64_t filters = 1;
  Size2D kernel_size;
  Size2D strides;
  Size2D dilation_rate;
  PaddingMode padding_mode = PaddingMode::valid;
  Padding2D padding;  ///< resolved for every padding_mode
  std::int64_t groups = 1;
  Size2D out;  ///< resolved output height and width

  Activation activation = Activation::linear;
  bool use_bias = true;
  LiteralRef kernel;  ///< null: the numbers arrive at run time, through NAME_pack
  LiteralRef bias;    ///< non-null only when `kernel` is and use_bias

  SourceLocation location;

  [[nodiscard]] bool weights_are_literal() const { return kernel != nullptr; }
  [[nodiscard]] std::int64_t channels_per_group() const { return in_channels / groups; }
  [[nodiscard]] std::int64_t filters_per_group() const { return filters / groups; }
};

/// Equal but for the location; literal numbers by their bits.
bool operator==(const LayerSpec& a, const LayerSpec& b);

}  // namespace convc
