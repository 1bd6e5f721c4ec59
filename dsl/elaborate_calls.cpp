// What calls of the language's own names make: layers, inputs, chains. Models are in
// elaborate_functional.cpp.
#include <algorithm>

#include "dsl/elaborate.h"
#include "dsl/parser.h"
#include "dsl/text.h"
#include "dsl/values.h"

namespace convc {

Handle Elaborator::call_builtin(const Signature& signature, const Expr& expr) {
  const std::string_view callable = signature.type.callable;
  const Arguments arguments = bind(signature, expr);
  if (signature.is_layer) return make_layer(signature, expr, arguments);
  if (callable == "Input") return make_input(expr, arguments);
  if (callable == "Dim") return make_open_size(expr, arguments);
  if (callable == "Model") return make_model(expr, arguments);
  return make_sequential(expr, arguments);
}

Handle Elaborator::make_layer(const Signature& signature, const Expr& expr,
                              const Arguments& arguments) {
  LayerDraft layer;
  layer.type = &signature.type;
  layer.callee = layer.name_range = expr.compound->callee->range;
  layer.broken = layer.unmatched = arguments_broken_;
  if (!read_name(arguments, signature.type.auto_name, &layer.name, &layer.name_range)) {
    layer.broken = true;
  }
  read_layer(arguments, &layer, diagnostics_);
  layers_.push_back(std::move(layer));
  return made(Handle::Kind::layer, layers_.size() - 1);
}

// Dim(min=, max=).
Handle Elaborator::make_open_size(const Expr& expr, const Arguments& arguments) {
  Handle dim{Handle::Kind::open_size, 0, kNone.min, kNone.max};
  bool ok = !arguments_broken_;
  const auto read = [&](std::string_view name, std::int64_t* bound) {
    const auto found = arguments.find(name);
    if (found == arguments.end() || value_of(*found->second).kind == ExprKind::none) return;
    const std::string what = cat("`", name, "` of Dim");
    const std::optional<std::int64_t> given = read_integer(*found->second, what, diagnostics_);
    ok = ok && given;
    if (!given) return;
    *bound = *given;
    if (*given >= 1 && *given <= kMaxElements) return;
    ok = false;
    diagnostics_.error(Code::open_range, found->second->range,
                       cat(what, " must be from 1 to 2^31 - 1, not ", *given));
  };
  read("min", &dim.min);
  read("max", &dim.max);
  if (ok && dim.min > dim.max) {
    ok = false;
    diagnostics_.error(Code::open_range, expr.range,
                       cat("no size is from ", dim.min, " to ", dim.max));
  }
  return ok ? dim : Handle{Handle::Kind::broken, 0};
}

Handle Elaborator::make_input(const Expr& expr, const Arguments& arguments) {
  InputDraft input;
  input.range = expr.range;
  const auto given = [&](std::string_view name) -> const Expr* {
    const auto found = arguments.find(name);
    return found == arguments.end() ? nullptr : found->second;
  };
  if (const Expr* shape = given("shape")) {
    input.shape.present = true;
    input.shape.range = shape->range;
    input.shape.value = read_shape(*shape, "`shape`", 0, false, diagnostics_);
  }
  if (const Expr* batch = given("batch_size")) {
    input.batch.present = true;
    input.batch.range = batch->range;
    input.batch.value = read_dim(*batch, "`batch_size`", diagnostics_);
  }
  bool broken = arguments_broken_;
  if (const Expr* batch_shape = given("batch_shape")) {
    if (input.shape.present || input.batch.present) {
      diagnostics_
          .error(Code::repeated_argument, batch_shape->range,
                 "`batch_shape` says the same as `shape` and `batch_size`")
          .help("give one of the two");
      broken = true;
    } else {
      read_batch_shape(*batch_shape, input);
    }
  }
  broken = broken || input.shape.wrong() || input.batch.wrong();
  if (!broken && !input.shape.present) {
    diagnostics_.error(Code::missing_argument, expr.range, "Input needs `shape`")
        .help("write Input(shape=(height, width, channels))");
    broken = true;
  }
  const Expr* dtype = given("dtype");
  if (dtype != nullptr && value_of(*dtype).kind != ExprKind::none) {
    const std::optional<std::string> text = read_string(*dtype, "`dtype`", diagnostics_);
    if (!text || !read_dtype(*text, dtype->range, diagnostics_)) broken = true;
  }
  const Expr* format = given("data_format");
  if (format != nullptr && value_of(*format).kind != ExprKind::none) {
    const std::optional<std::string> text = read_string(*format, "`data_format`", diagnostics_);
    const std::optional<Layout> layout =
        text ? read_layout("data_format", *text, format->range, diagnostics_) : std::nullopt;
    broken = broken || !layout;
    if (layout) input.data_format = {*layout, format->range};
  }
  const Expr* name = given("name");
  if (name != nullptr && value_of(*name).kind != ExprKind::none &&
      !read_name(arguments, "input_layer", &input.name, &input.name_range)) {
    broken = true;
  }
  if (broken) return {Handle::Kind::broken, 0};
  inputs_.push_back(std::move(input));
  return {Handle::Kind::input, inputs_.size() - 1};
}

// (batch, height, width, channels).
void Elaborator::read_batch_shape(const Expr& expr, InputDraft& input) {
  std::optional<ShapeDraft> shape = read_shape(expr, "`batch_shape`", 0, true, diagnostics_);
  input.shape.present = true;
  input.shape.range = input.batch.range = expr.range;
  if (!shape) return;
  input.batch.present = true;
  input.batch.value = shape->front();
  shape->erase(shape->begin());
  input.shape.value = std::move(*shape);
}

Handle Elaborator::make_sequential(const Expr& expr, const Arguments& arguments) {
  GraphDraft graph;
  graph.form = GraphForm::sequential;
  graph.range = graph.name_range = expr.compound->callee->range;
  graph.broken = arguments_broken_;
  if (!read_name(arguments, "sequential", &graph.name, &graph.name_range)) graph.broken = true;
  const auto layers = arguments.find("layers");
  const bool given = layers != arguments.end();
  int depth = 1;
  if (given && is_broken(*layers->second)) {
    graph.broken = true;
  } else if (given) {
    const Expr& list = value_of(*layers->second);
    if (!list.is_sequence() || !list.compound->numbers.empty()) {
      diagnostics_
          .error(Code::wrong_type, layers->second->range,
                 cat("`layers` must be a list of layers, not ", describe(list)))
          .help("write layers=[Input(shape=...), Conv2D(...), ...]");
      graph.broken = true;
    } else {
      for (const Expr& element : list.compound->items) add_element(graph, element, &depth);
    }
  }
  if (graph.nodes.empty() && !graph.broken) {
    diagnostics_.error(Code::empty_sequential, graph.range,
                       cat("Sequential \"", graph.name, "\" has no layers"));
    graph.broken = true;
  }
  complete_chain(&graph);
  sequentials_.push_back(std::move(graph));
  sequential_depths_.push_back(depth);
  return made(Handle::Kind::sequential, sequentials_.size() - 1);
}

void Elaborator::add_element(GraphDraft& graph, const Expr& element, int* depth) {
  if (is_broken(element)) {
    graph.broken = true;
    return;
  }
  const Expr& value = value_of(element);
  const Handle handle = value.compound ? value.compound->handle : Handle{};
  switch (handle.kind) {
    case Handle::Kind::layer:
      if (!add_layer(graph, handle.index, element.range)) graph.broken = true;
      return;
    case Handle::Kind::input:
      if (graph.inputs.empty() && graph.nodes.empty()) {
        graph.inputs = {inputs_[handle.index]};
        return;
      }
      diagnostics_
          .error(Code::wrong_type, element.range,
                 "Input can only be the first element of a Sequential")
          .help("move it to the begin of the list");
      break;
    case Handle::Kind::sequential:
      if (contained(handle.kind)[handle.index]) {
        diagnostics_
            .error(Code::not_supported_yet, element.range,
                   "using a Sequential twice (shared weights) is not supported yet")
            .help("write the layers out a second time, with their own names");
        break;
      }
      contained(handle.kind)[handle.index] = true;
      *depth = std::max(*depth, sequential_depths_[handle.index] + 1);
      if (*depth > kMaxNesting) {
        diagnostics_.error(Code::too_deep, element.range,
                           cat("Sequentials may be nested ", kMaxNesting, " deep at most"));
        break;
      }
      add_nested(graph, sequentials_[handle.index]);
      return;
    default:
      diagnostics_
          .error(Code::wrong_type, element.range,
                 cat("an element of a Sequential must be a layer, not ", describe(element)))
          .help("write layers=[Input(shape=...), Conv2D(...), ...]");
      break;
  }
  graph.broken = true;
}

// The layers of a chain within a chain become layers of the outer one.
void Elaborator::add_nested(GraphDraft& graph, const GraphDraft& nested) {
  graph.broken = graph.broken || nested.broken;
  const bool first = graph.nodes.empty() && graph.inputs.empty();
  for (NodeDraft node : nested.nodes) {
    node.inputs = {graph.nodes.size()};
    graph.nodes.push_back(std::move(node));
  }
  // Its input is the outer chain's, or must agree with what the outer chain gives it.
  if (nested.nodes.empty() || !nested.inputs.front().shape.present) return;
  if (first) {
    graph.inputs = nested.inputs;
    return;
  }
  LayerDraft& layer = graph.nodes[graph.nodes.size() - nested.nodes.size()].layer;
  if (!layer.input_shape.present) layer.input_shape = nested.inputs.front().shape;
}

bool Elaborator::add_layer(GraphDraft& graph, std::size_t index, SourceRange where) {
  const LayerDraft& layer = layers_[index];
  if (!share_layer(index, where)) return false;
  if (layer.type->merges()) {
    diagnostics_
        .error(Code::wrong_type, where,
               cat(layer.type->callable, " reads several tensors and cannot be part of a chain"))
        .help(cat("call it: ", layer.type->callable, "()([a, b]), and make a Model"));
    return false;
  }
  graph.nodes.push_back({layer, {graph.nodes.size()}, where});
  return !layer.broken;
}

// A layer has one place: its weights are not shared. False, and reported, when it has one already.
bool Elaborator::share_layer(std::size_t index, SourceRange where) {
  if (!contained_layers_[index]) {
    contained_layers_[index] = true;
    return true;
  }
  diagnostics_
      .error(Code::not_supported_yet, where,
             "using a layer twice (shared weights) is not supported yet")
      .help("write the layer out a second time, with its own name");
  return false;
}

}  // namespace convc
