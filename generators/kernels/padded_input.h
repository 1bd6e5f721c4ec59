// What the taps of a filter read: the input with its padding, as an expression per element. Never a
// copy of the whole tensor: generators compute it per task, or inline.
#pragma once

#include <Halide.h>

#include <map>
#include <string>

#include "dsl/layer_spec.h"
#include "generators/kernels/coordinates.h"

namespace convc {

/// For the parameters of generators.
std::map<std::string, PaddingMode> padding_mode_names();
std::map<std::string, PaddingRule> padding_rule_names();
std::string name_of(PaddingMode mode);
std::string name_of(PaddingRule rule);

/// Sets `out_extent`, `before` and `bordered` from the other members. Only an open axis whose
/// padding depends on its size needs the rule.
SpatialAxis with_expressions(SpatialAxis axis, PaddingRule rule);

struct SpatialAxes {
  SpatialAxis column, row, plane;
};

struct Border {
  PaddingMode mode = PaddingMode::zeros;
  float value = 0;          ///< PaddingMode::constant
  bool reads_input = true;  ///< false: zero everywhere
  bool always = false;      ///< there is a border also along axes that are not `bordered`
  /// Zeros or a constant: each axis asks for itself, in an expression of its own. Tiles at one
  /// border of the image then need not ask about the other axis.
  bool apart = false;
};
/// What lies beyond the image. Precondition: fills_border(border.mode).
inline float fill_of(const Border& border) {
  return border.mode == PaddingMode::constant ? border.value : 0.0F;
}

/// padded(channel, column, row, plane, batch, group) of an image of the same dimensions.
Halide::Func padded_input(const Halide::Func& image, const SpatialAxes& axes, const Border& border);

}  // namespace convc
