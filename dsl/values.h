// Values: reads typed values from elaborated expressions. Every function reports what is wrong,
// with `what` (e.g. "`filters`") as its subject, and then returns nullopt.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "dsl/ast.h"
#include "dsl/diagnostics.h"
#include "dsl/draft.h"

namespace convc {

/// The value a name stands for, or the expression itself.
const Expr& value_of(const Expr& expr);

/// "the string "same"", "a list of 3", ... for messages.
std::string describe(const Expr& expr);

/// True for what has been reported already, e.g. an unknown name; nothing more is to be said.
bool is_broken(const Expr& expr);

std::optional<std::int64_t> read_integer(const Expr& expr, const std::string& what, Diagnostics&);
std::optional<bool> read_bool(const Expr& expr, const std::string& what, Diagnostics&);
std::optional<std::string> read_string(const Expr& expr, const std::string& what, Diagnostics&);

/// An integer for both axes, or (height, width).
std::optional<Size2D> read_size(const Expr& expr, const std::string& what, Diagnostics&);

/// (height, width, channels).
std::optional<ImageShape> read_shape(const Expr& expr, const std::string& what, Diagnostics&);

/// "valid", "same" or ((top, bottom), (left, right)).
std::optional<PaddingDraft> read_padding_value(const Expr& expr, Diagnostics&);

/// Nested lists of numbers, at most 4 deep, rectangular, each finite as float32.
std::optional<LiteralRef> read_literal(const Expr& expr, const std::string& what, Diagnostics&);

}  // namespace convc
