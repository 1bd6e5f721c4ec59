// The words of the language: callables, their arguments in Keras' order, and the values of string
// arguments; among them those that a later version brings, which are refused by name.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "dsl/diagnostics.h"
#include "dsl/draft.h"

namespace convc {

enum class Parameter {
  filters,
  kernel_size,
  strides,
  padding,
  data_format,
  dilation_rate,
  groups,
  activation,
  use_bias,
  padding_mode,
  kernel,
  bias,
  input_shape,
  batch,
  dtype,
  name,    // of layers
  layers,  // of Sequential
  shape,
  batch_size,
  batch_shape,  // of Input
  training,     ///< Keras has it, for training only; its default is accepted
  future,       ///< Keras has it, not supported yet; its default is accepted
};

struct ParameterInfo {
  std::string_view name;
  Parameter parameter;
  bool positional;
};

struct Signature {
  std::string_view callable;
  std::vector<ParameterInfo> parameters;  ///< positional ones first, in Keras' order
};

/// Null when `name` is not a callable of the language.
const Signature* find_signature(std::string_view name);

/// True for Keras' names that are not supported yet.
bool is_future_callable(std::string_view name);

/// All names that may be called, for suggestions.
const std::vector<std::string_view>& all_callables();

/// True for the values of string arguments ("relu", "same", ...), which users forget to quote.
bool is_string_value(std::string_view word);

// Each reads the value of a string argument; reports at `range` and returns nullopt when it is
// unknown or not supported yet.
std::optional<Activation> read_activation(std::string_view text, SourceRange range, Diagnostics&);
std::optional<PaddingMode> read_padding(std::string_view text, SourceRange range, Diagnostics&);
std::optional<DType> read_dtype(std::string_view text, SourceRange range, Diagnostics&);
bool check_data_format(std::string_view text, SourceRange range, Diagnostics&);
bool check_padding_mode(std::string_view text, SourceRange range, Diagnostics&);

}  // namespace convc
