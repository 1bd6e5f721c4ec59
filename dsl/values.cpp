// Typed values out of expressions; literal filters are read in literal.cpp.
#include "dsl/values.h"

#include <algorithm>
#include <cmath>

#include "dsl/axes.h"
#include "dsl/numbers.h"
#include "dsl/snippet.h"
#include "dsl/text.h"
#include "dsl/vocabulary.h"

namespace convc {
namespace {

bool is_open_size(const Expr& value) {
  return value.kind == ExprKind::none ||
         (value.kind == ExprKind::call && value.compound->handle.kind == Handle::Kind::open_size);
}

// Reports that `expr` is not what was wanted.
std::nullopt_t wrong_type(const Expr& expr, const std::string& what, const std::string& wanted,
                          const std::string& help, Diagnostics& diagnostics) {
  if (is_broken(expr)) return std::nullopt;
  Diagnostic& error = diagnostics.error(Code::wrong_type, expr.range,
                                        cat(what, " must be ", wanted, ", not ", describe(expr)));
  if (!help.empty()) error.help(help);
  return std::nullopt;
}

// `count` integers of a list or tuple.
bool read_integers(const Expr& expr, std::size_t count, const std::string& what,
                   std::int64_t* integers, Diagnostics& diagnostics) {
  const Expr& value = value_of(expr);
  bool ok = true;
  for (std::size_t i = 0; i < count; ++i) {
    const std::optional<std::int64_t> integer =
        read_integer(value.compound->items[i], what, diagnostics);
    if (integer) integers[i] = *integer;
    ok = ok && integer;
  }
  return ok;
}

bool is_sequence_of(const Expr& expr, std::size_t count) {
  const Expr& value = value_of(expr);
  return value.is_sequence() && value.compound->items.size() == count;
}

bool has_sequence(const Expr& list) {
  return std::any_of(list.compound->items.begin(), list.compound->items.end(),
                     [](const Expr& item) { return value_of(item).is_sequence(); });
}

std::string sizes_text(int rank) {
  return rank == 1 ? "an integer or (width,)" : cat("an integer or (", axes_text(rank), ")");
}

// How to write what was meant as an integer.
std::string integer_help(const Expr& value) {
  const bool whole =
      value.is_number() && value.number == std::floor(value.number) && std::abs(value.number) < 1e9;
  if (whole) return cat("write ", static_cast<std::int64_t>(value.number));
  return value.kind == ExprKind::string ? "write it without quotes, e.g. 3"
                                        : "write a whole number, e.g. 3";
}

std::string sizes_help(int rank) {
  if (rank == 1) return "e.g. 3";
  return rank == 2 ? "e.g. 3, or (3, 5)" : "e.g. 3, or (3, 5, 5)";
}

// (before, after) for each axis, or for one axis the pair alone.
bool is_pairs(const Expr& expr, int rank) {
  if (rank == 1 && is_sequence_of(expr, 2) && !has_sequence(value_of(expr))) return true;
  if (!is_sequence_of(expr, static_cast<std::size_t>(rank))) return false;
  const std::vector<Expr>& items = value_of(expr).compound->items;
  return std::all_of(items.begin(), items.end(),
                     [](const Expr& item) { return is_sequence_of(item, 2); });
}

// Precondition: is_pairs.
bool read_pairs(const Expr& expr, int rank, Padding* pairs, Diagnostics& diagnostics) {
  const std::vector<Expr>& items = value_of(expr).compound->items;
  const bool alone = items.size() == 2 && rank == 1;
  bool ok = true;
  std::size_t next = 0;
  for (const Axis axis : axes_of(rank)) {
    std::int64_t pair[2] = {0, 0};
    const Expr& from = alone ? expr : items[next++];
    ok = read_integers(from, 2, "`padding`", pair, diagnostics) && ok;
    before(*pairs, axis) = pair[0];
    after(*pairs, axis) = pair[1];
  }
  return ok;
}

// The form that read_pairs takes, in words and for one number.
std::string pairs_words(int rank) {
  constexpr std::string_view words[] = {"(left, right)", "((top, bottom), (left, right))",
                                        "((front, back), (top, bottom), (left, right))"};
  return std::string(words[rank - 1]);
}

std::string pairs_text(std::int64_t pad, int rank) {
  const std::string pair = cat("(", pad, ", ", pad, ")");
  if (rank == 1) return pair;
  return rank == 2 ? cat("(", pair, ", ", pair, ")") : cat("(", pair, ", ", pair, ", ", pair, ")");
}

}  // namespace

const Expr& value_of(const Expr& expr) {
  const bool bound = expr.kind == ExprKind::name && expr.compound && expr.compound->bound;
  return bound ? *expr.compound->bound : expr;
}

bool is_broken(const Expr& expr) {
  const Expr& value = value_of(expr);
  if (value.kind == ExprKind::name) return true;  // unknown, and reported as such
  return value.kind == ExprKind::call && value.compound->handle.kind == Handle::Kind::broken;
}

std::string describe(const Expr& expr) {
  const Expr& value = value_of(expr);
  switch (value.kind) {
    case ExprKind::integer:
    case ExprKind::floating:
      return cat("the number ", value.text.substr(0, 40));
    case ExprKind::string: {
      const bool cut = value.text.size() > 40;
      return cat("the string \"", printable(value.text.substr(0, 40)), cut ? "..." : "", "\"");
    }
    case ExprKind::boolean:
      return value.integer != 0 ? "True" : "False";
    case ExprKind::none:
      return "None";
    case ExprKind::list:
      return cat("a list of ", value.size());
    case ExprKind::tuple:
      return cat("a tuple of ", value.size());
    case ExprKind::name:
      return cat("'", value.text, "'");
    case ExprKind::call:
      break;
  }
  switch (value.compound->handle.kind) {
    case Handle::Kind::layer:
      return "a layer";
    case Handle::Kind::input:
      return "an Input";
    case Handle::Kind::tensor:
      return "what a layer makes";
    case Handle::Kind::sequential:
      return "a Sequential";
    case Handle::Kind::model:
      return "a Model";
    case Handle::Kind::open_size:
      return "a Dim";
    default:
      return "a call";
  }
}

bool is_special(const Expr& value) {
  return value.text == "nan" || value.text == "inf" || value.text == "-inf";
}

std::optional<std::int64_t> read_integer(const Expr& expr, const std::string& what,
                                         Diagnostics& diagnostics) {
  const Expr& value = value_of(expr);
  if (is_open_size(value)) {
    diagnostics
        .error(Code::open_size, expr.range, cat(what, " must be known, not ", describe(expr)))
        .help("only batch, height and width of an input can be run-time sizes");
    return std::nullopt;
  }
  if (value.kind != ExprKind::integer) {
    return wrong_type(expr, what, "an integer", integer_help(value), diagnostics);
  }
  if (!value.fits_int64) {
    diagnostics.error(Code::bad_number, expr.range, cat(what, " does not fit 64 bits"))
        .note("the largest 64-bit integer is 9223372036854775807")
        .help("use a smaller number");
    return std::nullopt;
  }
  return value.integer;
}

std::optional<bool> read_bool(const Expr& expr, const std::string& what, Diagnostics& diagnostics) {
  const Expr& value = value_of(expr);
  if (value.kind != ExprKind::boolean) {
    const bool no = value.is_number() ? value.number == 0 : value.kind == ExprKind::none;
    return wrong_type(expr, what, "True or False", cat("write ", no ? "False" : "True"),
                      diagnostics);
  }
  return value.integer != 0;
}

std::optional<std::string> read_string(const Expr& expr, const std::string& what,
                                       Diagnostics& diagnostics) {
  const Expr& value = value_of(expr);
  if (value.kind != ExprKind::string) {
    return wrong_type(expr, what, "a string", "write it in quotes, e.g. \"same\"", diagnostics);
  }
  std::string out;
  for (std::size_t i = 0; i < value.text.size(); ++i) {
    if (value.text[i] != '\\') {
      out += value.text[i];
      continue;
    }
    const char c = value.text[++i];
    out += c == 'n' ? '\n' : c == 't' ? '\t' : c;
  }
  return out;
}

std::optional<float> read_number(const Expr& expr, const std::string& what,
                                 Diagnostics& diagnostics) {
  const Expr& value = value_of(expr);
  if (!value.is_number()) {
    return wrong_type(expr, what, "a number", "write a number without quotes, e.g. 0.5",
                      diagnostics);
  }
  const float number = static_cast<float>(value.number);
  if (std::isfinite(number) || is_special(value)) return number;
  diagnostics.error(Code::literal_range, expr.range, cat(what, " is out of float32's range"))
      .note("the largest float32 is 3.4028235e+38")
      .help("use a smaller number");
  return std::nullopt;
}

std::optional<DimDraft> read_dim(const Expr& expr, const std::string& what,
                                 Diagnostics& diagnostics) {
  const Expr& value = value_of(expr);
  if (value.kind == ExprKind::none) return kNone;
  if (is_open_size(value)) {
    return DimDraft{value.compound->handle.min, value.compound->handle.max};
  }
  const std::optional<std::int64_t> size = read_integer(expr, what, diagnostics);
  if (!size) return std::nullopt;
  return DimDraft{*size, *size};
}

std::optional<Size> read_size(const Expr& expr, const std::string& what, int rank,
                              Diagnostics& diagnostics) {
  const auto count = static_cast<std::size_t>(rank);
  const Expr& value = value_of(expr);
  std::int64_t sizes[3] = {1, 1, 1};
  if (value.is_sequence()) {
    if (!is_sequence_of(expr, count)) {
      return wrong_type(expr, what, sizes_text(rank), sizes_help(rank), diagnostics);
    }
    if (!read_integers(expr, count, what, sizes, diagnostics)) return std::nullopt;
  } else {
    if (value.kind != ExprKind::integer && !is_open_size(value)) {
      return wrong_type(expr, what, sizes_text(rank), sizes_help(rank), diagnostics);
    }
    const std::optional<std::int64_t> one = read_integer(expr, what, diagnostics);
    if (!one) return std::nullopt;
    std::fill_n(sizes, count, *one);
  }
  Size size;
  const std::int64_t* next = sizes;
  for (const Axis axis : axes_of(rank)) at(size, axis) = *next++;
  return size;
}

std::optional<ShapeDraft> read_shape(const Expr& expr, const std::string& what, int rank,
                                     bool with_batch, Diagnostics& diagnostics) {
  const Expr& value = value_of(expr);
  const std::size_t extra = with_batch ? 2 : 1;
  const std::size_t count = value.is_sequence() ? value.compound->items.size() : 0;
  const bool right = rank == 0 ? count >= 1 + extra && count <= 3 + extra
                               : count == static_cast<std::size_t>(rank) + extra;
  if (!right) {
    const int shown = rank == 0 ? 2 : rank;
    std::string help;
    if (!with_batch) {
      help = rank != 0 && count == static_cast<std::size_t>(rank) + 2
                 ? "leave the batch out, or give it by its own argument"
                 : cat("one channel is channels = 1, e.g. (", shown == 3 ? "28, 28, " : "",
                       shown == 2 ? "28, " : "", "28, 1)");
    }
    return wrong_type(expr, what,
                      cat(rank == 0 ? "a shape such as " : "", "(", with_batch ? "batch, " : "",
                          axes_text(shown), ", channels)"),
                      help, diagnostics);
  }
  ShapeDraft shape;
  for (const Expr& item : value.compound->items) {
    const std::optional<DimDraft> dim = read_dim(item, what, diagnostics);
    if (!dim) return std::nullopt;
    shape.push_back(*dim);
  }
  return shape;
}

std::optional<PaddingDraft> read_padding_value(const Expr& expr, int rank,
                                               Diagnostics& diagnostics) {
  const Expr& value = value_of(expr);
  PaddingDraft draft;
  if (value.kind == ExprKind::string) {
    const std::optional<std::string> text = read_string(expr, "`padding`", diagnostics);
    const std::optional<PaddingRule> rule = read_padding(*text, expr.range, diagnostics);
    if (!rule) return std::nullopt;
    if (*rule == PaddingRule::causal && rank != 1) {
      diagnostics
          .error(Code::unknown_value, expr.range, "padding=\"causal\" is for one axis: Conv1D")
          .help("give the pairs, e.g. padding=((2, 0), (1, 1))");
      return std::nullopt;
    }
    draft.rule = *rule;
    return draft;
  }
  draft.rule = PaddingRule::explicit_pairs;
  if (is_pairs(expr, rank)) {
    if (!read_pairs(expr, rank, &draft.pairs, diagnostics)) return std::nullopt;
    return draft;
  }
  const std::int64_t pad = value.kind == ExprKind::integer && value.fits_int64 ? value.integer : 1;
  const std::string help = cat("for ", pad, " on each side write padding=", pairs_text(pad, rank));
  return wrong_type(expr, "`padding`", cat("a word or ", pairs_words(rank)), help, diagnostics);
}

std::optional<PaddingDraft> read_zero_padding(const Expr& expr, int rank,
                                              Diagnostics& diagnostics) {
  const Expr& value = value_of(expr);
  PaddingDraft draft;
  draft.rule = PaddingRule::explicit_pairs;
  if (is_pairs(expr, rank)) {
    if (!read_pairs(expr, rank, &draft.pairs, diagnostics)) return std::nullopt;
    return draft;
  }
  // A single axis has pairs only; for more, one number pads both sides of its axis.
  const bool sizes =
      value.is_sequence() && rank > 1 && is_sequence_of(expr, static_cast<std::size_t>(rank));
  if (value.kind != ExprKind::integer && !sizes) {
    return wrong_type(expr, "`padding`", cat("an integer or ", pairs_words(rank)),
                      cat("for 1 on each side write ", pairs_text(1, rank)), diagnostics);
  }
  if (value.kind == ExprKind::integer || !has_sequence(value)) {
    const std::optional<Size> both = read_size(expr, "`padding`", rank, diagnostics);
    if (!both) return std::nullopt;
    for (const Axis axis : axes_of(rank)) {
      before(draft.pairs, axis) = after(draft.pairs, axis) = at(*both, axis);
    }
    return draft;
  }
  return wrong_type(expr, "`padding`", pairs_words(rank),
                    cat("for 1 on each side write ", pairs_text(1, rank)), diagnostics);
}

std::optional<std::vector<std::int64_t>> read_axes(const Expr& expr, const std::string& what,
                                                   Diagnostics& diagnostics) {
  const Expr& value = value_of(expr);
  std::vector<std::int64_t> axes;
  if (!value.is_sequence()) {
    const std::optional<std::int64_t> one = read_integer(expr, what, diagnostics);
    if (!one) return std::nullopt;
    return std::vector{*one};
  }
  for (const Expr& item : value.compound->items) {
    const std::optional<std::int64_t> one = read_integer(item, what, diagnostics);
    if (!one) return std::nullopt;
    axes.push_back(*one);
  }
  return axes;
}

}  // namespace convc
