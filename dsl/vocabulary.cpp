// The tables behind vocabulary.h. Names and order are those of Keras 3.
#include "dsl/vocabulary.h"

#include <algorithm>

#include "dsl/text.h"
#include "llvm/ADT/StringRef.h"

namespace convc {
namespace {

using Words = std::vector<std::string_view>;

bool contains(const Words& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

const Signature& conv2d_signature() {
  static const Signature signature = {"Conv2D",
                                      {{"filters", Parameter::filters, true},
                                       {"kernel_size", Parameter::kernel_size, true},
                                       {"strides", Parameter::strides, true},
                                       {"padding", Parameter::padding, true},
                                       {"data_format", Parameter::data_format, true},
                                       {"dilation_rate", Parameter::dilation_rate, true},
                                       {"groups", Parameter::groups, true},
                                       {"activation", Parameter::activation, true},
                                       {"use_bias", Parameter::use_bias, true},
                                       {"kernel_initializer", Parameter::training, true},
                                       {"bias_initializer", Parameter::training, true},
                                       {"kernel_regularizer", Parameter::training, true},
                                       {"bias_regularizer", Parameter::training, true},
                                       {"activity_regularizer", Parameter::training, true},
                                       {"kernel_constraint", Parameter::training, true},
                                       {"bias_constraint", Parameter::training, true},
                                       {"trainable", Parameter::training, false},
                                       {"autocast", Parameter::training, false},
                                       {"padding_mode", Parameter::padding_mode, false},
                                       {"kernel", Parameter::kernel, false},
                                       {"bias", Parameter::bias, false},
                                       {"input_shape", Parameter::input_shape, false},
                                       {"batch", Parameter::batch, false},
                                       {"dtype", Parameter::dtype, false},
                                       {"name", Parameter::name, false}}};
  return signature;
}

const Signature& sequential_signature() {
  static const Signature signature = {"Sequential",
                                      {{"layers", Parameter::layers, true},
                                       {"trainable", Parameter::training, true},
                                       {"name", Parameter::name, true}}};
  return signature;
}

const Signature& input_signature() {
  static const Signature signature = {"Input",
                                      {{"shape", Parameter::shape, true},
                                       {"batch_size", Parameter::batch_size, true},
                                       {"dtype", Parameter::dtype, true},
                                       {"sparse", Parameter::future, true},
                                       {"ragged", Parameter::future, true},
                                       {"batch_shape", Parameter::batch_shape, true},
                                       {"name", Parameter::name, true},
                                       {"tensor", Parameter::future, true},
                                       {"optional", Parameter::future, true}}};
  return signature;
}

const Words& future_callables() {
  static const Words words = {"Conv1D",
                              "Conv3D",
                              "Conv1DTranspose",
                              "Conv2DTranspose",
                              "Conv3DTranspose",
                              "DepthwiseConv1D",
                              "DepthwiseConv2D",
                              "SeparableConv1D",
                              "SeparableConv2D",
                              "BatchNormalization",
                              "LayerNormalization",
                              "GroupNormalization",
                              "Activation",
                              "ReLU",
                              "LeakyReLU",
                              "PReLU",
                              "ELU",
                              "Softmax",
                              "MaxPooling1D",
                              "MaxPooling2D",
                              "MaxPooling3D",
                              "AveragePooling1D",
                              "AveragePooling2D",
                              "AveragePooling3D",
                              "GlobalMaxPooling2D",
                              "GlobalAveragePooling2D",
                              "ZeroPadding2D",
                              "Cropping2D",
                              "UpSampling2D",
                              "Add",
                              "Subtract",
                              "Multiply",
                              "Average",
                              "Maximum",
                              "Minimum",
                              "Concatenate",
                              "Flatten",
                              "Reshape",
                              "Permute",
                              "Dense",
                              "Dropout",
                              "SpatialDropout2D",
                              "Rescaling",
                              "Normalization",
                              "Identity",
                              "Lambda",
                              "Model",
                              "Functional",
                              "InputLayer",
                              "Quantize",
                              "Dequantize"};
  return words;
}

// Keras' activation functions that are not supported yet.
const Words& future_activations() {
  static const Words words = {
      "relu6",       "leaky_relu",  "elu",         "selu",        "celu",           "gelu",
      "silu",        "swish",       "mish",        "glu",         "sigmoid",        "hard_sigmoid",
      "hard_silu",   "hard_swish",  "log_sigmoid", "tanh",        "hard_tanh",      "tanh_shrink",
      "soft_shrink", "hard_shrink", "softmax",     "log_softmax", "softplus",       "softsign",
      "exponential", "squareplus",  "sparse_plus", "sparsemax",   "sparse_sigmoid", "threshold"};
  return words;
}

// Reports a string argument whose value is none of `supported`. Always false.
bool refuse(std::string_view argument, std::string_view text, const Words& supported,
            const Words& future, SourceRange range, Diagnostics& diagnostics) {
  std::string list;
  for (const std::string_view word : supported)
    list += cat(list.empty() ? "" : ", ", '"', word, '"');
  if (contains(future, text)) {
    diagnostics
        .error(Code::not_supported_yet, range,
               cat(argument, "=\"", text, "\" is not supported yet"))
        .help(cat("supported: ", list));
    return false;
  }
  Words all = supported;
  all.insert(all.end(), future.begin(), future.end());
  const std::string_view meant = nearest(text, all);
  Diagnostic& error = diagnostics.error(Code::unknown_value, range,
                                        cat("unknown ", argument, " \"", text.substr(0, 40), "\""));
  error.help(meant.empty() ? cat("supported: ", list) : cat("did you mean \"", meant, "\"?"));
  return false;
}

}  // namespace

const Signature* find_signature(std::string_view name) {
  for (const Signature* signature :
       {&conv2d_signature(), &sequential_signature(), &input_signature()}) {
    if (signature->callable == name) return signature;
  }
  return nullptr;
}

bool is_future_callable(std::string_view name) {
  return contains(future_callables(), name);
}

const std::vector<std::string_view>& all_callables() {
  static const Words words = [] {
    Words all = {"Conv2D", "Sequential", "Input", "Dim"};
    all.insert(all.end(), future_callables().begin(), future_callables().end());
    return all;
  }();
  return words;
}

bool is_string_value(std::string_view word) {
  static const Words words = {"relu",          "linear",         "valid",   "same",
                              "channels_last", "channels_first", "zeros",   "reflect",
                              "replicate",     "circular",       "float32", "float16"};
  return contains(words, word) || contains(future_activations(), word);
}

std::optional<Activation> read_activation(std::string_view text, SourceRange range,
                                          Diagnostics& diagnostics) {
  if (text == "linear") return Activation::linear;
  if (text == "relu") return Activation::relu;
  refuse("activation", text, {"linear", "relu"}, future_activations(), range, diagnostics);
  return std::nullopt;
}

std::optional<PaddingMode> read_padding(std::string_view text, SourceRange range,
                                        Diagnostics& diagnostics) {
  // Keras takes any case here.
  const std::string lower = llvm::StringRef(text.data(), text.size()).lower();
  if (lower == "valid") return PaddingMode::valid;
  if (lower == "same") return PaddingMode::same;
  refuse("padding", lower, {"valid", "same"}, {"same_lower", "causal", "full"}, range, diagnostics);
  return std::nullopt;
}

std::optional<DType> read_dtype(std::string_view text, SourceRange range,
                                Diagnostics& diagnostics) {
  if (text == "float32") return DType::f32;
  refuse("dtype", text, {"float32"},
         {"float16", "bfloat16", "float64", "int8", "uint8", "int16", "uint16", "int32", "uint32",
          "int64", "uint64", "bool", "mixed_float16", "mixed_bfloat16", "float8_e4m3fn",
          "float8_e5m2"},
         range, diagnostics);
  return std::nullopt;
}

bool check_data_format(std::string_view text, SourceRange range, Diagnostics& diagnostics) {
  const std::string lower = llvm::StringRef(text.data(), text.size()).lower();
  if (lower == "channels_last") return true;
  return refuse("data_format", lower, {"channels_last"}, {"channels_first"}, range, diagnostics);
}

bool check_padding_mode(std::string_view text, SourceRange range, Diagnostics& diagnostics) {
  if (text == "zeros") return true;
  return refuse("padding_mode", text, {"zeros"}, {"reflect", "replicate", "circular"}, range,
                diagnostics);
}

}  // namespace convc
