// Statements, names and calls. What the calls make is in elaborate_calls.cpp.
#include "dsl/elaborate.h"

#include <algorithm>
#include <limits>

#include "dsl/parser.h"
#include "dsl/snippet.h"
#include "dsl/text.h"
#include "dsl/values.h"

namespace convc {

void Elaborator::add(Statement statement) {
  const int nesting = evaluate(statement.value);
  if (!statement.target.empty()) {
    // A name may build on the value before it without end; nothing here may recurse that deep.
    if (nesting > kMaxNesting) {
      diagnostics_.error(Code::too_deep, statement.value.range,
                         cat("values may be nested ", kMaxNesting, " deep at most"));
      return;
    }
    Variable& variable = variables_[statement.target];
    variable.value = std::make_shared<const Expr>(std::move(statement.value));
    variable.range = statement.target_range;
    variable.nesting = nesting;
    return;
  }
  const Expr& value = statement.value;
  const bool comment = value.kind == ExprKind::string;  // Python's way of a long comment
  const bool makes =
      value.kind == ExprKind::call && value.compound->handle.kind != Handle::Kind::input;
  if (comment || makes || is_broken(value)) return;
  diagnostics_.error(Code::no_effect, value.range,
                     cat("this statement has no effect: it is ", describe(value)));
}

std::vector<GraphDraft> Elaborator::finish() {
  for (const auto& [name, variable] : variables_) {
    const Expr& value = *variable.value;
    const Handle::Kind kind = value.compound ? value.compound->handle.kind : Handle::Kind::none;
    const bool makes = kind == Handle::Kind::layer || kind == Handle::Kind::sequential ||
                       kind == Handle::Kind::model || kind == Handle::Kind::tensor;
    if (variable.used || is_broken(value) || makes) continue;
    diagnostics_.warning(Code::unused_value, variable.range,
                         cat("the value of '", name, "' is never used"));
  }
  report_unused_tensors();
  std::vector<GraphDraft> graphs;
  for (const Handle& handle : made_) {
    if (contained(handle.kind)[handle.index]) continue;
    graphs.push_back(handle.kind == Handle::Kind::layer   ? bare_layer(layers_[handle.index])
                     : handle.kind == Handle::Kind::model ? std::move(models_[handle.index])
                                                          : std::move(sequentials_[handle.index]));
  }
  return graphs;
}

GraphDraft Elaborator::bare_layer(LayerDraft& layer) {
  GraphDraft graph;
  graph.name = layer.name;
  graph.name_range = layer.name_range;
  graph.range = layer.callee;
  graph.broken = layer.broken;
  graph.nodes.push_back({std::move(layer), {}, graph.range});
  complete_chain(&graph);
  return graph;
}

// Binds names and makes what calls make. Returns how deep the value is nested.
int Elaborator::evaluate(Expr& expr) {
  int nesting = 0;
  if (expr.is_sequence()) {
    for (Expr& item : expr.compound->items) nesting = std::max(nesting, evaluate(item));
  } else if (expr.kind == ExprKind::call) {
    if (read_float(expr)) return 1;
    const std::size_t before = made_.size();
    if (expr.compound->handle.kind == Handle::Kind::none) expr.compound->handle = call(expr);
    // Parts of a call that failed are not functions of their own.
    const Handle& handle = expr.compound->handle;
    if (handle.kind == Handle::Kind::broken) contain(before, made_.size());
    if (handle.kind == Handle::Kind::sequential && sequentials_[handle.index].broken) {
      contain(before, made_.size() - 1);
    }
    // What the call has read is not needed again.
    if (expr.compound->handle.kind != Handle::Kind::none) expr.compound->arguments.clear();
  } else if (expr.kind == ExprKind::name) {
    return bind_name(expr);
  }
  return nesting + 1;
}

// Python's way to write numbers that are none: float("nan"), float("inf"), float("-inf").
bool Elaborator::read_float(Expr& expr) {
  const Compound& call = *expr.compound;
  if (call.callee->kind != ExprKind::name || call.callee->text != "float" ||
      call.arguments.size() != 1 || call.arguments[0].value->kind != ExprKind::string) {
    return false;
  }
  const std::string_view text = call.arguments[0].value->text;
  const double infinity = std::numeric_limits<double>::infinity();
  Expr number;
  number.kind = ExprKind::floating;
  number.range = expr.range;
  number.text = text;
  if (text == "nan") {
    number.number = std::numeric_limits<double>::quiet_NaN();
  } else if (text == "inf" || text == "-inf") {
    number.number = text == "inf" ? infinity : -infinity;
  } else {
    return false;
  }
  expr = std::move(number);
  return true;
}

int Elaborator::bind_name(Expr& expr) {
  const auto found = variables_.find(expr.text);
  if (found == variables_.end()) {
    unknown_name(expr);
    return 1;
  }
  found->second.used = true;
  expr.compound = std::make_unique<Compound>();
  expr.compound->bound = found->second.value;
  // A name for a name would be a chain; bind to its end.
  while (expr.compound->bound->kind == ExprKind::name && expr.compound->bound->compound) {
    const std::shared_ptr<const Expr> end = expr.compound->bound->compound->bound;
    expr.compound->bound = end;
  }
  return found->second.nesting + 1;
}

void Elaborator::unknown_name(const Expr& expr) {
  const std::string shown(expr.text.substr(0, 60));
  Diagnostic& error =
      diagnostics_.error(Code::unknown_name, expr.range, cat("unknown name '", shown, "'"));
  if (is_string_value(expr.text)) {
    error.help(cat("write it in quotes: \"", shown, "\""));
    return;
  }
  if (shown == "nan" || shown == "inf" || shown == "NaN" || shown == "Infinity") {
    error.help("write float(\"nan\"), float(\"inf\") or float(\"-inf\")");
    return;
  }
  std::vector<std::string_view> candidates = {"True", "False", "None"};
  for (const auto& [name, variable] : variables_) candidates.push_back(name);
  const std::string_view meant = nearest(expr.text, candidates);
  if (!meant.empty()) error.help(cat("did you mean '", meant, "'?"));
  if (find_signature(expr.text) != nullptr || is_future_callable(expr.text)) {
    error.help(cat("call it: ", shown, "(...)"));
  }
}

Handle Elaborator::call(Expr& expr) {
  Expr& callee = *expr.compound->callee;
  // As in Python, what is called comes first: automatic names count in this order.
  if (callee.kind == ExprKind::call) evaluate(callee);
  for (CallArgument& argument : expr.compound->arguments) evaluate(*argument.value);
  if (callee.kind == ExprKind::call) return functional_call(expr);
  if (callee.kind != ExprKind::name) {
    refuse_to_call(callee);
    return {Handle::Kind::broken, 0};
  }
  if (variables_.count(callee.text) != 0) {
    evaluate(callee);
    return functional_call(expr);
  }
  if (const Signature* signature = find_signature(callee.text)) {
    return call_builtin(*signature, expr);
  }
  return unknown_callee(callee);
}

Handle Elaborator::unknown_callee(const Expr& callee) {
  const std::string shown(callee.text.substr(0, 60));
  if (is_future_callable(callee.text)) {
    diagnostics_.error(Code::not_supported_yet, callee.range, cat(shown, " is not supported yet"))
        .help("docs/spec-language.md lists the layers that are");
  } else {
    // Keras' second names, e.g. Convolution2D.
    std::string word = shown;
    const std::size_t long_form = word.find("Convolution");
    if (long_form != std::string::npos) word.replace(long_form, 11, "Conv");
    const std::string_view meant = nearest(word, all_callables());
    diagnostics_
        .error(Code::unknown_name, callee.range, cat("unknown layer or function '", shown, "'"))
        .help(meant.empty() ? std::string("docs/spec-language.md lists the layers")
                            : cat("did you mean ", meant, "?"));
  }
  return {Handle::Kind::broken, 0};
}

Handle Elaborator::made(Handle::Kind kind, std::size_t index) {
  made_.push_back({kind, index});
  contained(kind).push_back(false);
  return made_.back();
}

std::vector<bool>& Elaborator::contained(Handle::Kind kind) {
  if (kind == Handle::Kind::model) return contained_models_;
  return kind == Handle::Kind::layer ? contained_layers_ : contained_sequentials_;
}

void Elaborator::contain(std::size_t first, std::size_t end) {
  for (std::size_t i = first; i < end; ++i) contained(made_[i].kind)[made_[i].index] = true;
}

}  // namespace convc
