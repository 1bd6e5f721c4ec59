// The functional style of Keras: layers that are called on tensors, and the Models made of them.
#include "dsl/elaborate.h"
#include "dsl/text.h"
#include "dsl/values.h"

namespace convc {
namespace {

bool is_tensor(const Handle& handle) {
  return handle.kind == Handle::Kind::input || handle.kind == Handle::Kind::tensor;
}

// A layer, or a function made of layers.
bool is_part(Handle::Kind kind) {
  return kind == Handle::Kind::layer || kind == Handle::Kind::sequential ||
         kind == Handle::Kind::model;
}

Handle handle_of(const Expr& expr) {
  const Expr& value = value_of(expr);
  return value.compound ? value.compound->handle : Handle{};
}

}  // namespace

// layer(tensor), layer([tensor, tensor]), sequential(tensor).
Handle Elaborator::functional_call(const Expr& expr) {
  const Expr& callee = *expr.compound->callee;
  const Handle handle = is_broken(callee) ? Handle{Handle::Kind::broken} : handle_of(callee);
  bool ok = check_callee(expr, handle);
  const std::vector<Handle> reads = read_call(expr, handle, &ok);
  for (const Handle& read : reads) use(read);
  if (ok) {
    return handle.kind == Handle::Kind::layer
               ? call_layer(handle.index, reads, expr.range)
               : call_sequential(handle.index, reads.front(), expr.range);
  }
  // It is not asked for what only a function of its own needs.
  if (is_part(handle.kind)) contained(handle.kind)[handle.index] = true;
  return {Handle::Kind::broken, 0};
}

bool Elaborator::check_callee(const Expr& expr, const Handle& callee) {
  switch (callee.kind) {
    case Handle::Kind::layer:
    case Handle::Kind::sequential:
      return true;
    case Handle::Kind::broken:
      return false;
    case Handle::Kind::model:
      diagnostics_
          .error(Code::not_supported_yet, expr.range, "calling a Model is not supported yet")
          .help("call its layers");
      return false;
    default:
      break;
  }
  refuse_to_call(*expr.compound->callee);
  return false;
}

void Elaborator::refuse_to_call(const Expr& callee) {
  diagnostics_.error(Code::wrong_type, callee.range, cat(describe(callee), " cannot be called"))
      .help("only layers and Sequentials are called, as in Conv2D(32, 3)(x)");
}

// The tensors that a call gives. What is wrong is reported, unless `*ok` says that the call is
// wrong anyway.
std::vector<Handle> Elaborator::read_call(const Expr& expr, const Handle& callee, bool* ok) {
  const std::vector<CallArgument>& arguments = expr.compound->arguments;
  const auto refuse = [&](SourceRange range, const char* message, const char* help) {
    if (*ok) diagnostics_.error(Code::wrong_type, range, message).help(help);
    *ok = false;
  };
  if (arguments.size() != 1 || !arguments[0].name.empty()) {
    refuse(expr.range, "a layer is called on one tensor, or on a list of tensors",
           "write layer(x), or Add()([a, b])");
    return {};
  }
  const Expr& argument = *arguments[0].value;
  std::vector<Handle> reads = read_tensors(argument, "a layer is called on tensors, not on", ok);
  if (!*ok) return reads;
  const bool merges = callee.kind == Handle::Kind::layer && layers_[callee.index].type->merges();
  if (!merges && !is_tensor(handle_of(argument))) {
    refuse(argument.range, "this layer reads one tensor, not a list", "write layer(x)");
  } else if (merges && reads.size() < 2) {
    refuse(argument.range, "this layer reads a list of two tensors or more", "write Add()([a, b])");
  }
  return reads;
}

// A tensor, or a list of tensors; `what` begins the message when it is neither.
std::vector<Handle> Elaborator::read_tensors(const Expr& expr, const char* what, bool* ok) {
  const char* const help = "a tensor is Input(...), or what a called layer gives";
  std::vector<Handle> tensors;
  const auto add = [&](const Expr& item) {
    if (is_tensor(handle_of(item))) {
      tensors.push_back(handle_of(item));
      return;
    }
    if (*ok && !is_broken(item)) {
      diagnostics_.error(Code::wrong_type, item.range, cat(what, " ", describe(item))).help(help);
    }
    *ok = false;
  };
  const Expr& value = value_of(expr);
  if (!value.is_sequence()) {
    add(expr);
    return tensors;
  }
  for (const Expr& item : value.compound->items) add(item);
  if (value.size() != value.compound->items.size() || value.size() == 0) {
    if (*ok) {
      diagnostics_.error(Code::wrong_type, expr.range, cat(what, " ", describe(expr))).help(help);
    }
    *ok = false;
  }
  return tensors;
}

Handle Elaborator::call_layer(std::size_t layer, std::vector<Handle> reads, SourceRange where) {
  if (!share_layer(layer, where)) return {Handle::Kind::broken, 0};
  calls_.push_back({layer, std::move(reads), where});
  return {Handle::Kind::tensor, calls_.size() - 1};
}

// The layers of the chain are called one after the other.
Handle Elaborator::call_sequential(std::size_t sequential, const Handle& read, SourceRange where) {
  if (contained_sequentials_[sequential]) {
    diagnostics_
        .error(Code::not_supported_yet, where,
               "using a Sequential twice (shared weights) is not supported yet")
        .help("write the layers out a second time, with their own names");
    return {Handle::Kind::broken, 0};
  }
  contained_sequentials_[sequential] = true;
  const GraphDraft& chain = sequentials_[sequential];
  if (chain.broken || chain.nodes.empty()) return {Handle::Kind::broken, 0};
  Handle tensor = read;
  for (const NodeDraft& node : chain.nodes) {
    use(tensor);
    layers_.push_back(node.layer);
    contained_layers_.push_back(true);
    if (&node == &chain.nodes.front() && !node.layer.input_shape.present) {
      layers_.back().input_shape = chain.inputs.front().shape;
    }
    calls_.push_back({layers_.size() - 1, {tensor}, where});
    tensor = {Handle::Kind::tensor, calls_.size() - 1};
  }
  return tensor;
}

void Elaborator::use(const Handle& handle) {
  if (handle.kind == Handle::Kind::tensor) calls_[handle.index].used = true;
}

// Tensors that lead to no Model would be lost without a word.
void Elaborator::report_unused_tensors() {
  if (model_broken_) return;
  for (const LayerCall& call : calls_) {
    if (call.used || layers_[call.layer].broken) continue;
    diagnostics_.error(Code::unused_tensor, call.range,
                       cat("nothing uses what layer \"", layers_[call.layer].name, "\" makes"));
  }
}

}  // namespace convc
