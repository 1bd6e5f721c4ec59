// Bounds of single steps: exact where float32 is, wide enough where it rounds, and not wider than
// they need be.
#include "generators/driver/bounded.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

using namespace convc;

namespace {

constexpr double kUlp = 2 * kUnitRoundoff;  // of numbers from 1 to 2

Bounded row(const std::vector<float>& values, double error = 0) {
  Bounded tensor = exactly({1, 1, 1, 1, static_cast<std::int64_t>(values.size())}, values);
  std::fill(tensor.error.begin(), tensor.error.end(), error);
  return tensor;
}

Activation function(ActivationFunction f) {
  return default_activation(f);
}

PostOp post_op(PostOpKind kind) {
  PostOp op;
  op.kind = kind;
  return op;
}

/// A 1x1 convolution to one filter.
Bounded dot(const std::vector<float>& input, const std::vector<float>& kernel, double error = 0,
            const SumRules& rules = {}) {
  convc_conv conv{};
  conv.batch = conv.filters = 1;
  conv.in_channels = static_cast<std::int64_t>(input.size());
  return bounded_sum(conv, row(input, error), kernel, {}, rules);
}

}  // namespace

TEST_CASE("granularity is the largest power of two that divides") {
  CHECK(granularity(12) == 4);
  CHECK(granularity(-0.375) == 0.125);
  CHECK(granularity(1) == 1);
  CHECK(std::isinf(granularity(0)));
  CHECK(granularity(std::numeric_limits<double>::infinity()) == 0);
  CHECK(granularity(std::numeric_limits<double>::denorm_min()) ==
        std::numeric_limits<double>::denorm_min());
}

TEST_CASE("sums of few units are exact, others are bounded by their terms") {
  CHECK(dot({1, 2, 3}, {4, 5, -6}).error[0] == 0);
  CHECK(dot({0.5F, 0.25F}, {3, 0.5F}).error[0] == 0);
  CHECK(dot({0x1p20F, 1}, {15, 1}).error[0] == 0);
  const Bounded rounded = dot({0x1p20F, 1}, {17, 1});  // 2^24 + 2^20 + 1 is no float
  CHECK(rounded.error[0] == Approx(3 * kUnitRoundoff * (17 * 0x1p20 + 1)));
  // Terms that cancel are as large as ever.
  CHECK(dot({0.1F, 0.1F}, {1, -1}).error[0] == Approx(3 * kUnitRoundoff * 0.2));
  // Factors that are no integers round, whatever the filter was.
  CHECK(dot({1, 2}, {1, 1}, 0, {.more_roundings = 2, .output_tiles = {}, .keeps_integers = false})
            .error[0] == Approx(5 * kUnitRoundoff * 3));
}

TEST_CASE("errors go through a sum by the kernel's magnitudes") {
  const Bounded sum = dot({1, 1}, {2, -3}, 0.5);
  CHECK(sum.value[0] == -1);
  CHECK(sum.error[0] == Approx(2.5).epsilon(1e-5));
  CHECK(sum.error[0] > 2.5);
}

TEST_CASE("activations of exact numbers") {
  const auto error = [](ActivationFunction f, double x) {
    return bounded_activation(function(f), {x, 0}).error;
  };
  using F = ActivationFunction;
  for (const F f : {F::linear, F::relu, F::hard_tanh, F::hard_shrink, F::soft_shrink, F::clip,
                    F::sparse_sigmoid, F::sparse_plus, F::threshold}) {
    INFO(name_of(f));
    CHECK(error(f, -0.75) == 0);
    CHECK(error(f, 3) == 0);
  }
  CHECK(error(F::leaky_relu, -3) == Approx(0.6 * kUlp));  // one ulp
  CHECK(error(F::tanh, 1) == Approx(4 * kUlp * std::tanh(1.0)));
  CHECK(error(F::sigmoid, 0) == Approx(4 * kUlp * 0.5));
}

TEST_CASE("errors go through an activation by how far it moves") {
  const auto through = [](Activation f, double x, double e) {
    return bounded_activation(f, {x, e}).error;
  };
  using F = ActivationFunction;
  CHECK(through(function(F::relu), -1, 0.5) == 0);
  CHECK(through(function(F::relu), -1, 1.5) == Approx(0.5));
  CHECK(through(function(F::relu), 5, 0.5) == Approx(0.5));
  // A jump within the interval counts whole.
  Activation threshold = function(F::threshold);
  threshold.alpha = 1;
  threshold.beta = 7;
  CHECK(through(threshold, 1.25, 0.125) == Approx(0.125));
  CHECK(through(threshold, 1.25, 0.5) == Approx(5.75));
  // silu has its minimum, -0.278, between the ends.
  CHECK(through(function(F::silu), -1.25, 1.25) == Approx(0.278).margin(0.01));
  CHECK(through(function(F::exponential), 0, 1) == Approx(std::exp(1.0) - 1).epsilon(1e-5));
  CHECK(bounded_prelu(0.5, {-2, 1}).error == Approx(0.5).epsilon(1e-5));
  // What may be NaN may be anything.
  CHECK(std::isinf(through(function(F::hard_tanh), 0, std::numeric_limits<double>::infinity())));
}

TEST_CASE("normalization, folded into a sum or not") {
  PostOp op = post_op(PostOpKind::batch_normalization);
  PostOpNumbers numbers;
  numbers.gamma = {2};
  numbers.beta = {3};
  numbers.mean = {1};
  numbers.variance = {1};
  const Bounded exact = bounded_post_op(op, row({5}), numbers);
  CHECK(exact.value[0] == 11);
  CHECK(exact.error[0] == 0);
  CHECK(bounded_post_op(op, dot({1, 2}, {1, 2}), numbers).error[0] == 0);

  op.epsilon = 0.001F;
  const double scale = 2 / std::sqrt(1 + double{0.001F});
  const Bounded rounded = bounded_post_op(op, row({5}), numbers);
  CHECK(rounded.value[0] == Approx(4 * scale + 3));
  CHECK(rounded.error[0] == Approx(4 * kUnitRoundoff * (5 * scale + scale + 3)).epsilon(1e-4));
  // After a sum whose terms cancel, each rounded weight counts.
  const Bounded cancelled = bounded_post_op(op, dot({1000, -999}, {1, 1}), numbers);
  CHECK(cancelled.error[0] > kUnitRoundoff * 1999 * scale);
}

TEST_CASE("sums and products of tensors, repeated where an extent is 1") {
  PostOp add = post_op(PostOpKind::add), multiply = post_op(PostOpKind::multiply);
  PostOpNumbers numbers;
  const Bounded one = row({3}), many = row({1, 2, 0.1F});
  numbers.operand = &one;
  CHECK(bounded_post_op(add, many, numbers).value[1] == 5);
  CHECK(bounded_post_op(add, many, numbers).error[1] == 0);
  CHECK(bounded_post_op(add, many, numbers).error[2] == Approx(3.1 * kUnitRoundoff));
  CHECK(bounded_post_op(multiply, many, numbers).value[2] == Approx(0.3));
  const Bounded off = row({3}, 0.5);
  numbers.operand = &off;
  CHECK(bounded_post_op(multiply, row({4}, 0.25), numbers).error[0] ==
        Approx(4 * 0.5 + 3 * 0.25 + 0.125).epsilon(1e-5));
}

TEST_CASE("rescaling") {
  PostOp op = post_op(PostOpKind::rescaling);
  op.scale = 0.5F;
  op.offset = 2;
  CHECK(bounded_post_op(op, row({3}), {}).value[0] == 3.5);
  CHECK(bounded_post_op(op, row({3}), {}).error[0] == 0);
  op.scale = 1.0F / 255;
  CHECK(bounded_post_op(op, row({3}), {}).error[0] > 0);
  CHECK(bounded_post_op(op, row({3}), {}).error[0] < 4 * kUlp);
}

TEST_CASE("functions of all channels") {
  const Bounded soft =
      bounded_channelwise(default_activation(ActivationFunction::softmax), row({0, 0}, 0.001));
  CHECK(soft.value[0] == 0.5);
  CHECK(soft.error[0] == Approx(0.001).epsilon(0.01));
  const Bounded log =
      bounded_channelwise(default_activation(ActivationFunction::log_softmax), row({0, 0}, 0.001));
  CHECK(log.error[0] == Approx(0.002).epsilon(0.01));
  const Bounded glu =
      bounded_channelwise(default_activation(ActivationFunction::glu), row({4, 8, 0, 100}, 0.001));
  CHECK(glu.extents[4] == 2);
  CHECK(glu.value == std::vector<double>{2, 8});
  CHECK(glu.error[0] == Approx(0.0005 + 4 * 0.00025).epsilon(0.01));
  CHECK(glu.error[1] == Approx(0.001).epsilon(0.01));
  CHECK(bounded_channelwise(default_activation(ActivationFunction::sparsemax), row({0.5F, 0}, 0.01))
            .error[0] == Approx(0.01 * std::sqrt(2.0)).epsilon(0.01));
}

TEST_CASE("what float32 cannot hold is not compared, nor what is made of it") {
  Bounded large = row({1, 2});
  large.value[0] = 1e39;
  mark_overflows(large);
  CHECK(std::isinf(large.error[0]));
  CHECK(large.error[1] == 0);
  convc_conv conv{};
  conv.batch = conv.filters = 1;
  conv.in_channels = 2;
  Bounded sum = bounded_sum(conv, large, {0, 1}, {}, {});
  mark_overflows(sum);
  CHECK(std::isinf(sum.error[0]));
}
