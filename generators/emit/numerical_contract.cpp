// See numerical_contract.h.
#include "generators/emit/numerical_contract.h"

#include <limits>

namespace convc {

std::int64_t rounding_steps(const LayerSpec& layer, const Plan& plan) {
  const std::int64_t products =
      layer.kernel_size.height * layer.kernel_size.width * layer.channels_per_group();
  return products + (plan.algorithm == Algorithm::separable ? 3 : 1);
}

double gamma_bound(std::int64_t steps) {
  const double rounding = static_cast<double>(steps) * 0x1p-24;
  return rounding < 1 ? rounding / (1 - rounding) : std::numeric_limits<double>::infinity();
}

}  // namespace convc
