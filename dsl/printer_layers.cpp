// Layers as calls: the arguments in Keras' order, then convc's own; defaults are left out.
#include "dsl/printer_layers.h"

#include <cmath>
#include <limits>

#include "dsl/axes.h"
#include "dsl/draft.h"
#include "dsl/numbers.h"
#include "dsl/printer.h"
#include "dsl/text.h"
#include "dsl/vocabulary.h"

namespace convc {
namespace {

std::string size_text(const Size& size, int rank) {
  std::string list;
  bool equal = true;
  for (const Axis axis : axes_of(rank)) {
    equal = equal && at(size, axis) == size.width;
    list += cat(list.empty() ? "" : ", ", at(size, axis));
  }
  return equal ? std::to_string(size.width) : cat("(", list, ")");
}

std::string pairs_text(const Padding& pad, int rank) {
  std::string list;
  for (const Axis axis : axes_of(rank)) {
    list += cat(list.empty() ? "" : ", ", "(", before(pad, axis), ", ", after(pad, axis), ")");
  }
  return rank == 1 ? list : cat("(", list, ")");
}

std::string python_float(float value) {
  if (std::isnan(value)) return "float(\"nan\")";
  if (std::isinf(value)) return value > 0 ? "float(\"inf\")" : "float(\"-inf\")";
  return float_text(value);
}

// Nested lists in row-major order. Recursion is as deep as the rank, at most 5.
void append_literal(const Literal& literal, std::size_t axis, std::size_t* next, std::string* out) {
  if (axis == literal.shape.size()) {
    *out += python_float(literal.values[(*next)++]);
    return;
  }
  *out += '[';
  for (std::int64_t i = 0; i < literal.shape[axis]; ++i) {
    if (i != 0) *out += ", ";
    append_literal(literal, axis + 1, next, out);
  }
  *out += ']';
}

std::string literal_text(const Literal& literal) {
  std::string out;
  std::size_t next = 0;
  append_literal(literal, 0, &next, &out);
  return out;
}

class CallText {
 public:
  explicit CallText(std::string callable) : text_(std::move(callable) + "(") {}

  CallText& add(std::string_view name, const std::string& value) {
    add_argument(&text_, cat(name, "=", value));
    return *this;
  }
  CallText& word(std::string_view name, std::string_view value) {
    return add(name, cat('"', value, '"'));
  }
  CallText& number(std::string_view name, float value, float normal) {
    return value == normal && std::signbit(value) == std::signbit(normal)
               ? *this
               : add(name, python_float(value));
  }
  CallText& literal(std::string_view name, const LiteralRef& numbers) {
    return numbers ? add(name, literal_text(*numbers)) : *this;
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

std::string callable_of(const LayerSpec& layer) {
  switch (layer.kind) {
    case LayerKind::conv:
      return cat("Conv", layer.rank, "D");
    case LayerKind::depthwise_conv:
      return cat("DepthwiseConv", layer.rank, "D");
    case LayerKind::separable_conv:
      return cat("SeparableConv", layer.rank, "D");
    case LayerKind::conv_transpose:
      return cat("Conv", layer.rank, "DTranspose");
    case LayerKind::elementwise:
    case LayerKind::constant:
      break;
  }
  return cat("ZeroPadding", layer.rank, "D");
}

void add_padding(const LayerSpec& layer, CallText& call) {
  switch (layer.padding_rule) {
    case PaddingRule::valid:
      break;
    case PaddingRule::same:
      call.word("padding", "same");
      break;
    case PaddingRule::same_lower:
      call.word("padding", "same_lower");
      break;
    case PaddingRule::causal:
      call.word("padding", "causal");
      break;
    case PaddingRule::explicit_pairs:
      call.add("padding", pairs_text(layer.padding, layer.rank));
      break;
  }
}

void add_layouts(const LayerSpec& layer, CallText& call) {
  if (layer.input_form.layout == Layout::channels_first) call.word("data_format", "channels_first");
  if (layer.output_form.layout != layer.input_form.layout) {
    call.word("output_data_format", layer.output_form.layout == Layout::channels_first
                                        ? "channels_first"
                                        : "channels_last");
  }
}

void add_padding_mode(const LayerSpec& layer, CallText& call) {
  if (layer.padding_mode != PaddingMode::zeros) {
    call.word("padding_mode", padding_mode_word(layer.padding_mode));
  }
  call.number("padding_value", layer.padding_value, 0);
}

std::string convolution(const LayerSpec& layer, std::size_t* done) {
  CallText call(callable_of(layer));
  const bool depthwise = layer.kind == LayerKind::depthwise_conv;
  const bool separable = layer.kind == LayerKind::separable_conv;
  if (!depthwise) call.add("filters", std::to_string(layer.filters));
  call.add("kernel_size", size_text(layer.kernel_size, layer.rank));
  if (layer.strides != Size{}) call.add("strides", size_text(layer.strides, layer.rank));
  add_padding(layer, call);
  if (layer.output_padding_given) {
    call.add("output_padding", size_text(layer.output_padding, layer.rank));
  }
  add_layouts(layer, call);
  if (layer.dilation_rate != Size{}) {
    call.add("dilation_rate", size_text(layer.dilation_rate, layer.rank));
  }
  if (depthwise || separable) {
    if (layer.depth_multiplier != 1) {
      call.add("depth_multiplier", std::to_string(layer.depth_multiplier));
    }
  } else if (layer.groups != 1) {
    call.add("groups", std::to_string(layer.groups));
  }
  *done = 0;
  if (!layer.post_ops.empty()) {
    const PostOp& own = layer.post_ops.front();
    const bool needs_numbers = own.activation.function == ActivationFunction::threshold;
    const std::string_view name = needs_numbers ? "" : activation_word(own.activation);
    if (own.kind == PostOpKind::activation && own.name.empty() && !name.empty()) {
      call.word("activation", name);
      *done = 1;
    }
  }
  if (!layer.use_bias) call.add("use_bias", "False");
  add_padding_mode(layer, call);
  if (layer.kernel_layout == KernelLayout::filters_first) {
    call.word("kernel_layout", kernel_layout_word(layer.kernel_layout, layer.kind, layer.rank));
  }
  call.literal(depthwise || separable ? "depthwise_kernel" : "kernel", layer.kernel);
  call.literal("pointwise_kernel", layer.pointwise_kernel).literal("bias", layer.bias);
  return call.take();
}

std::string activation_call(const Activation& activation) {
  const Activation normal = default_activation(activation.function);
  const float infinity = std::numeric_limits<float>::infinity();
  // Keras' layers take no negative parameters; convc's Activation takes any.
  const bool keras = !(activation.alpha < 0) && !(activation.gamma < 0) && activation.beta >= 0;
  switch (activation.function) {
    case ActivationFunction::relu:
      if (!keras) break;
      return CallText("ReLU")
          .number("max_value", activation.beta, infinity)
          .number("negative_slope", activation.alpha, 0)
          .number("threshold", activation.gamma, 0)
          .take();
    case ActivationFunction::leaky_relu:
      if (activation.alpha < 0) break;
      return CallText("LeakyReLU").number("negative_slope", activation.alpha, 0.3F).take();
    case ActivationFunction::elu:
      return CallText("ELU").number("alpha", activation.alpha, normal.alpha).take();
    case ActivationFunction::softmax:
      return "Softmax(";
    case ActivationFunction::linear:
      return "Identity(";
    default:
      break;
  }
  const bool clips = activation.function == ActivationFunction::clip;
  const bool bounded = clips || activation.function == ActivationFunction::relu;
  const std::string alpha =
      clips && activation.alpha == -infinity ? "None" : python_float(activation.alpha);
  const std::string beta =
      bounded && activation.beta == infinity ? "None" : python_float(activation.beta);
  CallText call("Activation");
  call.word("activation", activation_word(normal));
  const bool always = activation.function == ActivationFunction::threshold;
  if (always || activation.alpha != normal.alpha) call.add("alpha", alpha);
  if (always || activation.beta != normal.beta) call.add("beta", beta);
  return call.number("gamma", activation.gamma, normal.gamma).take();
}

}  // namespace

void add_argument(std::string* call, const std::string& argument) {
  if (call->back() != '(') *call += ", ";
  *call += argument;
}

std::string dim_text(const Dim& dim) {
  if (dim.fixed()) return std::to_string(dim.min);
  if (dim.max == kMaxElements) return dim.min == 1 ? "None" : cat("Dim(min=", dim.min, ")");
  return cat("Dim(min=", dim.min, ", max=", dim.max, ")");
}

std::string shape_text(const std::vector<Dim>& shape) {
  std::string list;
  for (std::size_t i = 1; i < shape.size(); ++i) {
    list += cat(list.empty() ? "" : ", ", dim_text(shape[i]));
  }
  return cat("(", list, ")");
}

std::string open_post_op(const PostOp& op, const LayerSpec& layer) {
  const bool first = layer.output_form.layout == Layout::channels_first;
  switch (op.kind) {
    case PostOpKind::activation: {
      std::string call = activation_call(op.activation);
      const int axis = index_of(op.activation.axis, layer.rank, layer.output_form.layout);
      if (reads_whole_axis(op.activation.function) && axis != layer.rank + 1) {
        add_argument(&call, cat("axis=", axis));
      }
      return call;
    }
    case PostOpKind::prelu: {
      std::string axes;
      for (int i = 0; i < layer.rank; ++i) {
        axes += cat(axes.empty() ? "" : ", ", i + (first ? 2 : 1));
      }
      return CallText("PReLU")
          .add("shared_axes", cat("[", axes, "]"))
          .literal("alpha", op.alpha)
          .take();
    }
    case PostOpKind::batch_normalization: {
      CallText call("BatchNormalization");
      if (first) call.add("axis", "1");
      call.number("epsilon", op.epsilon, 1e-3F);
      if (!op.centers) call.add("center", "False");
      if (!op.scales) call.add("scale", "False");
      call.literal("gamma", op.gamma).literal("beta", op.beta);
      return call.literal("moving_mean", op.mean).literal("moving_variance", op.variance).take();
    }
    case PostOpKind::rescaling:
      return CallText("Rescaling")
          .add("scale", python_float(op.scale))
          .number("offset", op.offset, 0)
          .take();
    case PostOpKind::add:
      return "Add(";
    case PostOpKind::multiply:
      break;
  }
  return "Multiply(";
}

std::string open_call(const LayerSpec& layer, std::size_t* done) {
  if (layer.has_kernel()) return convolution(layer, done);
  *done = 0;
  if (layer.padding_rule == PaddingRule::explicit_pairs) {
    CallText call(callable_of(layer));
    add_padding(layer, call);
    if (layer.input_form.layout == Layout::channels_first) {
      call.word("data_format", "channels_first");
    }
    add_padding_mode(layer, call);
    return call.take();
  }
  if (layer.post_ops.empty()) return "Identity(";
  *done = 1;
  return open_post_op(layer.post_ops.front(), layer);
}

std::string callable_name(const LayerSpec& layer) {
  std::size_t done = 0;
  const std::string call = open_call(layer, &done);
  return call.substr(0, call.find('('));
}

}  // namespace convc
