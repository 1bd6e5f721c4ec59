// The syntax tree of one statement of a spec. Built by the parser, read by the elaborator, then
// dropped: a file's tree is never in memory as a whole. Plain data; views point into the file.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "dsl/source.h"

namespace convc {

enum class ExprKind { integer, floating, string, boolean, none, name, list, tuple, call };

struct Expr;

/// An argument of a call; `name` is empty for a positional one.
struct CallArgument {
  std::string_view name;
  SourceRange name_range;
  std::unique_ptr<Expr> value;
};

/// What a call made: the elaborator fills it in. `index` is into the elaborator's tables.
struct Handle {
  enum class Kind { none, broken, layer, input, tensor, sequential, model, open_size };
  Kind kind = Kind::none;
  std::size_t index = 0;
  std::int64_t min = 0, max = 0;  ///< open_size
};

/// What only lists, tuples, calls and (once elaborated) names have.
struct Compound {
  std::vector<Expr> items;  ///< of a list or tuple; empty when `numbers` is not
  /// A long list of numbers only keeps them here, 8 bytes each, because literal filters are long.
  std::vector<double> numbers;
  bool any_numbers = false;      ///< numbers may be infinite or none at all: they come from C++
  std::unique_ptr<Expr> callee;  ///< of a call
  std::vector<CallArgument> arguments;
  Handle handle;                      ///< of a call, set by the elaborator
  std::shared_ptr<const Expr> bound;  ///< of a name: its value, set by the elaborator
};

struct Expr {
  ExprKind kind = ExprKind::none;
  SourceRange range;
  /// integer: its value (also in `number`); boolean: 0 or 1.
  std::int64_t integer = 0;
  double number = 0;
  bool fits_int64 = true;  ///< integer: false when only `number` holds it
  /// Names and numbers: themselves; strings: what is between the quotes, escapes as written.
  std::string_view text;
  std::unique_ptr<Compound> compound;

  [[nodiscard]] bool is_number() const {
    return kind == ExprKind::integer || kind == ExprKind::floating;
  }
  [[nodiscard]] bool is_sequence() const {
    return kind == ExprKind::list || kind == ExprKind::tuple;
  }
  /// Elements of a list or tuple.
  [[nodiscard]] std::size_t size() const {
    return compound->items.size() + compound->numbers.size();
  }
};

/// `value`, or `target = value`.
struct Statement {
  std::string_view target;  ///< empty without "="
  SourceRange target_range;
  Expr value;
};

}  // namespace convc
