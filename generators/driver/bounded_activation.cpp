// Activations of one number. What an error of the input makes of the output is the most that the
// function moves within the interval; between the points where it turns or jumps it is monotone, so
// that its ends and those points are enough.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "generators/driver/bounded.h"

namespace convc {
namespace {

using F = ActivationFunction;

double value_of(const Activation& f, double x) {
  return convc_reference_activate(static_cast<std::int32_t>(f.function),
                                  static_cast<double>(f.alpha), static_cast<double>(f.beta),
                                  static_cast<double>(f.gamma), x);
}

/// Where the function jumps, bends so that it turns, or has an extremum.
std::array<double, 2> turns_of(const Activation& f) {
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  const double alpha = static_cast<double>(f.alpha), gamma = static_cast<double>(f.gamma);
  switch (f.function) {
    case F::relu:
      return {gamma, kNone};
    case F::threshold:
      return {alpha, kNone};
    case F::soft_shrink:
    case F::hard_shrink:
    case F::shrink:
      return {alpha, -alpha};
    case F::gelu:
      return {-0.75179157, kNone};
    case F::gelu_tanh:
      return {-0.75246119, kNone};
    case F::silu:
      return {-1.27846454, kNone};
    case F::mish:
      return {-1.19240644, kNone};
    case F::hard_silu:
      return {-1.5, kNone};
    default:
      return {0, kNone};  // harmless where it is none
  }
}

/// One of the function's results is its argument or a parameter: nothing is rounded.
bool selects(const Activation& f) {
  switch (f.function) {
    case F::linear:
    case F::hard_tanh:
    case F::hard_shrink:
    case F::threshold:
    case F::clip:
      return true;
    case F::relu:
      return f.alpha == 0 || (f.alpha == 1 && f.gamma == 0);
    case F::leaky_relu:
      return f.alpha == 0 || f.alpha == 1;
    default:
      return false;
  }
}

/// The numbers on the way to f(x), for functions that need not round where all of them are floats;
/// empty for others.
std::vector<double> steps_to(const Activation& f, double x) {
  const double alpha = static_cast<double>(f.alpha), beta = static_cast<double>(f.beta),
               gamma = static_cast<double>(f.gamma);
  switch (f.function) {
    case F::relu:
      return {x - gamma, alpha * (x - gamma)};
    case F::leaky_relu:
      return {alpha * x};
    case F::hard_sigmoid:
      return {alpha * x, alpha * x + beta};
    case F::soft_shrink:
      return {x - alpha, x + alpha};
    case F::shrink:
      return {x - beta, x + beta};
    case F::sparse_plus:
      return {x + 1, (x + 1) * (x + 1) / 4};
    case F::sparse_sigmoid:
      return {x + 1, (x + 1) / 2};
    default:
      return {};
  }
}

/// Units in the last place that the function may be off: linear in pieces, or made of e^x.
double allowed_ulp(const Activation& f) {
  constexpr double kLinear = 1, kExponential = 4;
  const bool is_linear = !steps_to(f, 0).empty() && f.function != F::sparse_plus;
  return is_linear ? kLinear : kExponential;
}

/// The most that `f` moves from f(x.value) within x.error, where `turns` are its turns and jumps.
template <class Function, class Turns>
double moved(const Function& f, BoundedNumber x, double y, const Turns& turns) {
  if (x.error == 0) return 0;
  if (!std::isfinite(x.error)) return HUGE_VAL;  // it may be NaN
  double most = std::max(std::fabs(f(x.value - x.error) - y), std::fabs(f(x.value + x.error) - y));
  for (const double turn : turns) {
    if (!(std::fabs(turn - x.value) <= x.error)) continue;
    for (const double beside :
         {std::nextafter(turn, -HUGE_VAL), turn, std::nextafter(turn, HUGE_VAL)})
      most = std::max(most, std::fabs(f(beside) - y));
  }
  return most;
}

double rounded(double ulps, double y) {
  return ulps * 2 * kUnitRoundoff * std::fabs(y) + kUnderflow;
}

}  // namespace

BoundedNumber bounded_activation(const Activation& activation, BoundedNumber x) {
  const auto f = [&activation](double at) { return value_of(activation, at); };
  BoundedNumber y{f(x.value), 0};
  y.error = moved(f, x, y.value, turns_of(activation));
  if (selects(activation)) return y;
  const std::vector<double> steps = steps_to(activation, x.value);
  if (x.error == 0 && !steps.empty() && is_float(y.value) &&
      std::all_of(steps.begin(), steps.end(), is_float))
    return y;
  y.error += rounded(allowed_ulp(activation), std::fabs(y.value) + y.error);
  return y;
}

BoundedNumber bounded_prelu(double slope, BoundedNumber x) {
  const auto f = [slope](double at) { return convc_reference_prelu(at, slope); };
  BoundedNumber y{f(x.value), 0};
  y.error = moved(f, x, y.value, std::array{0.0});
  if (x.error != 0 || !is_float(y.value)) y.error += rounded(1, std::fabs(y.value) + y.error);
  return y;
}

}  // namespace convc
