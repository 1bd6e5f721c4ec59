// The functions that follow a convolution: hand cases, what NaN, infinities and zeros give, and
// laws and wider arithmetic that formulas without cancellation must agree with.
#include <array>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "convc/reference.h"
#include "dsl/post_op.h"

namespace {

using convc::ActivationFunction;

#define SAME(ours, theirs) \
  static_assert(static_cast<int>(ActivationFunction::ours) == CONVC_ACTIVATION_##theirs)
SAME(linear, LINEAR);
SAME(relu, RELU);
SAME(leaky_relu, LEAKY_RELU);
SAME(elu, ELU);
SAME(selu, SELU);
SAME(celu, CELU);
SAME(gelu, GELU);
SAME(gelu_tanh, GELU_TANH);
SAME(silu, SILU);
SAME(mish, MISH);
SAME(sigmoid, SIGMOID);
SAME(hard_sigmoid, HARD_SIGMOID);
SAME(hard_silu, HARD_SILU);
SAME(log_sigmoid, LOG_SIGMOID);
SAME(tanh, TANH);
SAME(hard_tanh, HARD_TANH);
SAME(tanh_shrink, TANH_SHRINK);
SAME(soft_shrink, SOFT_SHRINK);
SAME(hard_shrink, HARD_SHRINK);
SAME(shrink, SHRINK);
SAME(softplus, SOFTPLUS);
SAME(softsign, SOFTSIGN);
SAME(exponential, EXPONENTIAL);
SAME(squareplus, SQUAREPLUS);
SAME(sparse_plus, SPARSE_PLUS);
SAME(sparse_sigmoid, SPARSE_SIGMOID);
SAME(threshold, THRESHOLD);
SAME(clip, CLIP);
SAME(softmax, SOFTMAX);
SAME(log_softmax, LOG_SOFTMAX);
SAME(sparsemax, SPARSEMAX);
SAME(glu, GLU);

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kSixth = double{1.0F / 6};

double f(std::int32_t function, double x, double alpha = 0, double beta = 0, double gamma = 0) {
  return convc_reference_activate(function, alpha, beta, gamma, x);
}

/// The same number, sign of zero and NaN included.
bool same(double a, double b) {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
  return a == b && std::signbit(a) == std::signbit(b);
}

bool close(double got, long double expected) {
  return std::fabs(static_cast<long double>(got) - expected) <= 1e-13L * std::fabs(expected);
}

/// Numbers of all sizes and both signs.
std::vector<double> samples() {
  std::vector<double> values;
  for (int e = -60; e <= 12; ++e)
    for (const double m : {1.0, 1.3, 1.7})
      values.insert(values.end(), {std::ldexp(m, e / 2 - e % 2), -std::ldexp(m, e / 2)});
  for (int i = -400; i <= 400; ++i) values.push_back(i / 16.0);
  return values;
}

/// By the series of tanh's continued fraction: x - x / (1 + x^2 / (3 + x^2 / (5 + ..))).
long double tanh_shrink_near_0(long double x) {
  const long double s = x * x;
  const long double fraction = s / (3 + s / (5 + s / (7 + s / (9 + s / 11))));
  return x * fraction / (1 + fraction);
}

std::vector<double> channelwise(std::int32_t function, const std::vector<double>& x) {
  std::vector<double> y(function == CONVC_ACTIVATION_GLU ? x.size() / 2 : x.size());
  REQUIRE(convc_reference_channelwise(function, static_cast<std::int64_t>(x.size()), x.data(),
                                      y.data()) == 0);
  return y;
}

}  // namespace

TEST_CASE("functions that are linear in pieces") {
  CHECK(f(CONVC_ACTIVATION_LINEAR, -3) == -3);
  CHECK(f(CONVC_ACTIVATION_RELU, 5, 0, kInf, 0) == 5);
  CHECK(f(CONVC_ACTIVATION_RELU, -5, 0, kInf, 0) == 0);
  CHECK(f(CONVC_ACTIVATION_RELU, 7, 0, 6, 0) == 6);
  CHECK(f(CONVC_ACTIVATION_RELU, 1, 0.5, 6, 2) == -0.5);
  CHECK(f(CONVC_ACTIVATION_RELU, 2, 0.5, 6, 2) == 0);  // the threshold itself is below
  CHECK(f(CONVC_ACTIVATION_RELU, 2, 0, kInf, 2) == 0);
  CHECK(f(CONVC_ACTIVATION_RELU, 3, 0, kInf, 2) == 3);
  CHECK(f(CONVC_ACTIVATION_LEAKY_RELU, -2, 0.25) == -0.5);
  CHECK(f(CONVC_ACTIVATION_LEAKY_RELU, 2, 0.25) == 2);
  CHECK(f(CONVC_ACTIVATION_HARD_SIGMOID, -3, kSixth, 0.5) == 0);
  CHECK(f(CONVC_ACTIVATION_HARD_SIGMOID, 0, kSixth, 0.5) == 0.5);
  CHECK(f(CONVC_ACTIVATION_HARD_SIGMOID, 3, kSixth, 0.5) == 1);
  CHECK(f(CONVC_ACTIVATION_HARD_SIGMOID, 1, 0.25, 0.5) == 0.75);
  CHECK(f(CONVC_ACTIVATION_HARD_SIGMOID, 9, 0.25, 0.5) == 1);
  CHECK(f(CONVC_ACTIVATION_HARD_SILU, 1) == Approx(4.0 / 6));
  CHECK(f(CONVC_ACTIVATION_HARD_SILU, -3) == 0);
  CHECK(f(CONVC_ACTIVATION_HARD_SILU, 4) == 4);
  CHECK(f(CONVC_ACTIVATION_HARD_TANH, -7) == -1);
  CHECK(f(CONVC_ACTIVATION_HARD_TANH, 0.25) == 0.25);
  CHECK(f(CONVC_ACTIVATION_SOFT_SHRINK, 0.75, 0.5) == 0.25);
  CHECK(f(CONVC_ACTIVATION_SOFT_SHRINK, -0.75, 0.5) == -0.25);
  CHECK(f(CONVC_ACTIVATION_SOFT_SHRINK, 0.5, 0.5) == 0);
  CHECK(f(CONVC_ACTIVATION_HARD_SHRINK, 0.75, 0.5) == 0.75);
  CHECK(f(CONVC_ACTIVATION_HARD_SHRINK, -0.5, 0.5) == 0);
  CHECK(f(CONVC_ACTIVATION_SHRINK, -2, 1, 0.25) == -1.75);
  CHECK(f(CONVC_ACTIVATION_SHRINK, 2, 1, 0.25) == 1.75);
  CHECK(f(CONVC_ACTIVATION_SHRINK, 1, 1, 0.25) == 0);
  CHECK(f(CONVC_ACTIVATION_SPARSE_PLUS, -1.5) == 0);
  CHECK(f(CONVC_ACTIVATION_SPARSE_PLUS, 0.5) == 0.5625);
  CHECK(f(CONVC_ACTIVATION_SPARSE_PLUS, 1.5) == 1.5);
  CHECK(f(CONVC_ACTIVATION_SPARSE_SIGMOID, 0.5) == 0.75);
  CHECK(f(CONVC_ACTIVATION_SPARSE_SIGMOID, -2) == 0);
  CHECK(f(CONVC_ACTIVATION_SPARSE_SIGMOID, 2) == 1);
  CHECK(f(CONVC_ACTIVATION_THRESHOLD, 1, 1, 7) == 7);
  CHECK(f(CONVC_ACTIVATION_THRESHOLD, 1.5, 1, 7) == 1.5);
  CHECK(f(CONVC_ACTIVATION_CLIP, 5, -1, 2) == 2);
  CHECK(f(CONVC_ACTIVATION_CLIP, -5, -1, kInf) == -1);
  CHECK(f(CONVC_ACTIVATION_CLIP, 5, -kInf, 2) == 2);
}

TEST_CASE("smooth functions at points that tables have") {
  const double e = 2.718281828459045;
  CHECK(f(CONVC_ACTIVATION_ELU, -1, 2) == Approx(2 * (1 / e - 1)));
  CHECK(f(CONVC_ACTIVATION_SELU, -1, 1.5, 0, 2) == Approx(3 * (1 / e - 1)));
  CHECK(f(CONVC_ACTIVATION_SELU, 3, 1.5, 0, 2) == 6);
  CHECK(f(CONVC_ACTIVATION_CELU, -2, 2) == Approx(2 * (1 / e - 1)));
  CHECK(f(CONVC_ACTIVATION_GELU, 1) == Approx(0.8413447460685429));  // the normal distribution at 1
  CHECK(f(CONVC_ACTIVATION_GELU_TANH, 1) == Approx(0.8411919906082768));
  CHECK(f(CONVC_ACTIVATION_SILU, 1) == Approx(e / (e + 1)));
  CHECK(f(CONVC_ACTIVATION_MISH, 1) == Approx(std::tanh(std::log(1 + e))));
  CHECK(f(CONVC_ACTIVATION_SIGMOID, -1) == Approx(1 / (1 + e)));
  CHECK(f(CONVC_ACTIVATION_LOG_SIGMOID, 0) == Approx(-std::log(2.0)));
  CHECK(f(CONVC_ACTIVATION_TANH, 1) == Approx(0.7615941559557649));
  CHECK(f(CONVC_ACTIVATION_TANH_SHRINK, 1) == Approx(1 - 0.7615941559557649));
  CHECK(f(CONVC_ACTIVATION_SOFTPLUS, 0) == Approx(std::log(2.0)));
  CHECK(f(CONVC_ACTIVATION_SOFTSIGN, -3) == -0.75);
  CHECK(f(CONVC_ACTIVATION_EXPONENTIAL, 1) == Approx(e));
  CHECK(f(CONVC_ACTIVATION_SQUAREPLUS, 3, 16) == 4);
  CHECK(f(CONVC_ACTIVATION_SQUAREPLUS, -3, 16) == 1);
  CHECK(std::isnan(f(CONVC_ACTIVATION_SOFTMAX, 1)));
  CHECK(std::isnan(f(99, 1)));
}

TEST_CASE("formulas without cancellation agree with the definitions in wider arithmetic") {
  for (const double x : samples()) {
    INFO("x " << x);
    const long double w = x;
    CHECK(f(CONVC_ACTIVATION_SILU, x) == Approx(x * f(CONVC_ACTIVATION_SIGMOID, x)).epsilon(1e-14));
    CHECK(close(f(CONVC_ACTIVATION_SIGMOID, x), 1 / (1 + std::exp(-w))));
    CHECK(close(f(CONVC_ACTIVATION_SOFTPLUS, x), x > 50 ? w : std::log1p(std::exp(w))));
    CHECK(f(CONVC_ACTIVATION_LOG_SIGMOID, x) == -f(CONVC_ACTIVATION_SOFTPLUS, -x));
    if (x > -15)  // below it is no float
      CHECK(close(f(CONVC_ACTIVATION_GELU, x), w * std::erfc(-w / std::sqrt(2.0L)) / 2));
    CHECK(close(f(CONVC_ACTIVATION_MISH, x), w * std::tanh(x > 50 ? w : std::log1p(std::exp(w)))));
    const long double z = std::sqrt(2 / M_PIl) * (w + 0.044715L * w * w * w);
    if (x > -4) CHECK(close(f(CONVC_ACTIVATION_GELU_TANH, x), w * (1 + std::tanh(z)) / 2));
    if (std::fabs(x) > 0.05)
      CHECK(close(f(CONVC_ACTIVATION_TANH_SHRINK, x), w - std::tanh(w)));
    else
      CHECK(close(f(CONVC_ACTIVATION_TANH_SHRINK, x), tanh_shrink_near_0(w)));
    if (x > -100)
      CHECK(close(f(CONVC_ACTIVATION_SQUAREPLUS, x, 4), (w + std::sqrt(w * w + 4)) / 2));
  }
}

TEST_CASE("NaN, infinities and zeros are Keras'") {
  struct Row {
    std::int32_t function;
    double at_nan, at_minus_inf, at_inf, at_minus_zero, at_zero;
    double alpha = 0, beta = 0, gamma = 0;
  };
  const double ln2 = std::log(2.0);
  const Row rows[] = {
      {CONVC_ACTIVATION_LINEAR, kNan, -kInf, kInf, -0.0, 0},
      {CONVC_ACTIVATION_RELU, kNan, 0, kInf, 0, 0, 0, kInf, 0},
      {CONVC_ACTIVATION_RELU, kNan, 0, 6, 0, 0, 0, 6, 0},
      {CONVC_ACTIVATION_RELU, 0, 0, kInf, 0, 0, 0, kInf, 1},
      {CONVC_ACTIVATION_LEAKY_RELU, kNan, -kInf, kInf, -0.0, 0, 0.25},
      {CONVC_ACTIVATION_ELU, kNan, -1, kInf, -0.0, 0, 1},
      {CONVC_ACTIVATION_SELU, kNan, -3, kInf, -0.0, 0, 1.5, 0, 2},
      {CONVC_ACTIVATION_CELU, kNan, -2, kInf, 0, 0, 2},
      {CONVC_ACTIVATION_GELU, kNan, kNan, kInf, -0.0, 0},
      {CONVC_ACTIVATION_GELU_TANH, kNan, kNan, kInf, -0.0, 0},
      {CONVC_ACTIVATION_SILU, kNan, kNan, kInf, -0.0, 0},
      {CONVC_ACTIVATION_MISH, kNan, kNan, kInf, -0.0, 0},
      {CONVC_ACTIVATION_SIGMOID, kNan, 0, 1, 0.5, 0.5},
      {CONVC_ACTIVATION_HARD_SIGMOID, kNan, 0, 1, 0.5, 0.5, kSixth, 0.5},
      {CONVC_ACTIVATION_HARD_SILU, kNan, kNan, kInf, -0.0, 0},
      {CONVC_ACTIVATION_LOG_SIGMOID, kNan, -kInf, -0.0, -ln2, -ln2},
      {CONVC_ACTIVATION_TANH, kNan, -1, 1, -0.0, 0},
      {CONVC_ACTIVATION_HARD_TANH, kNan, -1, 1, -0.0, 0},
      {CONVC_ACTIVATION_TANH_SHRINK, kNan, -kInf, kInf, 0, 0},
      {CONVC_ACTIVATION_SOFT_SHRINK, 0, -kInf, kInf, 0, 0, 0.5},
      {CONVC_ACTIVATION_HARD_SHRINK, 0, -kInf, kInf, 0, 0, 0.5},
      {CONVC_ACTIVATION_SOFTPLUS, kNan, 0, kInf, ln2, ln2},
      {CONVC_ACTIVATION_SOFTSIGN, kNan, kNan, kNan, -0.0, 0},
      {CONVC_ACTIVATION_EXPONENTIAL, kNan, 0, kInf, 1, 1},
      {CONVC_ACTIVATION_SQUAREPLUS, kNan, kNan, kInf, 1, 1, 4},
      {CONVC_ACTIVATION_SPARSE_PLUS, kNan, 0, kInf, 0.25, 0.25},
      {CONVC_ACTIVATION_SPARSE_SIGMOID, kNan, 0, 1, 0.5, 0.5},
      {CONVC_ACTIVATION_THRESHOLD, 7, 7, kInf, 7, 7, 1, 7},
      {CONVC_ACTIVATION_CLIP, kNan, -1, 2, -0.0, 0, -1, 2},
  };
  for (const Row& row : rows) {
    INFO("function " << row.function);
    const auto at = [&row](double x) { return f(row.function, x, row.alpha, row.beta, row.gamma); };
    CHECK(same(at(kNan), row.at_nan));
    CHECK(same(at(-kInf), row.at_minus_inf));
    CHECK(same(at(kInf), row.at_inf));
    CHECK(same(at(-0.0), row.at_minus_zero));
    CHECK(same(at(0.0), row.at_zero));
  }
}

TEST_CASE("functions of all channels") {
  const std::vector<double> half = channelwise(CONVC_ACTIVATION_SOFTMAX, {7, 7});
  CHECK(half == std::vector<double>{0.5, 0.5});
  const std::vector<double> x = {1000, 1001, 998, -5000};
  const std::vector<double> y = channelwise(CONVC_ACTIVATION_SOFTMAX, x);
  const std::vector<double> logs = channelwise(CONVC_ACTIVATION_LOG_SOFTMAX, x);
  CHECK(std::accumulate(y.begin(), y.end(), 0.0) == Approx(1).epsilon(1e-14));
  CHECK(y[1] / y[0] == Approx(std::exp(1.0)));
  CHECK(y[3] == 0);
  CHECK(logs[3] == Approx(-6001 - std::log(1 + std::exp(-1.0) + std::exp(-3.0))));
  for (std::size_t c = 0; c < 3; ++c) CHECK(logs[c] == Approx(std::log(y[c])));
  // The logarithm of a number next to 1 keeps its digits, as long as there are any.
  for (const double distance : {1.0, 30.0, 36.0, 40.0, 100.0, 700.0}) {
    INFO("distance " << distance);
    const std::vector<double> far = channelwise(CONVC_ACTIVATION_LOG_SOFTMAX, {0, distance, -5000});
    const long double lost = std::log1p(std::exp(static_cast<long double>(-distance)));
    CHECK(close(far[1], -lost));
    CHECK(close(far[0], -distance - lost));
  }
  for (const double special : {kInf, kNan}) {
    for (const std::int32_t function : {CONVC_ACTIVATION_SOFTMAX, CONVC_ACTIVATION_LOG_SOFTMAX}) {
      for (const double number : channelwise(function, {1, special, 2})) CHECK(std::isnan(number));
    }
  }
  CHECK(channelwise(CONVC_ACTIVATION_LOG_SOFTMAX, {-kInf, 3}) == std::vector<double>{-kInf, 0});

  // Near each other all are in the support, far from each other only the largest.
  CHECK(channelwise(CONVC_ACTIVATION_SPARSEMAX, {0.5, 0.25}) == std::vector<double>{0.625, 0.375});
  CHECK(channelwise(CONVC_ACTIVATION_SPARSEMAX, {3, 1, 0}) == std::vector<double>{1, 0, 0});
  CHECK(channelwise(CONVC_ACTIVATION_SPARSEMAX, {2, 2, -1}) == std::vector<double>{0.5, 0.5, 0});

  CHECK(channelwise(CONVC_ACTIVATION_GLU, {4, 6, 0, kInf}) == std::vector<double>{2, 6});
  double unused = 5;
  const std::array<double, 3> odd = {1, 2, 3};
  CHECK(convc_reference_channelwise(CONVC_ACTIVATION_GLU, 3, odd.data(), &unused) == -1);
  CHECK(convc_reference_channelwise(CONVC_ACTIVATION_RELU, 1, odd.data(), &unused) == -1);
  CHECK(convc_reference_channelwise(CONVC_ACTIVATION_SOFTMAX, 0, odd.data(), &unused) == -1);
  CHECK(unused == 5);
}

TEST_CASE("sparsemax is the nearest point of the simplex") {
  // Its conditions of optimality: the same distance to x wherever it is positive, more elsewhere.
  const std::vector<double> x = {0.3, -0.2, 0.9, 0.35, 0.1, 0.9};
  const std::vector<double> y = channelwise(CONVC_ACTIVATION_SPARSEMAX, x);
  CHECK(std::accumulate(y.begin(), y.end(), 0.0) == Approx(1));
  const double tau = x[2] - y[2];
  for (std::size_t c = 0; c < x.size(); ++c) {
    CHECK(y[c] >= 0);
    if (y[c] > 0) CHECK(x[c] - y[c] == Approx(tau));
    if (y[c] == 0) CHECK(x[c] <= tau);
  }
}

TEST_CASE("normalization and PReLU") {
  CHECK(convc_reference_batch_normalization(7, 1, 3, 1, 5, 0.5) == 15.5);
  CHECK(convc_reference_prelu(-2, 0.25) == -0.5);
  CHECK(convc_reference_prelu(2, 0.25) == 2);
  CHECK(std::isnan(convc_reference_prelu(kNan, 0.25)));
}
