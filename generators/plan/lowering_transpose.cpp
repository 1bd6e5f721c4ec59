// A transposed convolution as one convolution per phase of its output. Pure.
//
// Along one axis of stride s and dilation d, out[o] sums kernel[k] * in[i] over i*s + k*d - before
// == o. The outputs o = s*q + p of phase p meet the taps k with (p + before - k*d) divisible by s.
// With g = gcd(s, d) these are k0, k0 + step, .. (step = s / g), if there are any, and tap k0 +
// j*step meets input q + reach - j*(d / g), reach = (p + before - k0*d) / s. In reverse order of j
// that is a convolution of stride 1 and dilation d / g.
#include <algorithm>
#include <numeric>
#include <optional>

#include "generators/plan/integers.h"
#include "generators/plan/lowering.h"

namespace convc {
namespace {

struct PhasedAxis {
  std::int64_t in, out, kernel_size, stride, dilation, before;
};

struct AxisPhase {
  std::int64_t phase = 0;  ///< p
  std::int64_t out = 0;    ///< outputs of this phase
  std::int64_t taps = 0;   ///< 0: none reaches it
  std::int64_t first_tap = 0, tap_step = 1;
  std::int64_t dilation = 1;
  std::int64_t before = 0, after = 0;
};

AxisPhase phase_of(const PhasedAxis& axis, std::int64_t phase) {
  AxisPhase result;
  result.phase = phase;
  result.out = ceil_div(axis.out - phase, axis.stride);
  const std::int64_t step = axis.stride / std::gcd(axis.stride, axis.dilation);
  std::int64_t first = 0;
  const auto meets = [&] {
    return (phase + axis.before - first * axis.dilation) % axis.stride == 0;
  };
  const std::int64_t candidates = std::min(step, axis.kernel_size);
  while (first < candidates && !meets()) ++first;
  if (first == candidates) return result;
  result.taps = ceil_div(axis.kernel_size - first, step);
  result.first_tap = first + (result.taps - 1) * step;
  result.tap_step = -step;
  result.dilation = axis.dilation * step / axis.stride;
  const std::int64_t reach = (phase + axis.before - first * axis.dilation) / axis.stride;
  const std::int64_t span = (result.taps - 1) * result.dilation + 1;
  result.before = span - 1 - reach;
  result.after = result.out - 1 + span - result.before - axis.in;
  return result;
}

std::vector<AxisPhase> phases_along(const PhasedAxis& axis) {
  std::vector<AxisPhase> phases;
  for (std::int64_t p = 0; p < std::min(axis.stride, axis.out); ++p) {
    phases.push_back(phase_of(axis, p));
  }
  return phases;
}

/// What the phases of one layer share.
LayerSpec base_of(const LayerSpec& layer) {
  LayerSpec base = layer;
  base.kind = LayerKind::conv;
  base.strides = {};
  base.padding_rule = PaddingRule::explicit_pairs;
  base.output_padding = {0, 0, 0};
  base.output_padding_given = false;
  return base;
}

LayerSpec combine(const LayerSpec& layer, const AxisPhase& plane, const AxisPhase& row,
                  const AxisPhase& column) {
  LayerSpec phase = base_of(layer);
  phase.out = {row.out, column.out, plane.out};
  phase.kernel_view = KernelView{.first = {row.first_tap, column.first_tap, plane.first_tap},
                                 .step = {row.tap_step, column.tap_step, plane.tap_step},
                                 .whole = layer.kernel_size};
  if (layer.strides != Size{}) {
    phase.output_view = OutputView{
        .first = {row.phase, column.phase, plane.phase}, .step = layer.strides, .whole = layer.out};
  }
  if (plane.taps * row.taps * column.taps == 0) {
    phase.kind = LayerKind::constant;
    phase.kernel_size = phase.dilation_rate = {};
    // The sizes of its output follow from the input's as those of any layer do.
    phase.padding = {.bottom = row.out - layer.in.height,
                     .right = column.out - layer.in.width,
                     .back = plane.out - layer.in.depth};
    return phase;
  }
  phase.kernel_size = {row.taps, column.taps, plane.taps};
  phase.dilation_rate = {row.dilation, column.dilation, plane.dilation};
  phase.padding = {.top = row.before,
                   .bottom = row.after,
                   .left = column.before,
                   .right = column.after,
                   .front = plane.before,
                   .back = plane.after};
  return phase;
}

}  // namespace

std::vector<LayerSpec> phases_of(const LayerSpec& layer) {
  if (layer.kind != LayerKind::conv_transpose) return {layer};
  const auto axis = [&](std::int64_t Size::*size, std::int64_t before) {
    return PhasedAxis{.in = layer.in.*size,
                      .out = layer.out.*size,
                      .kernel_size = layer.kernel_size.*size,
                      .stride = layer.strides.*size,
                      .dilation = layer.dilation_rate.*size,
                      .before = before};
  };
  std::vector<LayerSpec> phases;
  for (const AxisPhase& plane : phases_along(axis(&Size::depth, layer.padding.front))) {
    for (const AxisPhase& row : phases_along(axis(&Size::height, layer.padding.top))) {
      for (const AxisPhase& column : phases_along(axis(&Size::width, layer.padding.left))) {
        phases.push_back(combine(layer, plane, row, column));
      }
    }
  }
  // Variables keep their order: a constant phase has no use for the kernel.
  std::stable_partition(phases.begin(), phases.end(),
                        [](const LayerSpec& phase) { return phase.kind != LayerKind::constant; });
  return phases;
}

}  // namespace convc
