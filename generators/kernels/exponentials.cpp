// Each function is arranged so that nothing cancels: e^-|x|, which is at most 1, comes first, and
// the two signs of x are two fractions of it. The coefficients are minimax ones (Remez), their
// relative error is given beside them; 2^-24 is half an ulp.
#include "generators/kernels/exponentials.h"

#include <algorithm>
#include <limits>

namespace convc {
namespace {

using Halide::Expr;
using Halide::select;

/// y = steps * log(2) + rest, |rest| <= log(2) / 2.
struct Reduced {
  Expr shifted;  ///< 3 * 2^22 + steps: the low bits of its representation are those of `steps`
  Expr steps;
  Expr rest;
};

constexpr float kShift = 12582912.0F;  // 3 * 2^22: its ulp is 1
constexpr float kLog2OfE = 1.44269504F;
// log(2) in two parts; the first has 9 bits, so that its multiples up to 2^15 are exact.
constexpr float kLog2High = 0.693359375F, kLog2Low = -2.12194440e-4F;

/// The reduction of y + correction, |correction| much smaller than |y|.
Reduced reduce(Bindings& let, const Expr& y, const Expr& correction = Expr()) {
  const Expr sum = correction.defined() ? ieee::add(y, correction) : y;
  const Expr shifted = let(ieee::add(ieee::mul(sum, kLog2OfE), kShift));
  const Expr steps = let(ieee::sub(shifted, kShift));
  Expr rest = ieee::sub(y, ieee::mul(steps, kLog2High)) - steps * kLog2Low;
  if (correction.defined()) rest = rest + correction;
  return {shifted, steps, let(rest)};
}

/// The reduction of a double, for arguments that f32 cannot hold well enough.
Reduced reduce_double(Bindings& let, const Expr& y) {
  const Expr shifted = let(ieee::add(ieee::mul(Halide::cast<float>(y), kLog2OfE), kShift));
  const Expr steps = let(ieee::sub(shifted, kShift));
  const Expr rest = y - Halide::cast<double>(steps) * Expr(0.6931471805599453);
  return {shifted, steps, let(Halide::cast<float>(rest))};
}

/// 2^(steps + exponent). Precondition: it is a normal number.
Expr power_of_2(const Expr& shifted, int exponent) {
  const auto bias = static_cast<std::uint32_t>(127 + exponent) << 23;
  return float_of((bits_of(shifted) << 23) + Expr(bias));
}

/// e^rest - 1. Relative error 2^-32.
Expr growth_of(Bindings& let, const Expr& rest) {
  const Expr square = let(rest * rest);
  return let(square * polynomial<float>(rest, {0.5F, 0.16666666F, 0.041666359F, 0.0083333896F,
                                               0.0013940668F, 0.00019845882F}) +
             rest);
}

/// e^y is computed 2^48 times too large, so that it, and its product with a number under 2^7, is no
/// denormal: a result is rounded once, when it is scaled down.
constexpr int kScaleExponent = 48;
constexpr float kScaleDown = 0x1p-48F;
/// At kLowest, the scaled e^y is still a normal number; below kVanishes, e^y * 2^7 is 0 in f32.
constexpr float kLowest = -110.0F, kVanishes = -109.5F;

/// e^y for y <= 0, as kScaleDown * power * (1 + growth). The parts are better than the number: the
/// power is exact, and of the growth an ulp is less than half an ulp of the sum.
struct Decay {
  Expr power, growth;
  Expr scaled;  ///< power * (1 + growth)
  Expr exact;   ///< e^y
};

/// `vanishes`: where e^y is to be 0. Precondition: y >= kLowest.
Decay decay(Bindings& let, const Reduced& y, const Expr& vanishes) {
  const Expr growth = growth_of(let, y.rest);
  const Expr power = let(select(vanishes, 0.0F, power_of_2(y.shifted, kScaleExponent)));
  const Expr scaled = let(power * growth + power);
  return {power, growth, scaled, let(ieee::mul(scaled, kScaleDown))};
}

/// e^-|x|.
Decay decay(Bindings& let, const Expr& x) {
  const Expr y = let(ieee::at_least(kLowest, let(ieee::mul(Halide::abs(x), -1.0F))));
  return decay(let, reduce(let, y), ieee::less(y, kVanishes));
}

/// numerator / denominator, where the numerator for negative x is scaled.
Expr scaled_fraction(const Expr& is_negative, const Expr& negative_numerator,
                     const Expr& positive_numerator, const Expr& denominator) {
  const Expr numerator = select(is_negative, negative_numerator, positive_numerator);
  return ieee::mul(ieee::div(numerator, denominator), select(is_negative, kScaleDown, 1.0F));
}

/// log(1 + u) for 0 <= u <= 1. Relative error 2^-30.3.
Expr log_1_plus(const Expr& u) {
  return ieee::mul(u, polynomial<float>(u, {1, -0.49999982F, 0.3333256F, -0.24987271F, 0.19890748F,
                                            -0.16105692F, 0.12418438F, -0.08244177F, 0.041478243F,
                                            -0.013407536F, 0.0020302425F}));
}

/// x * s, where s is the sigmoid of a number of x's sign and e is e^-|that number|.
Expr times_sigmoid(Bindings& let, const Expr& x, const Decay& e) {
  const Expr is_negative = let(ieee::less(x, 0.0F));
  // x e, rounded once. The two products are the same number; written the same, Halide would make
  // of this a * (growth + 1), which is rounded twice.
  const Expr x_e = ieee::mul(x, e.power) * e.growth + ieee::mul(e.power, x);
  return scaled_fraction(is_negative, x_e, x, ieee::add(e.exact, 1.0F));
}

}  // namespace

Expr exponential(Bindings& let, const Expr& x) {
  // 2^steps in two factors: at both ends of the range, one float cannot hold it.
  const Reduced y = reduce(let, let(ieee::at_most(89.0F, let(ieee::at_least(-104.0F, x)))));
  const Expr steps = let(Halide::reinterpret<int>(y.shifted));
  const Expr half = let(steps >> 1);
  auto power = [](const Expr& bits) {
    return float_of((Halide::reinterpret<std::uint32_t>(bits) << 23) + Expr(127U << 23));
  };
  const Expr rest = ieee::add(growth_of(let, y.rest), 1.0F);
  return ieee::mul(ieee::mul(rest, power(half)), power(steps - half));
}

Expr exponential_minus_1(Bindings& let, const Expr& x, float scale) {
  if (scale > 0) {
    const Expr quotient = scale == 1 ? x : ieee::div(x, scale);
    const Reduced y = reduce(let, let(ieee::at_least(-30.0F, let(quotient))));
    const Expr power = let(power_of_2(y.shifted, 0));
    return growth_of(let, y.rest) * power + ieee::sub(power, 1.0F);
  }
  // e^y grows with y: its relative error is the absolute one of y, so y is a double. Half of the
  // result is computed, as 2^128 is no float.
  constexpr float kMost = std::numeric_limits<float>::max();
  const float lowest = std::max(-89.0F * -scale, -kMost), highest = std::min(30.0F * -scale, kMost);
  const Expr bounded = let(ieee::at_least(lowest, let(ieee::at_most(highest, x))));
  const Reduced y =
      reduce_double(let, let(Halide::cast<double>(bounded) / Expr(static_cast<double>(scale))));
  const Expr power = let(power_of_2(y.shifted, -1));
  const Expr half = growth_of(let, y.rest) * power + ieee::sub(power, 0.5F);
  return ieee::mul(half, 2.0F);
}

Expr exponential_of_difference(Bindings& let, const Expr& x, const Expr& most) {
  // What rounding takes from the difference (Knuth's sum of two numbers) is a part of the exponent.
  const Expr difference = let(ieee::sub(x, most));
  const Expr subtrahend = let(ieee::sub(x, difference));
  const Expr lost =
      ieee::add(ieee::sub(x, ieee::add(difference, subtrahend)), ieee::sub(subtrahend, most));
  const Expr vanishes = let(ieee::less(difference, kVanishes));
  const Expr y = let(ieee::at_least(kLowest, difference));
  return decay(let, reduce(let, y, let(select(vanishes, 0.0F, lost))), vanishes).exact;
}

Expr logarithm_of_1_plus(Bindings& let, const Expr& u) {
  // 1 + u = 2^k (1 + f) with 0 <= f < 1; below 1, f is u, of which the sum would lose digits.
  const Expr sum = let(bits_of(ieee::add(u, 1.0F)));
  const Expr k = Halide::cast<float>(Halide::cast<int>(sum >> 23) - 127);
  const Expr mantissa = float_of((sum & Expr(0x007fffffU)) | Expr(0x3f800000U));
  const Expr is_small = let(ieee::less(u, 1.0F));
  const Expr f = let(select(is_small, u, ieee::sub(mantissa, 1.0F)));
  return ieee::add(select(is_small, 0.0F, k * 0.69314718F), log_1_plus(f));
}

Expr sigmoid(Bindings& let, const Expr& x) {
  const Expr e = decay(let, x).exact;
  return ieee::div(select(ieee::less(x, 0.0F), e, 1.0F), ieee::add(e, 1.0F));
}

Expr gated(Bindings& let, const Expr& a, const Expr& b) {
  // Where sigmoid(b) is far from denormal, a may be as large as any float.
  const Decay e = decay(let, b);
  const Expr is_tiny = let(ieee::less(b, -60.0F));
  const Expr numerator = select(is_tiny, e.scaled, select(ieee::less(b, 0.0F), e.exact, 1.0F));
  return ieee::mul(ieee::div(ieee::mul(a, numerator), ieee::add(e.exact, 1.0F)),
                   select(is_tiny, kScaleDown, 1.0F));
}

Expr silu(Bindings& let, const Expr& x) {
  return times_sigmoid(let, x, decay(let, x));
}

Expr softplus(Bindings& let, const Expr& x) {
  return ieee::add(ieee::at_least(0.0F, x), log_1_plus(decay(let, x).exact));
}

Expr log_sigmoid(Bindings& let, const Expr& x) {
  return ieee::mul(softplus(let, let(ieee::mul(x, -1.0F))), -1.0F);
}

Expr mish(Bindings& let, const Expr& x) {
  // tanh(log(1 + e^x)) = n / (n + 2) with n = e^x (e^x + 2). For positive x, divided by e^2x.
  const Decay e = decay(let, x);
  const Expr is_negative = let(ieee::less(x, 0.0F));
  // n / power is 2 and a smaller number; of n, and of x n, only the last sum is rounded.
  const Expr above_2 = let(e.growth * 2.0F + e.exact * (e.growth + 1.0F));
  const Expr n = e.power * above_2 + ieee::mul(e.power, 2.0F);
  const Expr x_power = let(ieee::mul(x, e.power));
  const Expr x_n = x_power * above_2 + ieee::mul(x_power, 2.0F);
  const Expr twice = let(ieee::mul(e.exact, 2.0F));
  const Expr positive = let(ieee::add(twice, 1.0F));
  const Expr denominator = select(is_negative, ieee::add(ieee::mul(let(n), kScaleDown), 2.0F),
                                  e.exact * twice + positive);
  return scaled_fraction(is_negative, x_n, ieee::mul(x, positive), denominator);
}

Expr tanh(Bindings& let, const Expr& x) {
  // With m = e^(-2|x|) - 1, |tanh(x)| = -m / (2 + m).
  const Expr y = let(ieee::mul(Halide::abs(x), -2.0F));
  const Expr m = let(exponential_minus_1(let, y, 1.0F));
  return with_sign_of(x, Halide::abs(ieee::div(m, ieee::add(m, 2.0F))));
}

Expr tanh_shrink(Bindings& let, const Expr& x) {
  // x - tanh(x) = x^3 P(x^2) / Q(x^2) for |x| <= 9, relative error 2^-28.9; beyond, tanh is 1. In
  // f32 the roundings of these products would exceed the bound.
  const Expr wide = let(Halide::cast<double>(x));
  const Expr square = let(wide * wide);
  const Expr numerator =
      polynomial<double>(square, {1. / 3, 0.023420835327723818, 0.00036827311373019884,
                                  1.2752327739659565e-6, 1.2534931520907027e-11});
  const Expr denominator = polynomial<double>(
      square,
      {1, 0.47026250426425906, 0.027305062960084784, 0.0003965748009217451, 1.3064099694521702e-6});
  const Expr near = Halide::cast<float>(wide * square * (numerator / denominator));
  // Keras' -0 - tanh(-0) is +0.
  return select(ieee::less(9.0F, Halide::abs(x)), ieee::sub(x, with_sign_of(x, 1.0F)),
                ieee::add(near, 0.0F));
}

Expr gelu(Bindings& let, const Expr& x) {
  // With t = |x| and the normal distribution's Phi(-t) = e^(-t^2 / 2) g(t), the result is x Phi(x).
  // t^2 is exact in two parts: that of t's upper 12 bits, and the rest.
  // From 14.8 on it is 0 in f32 for negative x (14.8^2 / 2 is 110), and x for positive x.
  const Expr t = let(ieee::at_most(15.0F, let(Halide::abs(x))));
  const Expr upper = let(float_of(bits_of(t) & Expr(0xfffff000U)));
  const Expr lower = ieee::mul(ieee::sub(t, upper), ieee::add(t, upper));
  const Reduced y =
      reduce(let, let(ieee::mul(ieee::mul(upper, upper), -0.5F)), let(ieee::mul(lower, -0.5F)));
  const Decay e = decay(let, y, ieee::less(14.8F, t));
  // g(t) (t + 1) = kMiddle + the polynomial of s = (t - 3.5) / (t + 3.5) without its first
  // coefficient, relative error 2^-26. That part is small, as is the growth: in their product with
  // kMiddle only the last sum is rounded.
  constexpr float kMiddle = 0.47855318F;
  const Expr s = let(ieee::div(ieee::sub(t, 3.5F), ieee::add(t, 3.5F)));
  const Expr around_middle =
      let(s * polynomial<float>(
                  s, {-0.0977126F, 0.00078738498F, 0.038048498F, -0.030263207F, 0.010371572F,
                      0.00029438894F, -0.0013878343F, 9.5256211e-5F, 0.00014737487F}));
  const Expr product = ieee::add(e.growth * (around_middle + kMiddle) + around_middle, kMiddle);
  const Expr tail = ieee::div(ieee::mul(e.power, product), ieee::add(t, 1.0F));
  const Expr x_tail = let(ieee::mul(ieee::mul(ieee::at_most(15.0F, x), tail), kScaleDown));
  return select(ieee::less(0.0F, x), ieee::sub(x, x_tail), x_tail);
}

Expr gelu_tanh(Bindings& let, const Expr& x) {
  // (1 + tanh(u)) / 2 = sigmoid(2 u), and 2 u = x (k + 0.044715 k x^2) with k = 2 sqrt(2 / pi).
  // At -10.9, 2 u is above kLowest; at -10.85, below -108, and x sigmoid(2 u) 0 in f32.
  const double k = 1.5957691216057308;
  const Expr bounded = let(ieee::at_least(-10.9F, let(ieee::mul(Halide::abs(x), -1.0F))));
  const Expr t = let(Halide::cast<double>(bounded));
  const Reduced y = reduce_double(let, let(t * (t * t * Expr(0.044715 * k) + Expr(k))));
  return times_sigmoid(let, x, decay(let, y, ieee::less(bounded, -10.85F)));
}

}  // namespace convc
