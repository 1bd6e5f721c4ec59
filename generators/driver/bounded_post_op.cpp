// Post_ops of whole tensors.
#include <algorithm>
#include <cmath>

#include "generators/driver/bounded.h"
#include "generators/emit/numerical_contract.h"

namespace convc {
namespace {

/// Calls f(element, channel) for every element.
template <class F>
void for_each_element(const Bounded& tensor, F f) {
  const auto channels = static_cast<std::size_t>(tensor.extents[4]);
  for (std::size_t i = 0; i < tensor.value.size(); ++i) f(i, i % channels);
}

/// Element of a tensor that is repeated along the axes where its extent is 1.
std::size_t repeated_element(const Bounded& operand, const std::array<std::int64_t, 5>& extents,
                             std::size_t element) {
  std::array<std::int64_t, 5> at{};
  auto rest = static_cast<std::int64_t>(element);
  for (std::size_t axis = 5; axis-- > 0;) {
    at[axis] = rest % extents[axis];
    rest /= extents[axis];
  }
  std::int64_t place = 0;
  for (std::size_t axis = 0; axis < 5; ++axis)
    place = place * operand.extents[axis] + (operand.extents[axis] == 1 ? 0 : at[axis]);
  return static_cast<std::size_t>(place);
}

/// The part of `numbers` that belongs to a channel, or what stands for it.
double of_channel(const std::vector<float>& numbers, std::size_t channel, double otherwise) {
  return numbers.empty() ? otherwise : static_cast<double>(numbers[channel]);
}

/// One channel's normalization: x * scale + offset, offset = beta - mean * scale.
struct Normalization {
  double scale, mean, beta, epsilon, variance, gamma;

  Normalization(const PostOp& op, const PostOpNumbers& n, std::size_t channel)
      : mean(of_channel(n.mean, channel, 0)),
        beta(of_channel(n.beta, channel, 0)),
        epsilon(static_cast<double>(op.epsilon)),
        variance(of_channel(n.variance, channel, 1)),
        gamma(of_channel(n.gamma, channel, 1)) {
    scale = gamma / std::sqrt(variance + epsilon);
  }
  [[nodiscard]] double operator()(double x) const {
    return convc_reference_batch_normalization(x, mean, variance, epsilon, gamma, beta);
  }
  /// Magnitude of the offset's terms.
  [[nodiscard]] double offset_terms() const { return std::fabs(mean * scale) + std::fabs(beta); }
};

/// Whether a normalization rounds nothing, folded into the sum or not: its scale is a power of two,
/// and all terms are few units.
bool is_exact(const Normalization& n, double terms, double unit) {
  if (granularity(n.scale) != std::fabs(n.scale)) return false;
  const double common =
      std::min({unit * std::fabs(n.scale), granularity(n.mean * n.scale), granularity(n.beta)});
  return common >= kUnderflow &&
         terms * std::fabs(n.scale) + n.offset_terms() <= kExactUnits * common;
}

/// Folded, each weight and the bias are rounded once more, and the offset goes through the sum;
/// unfolded, scale and offset are rounded, and there are a product and a sum.
Bounded normalized(const PostOp& op, const Bounded& x, const PostOpNumbers& numbers) {
  constexpr double kRoundings = 4;
  Bounded y = x;
  y.terms.clear();
  const bool is_sum = !x.terms.empty();
  const double gamma = is_sum ? gamma_bound(x.steps) : 0;
  for_each_element(x, [&](std::size_t i, std::size_t channel) {
    const Normalization n(op, numbers, channel);
    const double terms = is_sum ? x.terms[i] : std::fabs(x.value[i]);
    const double exact_terms = is_sum ? x.exact_terms[i] : terms;
    const double unit = is_sum ? x.units[i] : granularity(x.value[i]);
    y.value[i] = n(x.value[i]);
    y.error[i] = std::fabs(n.scale) * x.error[i];
    if (x.error[i] == 0 && is_exact(n, exact_terms, unit)) return;
    const double all = std::fabs(n.scale) * (terms + x.error[i]) + n.offset_terms();
    y.error[i] += kRoundings * kUnitRoundoff * all + gamma * n.offset_terms() +
                  (kRoundings + static_cast<double>(x.steps)) * kUnderflow;
  });
  return y;
}

Bounded rescaled(const PostOp& op, const Bounded& x) {
  const double scale = static_cast<double>(op.scale), offset = static_cast<double>(op.offset);
  Bounded y = x;
  y.terms.clear();
  for_each_element(x, [&](std::size_t i, std::size_t) {
    const double product = x.value[i] * scale;
    y.value[i] = product + offset;
    y.error[i] = std::fabs(scale) * x.error[i];
    if (x.error[i] == 0 && is_float(product) && is_float(y.value[i])) return;
    y.error[i] +=
        kUnitRoundoff * (2 * std::fabs(product) + std::fabs(offset) + 2 * y.error[i]) + kUnderflow;
  });
  return y;
}

Bounded combined(PostOpKind kind, const Bounded& x, const Bounded& operand) {
  Bounded y = x;
  y.terms.clear();
  for_each_element(x, [&](std::size_t i, std::size_t) {
    const std::size_t j = repeated_element(operand, x.extents, i);
    const double a = x.value[i], b = operand.value[j], ea = x.error[i], eb = operand.error[j];
    if (kind == PostOpKind::add) {
      y.value[i] = a + b;
      y.error[i] = ea + eb;
      y.reachable[i] = x.reachable[i] || operand.reachable[j];
    } else {
      y.value[i] = a * b;
      y.error[i] = std::fabs(a) * eb + std::fabs(b) * ea + ea * eb;
      y.reachable[i] = x.reachable[i] && operand.reachable[j];
    }
    if (y.error[i] == 0 && is_float(y.value[i])) return;
    y.error[i] += kUnitRoundoff * (std::fabs(y.value[i]) + y.error[i]) + kUnderflow;
  });
  return y;
}

template <class F>
Bounded each(const Bounded& x, F f) {
  Bounded y = x;
  y.terms.clear();
  for_each_element(x, [&](std::size_t i, std::size_t channel) {
    const BoundedNumber result = f(BoundedNumber{x.value[i], x.error[i]}, channel);
    y.value[i] = result.value;
    y.error[i] = result.error;
  });
  return y;
}

}  // namespace

Bounded bounded_post_op(const PostOp& op, const Bounded& input, const PostOpNumbers& numbers) {
  switch (op.kind) {
    case PostOpKind::activation:
      if (op.activation.function == ActivationFunction::linear) return input;
      if (reads_whole_axis(op.activation.function))
        return bounded_channelwise(op.activation, input);
      return each(input, [&](BoundedNumber x, std::size_t) {
        return bounded_activation(op.activation, x);
      });
    case PostOpKind::prelu:
      return each(input, [&](BoundedNumber x, std::size_t channel) {
        return bounded_prelu(of_channel(numbers.alpha, channel, 0), x);
      });
    case PostOpKind::batch_normalization:
      return normalized(op, input, numbers);
    case PostOpKind::rescaling:
      return rescaled(op, input);
    case PostOpKind::add:
    case PostOpKind::multiply:
      return combined(op.kind, input, *numbers.operand);
  }
  return input;
}

}  // namespace convc
