// The C++ builder: says what spec text says, with the same names, defaults, checks and messages.
//
//   convc::Diagnostics diagnostics;
//   const auto module = convc::ModuleBuilder("edge")
//       .add(convc::Call("Conv2D", {{"filters", 32}, {"kernel_size", 3}, {"padding", "same"},
//                                   {"input_shape", {5, 5, 1}}, {"name", "first"}}))
//       .set("x", convc::Call("Input", {{"shape", {32, 32, 3}}}))
//       .set("y", convc::Call("Conv2D", {{"filters", 32}, {"kernel_size",
//       3}}).on(convc::Name("x"))) .add(convc::Call("Model", {{"inputs", convc::Name("x")},
//       {"outputs", convc::Name("y")}})) .build(diagnostics);
//
// Diagnostics begin with where the statement is, e.g. "edge.first: error: ...".
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "dsl/diagnostics.h"
#include "dsl/layer_spec.h"
#include "dsl/module.h"

namespace convc {

/// What an earlier ModuleBuilder::set gave a name.
struct Name {
  explicit Name(std::string name) : text(std::move(name)) {}
  std::string text;
};

class Call;

/// An argument's value: a number, a word, None, a list, literal numbers, a name or a call.
class Value {
 public:
  using List = std::vector<Value>;
  using None = std::monostate;
  using CallRef = std::shared_ptr<const Call>;
  std::variant<None, bool, std::int64_t, double, std::string, List, Literal, Name, CallRef> held;

  Value() = default;  ///< None
  Value(bool value) : held(value) {}
  template <std::integral T>
  Value(T value) : held(static_cast<std::int64_t>(value)) {}
  template <std::floating_point T>
  Value(T value) : held(static_cast<double>(value)) {}
  Value(const char* value) : held(std::string(value)) {}
  Value(std::string value) : held(std::move(value)) {}
  Value(std::initializer_list<Value> items) : held(List(items)) {}
  Value(List items) : held(std::move(items)) {}
  Value(Literal numbers) : held(std::move(numbers)) {}
  Value(Name name) : held(std::move(name)) {}
  Value(const Call& call);
};

struct Argument {
  std::string name;
  Value value;
};

/// A call of one of the language's names, e.g. Conv2D, Input, Sequential, Model, Dim.
class Call {
 public:
  explicit Call(std::string callable, std::vector<Argument> arguments = {})
      : callable_(std::move(callable)), arguments_(std::move(arguments)) {}

  /// The layer that this call makes, called on a tensor, or on a list of tensors.
  [[nodiscard]] Call on(Value tensors) const;

  [[nodiscard]] const std::string& callable() const { return callable_; }
  [[nodiscard]] const std::vector<Argument>& arguments() const { return arguments_; }
  [[nodiscard]] const std::vector<Value>& tensors() const { return tensors_; }

 private:
  std::string callable_;
  std::vector<Argument> arguments_;
  std::vector<Value> tensors_;  // one for each call of a call
};

/// Collects statements; nothing is checked before build().
class ModuleBuilder {
 public:
  explicit ModuleBuilder(std::string library_name) : name_(std::move(library_name)) {}

  /// A layer, a Sequential or a Model: `Conv2D(...)`.
  ModuleBuilder& add(const Call& call);
  /// `name = value`.
  ModuleBuilder& set(std::string name, Value value);

  /// The checked Module, or nullopt with everything that is wrong in `diagnostics`. The builder can
  /// be added to and built again.
  [[nodiscard]] std::optional<Module> build(Diagnostics& diagnostics) const;

 private:
  std::string name_;
  std::vector<std::pair<std::string, Value>> statements_;
};

}  // namespace convc
