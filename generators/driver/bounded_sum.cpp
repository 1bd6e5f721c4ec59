// Sums of products.
#include <algorithm>
#include <bit>
#include <cmath>

#include "generators/driver/bounded.h"
#include "generators/driver/bounded_winograd.h"
#include "generators/driver/exact_winograd.h"
#include "generators/emit/numerical_contract.h"

namespace convc {
namespace {

template <class T>
double granularity_of(const std::vector<T>& values) {
  double unit = kInfinity;
  for (const T value : values) unit = std::min(unit, granularity(static_cast<double>(value)));
  return unit;
}

std::vector<float> magnitudes_of(std::vector<float> values) {
  for (float& value : values) value = std::fabs(value);
  return values;
}

/// conv(|kernel|, e) for errors e of the input; zeros when there are none.
std::vector<double> carried_errors(convc_conv conv, const Bounded& input,
                                   const std::vector<float>& kernel, std::size_t outputs) {
  std::vector<double> carried(outputs, 0.0);
  const bool any =
      std::any_of(input.error.begin(), input.error.end(), [](double error) { return error != 0; });
  conv.padding_value = 0;  // a constant has no error
  if (any)
    convc_reference_conv(&conv, input.error.data(), magnitudes_of(kernel).data(), nullptr,
                         carried.data(), nullptr);
  return carried;
}

/// A kernel may also compute the sum with tiles of `output_tile` outputs.
void allow_winograd(const convc_conv& conv, const Bounded& input, const std::vector<float>& kernel,
                    const std::vector<float>& bias, int output_tile, Bounded& sum) {
  std::vector<double> magnitudes = input.error;
  for (std::size_t i = 0; i < magnitudes.size(); ++i) magnitudes[i] += std::fabs(input.value[i]);
  const WinogradSums sums = winograd_sums(conv, magnitudes, kernel, bias, output_tile);
  const ExactTerms exact = winograd_exact_terms(conv, input.value, kernel, bias, output_tile);
  sum.steps = std::max(sum.steps, sums.steps);
  for (std::size_t i = 0; i < sum.terms.size(); ++i) {
    sum.terms[i] = std::max(sum.terms[i], sums.terms[i]);
    if (exact.terms.empty()) {
      sum.units[i] = 0;
    } else {
      sum.exact_terms[i] = std::max(sum.exact_terms[i], exact.terms[i]);
      sum.units[i] = std::min(sum.units[i], exact.units[i]);
    }
  }
}

}  // namespace

double granularity(double value) {
  if (value == 0) return kInfinity;
  if (!std::isfinite(value)) return 0;
  int exponent = 0;
  const double fraction = std::frexp(value, &exponent);
  constexpr int kDigits = 53;
  const auto integer = static_cast<std::uint64_t>(std::ldexp(std::fabs(fraction), kDigits));
  return std::ldexp(1.0, exponent - kDigits + std::countr_zero(integer));
}

void mark_overflows(Bounded& tensor) {
  for (std::size_t i = 0; i < tensor.value.size(); ++i) {
    // A partial sum may be as large as all terms together.
    const double most = tensor.terms.empty() ? tensor.value[i] : tensor.terms[i];
    if (!can_be_held(most, tensor.error[i])) tensor.error[i] = kInfinity;
  }
}

Bounded exactly(const std::array<std::int64_t, 5>& extents, const std::vector<float>& values) {
  Bounded result;
  result.extents = extents;
  result.value.assign(values.begin(), values.end());
  result.error.assign(values.size(), 0.0);
  result.reachable.assign(values.size(), true);
  return result;
}

Bounded bounded_sum(const convc_conv& conv, const Bounded& input, const std::vector<float>& kernel,
                    const std::vector<float>& bias, const SumRules& rules) {
  Bounded sum;
  std::int64_t out[3] = {};
  if (convc_reference_output_size(&conv, out) != 0) return sum;
  sum.extents = {conv.batch, out[0], out[1], out[2], conv.filters};
  std::size_t count = 1;
  for (const std::int64_t extent : sum.extents) count *= static_cast<std::size_t>(extent);
  sum.value.resize(count);
  sum.terms.resize(count);
  convc_reference_conv(&conv, input.value.data(), kernel.data(),
                       bias.empty() ? nullptr : bias.data(), sum.value.data(), sum.terms.data());

  const double pad = conv.padding_mode == CONVC_PAD_CONSTANT ? conv.padding_value : 0;
  const double input_unit = std::min(granularity_of(input.value), granularity(pad));
  sum.units.assign(count, std::min(input_unit * granularity_of(kernel), granularity_of(bias)));
  sum.exact_terms = sum.terms;
  sum.steps = convc_reference_reduction_length(&conv) + 1 + rules.more_roundings;
  sum.error = carried_errors(conv, input, kernel, count);
  sum.reachable.resize(count);
  for (std::size_t i = 0; i < count; ++i) sum.reachable[i] = sum.terms[i] > 0;
  for (const int tile : rules.output_tiles) {
    if (winograd_may_compute(conv, tile)) allow_winograd(conv, input, kernel, bias, tile, sum);
  }
  const double gamma = gamma_bound(sum.steps);
  for (std::size_t i = 0; i < count; ++i) {
    const double carried = sum.error[i];
    const bool is_exact = carried == 0 && rules.keeps_integers && sum.units[i] >= kUnderflow &&
                          sum.exact_terms[i] <= kExactUnits * sum.units[i];
    if (is_exact) continue;
    sum.error[i] =
        carried + gamma * (sum.terms[i] + carried) + static_cast<double>(sum.steps) * kUnderflow;
  }
  return sum;
}

}  // namespace convc
