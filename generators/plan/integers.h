// Arithmetic of sizes and blocks, and the units of memory.
#pragma once

#include <cstdint>

namespace convc {

inline constexpr std::int64_t kFloatBytes = 4;
inline constexpr std::int64_t kCacheLineBytes = 64;
/// Lines so far apart, or a multiple of it, share a set of L1: 64 sets of lines.
inline constexpr std::int64_t kL1WayBytes = 64 * kCacheLineBytes;

/// Blocks of `b` that cover `a`.
template <typename A, typename B>
constexpr auto ceil_div(A a, B b) {
  return (a + b - 1) / b;
}

/// The least multiple of `b` that is at least `a`.
template <typename A, typename B>
constexpr auto round_up(A a, B b) {
  return ceil_div(a, b) * b;
}

/// Elements of a block when `total` is cut into as few blocks of at most `most` as will do, all as
/// equal as multiples of `unit` allow.
constexpr std::int64_t equal_blocks(std::int64_t total, std::int64_t most, std::int64_t unit) {
  return round_up(ceil_div(total, ceil_div(total, most)), unit);
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
