// The values of string arguments.
#include "dsl/vocabulary.h"

#include <algorithm>
#include <string>

#include "dsl/axes.h"
#include "dsl/text.h"

namespace convc {
namespace {

using Words = std::vector<std::string_view>;

// Keras' names; those behind "relu6" have other parameters than the function's defaults, or are
// second names.
struct ActivationName {
  std::string_view name;
  ActivationFunction function;
};
using F = ActivationFunction;
constexpr ActivationName kActivations[] = {
    {"linear", F::linear},
    {"relu", F::relu},
    {"leaky_relu", F::leaky_relu},
    {"elu", F::elu},
    {"selu", F::selu},
    {"celu", F::celu},
    {"gelu", F::gelu},
    {"silu", F::silu},
    {"mish", F::mish},
    {"sigmoid", F::sigmoid},
    {"hard_sigmoid", F::hard_sigmoid},
    {"hard_silu", F::hard_silu},
    {"log_sigmoid", F::log_sigmoid},
    {"tanh", F::tanh},
    {"hard_tanh", F::hard_tanh},
    {"tanh_shrink", F::tanh_shrink},
    {"soft_shrink", F::soft_shrink},
    {"hard_shrink", F::hard_shrink},
    {"softplus", F::softplus},
    {"softsign", F::softsign},
    {"exponential", F::exponential},
    {"squareplus", F::squareplus},
    {"sparse_plus", F::sparse_plus},
    {"sparse_sigmoid", F::sparse_sigmoid},
    {"softmax", F::softmax},
    {"log_softmax", F::log_softmax},
    {"sparsemax", F::sparsemax},
    {"glu", F::glu},
    // convc's own: the tanh form of gelu, and ONNX's functions.
    {"gelu_tanh", F::gelu_tanh},
    {"shrink", F::shrink},
    {"threshold", F::threshold},
    {"clip", F::clip},
    {"relu6", F::relu},
    {"swish", F::silu},
    {"hard_swish", F::hard_silu},
};

struct ModeName {
  std::string_view name;
  PaddingMode mode;
};
constexpr ModeName kPaddingModes[] = {{"zeros", PaddingMode::zeros},
                                      {"constant", PaddingMode::constant},
                                      {"reflect", PaddingMode::reflect},
                                      {"replicate", PaddingMode::replicate},
                                      {"circular", PaddingMode::circular}};

struct RuleName {
  std::string_view name;
  PaddingRule rule;
};
constexpr RuleName kPaddingRules[] = {{"valid", PaddingRule::valid},
                                      {"same", PaddingRule::same},
                                      {"same_lower", PaddingRule::same_lower},
                                      {"causal", PaddingRule::causal}};

constexpr std::string_view kFutureTypes[] = {
    "float16",       "bfloat16",       "float64",       "int8",       "uint8",  "int16",
    "uint16",        "int32",          "uint32",        "int64",      "uint64", "bool",
    "mixed_float16", "mixed_bfloat16", "float8_e4m3fn", "float8_e5m2"};

template <typename Table>
Words names_in(const Table& table) {
  Words names;
  for (const auto& row : table) names.push_back(row.name);
  return names;
}

// Reports a string argument whose value is none of `supported`.
std::nullopt_t refuse(std::string_view argument, std::string_view text, const Words& supported,
                      SourceRange range, Diagnostics& diagnostics) {
  std::string list;
  for (const std::string_view word : supported) {
    list += cat(list.empty() ? "" : ", ", '"', word, '"');
  }
  const std::string_view meant = nearest(text, supported);
  Diagnostic& error = diagnostics.error(Code::unknown_value, range,
                                        cat("unknown ", argument, " \"", text.substr(0, 40), "\""));
  error.help(meant.empty() ? cat("supported: ", list) : cat("did you mean \"", meant, "\"?"));
  return std::nullopt;
}

}  // namespace

bool is_string_value(std::string_view word) {
  const auto in = [&](const auto& table) {
    return std::any_of(std::begin(table), std::end(table),
                       [&](const auto& row) { return row.name == word; });
  };
  constexpr std::string_view others[] = {"channels_last", "channels_first", "float32", "float16"};
  return in(kActivations) || in(kPaddingModes) || in(kPaddingRules) ||
         std::find(std::begin(others), std::end(others), word) != std::end(others);
}

std::optional<Activation> read_activation(std::string_view text, SourceRange range,
                                          Diagnostics& diagnostics) {
  for (const ActivationName& row : kActivations) {
    if (row.name != text) continue;
    Activation activation = default_activation(row.function);
    if (text == "relu6") activation.beta = 6;
    return activation;
  }
  return refuse("activation", text, names_in(kActivations), range, diagnostics);
}

std::string_view activation_word(const Activation& activation) {
  if (activation.function == F::relu) {
    Activation relu6 = default_activation(F::relu);
    relu6.beta = 6;
    if (activation == relu6) return "relu6";
  }
  Activation normal = default_activation(activation.function);
  normal.axis = activation.axis;
  if (activation != normal) return {};
  for (const ActivationName& row : kActivations) {
    if (row.function == activation.function) return row.name;
  }
  return {};
}

std::optional<PaddingRule> read_padding(std::string_view text, SourceRange range,
                                        Diagnostics& diagnostics) {
  // Keras takes any case here.
  const std::string word = lower_case(text);
  for (const RuleName& row : kPaddingRules) {
    if (row.name == word) return row.rule;
  }
  return refuse("padding", word, names_in(kPaddingRules), range, diagnostics);
}

std::optional<PaddingMode> read_padding_mode(std::string_view text, SourceRange range,
                                             Diagnostics& diagnostics) {
  for (const ModeName& row : kPaddingModes) {
    if (row.name == text) return row.mode;
  }
  return refuse("padding_mode", text, names_in(kPaddingModes), range, diagnostics);
}

std::string_view padding_mode_word(PaddingMode mode) {
  return kPaddingModes[static_cast<std::size_t>(mode)].name;
}

std::optional<DType> read_dtype(std::string_view text, SourceRange range,
                                Diagnostics& diagnostics) {
  if (text == "float32") return DType::f32;
  if (std::find(std::begin(kFutureTypes), std::end(kFutureTypes), text) == std::end(kFutureTypes)) {
    return refuse("dtype", text, {"float32"}, range, diagnostics);
  }
  diagnostics
      .error(Code::not_supported_yet, range, cat("dtype=\"", text, "\" is not supported yet"))
      .help("supported: \"float32\"");
  return std::nullopt;
}

std::optional<Layout> read_layout(std::string_view argument, std::string_view text,
                                  SourceRange range, Diagnostics& diagnostics) {
  const std::string word = lower_case(text);
  if (word == "channels_last") return Layout::channels_last;
  if (word == "channels_first") return Layout::channels_first;
  return refuse(argument, word, {"channels_last", "channels_first"}, range, diagnostics);
}

std::string_view kernel_layout_word(KernelLayout layout, LayerKind kind, int rank) {
  // By layout, whether it is transposed, and rank.
  constexpr std::string_view words[2][2][3] = {
      {{"WIO", "HWIO", "DHWIO"}, {"WOI", "HWOI", "DHWOI"}},
      {{"OIW", "OIHW", "OIDHW"}, {"IOW", "IOHW", "IODHW"}}};
  return words[layout == KernelLayout::filters_first ? 1 : 0]
              [kind == LayerKind::conv_transpose ? 1 : 0][rank - 1];
}

std::optional<KernelLayout> read_kernel_layout(std::string_view text, const LayerType& type,
                                               SourceRange range, Diagnostics& diagnostics) {
  const std::string_view last =
      kernel_layout_word(KernelLayout::filters_last, type.kind, type.rank);
  const std::string_view first =
      kernel_layout_word(KernelLayout::filters_first, type.kind, type.rank);
  if (text == last) return KernelLayout::filters_last;
  if (text == first) return KernelLayout::filters_first;
  return refuse("kernel_layout", text, {last, first}, range, diagnostics);
}

}  // namespace convc
