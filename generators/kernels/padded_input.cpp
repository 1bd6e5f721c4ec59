// Padding of every mode, as expressions.
#include "generators/kernels/padded_input.h"

#include <vector>

namespace convc {
namespace {

using Halide::Expr;
using Halide::Func;

/// The input coordinate that padded coordinate `x` (before is subtracted already) shows. Elements
/// inside the image are the likely case, which Halide's loops over the interior are specialized
/// for.
Expr source_coordinate(const Expr& x, const SpatialAxis& axis, const Border& border) {
  if (!axis.bordered && !border.always) return x;
  const Expr last = axis.in_extent - 1;
  const Expr inside = Halide::clamp(Halide::likely(x), 0, last);
  switch (border.mode) {
    case PaddingMode::zeros:
    case PaddingMode::constant:
    case PaddingMode::replicate:
      return inside;
    case PaddingMode::reflect:
      return Halide::select(x<0, Halide::clamp(-x, 0, last), x> last,
                            Halide::clamp(2 * last - x, 0, last), inside);
    case PaddingMode::circular:
      return Halide::select(x<0, Halide::clamp(x + axis.in_extent, 0, last), x> last,
                            Halide::clamp(x - axis.in_extent, 0, last), inside);
  }
  return x;
}

bool is_inside_only(const SpatialAxes& axes, const Border& border) {
  return !axes.column.bordered && !axes.row.bordered && !axes.plane.bordered && !border.always;
}

/// Zeros or a constant around the image: Halide's own form, whose interior its loops split off. No
/// schedule reads planes beyond those that the padding makes.
Func with_exterior(const Func& image, const SpatialAxes& axes, const Border& border) {
  const Halide::Region bounds = {
      {Expr(), Expr()},
      {0, axes.column.in_extent},
      {0, axes.row.in_extent},
      axes.plane.bordered ? Halide::Range{0, axes.plane.in_extent} : Halide::Range{Expr(), Expr()},
      {Expr(), Expr()},
      {Expr(), Expr()}};
  return Halide::BoundaryConditions::constant_exterior(image, fill_of(border), bounds);
}

/// `value` where coordinate `x` of an axis lies inside the image, else `fill`.
Expr where_inside(const Expr& x, const SpatialAxis& axis, const Expr& value, float fill) {
  if (!axis.bordered) return value;
  return Halide::select(x < 0 || x >= axis.in_extent, fill, Halide::likely(value));
}

/// The same, asked for each axis apart.
Expr inside_or_fill(const Func& image, const ImagePoint& at, const SpatialAxes& axes,
                    const Border& border) {
  const float fill = fill_of(border);
  ImagePoint source = at;
  source.column = source_coordinate(at.column, axes.column, border);
  source.row = source_coordinate(at.row, axes.row, border);
  source.plane = source_coordinate(at.plane, axes.plane, border);
  Expr value = image(source.coordinates());
  value = where_inside(at.column, axes.column, value, fill);
  value = where_inside(at.row, axes.row, value, fill);
  return where_inside(at.plane, axes.plane, value, fill);
}

template <typename Value>
std::string name_in(const std::map<std::string, Value>& names, Value value) {
  for (const auto& [name, candidate] : names) {
    if (candidate == value) return name;
  }
  return {};
}

}  // namespace

std::map<std::string, PaddingMode> padding_mode_names() {
  return {{"zeros", PaddingMode::zeros},
          {"constant", PaddingMode::constant},
          {"reflect", PaddingMode::reflect},
          {"replicate", PaddingMode::replicate},
          {"circular", PaddingMode::circular}};
}

std::map<std::string, PaddingRule> padding_rule_names() {
  return {{"valid", PaddingRule::valid},
          {"same", PaddingRule::same},
          {"same_lower", PaddingRule::same_lower},
          {"causal", PaddingRule::causal},
          {"explicit_pairs", PaddingRule::explicit_pairs}};
}

std::string name_of(PaddingMode mode) {
  return name_in(padding_mode_names(), mode);
}
std::string name_of(PaddingRule rule) {
  return name_in(padding_rule_names(), rule);
}

SpatialAxis with_expressions(SpatialAxis axis, PaddingRule rule) {
  const bool follows_size =
      axis.open && (rule == PaddingRule::same || rule == PaddingRule::same_lower);
  if (!follows_size) {
    const int padding = axis.pad_before + axis.pad_after;
    axis.before = axis.pad_before;
    axis.bordered = axis.pad_before > 0 || axis.pad_after > 0;
    axis.out_extent =
        axis.open ? (axis.in_extent + padding - axis.span()) / axis.stride + 1 : Expr(axis.out);
    return axis;
  }
  axis.out_extent = (axis.in_extent + axis.stride - 1) / axis.stride;
  const Expr total =
      Halide::max((axis.out_extent - 1) * axis.stride + axis.span() - axis.in_extent, 0);
  const Expr less = total / 2;
  axis.before = rule == PaddingRule::same ? less : total - less;
  axis.bordered = axis.span() > 1;
  return axis;
}

Func padded_input(const Func& image, const SpatialAxes& axes, const Border& border) {
  const ImageVars v;
  Func padded("padded");
  if (!border.reads_input) {
    padded(pure_vars(v)) = 0.0F;
    return padded;
  }
  const ImagePoint shifted = {v.channel,
                              v.column - axes.column.before,
                              v.row - axes.row.before,
                              v.plane - axes.plane.before,
                              v.batch,
                              v.group};
  if (fills_border(border.mode) && !is_inside_only(axes, border)) {
    padded(pure_vars(v)) = border.apart ? inside_or_fill(image, shifted, axes, border)
                                        : with_exterior(image, axes, border)(shifted.coordinates());
    return padded;
  }
  ImagePoint source = shifted;
  source.column = source_coordinate(shifted.column, axes.column, border);
  source.row = source_coordinate(shifted.row, axes.row, border);
  source.plane = source_coordinate(shifted.plane, axes.plane, border);
  padded(pure_vars(v)) = image(source.coordinates());
  return padded;
}

}  // namespace convc
