// Typed values out of expressions; literal filters are read in literal.cpp.
#include "dsl/values.h"

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

// Reports a size that only the run time knows. True when it was one.
bool refuse_open_size(const Expr& expr, const std::string& what, Diagnostics& diagnostics) {
  if (!is_open_size(value_of(expr))) return false;
  diagnostics
      .error(Code::not_supported_yet, expr.range,
             cat(what, " known only at run time is not supported yet"))
      .help("write the size as a number");
  return true;
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
    case Handle::Kind::sequential:
      return "a Sequential";
    default:
      return "a call";
  }
}

std::optional<std::int64_t> read_integer(const Expr& expr, const std::string& what,
                                         Diagnostics& diagnostics) {
  if (refuse_open_size(expr, what, diagnostics)) return std::nullopt;
  const Expr& value = value_of(expr);
  if (value.kind != ExprKind::integer) {
    return wrong_type(expr, what, "an integer", "", diagnostics);
  }
  if (!value.fits_int64) {
    diagnostics.error(Code::bad_number, expr.range, cat(what, " does not fit 64 bits"))
        .note("the largest 64-bit integer is 9223372036854775807");
    return std::nullopt;
  }
  return value.integer;
}

std::optional<bool> read_bool(const Expr& expr, const std::string& what, Diagnostics& diagnostics) {
  const Expr& value = value_of(expr);
  if (value.kind != ExprKind::boolean) {
    return wrong_type(expr, what, "True or False", "", diagnostics);
  }
  return value.integer != 0;
}

std::optional<std::string> read_string(const Expr& expr, const std::string& what,
                                       Diagnostics& diagnostics) {
  const Expr& value = value_of(expr);
  if (value.kind != ExprKind::string) {
    return wrong_type(expr, what, "a string", "", diagnostics);
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

std::optional<Size2D> read_size(const Expr& expr, const std::string& what,
                                Diagnostics& diagnostics) {
  const Expr& value = value_of(expr);
  std::int64_t sizes[2] = {0, 0};
  if (value.is_sequence()) {
    if (!is_sequence_of(expr, 2)) {
      return wrong_type(expr, what, "an integer or (height, width)", "", diagnostics);
    }
    if (!read_integers(expr, 2, what, sizes, diagnostics)) return std::nullopt;
    return Size2D{sizes[0], sizes[1]};
  }
  if (value.kind != ExprKind::integer && !is_open_size(value)) {
    return wrong_type(expr, what, "an integer or (height, width)", "", diagnostics);
  }
  const std::optional<std::int64_t> both = read_integer(expr, what, diagnostics);
  if (!both) return std::nullopt;
  return Size2D{*both, *both};
}

std::optional<ImageShape> read_shape(const Expr& expr, const std::string& what,
                                     Diagnostics& diagnostics) {
  if (refuse_open_size(expr, what, diagnostics)) return std::nullopt;
  ImageShape shape = {0, 0, 0};
  if (!is_sequence_of(expr, 3)) {
    const std::string help = is_sequence_of(expr, 4)
                                 ? "leave the batch out, or give it by its own argument"
                                 : "an image of one channel has channels = 1, e.g. (28, 28, 1)";
    return wrong_type(expr, what, "(height, width, channels)", help, diagnostics);
  }
  if (!read_integers(expr, 3, what, shape.data(), diagnostics)) return std::nullopt;
  return shape;
}

std::optional<PaddingDraft> read_padding_value(const Expr& expr, Diagnostics& diagnostics) {
  const Expr& value = value_of(expr);
  PaddingDraft draft;
  if (value.kind == ExprKind::string) {
    const std::optional<std::string> text = read_string(expr, "`padding`", diagnostics);
    const std::optional<PaddingMode> mode = read_padding(*text, expr.range, diagnostics);
    if (!mode) return std::nullopt;
    draft.mode = *mode;
    return draft;
  }
  const bool pairs = is_sequence_of(expr, 2) && is_sequence_of(value.compound->items[0], 2) &&
                     is_sequence_of(value.compound->items[1], 2);
  if (!pairs) {
    std::string help;
    if (value.kind == ExprKind::integer && value.fits_int64) {
      help = cat("for ", value.integer, " on each side write padding=((", value.integer, ", ",
                 value.integer, "), (", value.integer, ", ", value.integer, "))");
    }
    return wrong_type(expr, "`padding`", "\"valid\", \"same\" or ((top, bottom), (left, right))",
                      help, diagnostics);
  }
  std::int64_t rows[2] = {0, 0};
  std::int64_t columns[2] = {0, 0};
  const bool rows_ok = read_integers(value.compound->items[0], 2, "`padding`", rows, diagnostics);
  const bool columns_ok =
      read_integers(value.compound->items[1], 2, "`padding`", columns, diagnostics);
  if (!rows_ok || !columns_ok) return std::nullopt;
  draft.mode = PaddingMode::explicit_pairs;
  draft.pairs = {rows[0], rows[1], columns[0], columns[1]};
  return draft;
}

}  // namespace convc
