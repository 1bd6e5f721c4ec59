/* elementwise.c: what follows a convolution, one number or one pixel at a time. Formulas are Keras
 * 3's (keras/src/activations, keras/src/backend/jax/nn.py and jax.nn), rewritten where they would
 * lose digits; comparisons with NaN are false, so the last branch of a formula says what NaN gives.
 */
#include <math.h>

#include "convc/reference.h"

/* keras.activations.relu: x above the threshold, at most max; else slope * (x - threshold). Without
 * a slope it is a plain 0, so that -inf gives 0; and with a threshold but no slope NaN gives 0. */
static double relu(double x, double slope, double max, double threshold) {
  if (slope == 0 && threshold != 0) return x > threshold ? fmin(x, max) : 0;
  if (x <= threshold) return slope == 0 ? 0 : slope * (x - threshold);
  return x > max ? max : x;
}

static double clip(double x, double low, double high) {
  const double y = x < low ? low : x;
  return y > high ? high : y;
}

/* log(1 + e^x), without overflow. */
static double softplus(double x) {
  return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x));
}

/* a * sigmoid(b). -inf * 0 is NaN, as in jax.nn.silu and gelu. */
static double gated(double a, double b) {
  return a / (1 + exp(-b));
}

/* x * tanh(log(1 + e^x)), where tanh(log(t)) = (t^2 - 1) / (t^2 + 1) and t^2 - 1 = e (e + 2). */
static double mish(double x) {
  const double e = exp(x > 40 ? 40 : x); /* from 40 on the factor is 1 in double */
  return x * (e * (e + 2) / (e * (e + 2) + 2));
}

/* x (1 + erf(x / sqrt 2)) / 2; 1 + erf(z) = erfc(-z) does not cancel. */
static double gelu(double x) {
  return x * (erfc(-x / sqrt(2)) / 2);
}

/* x (1 + tanh(z)) / 2 = x * sigmoid(2 z). */
static double gelu_tanh(double x) {
  const double pi = 3.14159265358979323846;
  return gated(x, 2 * sqrt(2 / pi) * (x + 0.044715 * x * x * x));
}

/* x - tanh(x); near 0, where that cancels, by the Taylor series of tanh (Abramowitz and Stegun
 * 4.5.64), whose next term is below 1e-14 of the sum. */
static double tanh_shrink(double x) {
  if (!(fabs(x) < 0.06)) return x - tanh(x);
  const double s = x * x;
  const double series =
      1.0 / 3 - s * (2.0 / 15 - s * (17.0 / 315 - s * (62.0 / 2835 - s * (1382.0 / 155925))));
  return x * s * series + 0.0; /* a difference: of both zeros +0 is the result */
}

/* (x + sqrt(x^2 + b)) / 2; for negative x, where the sum cancels, b / (2 (sqrt(x^2 + b) - x)). The
 * sum of both infinities is NaN, as in jax.nn.squareplus. */
static double squareplus(double x, double b) {
  const double root = sqrt(x * x + b);
  return x < 0 && !isinf(x) ? b / (2 * (root - x)) : (x + root) / 2;
}

/* clip(alpha x + beta, 0, 1). The float nearest to a sixth means a sixth: Keras has (x + 3) / 6. */
static double hard_sigmoid(double x, double alpha, double beta) {
  const int is_keras = alpha == (double)(1.0F / 6) && beta == 0.5;
  return clip(is_keras ? (x + 3) / 6 : alpha * x + beta, 0, 1);
}

static double sparse_plus(double x) {
  if (x <= -1) return 0;
  return x >= 1 ? x : (x + 1) * (x + 1) / 4;
}

/* ONNX Shrink; soft_shrink is the one with bias = lambda. NaN gives 0. */
static double shrink(double x, double lambda, double bias) {
  if (x < -lambda) return x + bias;
  return x > lambda ? x - bias : 0;
}

double convc_reference_activate(int32_t function, double alpha, double beta, double gamma,
                                double x) {
  switch (function) {
    case CONVC_ACTIVATION_LINEAR:
      return x;
    case CONVC_ACTIVATION_RELU:
      return relu(x, alpha, beta, gamma);
    case CONVC_ACTIVATION_LEAKY_RELU:
      return x < 0 ? alpha * x : x;
    case CONVC_ACTIVATION_ELU:
      return x > 0 ? x : alpha * expm1(x);
    case CONVC_ACTIVATION_SELU:
      return gamma * (x > 0 ? x : alpha * expm1(x));
    case CONVC_ACTIVATION_CELU: /* a sum in Keras: of both zeros +0 is the result */
      return (x > 0 ? x : alpha * expm1(x / alpha)) + 0.0;
    case CONVC_ACTIVATION_GELU:
      return gelu(x);
    case CONVC_ACTIVATION_GELU_TANH:
      return gelu_tanh(x);
    case CONVC_ACTIVATION_SILU:
      return gated(x, x);
    case CONVC_ACTIVATION_MISH:
      return mish(x);
    case CONVC_ACTIVATION_SIGMOID:
      return gated(1, x);
    case CONVC_ACTIVATION_HARD_SIGMOID:
      return hard_sigmoid(x, alpha, beta);
    case CONVC_ACTIVATION_HARD_SILU:
      return x * (clip(x + 3, 0, 6) / 6);
    case CONVC_ACTIVATION_LOG_SIGMOID:
      return -softplus(-x);
    case CONVC_ACTIVATION_TANH:
      return tanh(x);
    case CONVC_ACTIVATION_HARD_TANH:
      return clip(x, -1, 1);
    case CONVC_ACTIVATION_TANH_SHRINK:
      return tanh_shrink(x);
    case CONVC_ACTIVATION_SOFT_SHRINK:
      return shrink(x, alpha, alpha);
    case CONVC_ACTIVATION_HARD_SHRINK:
      return fabs(x) > alpha ? x : 0;
    case CONVC_ACTIVATION_SHRINK:
      return shrink(x, alpha, beta);
    case CONVC_ACTIVATION_SOFTPLUS:
      return softplus(x);
    case CONVC_ACTIVATION_SOFTSIGN:
      return x / (1 + fabs(x));
    case CONVC_ACTIVATION_EXPONENTIAL:
      return exp(x);
    case CONVC_ACTIVATION_SQUAREPLUS:
      return squareplus(x, alpha);
    case CONVC_ACTIVATION_SPARSE_PLUS:
      return sparse_plus(x);
    case CONVC_ACTIVATION_SPARSE_SIGMOID:
      return clip((x + 1) / 2, 0, 1);
    case CONVC_ACTIVATION_THRESHOLD:
      return x > alpha ? x : beta;
    case CONVC_ACTIVATION_CLIP:
      return clip(x, alpha, beta);
    default:
      return NAN;
  }
}

/* Which x is the largest; the last NaN where there is one. */
static int64_t largest(int64_t channels, const double* x) {
  int64_t most = 0;
  for (int64_t c = 1; c < channels; ++c) {
    if (x[c] > x[most] || isnan(x[c])) most = c;
  }
  return most;
}

/* e^(x - max) / sum, or its logarithm x - max - log(sum). The largest number's part of the sum is
 * 1; the logarithm is of what the others add to it, of which the sum would lose digits. */
static void softmax(int64_t channels, const double* x, double* y, int is_log) {
  const int64_t most = largest(channels, x);
  double others = exp(x[most] - x[most]) - 1; /* 0; NaN for infinity and NaN */
  for (int64_t c = 0; c < channels; ++c) {
    if (c != most) others += exp(x[c] - x[most]);
  }
  for (int64_t c = 0; c < channels; ++c) {
    const double difference = x[c] - x[most];
    y[c] = is_log ? difference - log1p(others) : exp(difference) / (1 + others);
  }
}

/* Martins and Astudillo 2016, algorithm 1, which Keras cites: y = max(x - tau, 0), where tau makes
 * the sum 1. (Keras 3.15 adds up cumulative sums instead of numbers; its results do not sum to 1.)
 * With the numbers in descending order, the first k are the support as long as 1 + k x_k > their
 * sum; here without sorting: k counts the numbers that are at least x_c. */
static void sparsemax(int64_t channels, const double* x, double* y) {
  double support = 0, support_sum = 0;
  for (int64_t c = 0; c < channels; ++c) {
    double k = 0, sum = 0;
    for (int64_t other = 0; other < channels; ++other) {
      if (x[other] >= x[c]) {
        k += 1;
        sum += x[other];
      }
    }
    if (1 + k * x[c] > sum) {
      support += 1;
      support_sum += x[c];
    }
  }
  const double tau = (support_sum - 1) / support;
  for (int64_t c = 0; c < channels; ++c) y[c] = x[c] - tau < 0 ? 0 : x[c] - tau;
}

int convc_reference_channelwise(int32_t function, int64_t channels, const double* x, double* y) {
  if (channels < 1) return -1;
  switch (function) {
    case CONVC_ACTIVATION_SOFTMAX:
    case CONVC_ACTIVATION_LOG_SOFTMAX:
      softmax(channels, x, y, function == CONVC_ACTIVATION_LOG_SOFTMAX);
      return 0;
    case CONVC_ACTIVATION_SPARSEMAX:
      sparsemax(channels, x, y);
      return 0;
    case CONVC_ACTIVATION_GLU:
      if (channels % 2 != 0) return -1;
      for (int64_t c = 0; c < channels / 2; ++c) y[c] = gated(x[c], x[channels / 2 + c]);
      return 0;
    default:
      return -1;
  }
}

double convc_reference_batch_normalization(double x, double mean, double variance, double epsilon,
                                           double gamma, double beta) {
  return (x - mean) / sqrt(variance + epsilon) * gamma + beta;
}

double convc_reference_prelu(double x, double slope) {
  return x < 0 ? slope * x : x;
}
