// Builder calls to the syntax tree that spec text makes; the rest is the elaborator's.
#include "dsl/builder.h"

#include <deque>

#include "dsl/checker.h"
#include "dsl/cost.h"
#include "dsl/elaborate.h"
#include "dsl/names.h"
#include "dsl/text.h"

namespace convc {
namespace {

Expr compound(ExprKind kind) {
  Expr expr;
  expr.kind = kind;
  expr.compound = std::make_unique<Compound>();
  return expr;
}

Expr word(ExprKind kind, std::string_view text) {
  Expr expr;
  expr.kind = kind;
  expr.text = text;
  return expr;
}

// Views point into the values, which outlive the elaborator.
class TreeMaker {
 public:
  explicit TreeMaker(Diagnostics& diagnostics) : diagnostics_(diagnostics) {}

  Expr tree(const Value& value) {
    return std::visit([&](const auto& held) { return make(held); }, value.held);
  }

 private:
  static Expr make(Value::None) { return {}; }
  static Expr make(bool value) {
    Expr expr;
    expr.kind = ExprKind::boolean;
    expr.integer = value ? 1 : 0;
    return expr;
  }
  Expr make(std::int64_t value) {
    Expr expr = word(ExprKind::integer, keep(std::to_string(value)));
    expr.integer = value;
    expr.number = static_cast<double>(value);
    return expr;
  }
  Expr make(double value) {
    Expr expr = word(ExprKind::floating, keep(cat(value)));
    expr.number = value;
    return expr;
  }
  static Expr make(const std::string& text) { return word(ExprKind::string, text); }
  static Expr make(const Name& name) { return word(ExprKind::name, name.text); }
  Expr make(const Value::List& items) {
    Expr expr = compound(ExprKind::list);
    for (const Value& item : items) expr.compound->items.push_back(tree(item));
    return expr;
  }
  Expr make(const Literal& numbers) {
    const std::optional<std::int64_t> count = counted(numbers.shape);
    if (!count || static_cast<std::size_t>(*count) != numbers.values.size()) {
      diagnostics_.error(
          Code::literal_shape, {},
          cat("a literal has ", count_of(numbers.values.size(), "number"),
              ", but its shape is for ", count ? std::to_string(*count) : "another count"));
      return broken();
    }
    std::size_t next = 0;
    return lists(numbers, 0, &next);
  }
  Expr make(const Value::CallRef& ref) {
    const Call& call = *ref;
    Expr expr = compound(ExprKind::call);
    expr.compound->callee = std::make_unique<Expr>(word(ExprKind::name, call.callable()));
    for (const auto& [name, value] : call.arguments()) {
      expr.compound->arguments.push_back({name, {}, std::make_unique<Expr>(tree(value))});
    }
    for (const Value& tensors : call.tensors()) {
      Expr outer = compound(ExprKind::call);
      outer.compound->callee = std::make_unique<Expr>(std::move(expr));
      outer.compound->arguments.push_back({{}, {}, std::make_unique<Expr>(tree(tensors))});
      expr = std::move(outer);
    }
    return expr;
  }

  // Nullopt when a size is not positive or the product overflows.
  static std::optional<std::int64_t> counted(const std::vector<std::int64_t>& shape) {
    for (const std::int64_t size : shape) {
      if (size < 1) return std::nullopt;
    }
    return shape.empty() ? std::nullopt : product_of(shape);
  }

  // Nested lists; the innermost ones are compact.
  static Expr lists(const Literal& numbers, std::size_t axis, std::size_t* next) {
    Expr expr = compound(ExprKind::list);
    for (std::int64_t i = 0; i < numbers.shape[axis]; ++i) {
      if (axis + 1 == numbers.shape.size()) {
        expr.compound->numbers.push_back(static_cast<double>(numbers.values[(*next)++]));
        expr.compound->any_numbers = true;
      } else {
        expr.compound->items.push_back(lists(numbers, axis + 1, next));
      }
    }
    return expr;
  }

  static Expr broken() {
    Expr expr = compound(ExprKind::call);
    expr.compound->handle.kind = Handle::Kind::broken;
    expr.compound->callee = std::make_unique<Expr>();
    return expr;
  }

  std::string_view keep(std::string text) { return kept_.emplace_back(std::move(text)); }

  Diagnostics& diagnostics_;
  std::deque<std::string> kept_;
};

// What locates the diagnostics of a statement: the name that it gives, or what it calls.
std::string origin_of(const std::string& library, const std::pair<std::string, Value>& statement) {
  const auto* ref = std::get_if<Value::CallRef>(&statement.second.held);
  if (ref == nullptr) return cat(library, ".", statement.first);
  const Call* call = ref->get();
  for (const auto& [name, value] : call->arguments()) {
    const auto* text = std::get_if<std::string>(&value.held);
    if (name == "name" && text != nullptr) return cat(library, ".", *text);
  }
  return cat(library, ".", statement.first.empty() ? call->callable() : statement.first);
}

}  // namespace

Value::Value(const Call& call) : held(std::make_shared<const Call>(call)) {}

Call Call::on(Value tensors) const {
  Call called = *this;
  called.tensors_.push_back(std::move(tensors));
  return called;
}

ModuleBuilder& ModuleBuilder::add(const Call& call) {
  statements_.emplace_back("", Value(call));
  return *this;
}

ModuleBuilder& ModuleBuilder::set(std::string name, Value value) {
  statements_.emplace_back(std::move(name), std::move(value));
  return *this;
}

std::optional<Module> ModuleBuilder::build(Diagnostics& diagnostics) const {
  const std::size_t errors_before = diagnostics.error_count();
  ModuleDraft draft;
  draft.name = name_;
  diagnostics.set_origin(name_);
  check_name(name_, "the library's name", Code::library_name, {}, "call it \"", diagnostics);
  TreeMaker trees(diagnostics);
  Elaborator elaborator(&diagnostics);
  for (const auto& statement : statements_) {
    diagnostics.set_origin(origin_of(name_, statement));
    Statement tree;
    tree.target = statement.first;
    tree.value = trees.tree(statement.second);
    elaborator.add(std::move(tree));
  }
  diagnostics.set_origin(name_);
  draft.graphs = elaborator.finish();
  if (draft.graphs.empty() && diagnostics.error_count() == errors_before) {
    diagnostics.error(Code::no_layers, {}, "this library holds no layers");
  }
  std::optional<Module> module = check_module(draft, diagnostics);
  if (diagnostics.error_count() != errors_before) return std::nullopt;
  return module;
}

}  // namespace convc
