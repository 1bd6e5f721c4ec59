// The callables and their arguments. Names and order are those of Keras 3.
#include <algorithm>
#include <string>

#include "dsl/vocabulary.h"

namespace convc {
namespace {

using Use = ParameterInfo::Use;

// What the layers' base class takes, and convc's own arguments of every layer.
constexpr std::string_view kLayerWords = "trainable autocast dtype name ";
constexpr std::string_view kInputWords = "input_shape batch input_pitch output_pitch ";
constexpr std::string_view kConvolutionWords =
    "padding_mode padding_value kernel_layout output_data_format ";

constexpr std::string_view kConv =
    "filters kernel_size strides padding data_format dilation_rate groups activation use_bias "
    "kernel_initializer bias_initializer kernel_regularizer bias_regularizer activity_regularizer "
    "kernel_constraint bias_constraint ";
constexpr std::string_view kDepthwise =
    "kernel_size strides padding depth_multiplier data_format dilation_rate activation use_bias "
    "depthwise_initializer bias_initializer depthwise_regularizer bias_regularizer "
    "activity_regularizer depthwise_constraint bias_constraint ";
constexpr std::string_view kSeparable =
    "filters kernel_size strides padding data_format dilation_rate depth_multiplier activation "
    "use_bias depthwise_initializer pointwise_initializer bias_initializer depthwise_regularizer "
    "pointwise_regularizer bias_regularizer activity_regularizer depthwise_constraint "
    "pointwise_constraint bias_constraint ";
constexpr std::string_view kTransposeInitializers =
    "dilation_rate activation use_bias kernel_initializer bias_initializer kernel_regularizer "
    "bias_regularizer activity_regularizer kernel_constraint bias_constraint ";
// Keras' order is another one for three axes.
constexpr std::string_view kTranspose =
    "filters kernel_size strides padding output_padding data_format ";
constexpr std::string_view kTranspose3 =
    "filters kernel_size strides padding data_format output_padding ";
constexpr std::string_view kNormalization =
    "axis momentum epsilon center scale beta_initializer gamma_initializer "
    "moving_mean_initializer moving_variance_initializer beta_regularizer gamma_regularizer "
    "beta_constraint gamma_constraint synchronized ";

bool ends_with_any(std::string_view name, std::initializer_list<std::string_view> endings) {
  return std::any_of(endings.begin(), endings.end(),
                     [&](std::string_view ending) { return name.ends_with(ending); });
}

Use use_of(std::string_view name) {
  const auto is = [&](std::initializer_list<std::string_view> names) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  if (ends_with_any(name, {"_initializer", "_regularizer", "_constraint"}) ||
      is({"trainable", "autocast", "momentum", "synchronized"})) {
    return Use::training;
  }
  return is({"lora_rank", "lora_alpha", "sparse", "ragged", "tensor", "optional"}) ? Use::future
                                                                                   : Use::plain;
}

// The words of constant texts stay where they are.
void add_parameters(std::string_view words, bool positional, std::vector<ParameterInfo>* out) {
  while (!words.empty()) {
    const std::size_t end = words.find(' ');
    const std::string_view name = words.substr(0, end);
    out->push_back({name, positional, use_of(name)});
    words.remove_prefix(end + 1);
  }
}

Signature signature(const LayerType& type, std::initializer_list<std::string_view> positional,
                    std::initializer_list<std::string_view> named) {
  Signature made;
  made.type = type;
  for (const std::string_view words : positional) add_parameters(words, true, &made.parameters);
  for (const std::string_view words : named) add_parameters(words, false, &made.parameters);
  add_parameters(type.merges() ? "input_pitch output_pitch " : kInputWords, false,
                 &made.parameters);
  const bool chooses = type.role == LayerRole::convolution || type.role == LayerRole::zero_padding;
  if (!chooses && !type.merges()) add_parameters("data_format ", false, &made.parameters);
  add_parameters(kLayerWords, false, &made.parameters);
  return made;
}

Signature not_a_layer(std::string_view callable, std::string_view auto_name,
                      std::string_view positional, std::string_view named = {}) {
  Signature made;
  made.type = {callable, auto_name};
  made.is_layer = false;
  add_parameters(positional, true, &made.parameters);
  add_parameters(named, false, &made.parameters);
  return made;
}

void add_convolutions(std::vector<Signature>& all) {
  constexpr auto role = LayerRole::convolution;
  constexpr std::string_view literals = "kernel bias ";
  constexpr std::string_view depthwise_literals = "depthwise_kernel kernel bias ";
  constexpr std::string_view separable_literals = "depthwise_kernel pointwise_kernel bias ";
  constexpr LayerKind conv = LayerKind::conv;
  constexpr LayerKind depthwise = LayerKind::depthwise_conv;
  constexpr LayerKind separable = LayerKind::separable_conv;
  constexpr LayerKind transpose = LayerKind::conv_transpose;
  all.push_back(signature({"Conv1D", "conv1d", role, conv, 1}, {kConv},
                          {kConvolutionWords, literals, "lora_rank lora_alpha "}));
  all.push_back(signature({"Conv2D", "conv2d", role, conv, 2}, {kConv},
                          {kConvolutionWords, literals, "lora_rank lora_alpha "}));
  all.push_back(signature({"Conv3D", "conv3d", role, conv, 3}, {kConv},
                          {kConvolutionWords, literals, "lora_rank lora_alpha "}));
  all.push_back(signature({"DepthwiseConv1D", "depthwise_conv1d", role, depthwise, 1}, {kDepthwise},
                          {kConvolutionWords, depthwise_literals}));
  all.push_back(signature({"DepthwiseConv2D", "depthwise_conv2d", role, depthwise, 2}, {kDepthwise},
                          {kConvolutionWords, depthwise_literals}));
  all.push_back(signature({"SeparableConv1D", "separable_conv1d", role, separable, 1}, {kSeparable},
                          {kConvolutionWords, separable_literals}));
  all.push_back(signature({"SeparableConv2D", "separable_conv2d", role, separable, 2}, {kSeparable},
                          {kConvolutionWords, separable_literals}));
  all.push_back(signature({"Conv1DTranspose", "conv1d_transpose", role, transpose, 1},
                          {kTranspose, kTransposeInitializers},
                          {"groups ", kConvolutionWords, literals}));
  all.push_back(signature({"Conv2DTranspose", "conv2d_transpose", role, transpose, 2},
                          {kTranspose, kTransposeInitializers},
                          {"groups ", kConvolutionWords, literals}));
  all.push_back(signature({"Conv3DTranspose", "conv3d_transpose", role, transpose, 3},
                          {kTranspose3, kTransposeInitializers},
                          {"groups ", kConvolutionWords, literals}));
}

void add_elementwise(std::vector<Signature>& all) {
  constexpr LayerKind kind = LayerKind::elementwise;
  constexpr LayerRole activation = LayerRole::activation;
  constexpr LayerRole padding = LayerRole::zero_padding;
  const auto activation_layer = [](std::string_view callable, std::string_view auto_name,
                                   ActivationFunction function) {
    return LayerType{callable, auto_name, activation, kind, 0, function};
  };
  all.push_back(signature({"Activation", "activation", activation, kind}, {"activation "},
                          {"alpha beta gamma axis "}));
  all.push_back(signature(activation_layer("ReLU", "re_lu", ActivationFunction::relu),
                          {"max_value negative_slope threshold "}, {}));
  all.push_back(
      signature(activation_layer("LeakyReLU", "leaky_re_lu", ActivationFunction::leaky_relu),
                {"negative_slope "}, {}));
  all.push_back(signature(activation_layer("ELU", "elu", ActivationFunction::elu), {"alpha "}, {}));
  all.push_back(signature(activation_layer("Softmax", "softmax", ActivationFunction::softmax),
                          {"axis "}, {}));
  all.push_back(signature({"PReLU", "p_re_lu", LayerRole::prelu, kind},
                          {"alpha_initializer alpha_regularizer alpha_constraint shared_axes "},
                          {"alpha "}));
  all.push_back(
      signature({"BatchNormalization", "batch_normalization", LayerRole::batch_normalization, kind},
                {kNormalization}, {"gamma beta moving_mean moving_variance "}));
  all.push_back(
      signature({"Rescaling", "rescaling", LayerRole::rescaling, kind}, {"scale offset "}, {}));
  all.push_back(signature({"Add", "add", LayerRole::add, kind}, {}, {}));
  all.push_back(signature({"Multiply", "multiply", LayerRole::multiply, kind}, {}, {}));
  all.push_back(signature({"Identity", "identity", LayerRole::identity, kind}, {}, {}));
  constexpr std::string_view padding_words = "padding data_format ";
  constexpr std::string_view own_words = "padding_mode padding_value ";
  all.push_back(signature({"ZeroPadding1D", "zero_padding1d", padding, kind, 1}, {padding_words},
                          {own_words}));
  all.push_back(signature({"ZeroPadding2D", "zero_padding2d", padding, kind, 2}, {padding_words},
                          {own_words}));
  all.push_back(signature({"ZeroPadding3D", "zero_padding3d", padding, kind, 3}, {padding_words},
                          {own_words}));
}

const std::vector<Signature>& signatures() {
  static const std::vector<Signature> all = [] {
    std::vector<Signature> made;
    add_convolutions(made);
    add_elementwise(made);
    made.push_back(not_a_layer("Sequential", "sequential", "layers trainable name "));
    made.push_back(not_a_layer(
        "Input", "input_layer",
        "shape batch_size dtype sparse ragged batch_shape name tensor optional ", "data_format "));
    made.push_back(not_a_layer("Model", "functional", "inputs outputs name trainable "));
    made.push_back(not_a_layer("Dim", "", "min max "));
    return made;
  }();
  return all;
}

constexpr std::string_view kFutureCallables[] = {"LayerNormalization",
                                                 "GroupNormalization",
                                                 "UnitNormalization",
                                                 "SpectralNormalization",
                                                 "MaxPooling1D",
                                                 "MaxPooling2D",
                                                 "MaxPooling3D",
                                                 "AveragePooling1D",
                                                 "AveragePooling2D",
                                                 "AveragePooling3D",
                                                 "GlobalMaxPooling1D",
                                                 "GlobalMaxPooling2D",
                                                 "GlobalMaxPooling3D",
                                                 "GlobalAveragePooling1D",
                                                 "GlobalAveragePooling2D",
                                                 "GlobalAveragePooling3D",
                                                 "Cropping1D",
                                                 "Cropping2D",
                                                 "Cropping3D",
                                                 "UpSampling1D",
                                                 "UpSampling2D",
                                                 "UpSampling3D",
                                                 "Subtract",
                                                 "Average",
                                                 "Maximum",
                                                 "Minimum",
                                                 "Concatenate",
                                                 "Dot",
                                                 "Flatten",
                                                 "Reshape",
                                                 "Permute",
                                                 "RepeatVector",
                                                 "Dense",
                                                 "EinsumDense",
                                                 "Embedding",
                                                 "Dropout",
                                                 "SpatialDropout1D",
                                                 "SpatialDropout2D",
                                                 "SpatialDropout3D",
                                                 "GaussianNoise",
                                                 "Normalization",
                                                 "Resizing",
                                                 "Lambda",
                                                 "Functional",
                                                 "InputLayer",
                                                 "LSTM",
                                                 "GRU",
                                                 "Attention",
                                                 "MultiHeadAttention",
                                                 "TimeDistributed",
                                                 "Quantize",
                                                 "Dequantize"};

}  // namespace

const Signature* find_signature(std::string_view name) {
  for (const Signature& signature : signatures()) {
    if (signature.type.callable == name) return &signature;
  }
  return nullptr;
}

const LayerType& layer_type(std::string_view callable) {
  return find_signature(callable)->type;
}

bool is_future_callable(std::string_view name) {
  return std::find(std::begin(kFutureCallables), std::end(kFutureCallables), name) !=
         std::end(kFutureCallables);
}

const std::vector<std::string_view>& all_callables() {
  static const std::vector<std::string_view> words = [] {
    std::vector<std::string_view> all;
    for (const Signature& signature : signatures()) all.push_back(signature.type.callable);
    all.insert(all.end(), std::begin(kFutureCallables), std::end(kFutureCallables));
    return all;
  }();
  return words;
}

std::string_view default_of(std::string_view training_parameter) {
  const auto is = [&](std::string_view name) { return training_parameter == name; };
  if (is("trainable") || is("autocast")) return "True";
  if (is("momentum")) return "0.99";
  if (is("gamma_initializer") || is("moving_variance_initializer")) return "ones";
  if (is("kernel_initializer") || is("depthwise_initializer") || is("pointwise_initializer")) {
    return "glorot_uniform";
  }
  return training_parameter.ends_with("_initializer") ? "zeros" : "";
}

}  // namespace convc
