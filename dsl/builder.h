// The C++ builder: says what spec text says, with the same names, defaults, checks and messages.
//
//   convc::Diagnostics diagnostics;
//   const auto module = convc::ModuleBuilder("edge")
//       .conv2d({.filters = 32, .kernel_size = {3, 3}, .padding = "same",
//                .input_shape = {5, 5, 1}, .name = "first"})
//       .sequential({.layers = {{.filters = 32, .kernel_size = {3, 3}, .activation = "relu"},
//                               {.filters = 64, .kernel_size = {3, 3}}},
//                    .input = {.shape = {32, 32, 3}}, .name = "edge_net"})
//       .build(diagnostics);
//
// Diagnostics begin with where the layer is, e.g. "edge.first: error: ...".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "dsl/diagnostics.h"
#include "dsl/layer_spec.h"
#include "dsl/module.h"

namespace convc {

/// A word ("valid", "same") or explicit zeros around the image.
using PaddingArgument = std::variant<std::string, Padding2D>;

/// The arguments of Conv2D. Every member has an initializer, so that designated initializers may
/// leave any out without a warning. An empty name is an automatic one; an empty input_shape is not
/// given.
struct Conv2D {
  std::optional<std::int64_t> filters = std::nullopt;
  Size2D kernel_size = {0, 0};  ///< (0, 0): not given, as it may be with `kernel`
  Size2D strides = {1, 1};
  PaddingArgument padding = "valid";
  std::string data_format = "channels_last";
  Size2D dilation_rate = {1, 1};
  std::int64_t groups = 1;
  std::string activation = "linear";
  bool use_bias = true;
  std::string padding_mode = "zeros";
  /// [height, width, in_channels / groups, filters], or [height, width] for one of each.
  std::optional<Literal> kernel = std::nullopt;
  std::optional<Literal> bias = std::nullopt;  ///< [filters]
  std::vector<std::int64_t> input_shape = {};  ///< height, width, channels
  std::optional<std::int64_t> batch = std::nullopt;
  std::string dtype = "float32";
  std::string name = {};
};

/// The arguments of Input; an empty shape means that there is no Input.
struct Input {
  std::vector<std::int64_t> shape = {};  ///< height, width, channels
  std::optional<std::int64_t> batch_size = std::nullopt;
};

/// The arguments of Sequential.
struct Sequential {
  std::vector<Conv2D> layers = {};
  Input input = {};
  std::string name = {};
};

/// Collects layers; nothing is checked before build().
class ModuleBuilder {
 public:
  explicit ModuleBuilder(std::string library_name) : name_(std::move(library_name)) {}

  ModuleBuilder& conv2d(Conv2D layer);
  ModuleBuilder& sequential(Sequential chain);

  /// The checked Module, or nullopt with everything that is wrong in `diagnostics`. The builder can
  /// be added to and built again.
  [[nodiscard]] std::optional<Module> build(Diagnostics& diagnostics) const;

 private:
  std::string name_;
  std::vector<std::variant<Conv2D, Sequential>> parts_;
};

}  // namespace convc
