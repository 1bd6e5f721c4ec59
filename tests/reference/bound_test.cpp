// The f32 bound: its value, that right f32 sums in any order keep it, and that wrong ones do not.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <random>

#include "convc/reference.h"

namespace {

struct Sum {
  double exact = 0, magnitude = 0;
};

Sum exact_sum(const std::vector<float>& a, const std::vector<float>& b) {
  Sum sum;
  for (std::size_t i = 0; i < a.size(); ++i) {
    sum.exact += double{a[i]} * double{b[i]};
    sum.magnitude += std::fabs(double{a[i]} * double{b[i]});
  }
  return sum;
}

/// Numbers of very different size and both signs, so that cancellation is severe.
std::vector<float> wild_numbers(std::mt19937& random, std::size_t count) {
  std::uniform_real_distribution<float> mantissa(-1, 1);
  std::uniform_int_distribution<int> exponent(-8, 8);
  std::vector<float> values(count);
  for (float& value : values) value = std::ldexp(mantissa(random), exponent(random));
  return values;
}

}  // namespace

TEST_CASE("the bound is (n + 1) u / (1 - (n + 1) u) of the magnitude, and a little for underflow") {
  const double u = std::ldexp(1, -24);
  CHECK(convc_reference_bound_f32(9, 1) == Approx(10 * u / (1 - 10 * u)).epsilon(1e-12));
  CHECK(convc_reference_bound_f32(9, 1000) == Approx(1e4 * u / (1 - 10 * u)).epsilon(1e-12));
  CHECK(convc_reference_bound_f32(9, 0) == Approx(10 * std::ldexp(1, -126)));
  CHECK(std::isinf(convc_reference_bound_f32(INT64_C(1) << 24, 1)));
  CHECK(std::isinf(convc_reference_bound_f32(INT64_MAX, 1)));
}

TEST_CASE("f32 sums keep the bound: in order, backwards, in 16 lanes, fused or not") {
  std::mt19937 random(7);
  for (int round = 0; round < 2000; ++round) {
    const auto n = std::uniform_int_distribution<std::size_t>(1, 600)(random);
    const auto a = wild_numbers(random, n), b = wild_numbers(random, n);
    const Sum sum = exact_sum(a, b);
    const double bound = convc_reference_bound_f32(static_cast<std::int64_t>(n), sum.magnitude);
    float forward = 0, backward = 0, fused = 0;
    std::vector<float> lanes(16, 0);
    for (std::size_t i = 0; i < n; ++i) {
      const float product = a[i] * b[i];
      forward += product;
      backward += a[n - 1 - i] * b[n - 1 - i];
      fused = std::fma(a[i], b[i], fused);
      lanes[i % 16] += product;
    }
    float of_lanes = 0;
    for (const float lane : lanes) of_lanes += lane;
    for (const float result : {forward, backward, fused, of_lanes}) {
      REQUIRE(std::fabs(double{result} - sum.exact) <= bound);
    }
  }
}

TEST_CASE("the bound is tight enough to see one wrong tap") {
  // 3x3x64 taps: one tap left out, of a size as all the others, is far outside: the bound
  // is about 577 * 2^-24 * 576 taps = 0.02 taps.
  std::mt19937 random(8);
  std::uniform_real_distribution<float> value(0.5F, 1);
  std::vector<float> a(576), b(576);
  for (std::size_t i = 0; i < a.size(); ++i) {
    a[i] = value(random);
    b[i] = (i % 2 == 0 ? 1.0F : -1.0F) * value(random);
  }
  const Sum sum = exact_sum(a, b);
  const double one_tap = std::fabs(double{a[17]} * double{b[17]});
  CHECK(one_tap > 50 * convc_reference_bound_f32(576, sum.magnitude));
}
