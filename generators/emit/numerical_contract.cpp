// See numerical_contract.h.
#include "generators/emit/numerical_contract.h"

#include <limits>

#include "generators/plan/lowering.h"
#include "generators/plan/winograd.h"

namespace convc {
namespace {

/// Products that make one number of the sum.
std::int64_t products_of(const LayerSpec& layer) {
  switch (layer.kind) {
    case LayerKind::conv:
    case LayerKind::conv_transpose:
      return layer.taps() * layer.channels_per_group();
    case LayerKind::depthwise_conv:
      return layer.taps();
    case LayerKind::separable_conv:  // the roundings of both sums meet in one term
      return layer.taps() + layer.in_channels * layer.depth_multiplier;
    case LayerKind::elementwise:
    case LayerKind::constant:
      return 0;
  }
  return 0;
}

}  // namespace

std::int64_t rounding_steps(const LayerSpec& layer, const Plan& plan) {
  const bool folds = folded_normalization(layer) >= 0;
  if (plan.algorithm == Algorithm::winograd) {
    return winograd_rounding_steps(layer.channels_per_group(),
                                   winograd_transforms(layer, plan.output_tile)) +
           1 + (folds ? 1 : 0);
  }
  const std::int64_t products = products_of(layer);
  if (products == 0) return 0;
  const bool two_passes = plan.algorithm == Algorithm::separable;
  return products + 1 + (two_passes ? 2 : 0) + (folds ? 1 : 0);
}

double term_amplification(const LayerSpec& layer, const Plan& plan) {
  return plan.algorithm == Algorithm::winograd ? winograd_amplification(layer, plan.output_tile)
                                               : 1;
}

double gamma_bound(std::int64_t steps) {
  const double rounding = static_cast<double>(steps) * 0x1p-24;
  return rounding < 1 ? rounding / (1 - rounding) : std::numeric_limits<double>::infinity();
}

}  // namespace convc
