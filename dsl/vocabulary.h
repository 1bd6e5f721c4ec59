// The words of the language: callables, their arguments in Keras' order, and the values of string
// arguments; among them Keras' that are not supported, which are refused by name.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "dsl/diagnostics.h"
#include "dsl/draft.h"

namespace convc {

/// What a layer does.
enum class LayerRole {
  convolution,
  zero_padding,
  activation,  ///< Activation, ReLU, LeakyReLU, ELU, Softmax
  prelu,
  batch_normalization,
  rescaling,
  add,
  multiply,
  identity,
};

struct LayerType {
  std::string_view callable;   ///< "Conv2D"
  std::string_view auto_name;  ///< Keras' automatic name, "conv2d"
  LayerRole role = LayerRole::convolution;
  LayerKind kind = LayerKind::elementwise;
  int rank = 0;  ///< 0: any
  /// Of an activation layer that is named after its function.
  ActivationFunction function = ActivationFunction::linear;

  [[nodiscard]] bool merges() const {
    return role == LayerRole::add || role == LayerRole::multiply;
  }
  [[nodiscard]] bool is_depthwise() const {
    return kind == LayerKind::depthwise_conv || kind == LayerKind::separable_conv;
  }
};

struct ParameterInfo {
  enum class Use {
    plain,
    training,  ///< Keras has it, for training only; its default is accepted
    future,    ///< Keras has it, not supported; its default is accepted
  };
  std::string_view name;
  bool positional = false;
  Use use = Use::plain;
};

struct Signature {
  LayerType type;  ///< only `callable` and `auto_name` of what is no layer
  bool is_layer = true;
  std::vector<ParameterInfo> parameters;  ///< positional ones first, in Keras' order
};

/// Null when `name` is not a callable of the language.
const Signature* find_signature(std::string_view name);

/// The type of a layer that the language has. Precondition: there is one of this name.
const LayerType& layer_type(std::string_view callable);

/// True for Keras' names that are not supported.
bool is_future_callable(std::string_view name);

/// All names that may be called, for suggestions.
const std::vector<std::string_view>& all_callables();

/// True for the values of string arguments ("relu", "same", ...), which users forget to quote.
bool is_string_value(std::string_view word);

/// The value that Keras gives a training-only argument, e.g. "zeros"; empty: None or False.
std::string_view default_of(std::string_view training_parameter);

// Each reads the value of a string argument; reports at `range` and returns nullopt when it is
// unknown or not supported.
std::optional<Activation> read_activation(std::string_view text, SourceRange range, Diagnostics&);
std::optional<PaddingRule> read_padding(std::string_view text, SourceRange range, Diagnostics&);
std::optional<PaddingMode> read_padding_mode(std::string_view text, SourceRange range,
                                             Diagnostics&);
std::optional<DType> read_dtype(std::string_view text, SourceRange range, Diagnostics&);
/// `argument`: "data_format" or "output_data_format".
std::optional<Layout> read_layout(std::string_view argument, std::string_view text,
                                  SourceRange range, Diagnostics&);
std::optional<KernelLayout> read_kernel_layout(std::string_view text, const LayerType& type,
                                               SourceRange range, Diagnostics&);

/// The word for `activation=` that reads as `activation`; empty when it has other parameters than
/// Keras' defaults.
std::string_view activation_word(const Activation& activation);

/// "HWIO" and the like.
std::string_view kernel_layout_word(KernelLayout layout, LayerKind kind, int rank);

std::string_view padding_mode_word(PaddingMode mode);

}  // namespace convc
