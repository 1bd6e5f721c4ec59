// Statements, names and calls. What the calls make is in elaborate_calls.cpp.
#include "dsl/elaborate.h"

#include <algorithm>

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
  diagnostics_
      .error(Code::no_effect, value.range,
             cat("this statement has no effect: it is ", describe(value)))
      .help("a statement is a layer, a Sequential, or name = value");
}

std::vector<GraphDraft> Elaborator::finish() {
  for (const auto& [name, variable] : variables_) {
    const bool broken = is_broken(*variable.value);
    const bool makes = variable.value->kind == ExprKind::call &&
                       (variable.value->compound->handle.kind == Handle::Kind::layer ||
                        variable.value->compound->handle.kind == Handle::Kind::sequential);
    if (variable.used || broken || makes) continue;
    diagnostics_.warning(Code::unused_value, variable.range,
                         cat("the value of '", name, "' is never used"));
  }
  std::vector<GraphDraft> graphs;
  for (const Handle& handle : made_) {
    if (contained(handle.kind)[handle.index]) continue;
    if (handle.kind == Handle::Kind::sequential) {
      graphs.push_back(std::move(sequentials_[handle.index]));
      continue;
    }
    LayerDraft& layer = layers_[handle.index];
    GraphDraft graph;
    graph.name = layer.name;
    graph.name_range = layer.name_range;
    graph.range = layer.callee;
    graph.broken = layer.broken;
    graph.layers.push_back(std::move(layer));
    graphs.push_back(std::move(graph));
  }
  return graphs;
}

// Binds names and makes what calls make. Returns how deep the value is nested.
int Elaborator::evaluate(Expr& expr) {
  int nesting = 0;
  if (expr.is_sequence()) {
    for (Expr& item : expr.compound->items) nesting = std::max(nesting, evaluate(item));
  } else if (expr.kind == ExprKind::call) {
    const std::size_t before = made_.size();
    expr.compound->handle = call(expr);
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
    error.help("numbers of a spec are finite");
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
  for (CallArgument& argument : expr.compound->arguments) evaluate(*argument.value);
  if (callee.kind == ExprKind::call) {
    evaluate(callee);
    return functional_call(expr);
  }
  if (callee.kind != ExprKind::name) {
    diagnostics_.error(Code::wrong_type, callee.range, cat(describe(callee), " cannot be called"));
    return {Handle::Kind::broken, 0};
  }
  if (variables_.count(callee.text) != 0) {
    evaluate(callee);
    return functional_call(expr);
  }
  if (const Signature* signature = find_signature(callee.text)) {
    return call_builtin(*signature, expr);
  }
  if (callee.text == "Dim") return {Handle::Kind::open_size, 0};
  return unknown_callee(callee);
}

// layer(tensor): the functional style of Keras. The chain is marked as contained, so that its parts
// are not asked for what only a bare layer needs.
Handle Elaborator::functional_call(const Expr& expr) {
  const Expr& callee = *expr.compound->callee;
  if (is_broken(callee)) return {Handle::Kind::broken, 0};
  const Expr& value = value_of(callee);
  const Handle handle = value.compound ? value.compound->handle : Handle{};
  if (handle.kind != Handle::Kind::layer && handle.kind != Handle::Kind::sequential) {
    diagnostics_.error(Code::wrong_type, callee.range, cat(describe(callee), " cannot be called"));
    return {Handle::Kind::broken, 0};
  }
  contained(handle.kind)[handle.index] = true;
  diagnostics_
      .error(Code::not_supported_yet, expr.range,
             "calling a layer (the functional style) is not supported yet")
      .help("list the layers in a chain: Sequential(layers=[Input(shape=...), ...])");
  return {Handle::Kind::broken, 0};
}

Handle Elaborator::unknown_callee(const Expr& callee) {
  const std::string shown(callee.text.substr(0, 60));
  if (is_future_callable(callee.text)) {
    diagnostics_.error(Code::not_supported_yet, callee.range, cat(shown, " is not supported yet"))
        .help("supported: Conv2D, Sequential, Input");
  } else {
    const std::string_view meant = nearest(callee.text, all_callables());
    diagnostics_
        .error(Code::unknown_name, callee.range, cat("unknown layer or function '", shown, "'"))
        .help(meant.empty() ? std::string("there are Conv2D, Sequential and Input")
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
  return kind == Handle::Kind::layer ? contained_layers_ : contained_sequentials_;
}

void Elaborator::contain(std::size_t first, std::size_t end) {
  for (std::size_t i = first; i < end; ++i) contained(made_[i].kind)[made_[i].index] = true;
}

}  // namespace convc
