// softmax and its kin, over the channels or another axis, which is then meant by channels here.
// With n channels, the largest error e of a pixel's inputs and u = 2^-24:
// - softmax: e^(x_c) / sum changes by at most the factor e^(2 e). Rounding x_c - max by
//   u |x_c - max| does the same to the exponential; then 4 ulp of each exponential, n roundings of
//   the sum, a division.
// - log_softmax: the logarithm of that: the same, absolute; and the roundings of two subtractions.
// - sparsemax is a projection on a convex set, which brings points nearer: 2-norms of differences
//   do not grow. tau is a mean of numbers of the support.
// - glu: the interval of sigmoid, times a, and 4 ulp.
#include <algorithm>
#include <cmath>

#include "generators/driver/bounded.h"

namespace convc {
namespace {

constexpr double kMoreRoundings = 16;  // exponentials of 4 ulp, a division, a logarithm

struct Pixel {
  const double* x;
  const double* error;
  std::size_t channels;

  [[nodiscard]] double largest() const { return *std::max_element(x, x + channels); }
  [[nodiscard]] double largest_error() const { return *std::max_element(error, error + channels); }
};

void softmax_errors(const Pixel& in, const double* y, double* error) {
  const double n = static_cast<double>(in.channels), most = in.largest();
  for (std::size_t c = 0; c < in.channels; ++c) {
    const double distance = most - in.x[c];
    const double relative =
        2 * in.largest_error() + kUnitRoundoff * (2 * distance + n + kMoreRoundings);
    error[c] = y[c] * std::expm1(relative) + kUnderflow;
  }
}

void log_softmax_errors(const Pixel& in, const double* y, double* error) {
  const double n = static_cast<double>(in.channels), most = in.largest();
  for (std::size_t c = 0; c < in.channels; ++c) {
    const double distance = most - in.x[c], log_sum = -y[c] - distance;
    error[c] = 2 * in.largest_error() +
               kUnitRoundoff *
                   (2 * distance + std::fabs(y[c]) + 4 * std::fabs(log_sum) + n + kMoreRoundings);
  }
}

void sparsemax_errors(const Pixel& in, double* error) {
  const double n = static_cast<double>(in.channels);
  double magnitude = 1;
  for (std::size_t c = 0; c < in.channels; ++c) magnitude = std::max(magnitude, std::fabs(in.x[c]));
  std::fill_n(error, in.channels,
              std::sqrt(n) * in.largest_error() +
                  2 * kUnitRoundoff * (n + kMoreRoundings) * (magnitude + 1));
}

void glu_errors(const Pixel& in, const double* y, double* error) {
  const std::size_t half = in.channels / 2;
  const auto sigmoid = [](double x) {
    return convc_reference_activate(CONVC_ACTIVATION_SIGMOID, 0, 0, 0, x);
  };
  for (std::size_t c = 0; c < half; ++c) {
    const double b = in.x[half + c], eb = in.error[half + c], gate = sigmoid(b);
    const double moved = std::max(sigmoid(b + eb) - gate, gate - sigmoid(b - eb));
    const double carried = in.error[c] * (gate + moved) + std::fabs(in.x[c]) * moved;
    error[c] = carried + 8 * kUnitRoundoff * (std::fabs(y[c]) + carried) + kUnderflow;
  }
}

}  // namespace

Bounded bounded_channelwise(const Activation& activation, const Bounded& input) {
  const ActivationFunction function = activation.function;
  const bool halves = function == ActivationFunction::glu;
  const auto extent = [](std::int64_t size) { return static_cast<std::size_t>(size); };
  const std::size_t axis = 1 + static_cast<std::size_t>(activation.axis);  // of the extents
  std::size_t after = 1;  // elements from one number along the axis to the next
  for (std::size_t i = axis + 1; i < input.extents.size(); ++i) after *= extent(input.extents[i]);
  const std::size_t channels = extent(input.extents[axis]);
  const std::size_t out_channels = halves ? channels / 2 : channels;
  const std::size_t pixels = input.value.size() / channels;
  Bounded result;
  result.extents = input.extents;
  result.extents[axis] = static_cast<std::int64_t>(out_channels);
  result.value.resize(pixels * out_channels);
  result.error.resize(result.value.size());
  result.reachable.assign(result.value.size(), true);
  std::vector<double> x(channels), x_error(channels), y(out_channels), error(out_channels);
  for (std::size_t p = 0; p < pixels; ++p) {
    const std::size_t from = p / after * after * channels + p % after;
    const std::size_t to = p / after * after * out_channels + p % after;
    for (std::size_t c = 0; c < channels; ++c) {
      x[c] = input.value[from + c * after];
      x_error[c] = input.error[from + c * after];
    }
    const Pixel in{x.data(), x_error.data(), channels};
    convc_reference_channelwise(static_cast<std::int32_t>(function),
                                static_cast<std::int64_t>(channels), x.data(), y.data());
    if (function == ActivationFunction::softmax) softmax_errors(in, y.data(), error.data());
    if (function == ActivationFunction::log_softmax) log_softmax_errors(in, y.data(), error.data());
    if (function == ActivationFunction::sparsemax) sparsemax_errors(in, error.data());
    if (halves) glu_errors(in, y.data(), error.data());
    // One number that may be NaN makes all of them NaN.
    if (!std::isfinite(in.largest_error())) std::fill(error.begin(), error.end(), HUGE_VAL);
    for (std::size_t c = 0; c < out_channels; ++c) {
      result.value[to + c * after] = y[c];
      result.error[to + c * after] = error[c];
    }
  }
  return result;
}

}  // namespace convc
