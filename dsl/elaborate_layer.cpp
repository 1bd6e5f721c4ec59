// The arguments of layers.
#include <cmath>
#include <limits>

#include "dsl/axes.h"
#include "dsl/elaborate.h"
#include "dsl/text.h"
#include "dsl/values.h"

namespace convc {
namespace {

// Whether a function reads alpha, beta or gamma (see Activation).
bool has_parameter(ActivationFunction function, std::string_view name) {
  switch (function) {
    case ActivationFunction::relu:
      return true;
    case ActivationFunction::selu:
      return name != "beta";
    case ActivationFunction::hard_sigmoid:
    case ActivationFunction::shrink:
    case ActivationFunction::threshold:
    case ActivationFunction::clip:
      return name != "gamma";
    case ActivationFunction::leaky_relu:
    case ActivationFunction::elu:
    case ActivationFunction::celu:
    case ActivationFunction::soft_shrink:
    case ActivationFunction::hard_shrink:
    case ActivationFunction::squareplus:
      return name == "alpha";
    default:
      return false;
  }
}

class LayerReader {
 public:
  LayerReader(const Arguments& arguments, LayerDraft& layer, Diagnostics& diagnostics)
      : arguments_(arguments), layer_(layer), diagnostics_(diagnostics) {}

  void run() {
    read_sizes();
    read_words();
    if (layer_.type->role == LayerRole::activation) {
      read_activation_layer();
    } else {
      read_numbers();
    }
    read_literals();
  }

 private:
  // Reads an argument, if it was given and is not None, with read(expr, what).
  template <typename T, typename Read>
  void take(std::string_view name, Given<T>& given, Read read) {
    const auto found = arguments_.find(name);
    if (found == arguments_.end() || value_of(*found->second).kind == ExprKind::none) return;
    take_always(name, given, read);
  }

  // The same where None has a meaning, or is wrong.
  template <typename T, typename Read>
  void take_always(std::string_view name, Given<T>& given, Read read) {
    const auto found = arguments_.find(name);
    if (found == arguments_.end()) return;
    given.present = true;
    given.range = found->second->range;
    given.value = read(*found->second, "`" + std::string(name) + "`");
    layer_.broken = layer_.broken || !given.value;
  }

  void integer(std::string_view name, Given<std::int64_t>& given) {
    take_always(name, given, [&](const Expr& expr, const std::string& what) {
      return read_integer(expr, what, diagnostics_);
    });
  }
  void size(std::string_view name, Given<Size>& given) {
    take_always(name, given, [&](const Expr& expr, const std::string& what) {
      return read_size(expr, what, layer_.type->rank, diagnostics_);
    });
  }
  void number(std::string_view name, Given<float>& given) {
    take_always(name, given, [&](const Expr& expr, const std::string& what) {
      return read_number(expr, what, diagnostics_);
    });
  }
  void boolean(std::string_view name, Given<bool>& given) {
    take_always(name, given, [&](const Expr& expr, const std::string& what) {
      return read_bool(expr, what, diagnostics_);
    });
  }
  void literal(std::string_view name, Given<LiteralRef>& given) {
    take(name, given, [&](const Expr& expr, const std::string& what) {
      return read_literal(expr, what, diagnostics_);
    });
  }
  void axes(std::string_view name, Given<std::vector<std::int64_t>>& given) {
    take(name, given, [&](const Expr& expr, const std::string& what) {
      return read_axes(expr, what, diagnostics_);
    });
  }
  // An argument whose value is a word; `read` gets the word and where it stands.
  template <typename T, typename Read>
  void word(std::string_view name, Given<T>& given, Read read) {
    take(name, given, [&](const Expr& expr, const std::string& what) -> std::optional<T> {
      const std::optional<std::string> text = read_string(expr, what, diagnostics_);
      if (!text) return std::nullopt;
      return read(*text, expr.range);
    });
  }

  void read_sizes() {
    integer("filters", layer_.filters);
    size("kernel_size", layer_.kernel_size);
    size("strides", layer_.strides);
    size("dilation_rate", layer_.dilation_rate);
    integer("groups", layer_.groups);
    integer("depth_multiplier", layer_.depth_multiplier);
    take("output_padding", layer_.output_padding, [&](const Expr& expr, const std::string& what) {
      std::optional<Size> given = read_size(expr, what, layer_.type->rank, diagnostics_);
      if (!given) return given;
      Size resolved{0, 0, 0};
      for (const Axis axis : axes_of(layer_.type->rank)) at(resolved, axis) = at(*given, axis);
      return std::optional(resolved);
    });
    take_always("padding", layer_.padding, [&](const Expr& expr, const std::string&) {
      return layer_.type->role == LayerRole::zero_padding
                 ? read_zero_padding(expr, layer_.type->rank, diagnostics_)
                 : read_padding_value(expr, layer_.type->rank, diagnostics_);
    });
    take_always("batch", layer_.batch, [&](const Expr& expr, const std::string& what) {
      return read_dim(expr, what, diagnostics_);
    });
    take("input_shape", layer_.input_shape, [&](const Expr& expr, const std::string& what) {
      return read_shape(expr, what, layer_.type->rank, false, diagnostics_);
    });
    take("input_pitch", layer_.input_pitch, [&](const Expr& expr, const std::string& what) {
      return read_integer(expr, what, diagnostics_);
    });
    take("output_pitch", layer_.output_pitch, [&](const Expr& expr, const std::string& what) {
      return read_integer(expr, what, diagnostics_);
    });
  }

  void read_words() {
    for (const auto& [name, given] :
         {std::pair("data_format", &layer_.data_format),
          std::pair("output_data_format", &layer_.output_data_format)}) {
      word(name, *given, [&, argument = name](const std::string& text, SourceRange range) {
        return read_layout(argument, text, range, diagnostics_);
      });
    }
    word("padding_mode", layer_.padding_mode, [&](const std::string& text, SourceRange range) {
      return read_padding_mode(text, range, diagnostics_);
    });
    word("kernel_layout", layer_.kernel_layout, [&](const std::string& text, SourceRange range) {
      return read_kernel_layout(text, *layer_.type, range, diagnostics_);
    });
    word("activation", layer_.activation, [&](const std::string& text, SourceRange range) {
      return read_activation(text, range, diagnostics_);
    });
    if (layer_.type->role != LayerRole::activation && layer_.activation.value &&
        layer_.activation.value->function == ActivationFunction::threshold) {
      refuse_threshold();
    }
    Given<DType> type;
    word("dtype", type, [&](const std::string& text, SourceRange range) {
      return read_dtype(text, range, diagnostics_);
    });
  }

  void read_numbers() {
    number("padding_value", layer_.padding_value);
    boolean("use_bias", layer_.use_bias);
    number("epsilon", layer_.epsilon);
    boolean("center", layer_.centers);
    if (layer_.type->role == LayerRole::rescaling) {
      number("scale", layer_.scale);
    } else {
      boolean("scale", layer_.scales);
    }
    number("offset", layer_.offset);
    axes("axis", layer_.axis);
    axes("shared_axes", layer_.shared_axes);
  }

  // The parameters of a function that a layer of its own applies.
  void read_activation_layer() {
    if (layer_.type->function != ActivationFunction::linear) {
      layer_.activation = {default_activation(layer_.type->function), {}};
    }
    axes("axis", layer_.axis);
    if (!layer_.activation.value) return;
    Activation& activation = *layer_.activation.value;
    if (layer_.axis.present && !reads_whole_axis(activation.function)) refuse_parameter("axis");
    switch (activation.function) {
      case ActivationFunction::leaky_relu:
        // The layer's default differs from the function's.
        if (layer_.type->function == ActivationFunction::leaky_relu) activation.alpha = 0.3F;
        keras_parameter("negative_slope", activation.alpha);
        break;
      case ActivationFunction::relu:
        keras_parameter("negative_slope", activation.alpha);
        keras_parameter("threshold", activation.gamma);
        if (is_none("max_value")) {
          activation.beta = std::numeric_limits<float>::infinity();
        } else {
          keras_parameter("max_value", activation.beta);
        }
        break;
      default:
        break;
    }
    const bool clips = activation.function == ActivationFunction::clip;
    const bool bounded = clips || activation.function == ActivationFunction::relu;
    const float infinity = std::numeric_limits<float>::infinity();
    own_parameter("alpha", activation.alpha, clips ? std::optional(-infinity) : std::nullopt);
    own_parameter("beta", activation.beta, bounded ? std::optional(infinity) : std::nullopt);
    own_parameter("gamma", activation.gamma, std::nullopt);
    refuse_infinite_alpha();
    const bool given = arguments_.count("alpha") != 0 && arguments_.count("beta") != 0;
    if (activation.function == ActivationFunction::threshold && !given) refuse_threshold();
  }

  // inf * 0, or inf - inf.
  void refuse_infinite_alpha() {
    const Activation& activation = *layer_.activation.value;
    const bool subtracts = activation.function == ActivationFunction::celu ||
                           activation.function == ActivationFunction::selu;
    if (!subtracts || !std::isinf(activation.alpha)) return;
    diagnostics_
        .error(Code::bad_parameter, layer_.activation.range,
               cat("`alpha` of ", name_of(activation.function),
                   " is infinite, with which the formula is not a number"))
        .help("give it a finite number");
    layer_.broken = true;
  }

  // Keras has no defaults for its numbers.
  void refuse_threshold() {
    diagnostics_
        .error(Code::missing_argument, layer_.activation.range,
               "the function threshold needs two numbers")
        .note("x where x > alpha, else beta; Keras has no defaults for them")
        .help("write the layer Activation(\"threshold\", alpha=THRESHOLD, beta=VALUE)");
    layer_.broken = true;
  }

  // convc's own arguments; `none` is what None stands for, no bound.
  void own_parameter(std::string_view name, float& value, std::optional<float> none) {
    if (arguments_.count(name) == 0) return;
    if (!has_parameter(layer_.activation.value->function, name)) {
      refuse_parameter(name);
    } else if (none && is_none(name)) {
      value = *none;
    } else {
      parameter(name, value);
    }
  }

  void refuse_parameter(std::string_view name) {
    diagnostics_.error(Code::unknown_argument, arguments_.at(name)->range,
                       cat("the function ", name_of(layer_.activation.value->function),
                           " has no parameter `", name, "`"));
    layer_.broken = true;
  }

  [[nodiscard]] bool is_none(std::string_view name) const {
    const auto found = arguments_.find(name);
    return found != arguments_.end() && value_of(*found->second).kind == ExprKind::none;
  }

  Given<float> parameter(std::string_view name, float& value) {
    Given<float> given;
    number(name, given);
    if (given.value) value = *given.value;
    if (given.present) layer_.activation.range = given.range;
    if (given.value && std::isnan(*given.value)) {
      diagnostics_.error(Code::bad_parameter, given.range, cat("`", name, "` is not a number"))
          .help("give it a number");
      layer_.broken = true;
    }
    return given;
  }

  // Keras refuses negative ones; Activation("relu", ...) has the functions without the limits.
  void keras_parameter(std::string_view name, float& value) {
    const Given<float> given = parameter(name, value);
    if (given.value_or(0) >= 0) return;
    diagnostics_
        .error(Code::bad_parameter, given.range, cat("`", name, "` must not be negative: ", value))
        .help("Activation(\"relu\", alpha=, beta=, gamma=) takes all numbers");
    layer_.broken = true;
  }

  void read_literals() {
    literal("kernel", layer_.kernel);
    if (arguments_.count("depthwise_kernel") != 0 && layer_.kernel.present) {
      diagnostics_.error(Code::repeated_argument, layer_.kernel.range,
                         "`kernel` and `depthwise_kernel` are the same");
      layer_.broken = true;
      return;
    }
    literal("depthwise_kernel", layer_.kernel);
    literal("pointwise_kernel", layer_.pointwise_kernel);
    literal("bias", layer_.bias);
    if (layer_.type->role == LayerRole::activation) return;
    literal("alpha", layer_.alpha);
    literal("gamma", layer_.gamma);
    literal("beta", layer_.beta);
    literal("moving_mean", layer_.mean);
    literal("moving_variance", layer_.variance);
  }

  const Arguments& arguments_;
  LayerDraft& layer_;
  Diagnostics& diagnostics_;
};

}  // namespace

void read_layer(const Arguments& arguments, LayerDraft* layer, Diagnostics& diagnostics) {
  LayerReader(arguments, *layer, diagnostics).run();
}

}  // namespace convc
