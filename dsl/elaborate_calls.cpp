// What calls of the language's own names make: layers, inputs, chains.
#include "dsl/elaborate.h"
#include "dsl/text.h"
#include "dsl/values.h"

namespace convc {
namespace {

// Reads an argument, if it was given, into `given`.
template <typename T, typename Read>
void take(const std::map<Parameter, const Expr*>& arguments, Parameter parameter, Given<T>& given,
          Read read) {
  const auto found = arguments.find(parameter);
  if (found == arguments.end()) return;
  given.present = true;
  given.range = found->second->range;
  given.value = read(*found->second);
}

// The same for arguments whose default is None.
template <typename T, typename Read>
void take_unless_none(const std::map<Parameter, const Expr*>& arguments, Parameter parameter,
                      Given<T>& given, Read read) {
  const auto found = arguments.find(parameter);
  if (found == arguments.end() || value_of(*found->second).kind == ExprKind::none) return;
  take(arguments, parameter, given, read);
}

}  // namespace

Handle Elaborator::call_builtin(const Signature& signature, const Expr& expr) {
  const std::string_view callable = signature.callable;
  const Arguments arguments = bind(signature, expr);
  if (callable == "Conv2D") return make_layer(expr, arguments);
  if (callable == "Input") return make_input(expr, arguments);
  return make_sequential(expr, arguments);
}

Handle Elaborator::make_layer(const Expr& expr, const Arguments& arguments) {
  LayerDraft layer;
  layer.callee = expr.compound->callee->range;
  layer.name_range = layer.callee;
  layer.broken = layer.unmatched = arguments_broken_;
  if (!read_name(arguments, "conv2d", &layer.name, &layer.name_range)) layer.broken = true;
  read_layer_sizes(layer, arguments);
  read_layer_numbers(layer, arguments);
  if (!read_layer_words(layer, arguments)) layer.broken = true;
  layer.broken = layer.broken || layer.any_wrong();
  layers_.push_back(std::move(layer));
  return made(Handle::Kind::layer, layers_.size() - 1);
}

void Elaborator::read_layer_sizes(LayerDraft& layer, const Arguments& arguments) {
  const auto integer = [&](const char* what) {
    return [this, what](const Expr& expr) { return read_integer(expr, what, diagnostics_); };
  };
  const auto size = [&](const char* what) {
    return [this, what](const Expr& expr) { return read_size(expr, what, diagnostics_); };
  };
  take(arguments, Parameter::filters, layer.filters, integer("`filters`"));
  take(arguments, Parameter::kernel_size, layer.kernel_size, size("`kernel_size`"));
  take(arguments, Parameter::strides, layer.strides, size("`strides`"));
  take(arguments, Parameter::dilation_rate, layer.dilation_rate, size("`dilation_rate`"));
  take(arguments, Parameter::groups, layer.groups, integer("`groups`"));
  take(arguments, Parameter::batch, layer.batch, integer("`batch`"));
  take(arguments, Parameter::padding, layer.padding,
       [&](const Expr& value) { return read_padding_value(value, diagnostics_); });
  take_unless_none(arguments, Parameter::input_shape, layer.input_shape, [&](const Expr& value) {
    return read_shape(value, "`input_shape`", diagnostics_);
  });
}

void Elaborator::read_layer_numbers(LayerDraft& layer, const Arguments& arguments) {
  take(arguments, Parameter::use_bias, layer.use_bias,
       [&](const Expr& value) { return read_bool(value, "`use_bias`", diagnostics_); });
  take_unless_none(arguments, Parameter::kernel, layer.kernel, [&](const Expr& value) {
    return read_literal(value, "`kernel`", diagnostics_);
  });
  take_unless_none(arguments, Parameter::bias, layer.bias,
                   [&](const Expr& value) { return read_literal(value, "`bias`", diagnostics_); });
}

// Arguments whose values are words. False when one of them is wrong.
bool Elaborator::read_layer_words(LayerDraft& layer, const Arguments& arguments) {
  bool ok = true;
  const auto word = [&](Parameter parameter, const char* what, auto use) {
    const auto found = arguments.find(parameter);
    if (found == arguments.end() || value_of(*found->second).kind == ExprKind::none) return;
    const std::optional<std::string> text = read_string(*found->second, what, diagnostics_);
    if (!text || !use(*text, found->second->range)) ok = false;
  };
  word(Parameter::activation, "`activation`", [&](const std::string& text, SourceRange range) {
    layer.activation.value = read_activation(text, range, diagnostics_);
    return layer.activation.value.has_value();
  });
  word(Parameter::data_format, "`data_format`", [&](const std::string& text, SourceRange range) {
    return check_data_format(text, range, diagnostics_);
  });
  word(Parameter::dtype, "`dtype`", [&](const std::string& text, SourceRange range) {
    return read_dtype(text, range, diagnostics_).has_value();
  });
  word(Parameter::padding_mode, "`padding_mode`", [&](const std::string& text, SourceRange range) {
    return check_padding_mode(text, range, diagnostics_);
  });
  return ok;
}

Handle Elaborator::make_input(const Expr& expr, const Arguments& arguments) {
  InputDraft input;
  input.range = expr.range;
  take(arguments, Parameter::shape, input.shape,
       [&](const Expr& value) { return read_shape(value, "`shape`", diagnostics_); });
  take(arguments, Parameter::batch_size, input.batch,
       [&](const Expr& value) { return read_integer(value, "`batch_size`", diagnostics_); });
  bool broken = arguments_broken_ || input.shape.wrong() || input.batch.wrong();
  const auto batch_shape = arguments.find(Parameter::batch_shape);
  if (batch_shape != arguments.end()) {
    if (input.shape.present || input.batch.present) {
      diagnostics_
          .error(Code::repeated_argument, batch_shape->second->range,
                 "`batch_shape` says the same as `shape` and `batch_size`")
          .help("give one of the two");
      broken = true;
    } else {
      read_batch_shape(*batch_shape->second, input);
      broken = broken || input.shape.wrong();
    }
  }
  if (!broken && !input.shape.present) {
    diagnostics_.error(Code::missing_argument, expr.range, "Input needs `shape`")
        .help("write Input(shape=(height, width, channels))");
    broken = true;
  }
  const auto dtype = arguments.find(Parameter::dtype);
  if (dtype != arguments.end() && value_of(*dtype->second).kind != ExprKind::none) {
    const std::optional<std::string> text = read_string(*dtype->second, "`dtype`", diagnostics_);
    if (!text || !read_dtype(*text, dtype->second->range, diagnostics_)) broken = true;
  }
  std::string name;
  SourceRange name_range;
  if (!read_name(arguments, "input_layer", &name, &name_range)) broken = true;
  if (broken) return {Handle::Kind::broken, 0};
  inputs_.push_back(input);
  return {Handle::Kind::input, inputs_.size() - 1};
}

// (batch, height, width, channels).
void Elaborator::read_batch_shape(const Expr& expr, InputDraft& input) {
  const Expr& value = value_of(expr);
  input.shape.present = true;
  input.shape.range = input.batch.range = expr.range;
  if (!value.is_sequence() || value.compound->items.size() != 4) {
    if (is_broken(expr)) return;
    diagnostics_.error(
        Code::wrong_type, expr.range,
        cat("`batch_shape` must be (batch, height, width, channels), not ", describe(expr)));
    return;
  }
  ImageShape shape = {0, 0, 0};
  bool ok = true;
  input.batch.present = true;
  input.batch.value = read_integer(value.compound->items[0], "`batch_shape`", diagnostics_);
  for (std::size_t i = 0; i < 3; ++i) {
    const std::optional<std::int64_t> size =
        read_integer(value.compound->items[i + 1], "`batch_shape`", diagnostics_);
    shape[i] = size.value_or(0);
    ok = ok && size;
  }
  if (ok && input.batch.value) input.shape.value = shape;
}

Handle Elaborator::make_sequential(const Expr& expr, const Arguments& arguments) {
  GraphDraft graph;
  graph.is_sequential = true;
  graph.range = graph.name_range = expr.compound->callee->range;
  graph.broken = arguments_broken_;
  if (!read_name(arguments, "sequential", &graph.name, &graph.name_range)) graph.broken = true;
  const auto layers = arguments.find(Parameter::layers);
  if (layers != arguments.end() && !is_broken(*layers->second)) {
    const Expr& list = value_of(*layers->second);
    if (!list.is_sequence() || !list.compound->numbers.empty()) {
      diagnostics_
          .error(Code::wrong_type, layers->second->range,
                 cat("`layers` must be a list of layers, not ", describe(list)))
          .help("write layers=[Input(shape=...), Conv2D(...), ...]");
      graph.broken = true;
    } else {
      bool first = true;
      for (const Expr& element : list.compound->items) {
        add_element(graph, element, first);
        first = false;
      }
    }
  } else if (layers != arguments.end()) {
    graph.broken = true;
  }
  if (graph.layers.empty() && !graph.broken) {
    diagnostics_
        .error(Code::empty_sequential, graph.range,
               cat("Sequential \"", graph.name, "\" has no layers"))
        .help("write layers=[Input(shape=...), Conv2D(...), ...]");
    graph.broken = true;
  }
  sequentials_.push_back(std::move(graph));
  return made(Handle::Kind::sequential, sequentials_.size() - 1);
}

void Elaborator::add_element(GraphDraft& graph, const Expr& element, bool first) {
  if (is_broken(element)) {
    graph.broken = true;
    return;
  }
  const Expr& value = value_of(element);
  const Handle handle = value.compound ? value.compound->handle : Handle{};
  switch (handle.kind) {
    case Handle::Kind::layer:
      break;
    case Handle::Kind::input:
      if (first) {
        graph.input = inputs_[handle.index];
        return;
      }
      diagnostics_.error(Code::wrong_type, element.range,
                         "Input can only be the first element of a Sequential");
      graph.broken = true;
      return;
    case Handle::Kind::sequential:
      contained(handle.kind)[handle.index] = true;
      diagnostics_
          .error(Code::not_supported_yet, element.range,
                 "a Sequential within a Sequential is not supported yet")
          .help("list its layers here");
      graph.broken = true;
      return;
    default:
      diagnostics_.error(
          Code::wrong_type, element.range,
          cat("an element of a Sequential must be a layer, not ", describe(element)));
      graph.broken = true;
      return;
  }
  if (contained(handle.kind)[handle.index]) {
    diagnostics_
        .error(Code::not_supported_yet, element.range,
               "using a layer twice (shared weights) is not supported yet")
        .help("write the layer out a second time, with its own name");
    graph.broken = true;
    return;
  }
  contained(handle.kind)[handle.index] = true;
  graph.layers.push_back(layers_[handle.index]);
  graph.broken = graph.broken || graph.layers.back().broken;
}

}  // namespace convc
