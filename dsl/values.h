// Values: reads typed values from elaborated expressions. Every function reports what is wrong,
// with `what` (e.g. "`filters`") as its subject, and then returns nullopt.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

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

/// True for float("nan") and its kin: numbers that were meant. Precondition: a number.
bool is_special(const Expr& value);

std::optional<std::int64_t> read_integer(const Expr& expr, const std::string& what, Diagnostics&);
/// An integer or a float, finite as float32.
std::optional<float> read_number(const Expr& expr, const std::string& what, Diagnostics&);
std::optional<bool> read_bool(const Expr& expr, const std::string& what, Diagnostics&);
std::optional<std::string> read_string(const Expr& expr, const std::string& what, Diagnostics&);

/// An integer, None or Dim(...).
std::optional<DimDraft> read_dim(const Expr& expr, const std::string& what, Diagnostics&);

/// An integer for all axes, or one for each, e.g. (height, width).
std::optional<Size> read_size(const Expr& expr, const std::string& what, int rank, Diagnostics&);

/// Sizes with the channels; with_batch: and the batch before them. `rank` 0: of 1 to 3 axes.
std::optional<ShapeDraft> read_shape(const Expr& expr, const std::string& what, int rank,
                                     bool with_batch, Diagnostics&);

/// A word, or for each axis (before, after): (left, right) alone for one axis.
std::optional<PaddingDraft> read_padding_value(const Expr& expr, int rank, Diagnostics&);

/// As ZeroPadding2D has it: an integer, one for each axis, or (before, after) for each axis.
std::optional<PaddingDraft> read_zero_padding(const Expr& expr, int rank, Diagnostics&);

/// An integer, or a list of them.
std::optional<std::vector<std::int64_t>> read_axes(const Expr& expr, const std::string& what,
                                                   Diagnostics&);

/// Nested lists of numbers, at most 5 deep, rectangular, each finite as float32.
std::optional<LiteralRef> read_literal(const Expr& expr, const std::string& what, Diagnostics&);

}  // namespace convc
