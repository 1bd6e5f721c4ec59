// Literal numbers of a spec: nested lists to a Literal.
#include <cmath>

#include "dsl/lexer.h"
#include "dsl/numbers.h"
#include "dsl/text.h"
#include "dsl/values.h"

namespace convc {
namespace {

constexpr std::size_t kMaxRank = 5;
// 2^25 numbers are 128 MiB; names can repeat lists, so a small file could ask for more.
constexpr std::size_t kMaxNumbers = std::size_t{1} << 25;

class LiteralReader {
 public:
  LiteralReader(const std::string& what, SourceRange use, Diagnostics& diagnostics)
      : what_(what), use_(use), diagnostics_(diagnostics) {}

  std::optional<LiteralRef> read(const Expr& expr) {
    if (!find_shape(expr) || !walk(expr, 0)) return std::nullopt;
    return std::make_shared<const Literal>(std::move(literal_));
  }

 private:
  // The shape that the first elements have; walk() then demands it of all.
  bool find_shape(const Expr& expr) {
    const Expr* at = &expr;
    while (value_of(*at).is_sequence()) {
      const Expr& value = value_of(*at);
      if (literal_.shape.size() == kMaxRank) {
        diagnostics_.error(Code::literal_shape, at->range,
                           cat(what_, " has more than ", kMaxRank, " levels of lists"));
        return false;
      }
      if (value.size() == 0) {
        diagnostics_.error(Code::literal_shape, at->range, cat(what_, " has an empty list"))
            .help("write at least one number");
        return false;
      }
      literal_.shape.push_back(static_cast<std::int64_t>(value.size()));
      if (value.compound->items.empty()) return true;
      at = &value.compound->items.front();
    }
    if (!literal_.shape.empty()) return true;
    if (is_broken(expr)) return false;
    diagnostics_
        .error(Code::wrong_type, expr.range,
               cat(what_, " must be a list of numbers, not ", describe(expr)))
        .help(value_of(expr).kind == ExprKind::boolean
                  ? "to do without a bias write use_bias=False"
                  : "write the numbers out, e.g. [[1, 0], [0, -1]]");
    return false;
  }

  bool walk(const Expr& expr, std::size_t depth) {
    const Expr& value = value_of(expr);
    if (depth == literal_.shape.size()) return leaf(expr);
    if (!value.is_sequence()) return ragged(expr, depth);
    if (static_cast<std::int64_t>(value.size()) != literal_.shape[depth]) {
      diagnostics_
          .error(Code::ragged_literal, expr.range,
                 cat(what_, " is ragged: this list has ", count_of(value.size(), "element")))
          .note(cat("the first list at this level has ", literal_.shape[depth]));
      return false;
    }
    if (!value.compound->numbers.empty() && depth + 1 != literal_.shape.size()) {
      return ragged(expr, depth + 1);
    }
    for (const Expr& item : value.compound->items) {
      if (!walk(item, depth + 1)) return false;
    }
    for (std::size_t i = 0; i < value.compound->numbers.size(); ++i) {
      if (!push(value.compound->numbers[i], value, i)) return false;
    }
    return true;
  }

  bool ragged(const Expr& expr, std::size_t depth) {
    if (is_broken(expr)) return false;
    if (!value_of(expr).is_number() && !value_of(expr).is_sequence()) return not_a_number(expr);
    diagnostics_
        .error(Code::ragged_literal, expr.range,
               cat(what_, " is ragged: here are numbers where the first element has lists"))
        .note(cat("the first element has ", literal_.shape.size() - depth, " more ",
                  literal_.shape.size() - depth == 1 ? "level" : "levels", " of lists"));
    return false;
  }

  bool leaf(const Expr& expr) {
    const Expr& value = value_of(expr);
    if (value.is_number()) {
      return is_special(value) ? append(value.number) : push_at(value.number, expr.range);
    }
    if (is_broken(expr)) return false;
    if (!value.is_sequence()) return not_a_number(expr);
    diagnostics_.error(
        Code::ragged_literal, expr.range,
        cat(what_, " is ragged: here is a list where the first element has a number"));
    return false;
  }

  bool not_a_number(const Expr& expr) {
    diagnostics_.error(Code::literal_element, expr.range,
                       cat(what_, " holds numbers only, not ", describe(expr)));
    return false;
  }

  bool push(double number, const Expr& list, std::size_t index) {
    if (list.compound->any_numbers) return append(number);
    const float value = static_cast<float>(number);
    const bool fine = std::isfinite(value) && (value != 0 || number == 0);
    return push_at(number, fine ? list.range : element_range(list, index));
  }

  bool push_at(double number, SourceRange range) {
    // The conversion is defined for every finite double but rounds to infinity beyond float32.
    const float value = static_cast<float>(number);
    if (!std::isfinite(value)) {
      diagnostics_
          .error(Code::literal_range, range,
                 cat("this number of ", what_, " is out of float32's range"))
          .note("the largest float32 is 3.4028235e+38");
      return false;
    }
    if (value == 0 && number != 0) {
      diagnostics_.warning(Code::rounds_to_zero, range, "this number rounds to 0 in float32")
          .note("the smallest float32 above 0 is 1e-45");
    }
    return append(number);
  }

  bool append(double number) {
    if (literal_.values.size() == kMaxNumbers) {
      diagnostics_.error(Code::too_deep, use_,
                         cat(what_, " has more than ", kMaxNumbers, " numbers"));
      return false;
    }
    literal_.values.push_back(static_cast<float>(number));
    return true;
  }

  // Long lists do not keep where their elements stand; the text is read again for that.
  SourceRange element_range(const Expr& list, std::size_t index) {
    const std::string_view text = diagnostics_.file_text(list.range.file);
    Lexer lexer(text.substr(list.range.begin, list.range.end - list.range.begin), list.range.file);
    std::size_t seen = 0;
    for (Token token = lexer.next(); token.kind != TokenKind::end; token = lexer.next()) {
      if (token.kind != TokenKind::number || seen++ != index) continue;
      return {list.range.file, list.range.begin + token.range.begin,
              list.range.begin + token.range.end};
    }
    return list.range;
  }

  const std::string& what_;
  SourceRange use_;
  Diagnostics& diagnostics_;
  Literal literal_;
};

}  // namespace

std::optional<LiteralRef> read_literal(const Expr& expr, const std::string& what,
                                       Diagnostics& diagnostics) {
  return LiteralReader(what, expr.range, diagnostics).read(expr);
}

}  // namespace convc
