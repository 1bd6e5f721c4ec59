#include "generators/driver/filter_data.h"

#include <algorithm>
#include <cmath>

namespace convc {
namespace {

/// Power of two that is at least the number of products.
int length_log2(const Sum& sum) {
  return static_cast<int>(std::ceil(std::log2(static_cast<double>(sum.length()))));
}

}  // namespace

float extreme(Random& random, int exponent) {
  switch (random.below(16)) {
    case 0:
      return 0.0f;
    case 1:
      return -0.0f;
    case 2:
      return random.real() * 0x1p-130f;
    default:
      break;
  }
  const int e = static_cast<int>(random.below(2 * static_cast<unsigned>(exponent) + 1)) - exponent;
  return std::ldexp(random.real(), e);
}

IntegerRange integer_range(const Sum& sum, double magnitude, double limit, std::int64_t sums_left) {
  IntegerRange range;
  const double room = limit / std::max(magnitude, 1.0);
  const double gain = std::max(
      1.0, std::pow(room, 1.0 / static_cast<double>(sums_left)) * (sums_left > 1 ? 0.9 : 1.0));
  range.taps = std::min(static_cast<std::int64_t>(sum.length()), static_cast<std::int64_t>(gain));
  range.kernel = std::clamp<std::int64_t>(static_cast<std::int64_t>(gain) / range.taps, 1, 255);
  range.bias = gain > 2 ? 16 : 0;
  return range;
}

std::vector<float> integer_filters(const Sum& sum, const IntegerRange& range, Random& random) {
  const std::size_t length = sum.length();
  std::vector<float> values(length * sum.filters(), 0.0f);
  const bool dense = static_cast<std::size_t>(range.taps) == length;
  for (std::size_t k = 0; k < sum.filters(); ++k) {
    for (std::size_t tap = 0; tap < static_cast<std::size_t>(range.taps); ++tap) {
      const std::size_t i = dense ? tap : static_cast<std::size_t>(random.below(length));
      float value = random.integer(range.kernel);
      if (value == 0 && !dense) value = 1;
      values[sum.place(k, i)] = value;
    }
  }
  return values;
}

double largest_sum(const Sum& sum, const std::vector<float>& filters, double magnitude) {
  double largest = 0;
  for (std::size_t k = 0; k < sum.filters(); ++k) {
    double total = 0;
    for (std::size_t i = 0; i < sum.length(); ++i)
      total += std::fabs(static_cast<double>(filters[sum.place(k, i)]));
    largest = std::max(largest, total * magnitude);
  }
  return largest;
}

std::vector<float> real_filters(const Sum& sum, Random& random) {
  std::vector<float> values(sum.length() * sum.filters());
  for (float& value : values) value = std::ldexp(random.real(), -length_log2(sum) / 2);
  return values;
}

std::vector<float> extreme_filters(const Sum& sum, int exponent, bool scaled, Random& random) {
  std::vector<float> values(sum.length() * sum.filters());
  for (float& value : values)
    value = std::ldexp(extreme(random, exponent), scaled ? -length_log2(sum) : 0);
  return values;
}

}  // namespace convc
