// f32 arithmetic for formulas in which Halide's fast-math would be wrong. Halide and LLVM may
// assume of the plain operators that nothing is NaN or infinite and that sums can be reordered;
// they contract a * b + c. Those of `ieee` are what they say, one rounding each. Formulas use the
// plain ones for polynomials of finite numbers, to have FMAs, and never compare what these give:
// LLVM takes for granted that it is not NaN.
#pragma once

#include <Halide.h>

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

namespace convc {

/// Names for values that a formula uses several times. An Expr is a tree for most of Halide's
/// passes; without names its size is exponential in the depth of the formula.
class Bindings {
 public:
  Halide::Expr operator()(const Halide::Expr& value) {
    names_.emplace_back(Halide::Internal::unique_name('t'), value);
    return Halide::Internal::Variable::make(value.type(), names_.back().first);
  }
  /// `body`, in which the names may occur.
  [[nodiscard]] Halide::Expr in(Halide::Expr body) const {
    for (auto name = names_.rbegin(); name != names_.rend(); ++name) {
      body = Halide::Internal::Let::make(name->first, name->second, body);
    }
    return body;
  }

 private:
  std::vector<std::pair<std::string, Halide::Expr>> names_;
};

inline Halide::Expr bits_of(const Halide::Expr& x) {
  return Halide::reinterpret<std::uint32_t>(x);
}
inline Halide::Expr float_of(const Halide::Expr& bits) {
  return Halide::reinterpret<float>(bits);
}
constexpr std::uint32_t kSignBit = 0x80000000U;

namespace ieee {

inline Halide::Expr call(Halide::Internal::Call::IntrinsicOp op, const Halide::Type& type,
                         const Halide::Expr& a, const Halide::Expr& b) {
  return Halide::Internal::Call::make(type, op, {a, b}, Halide::Internal::Call::PureIntrinsic);
}
inline Halide::Expr add(const Halide::Expr& a, const Halide::Expr& b) {
  return call(Halide::Internal::Call::strict_add, a.type(), a, b);
}
inline Halide::Expr sub(const Halide::Expr& a, const Halide::Expr& b) {
  return call(Halide::Internal::Call::strict_sub, a.type(), a, b);
}
inline Halide::Expr mul(const Halide::Expr& a, const Halide::Expr& b) {
  return call(Halide::Internal::Call::strict_mul, a.type(), a, b);
}
/// x * 0: a zero of the sign of x, NaN for what is not finite. By bits, as LLVM makes 0 of the
/// product where it takes for granted that x is finite. The exponent of what is not is all ones,
/// and one more carries into the sign. Precondition: x is f32.
inline Halide::Expr times_zero(const Halide::Expr& x) {
  constexpr std::uint32_t kExponent = 0x7F800000U, kLeastExponent = 0x00800000U, kNaN = 0x7FC00000U;
  const Halide::Expr carry = (bits_of(x) & Halide::Expr(kExponent)) + Halide::Expr(kLeastExponent);
  const Halide::Expr everywhere =
      Halide::cast<std::uint32_t>(Halide::cast<std::int32_t>(carry) >> 31);
  return float_of((bits_of(x) & Halide::Expr(kSignBit)) | (everywhere & Halide::Expr(kNaN)));
}
/// x * factor, a constant that may be 0.
template <std::same_as<float> Factor>
Halide::Expr mul(const Halide::Expr& x, Factor factor) {
  return factor == 0 ? times_zero(x) : mul(x, Halide::Expr(factor));
}
inline Halide::Expr div(const Halide::Expr& a, const Halide::Expr& b) {
  return call(Halide::Internal::Call::strict_div, a.type(), a, b);
}
/// a < b; false where one is NaN. There is no a <= b: on x86 Halide makes !(b < a) of it, which NaN
/// fulfils.
inline Halide::Expr less(const Halide::Expr& a, const Halide::Expr& b) {
  return call(Halide::Internal::Call::strict_lt, Halide::Bool(), a, b);
}
/// x where low <= x, else low. NaN stays NaN, by the order of the operands: one instruction.
inline Halide::Expr at_least(const Halide::Expr& low, const Halide::Expr& x) {
  return Halide::select(less(x, low), low, x);
}
/// x where x <= high, else high. NaN stays NaN.
inline Halide::Expr at_most(const Halide::Expr& high, const Halide::Expr& x) {
  return Halide::select(less(high, x), high, x);
}

}  // namespace ieee

/// |magnitude| with the sign of `sign`. Precondition: the sign bit of magnitude is clear, or it is
/// NaN.
inline Halide::Expr with_sign_of(const Halide::Expr& sign, const Halide::Expr& magnitude) {
  return float_of(bits_of(magnitude) | (bits_of(sign) & Halide::Expr(kSignBit)));
}

/// coefficients[0] + x * (coefficients[1] + x * (...)).
template <typename Number>
Halide::Expr polynomial(const Halide::Expr& x, std::initializer_list<Number> coefficients) {
  auto coefficient = std::rbegin(coefficients);
  Halide::Expr sum(*coefficient);
  while (++coefficient != std::rend(coefficients)) sum = sum * x + Halide::Expr(*coefficient);
  return sum;
}

}  // namespace convc
