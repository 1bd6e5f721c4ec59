// Arithmetic of sizes and blocks, and the units of memory.
#pragma once

#include <cstdint>

namespace convc {

inline constexpr std::int64_t kFloatBytes = 4;
inline constexpr std::int64_t kCacheLineBytes = 64;

/// Blocks of `b` that cover `a`.
template <typename A, typename B>
constexpr auto ceil_div(A a, B b) {
  return (a + b - 1) / b;
}

/// The least multiple of `b` that is at least `a`.
constexpr std::int64_t round_up(std::int64_t a, std::int64_t b) {
  return ceil_div(a, b) * b;
}

/// The largest divisor of `value` that is at most `limit`. Precondition: both are at least 1.
constexpr std::int64_t largest_divisor(std::int64_t value, std::int64_t limit) {
  std::int64_t divisor = value < limit ? value : limit;
  while (value % divisor != 0) --divisor;
  return divisor;
}

/// For costs, which are fractions.
constexpr double real(std::int64_t value) {
  return static_cast<double>(value);
}

}  // namespace convc
