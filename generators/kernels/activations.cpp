// One formula per function. Those that are linear in pieces are here; comparisons with NaN are
// false, so a formula says in its last branch what NaN gives.
#include "generators/kernels/activations.h"

#include <cmath>
#include <stdexcept>

#include "generators/kernels/exponentials.h"
#include "generators/kernels/float_ops.h"

namespace convc {
namespace {

using Halide::Expr;
using Halide::select;

/// A sum or product of f32 numbers in double, rounded once.
Expr in_double(const Expr& x) {
  return Halide::cast<double>(x);
}
Expr constant(float x) {
  return Expr(static_cast<double>(x));
}

/// Keras: at the threshold itself the slope holds; with a threshold and no slope NaN gives 0.
Expr relu(Bindings& let, const Expr& x, float slope, float max, float threshold) {
  const Expr above = std::isinf(max) ? x : ieee::at_most(max, x);
  if (slope == 0) {
    if (threshold != 0) return select(ieee::less(threshold, x), above, 0.0F);
    // Of both zeros +0 is the result.
    const Expr positive = Halide::abs(let(ieee::at_least(0.0F, x)));
    return std::isinf(max) ? positive : ieee::at_most(max, let(positive));
  }
  const Expr below = threshold == 0
                         ? ieee::mul(x, slope)
                         : Halide::cast<float>(ieee::mul(
                               ieee::sub(in_double(x), constant(threshold)), constant(slope)));
  return select(ieee::less(threshold, x), above, below);
}

Expr elu(Bindings& let, const Expr& x, float alpha) {
  return select(ieee::less(x, 0.0F), ieee::mul(exponential_minus_1(let, x, 1.0F), alpha), x);
}

Expr selu(Bindings& let, const Expr& x, float alpha, float gamma) {
  const auto product = static_cast<float>(static_cast<double>(alpha) * static_cast<double>(gamma));
  const Expr growth = exponential_minus_1(let, x, 1.0F);
  // Near 0 the result is finite where the product of both is not.
  const Expr below =
      std::isinf(product) ? ieee::mul(ieee::mul(growth, alpha), gamma) : ieee::mul(growth, product);
  return select(ieee::less(x, 0.0F), below, ieee::mul(x, gamma));
}

Expr celu(Bindings& let, const Expr& x, float alpha) {
  const Expr growth = ieee::mul(exponential_minus_1(let, x, alpha), alpha);
  // Of a large alpha x / alpha is a denormal that has lost digits, where the result is x.
  constexpr float kLarge = 2;
  const Expr below = std::abs(alpha) <= kLarge
                         ? growth
                         : select(ieee::less(x, std::abs(alpha) * -0x1p-26F), growth, x);
  // Of both zeros +0 is the result.
  return ieee::add(select(ieee::less(x, 0.0F), below, x), 0.0F);
}

Expr hard_sigmoid(Bindings& let, const Expr& x, float alpha, float beta) {
  if (alpha == 1.0F / 6 && beta == 0.5F) {
    // (x + 3) / 6, whose zero is -3 exactly, as in Keras. What rounding takes from x + 3 is put
    // back, as the division rounds too.
    const Expr inside = let(ieee::at_most(3.0F, let(ieee::at_least(-3.0F, x))));
    const Expr sum = let(ieee::add(inside, 3.0F));
    const Expr lost = ieee::sub(inside, ieee::sub(sum, 3.0F));
    return ieee::add(ieee::div(sum, 6.0F), ieee::mul(lost, 1.0F / 6));
  }
  const Expr y = let(alpha == 0 ? ieee::add(ieee::mul(x, alpha), beta)
                                : Halide::cast<float>(ieee::add(
                                      ieee::mul(in_double(x), constant(alpha)), constant(beta))));
  return ieee::at_most(1.0F, let(ieee::at_least(0.0F, y)));
}

Expr hard_silu(Bindings& let, const Expr& x) {
  const Expr sum = let(ieee::at_least(0.0F, let(ieee::add(x, 3.0F))));
  return ieee::mul(x, ieee::mul(ieee::at_most(6.0F, sum), 1.0F / 6));
}

/// x + bias below -threshold, x - bias above it, else (and for NaN) 0.
Expr shrink(const Expr& x, float threshold, float bias) {
  // No number is -0: Halide takes it for the 0 that is the result.
  const float lower = 0 - threshold, high = 0 - bias;
  const Expr below = ieee::add(x, bias), above = ieee::add(x, high);
  if (threshold < 0) {
    // Only NaN is neither: where LLVM takes for granted that it is not there, its bits tell.
    constexpr std::uint32_t kInfinity = 0x7F800000U;
    const Expr is_nan = (bits_of(x) & ~Expr(kSignBit)) > Expr(kInfinity);
    return select(is_nan, 0.0F, ieee::less(x, lower), below, above);
  }
  return select(ieee::less(x, lower), below, ieee::less(threshold, x), above, 0.0F);
}

Expr squareplus(Bindings& let, const Expr& x, float b) {
  // With h = (|x| + sqrt(x^2 + b)) / 2 it is h for x >= 0; for negative x, where the sum would
  // cancel, b / (4 h). Beyond `far`, b is nothing beside x^2, which may be no float; for a b near
  // the ends of the range both are scaled.
  const float far = std::sqrt(std::abs(b)) * 0x1p13F;
  const float scale = b < 0x1p-100F ? 0x1p64F : b < 0x1p100F ? 1.0F : 0x1p-66F;
  const Expr t = let(Halide::abs(x));
  const Expr scaled = let(ieee::mul(t, scale));
  const Expr root = Halide::sqrt(let(ieee::add(ieee::mul(scaled, scaled), b * scale * scale)));
  const Expr norm = select(ieee::less(far, t), t, ieee::mul(root, 1 / scale));
  const Expr half = let(ieee::add(ieee::mul(t, 0.5F), ieee::mul(norm, 0.5F)));
  const Expr h = b == 0 ? let(ieee::at_least(0x1p-149F, half)) : half;  // not 0 / 0
  // x * 0 makes the result for -inf NaN, as in Keras.
  return select(ieee::less(x, 0.0F), ieee::div(ieee::add(ieee::mul(x, 0.0F), b / 4), h), half);
}

Expr sparse_plus(Bindings& let, const Expr& x) {
  const Expr sum = let(ieee::add(x, 1.0F));
  return select(ieee::less(x, -1.0F), 0.0F, ieee::less(1.0F, x), x,
                ieee::mul(ieee::mul(sum, sum), 0.25F));
}

Expr sparse_sigmoid(Bindings& let, const Expr& x) {
  const Expr half = let(ieee::mul(ieee::add(x, 1.0F), 0.5F));
  return ieee::at_most(1.0F, let(ieee::at_least(0.0F, half)));
}

Expr formula(Bindings& let, const Activation& f, const Expr& x) {
  using F = ActivationFunction;
  switch (f.function) {
    case F::linear:
      return x;
    case F::relu:
      return relu(let, x, f.alpha, f.beta, f.gamma);
    case F::leaky_relu:
      return select(ieee::less(x, 0.0F), ieee::mul(x, f.alpha), x);
    case F::elu:
      return elu(let, x, f.alpha);
    case F::selu:
      return selu(let, x, f.alpha, f.gamma);
    case F::celu:
      return celu(let, x, f.alpha);
    case F::gelu:
      return gelu(let, x);
    case F::gelu_tanh:
      return gelu_tanh(let, x);
    case F::silu:
      return silu(let, x);
    case F::mish:
      return mish(let, x);
    case F::sigmoid:
      return sigmoid(let, x);
    case F::hard_sigmoid:
      return hard_sigmoid(let, x, f.alpha, f.beta);
    case F::hard_silu:
      return hard_silu(let, x);
    case F::log_sigmoid:
      return log_sigmoid(let, x);
    case F::tanh:
      return tanh(let, x);
    case F::hard_tanh:
      return ieee::at_most(1.0F, let(ieee::at_least(-1.0F, x)));
    case F::tanh_shrink:
      return tanh_shrink(let, x);
    case F::soft_shrink:
      return shrink(x, f.alpha, f.alpha);
    case F::hard_shrink:
      return select(ieee::less(f.alpha, Halide::abs(x)), x, 0.0F);
    case F::shrink:
      return shrink(x, f.alpha, f.beta);
    case F::softplus:
      return softplus(let, x);
    case F::softsign:
      return ieee::div(x, ieee::add(Halide::abs(x), 1.0F));
    case F::exponential:
      return exponential(let, x);
    case F::squareplus:
      return squareplus(let, x, f.alpha);
    case F::sparse_plus:
      return sparse_plus(let, x);
    case F::sparse_sigmoid:
      return sparse_sigmoid(let, x);
    case F::threshold:
      return select(ieee::less(f.alpha, x), x, f.beta);
    case F::clip:
      return ieee::at_most(f.beta, let(ieee::at_least(f.alpha, x)));
    case F::softmax:
    case F::log_softmax:
    case F::sparsemax:
    case F::glu:
      break;
  }
  throw std::logic_error("activate: the function reads all channels");
}

}  // namespace

Expr activate(const Activation& activation, const Expr& x) {
  Bindings let;
  const Expr name = let(x);
  return let.in(formula(let, activation, name));
}

}  // namespace convc
