// The activation functions as kernels compute them, compiled at run time, against the reference in
// double: how far off in ulp (units in the last place) of the exact value. A sample of all floats
// and every neighbourhood where a formula changes here; every float in the long form.
#include <Halide.h>

#include <array>
#include <bit>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdint>
#include <iostream>
#include <limits>
#include <string>
#include <thread>
#include <vector>

#include "convc/reference.h"
#include "dsl/post_op.h"
#include "generators/kernels/activations.h"
#include "generators/kernels/post_ops.h"

namespace {

using convc::Activation;
using F = convc::ActivationFunction;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr std::uint64_t kFloats = std::uint64_t{1} << 32;

/// AVX2 and, where this machine has it, AVX-512: other vectors, other instructions.
std::vector<Halide::Target> targets() {
  std::vector<Halide::Target> targets = {Halide::Target("x86-64-linux-sse41-avx-f16c-fma-avx2")};
  const Halide::Target host = Halide::get_host_target();
  if (host.has_feature(Halide::Target::AVX512_Skylake)) targets.push_back(host);
  return targets;
}

struct Case {
  std::string name;
  Activation activation;
};

bool is_linear_in_pieces(F function) {
  return function == F::relu || function == F::leaky_relu || function == F::hard_sigmoid ||
         function == F::hard_tanh || function == F::soft_shrink || function == F::hard_shrink ||
         function == F::shrink || function == F::sparse_sigmoid || function == F::threshold ||
         function == F::clip;
}

/// What the documentation promises.
double bound_in_ulp(F function) {
  return is_linear_in_pieces(function) ? 1 : 4;
}

/// Every function with Keras' parameters, then with others.
std::vector<Case> all_cases() {
  std::vector<Case> cases;
  for (int i = static_cast<int>(F::relu); i <= static_cast<int>(F::clip); ++i) {
    const auto function = static_cast<F>(i);
    cases.push_back({std::string(name_of(function)), default_activation(function)});
  }
  const std::vector<Activation> others = {
      {F::relu, 0, 6, 0},
      {F::relu, 0, 6, 1.5F},
      {F::relu, 0.3F, 6, 0},
      {F::relu, 0.3F, kInfinity, 1.7F},
      {F::leaky_relu, -1.5F},
      {F::leaky_relu, 0},
      {F::elu, 0.7F},
      {F::elu, 2.5F},
      {F::selu, 1, 0, 0},
      {F::celu, 1.3F},
      {F::celu, 0.01F},
      {F::celu, -1.7F},
      {F::celu, 1000},
      {F::celu, 3e38F},
      {F::celu, -3e38F},
      {F::celu, 1e-38F},
      {F::celu, 1e-44F},
      {F::elu, 3e38F},
      {F::selu, 3e38F, 0, 2e38F},
      {F::selu, 1e-30F, 0, 1e-30F},
      {F::selu, 2, 0, kInfinity},
      {F::hard_sigmoid, 0.2F, 0.5F},
      {F::hard_sigmoid, 0, 0.5F},
      {F::soft_shrink, 0.1F},
      {F::soft_shrink, 0},
      {F::hard_shrink, 0},
      {F::shrink, 1.5F, 1.1F},
      {F::shrink, 0, 0},
      {F::shrink, 0, 1.5F},
      {F::shrink, -1, 0},
      {F::squareplus, 0},
      {F::squareplus, 0.1F},
      {F::squareplus, 1e-35F},
      {F::squareplus, 1e35F},
      {F::threshold, 0.5F, 2},
      {F::clip, -0.7F, 3},
      {F::clip, -kInfinity, 1},
      {F::clip, 2, -1},
  };
  for (const Activation& activation : others) {
    convc::PostOp step;
    step.activation = activation;
    cases.push_back({convc::to_text(std::vector{step}), activation});
  }
  return cases;
}

double exact(const Activation& f, double x) {
  return convc_reference_activate(static_cast<std::int32_t>(f.function),
                                  static_cast<double>(f.alpha), static_cast<double>(f.beta),
                                  static_cast<double>(f.gamma), x);
}

double exact_of_float(const Activation& f, float x) {
  return exact(f, static_cast<double>(x));
}

/// Distance in ulp of the exact value. An infinite float stands for 2^128, where floats end.
double error_in_ulp(double expected, float got) {
  constexpr double kEnd = 0x1p128, kSmallest = 0x1p-149;
  if (std::isnan(expected) || std::isnan(got)) {
    return std::isnan(expected) && std::isnan(got) ? 0 : kEnd;
  }
  const double wanted = std::min(std::max(expected, -kEnd), kEnd);
  const double had = std::isinf(got) ? std::copysign(kEnd, got) : static_cast<double>(got);
  const double magnitude = std::min(std::abs(wanted), 0x1p127);
  const double ulp = magnitude < 0x1p-126 ? kSmallest : std::ldexp(1, std::ilogb(magnitude) - 23);
  return std::abs(had - wanted) / ulp;
}

/// The largest error seen, and where.
struct Worst {
  double ulp = 0;
  float x = 0, got = 0;
  void see(double expected, float at, float value) {
    // Rounded right: half an ulp at most.
    if (static_cast<float>(expected) == value) return;
    const double error = error_in_ulp(expected, value);
    if (error > ulp) *this = {error, at, value};
  }
};

/// activate() compiled for floats numbered by their bits: first, first + step, ...
class Compiled {
 public:
  Compiled(const Activation& activation, const Halide::Target& target) {
    Halide::Var i("i");
    Halide::Func values("values");
    const Halide::Expr bits = first_ + Halide::cast<std::uint32_t>(i) * step_;
    values(i) = convc::activate(activation, Halide::reinterpret<float>(bits));
    values.vectorize(i, target.natural_vector_size<float>());
    run_ = values.compile_to_callable({first_, step_}, target);
  }

  void run(std::uint32_t first, std::uint32_t step, Halide::Runtime::Buffer<float>& out) const {
    REQUIRE(run_(first, step, out.raw_buffer()) == 0);
  }

 private:
  Halide::Param<std::uint32_t> first_{"first"}, step_{"step"};
  Halide::Callable run_;
};

/// The worst of the floats whose bits are first, first + step, .. below `end`.
Worst sweep(const Activation& activation, const Compiled& compiled, std::uint64_t first,
            std::uint64_t end, std::uint32_t step) {
  constexpr int kBlock = 1 << 14;
  Halide::Runtime::Buffer<float> out(kBlock);
  Worst worst;
  for (std::uint64_t bits = first; bits < end; bits += std::uint64_t{kBlock} * step) {
    compiled.run(static_cast<std::uint32_t>(bits), step, out);
    for (std::uint64_t i = 0; i < kBlock && bits + i * step < end; ++i) {
      const auto x = std::bit_cast<float>(static_cast<std::uint32_t>(bits + i * step));
      worst.see(exact_of_float(activation, x), x, out(static_cast<int>(i)));
    }
  }
  return worst;
}

void require_within_bound(const Case& c, const Worst& worst) {
  INFO(c.name << " at x=" << worst.x << ": got " << worst.got << ", exact "
              << exact_of_float(c.activation, worst.x));
  CHECK(worst.ulp <= bound_in_ulp(c.activation.function));
}

/// 8192 floats around each number where a formula or the kind of its result may change.
std::vector<float> turning_points(const Activation& activation) {
  std::vector<float> points = {
      0,     -0.0F,  0x1p-126F, -0x1p-126F, kInfinity, -kInfinity,  // zeros, denormals, ends
      0.35F, -0.35F, 0.25F,     -0.25F,     1,         -1,         3,      -3,
      6,     9,      -9,        15,         -14.8F,    -15,        -10.9F, -30,
      17.3F, -17.3F, 88.72F,    89,         -87.3F,    -103.97F,   -104,   -110};
  for (const float parameter : {activation.alpha, activation.beta, activation.gamma}) {
    points.insert(points.end(), {parameter, -parameter, std::sqrt(std::abs(parameter)) * 0x1p13F,
                                 parameter * 0x1p-26F, parameter * -0x1p-26F});
  }
  return points;
}

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

/// Cases that are compiled together: few, as LLVM's time grows faster than the code.
std::vector<std::vector<Case>> groups_of_cases() {
  constexpr std::size_t kGroup = 7;
  std::vector<std::vector<Case>> groups;
  for (const Case& c : all_cases()) {
    if (groups.empty() || groups.back().size() == kGroup) groups.emplace_back();
    groups.back().push_back(c);
  }
  return groups;
}

Halide::Buffer<float> buffer_of(const std::array<float, 8>& values) {
  Halide::Buffer<float> buffer(8);
  std::copy(values.begin(), values.end(), buffer.begin());
  return buffer;
}

void check_special_values(const std::vector<Case>& cases) {
  const std::array<float, 8> points = {0.0F, -0.0F, kInfinity, -kInfinity, kNaN, -kNaN, 1, -1};
  const Halide::Buffer<float> in = buffer_of(points);
  Halide::Var i("i");
  Halide::Func values("values");
  std::vector<Halide::Expr> results;
  for (const Case& c : cases) results.push_back(convc::activate(c.activation, in(i)));
  values(i) = Halide::Tuple(results);
  const Halide::Realization got = values.vectorize(i, 8).realize({8});
  for (std::size_t k = 0; k < cases.size(); ++k) {
    for (std::size_t p = 0; p < points.size(); ++p) {
      const float value = Halide::Buffer<float>(got[k])(static_cast<int>(p));
      const double expected = exact_of_float(cases[k].activation, points[p]);
      INFO(cases[k].name << " of " << points[p] << ": expected " << expected << ", got " << value);
      CHECK(error_in_ulp(expected, value) <= bound_in_ulp(cases[k].activation.function));
      if (!std::isnan(expected)) CHECK(std::signbit(value) == std::signbit(expected));
    }
  }
}

/// The function of a sum, and a chain that goes on with it: rescaled in fast-math, then cut off.
void check_behind_fast_math(const std::vector<Case>& cases) {
  const std::array<float, 8> points = {kInfinity, -kInfinity, kNaN, -kNaN, 1, -1, 30, -30};
  const Halide::Buffer<float> in = buffer_of(points);
  Halide::Buffer<float> weights(4);
  weights.fill(0);
  weights(2) = 1;
  Halide::Var i("i"), block("block");
  Halide::RDom r(0, 4);
  Halide::Func sum("sum"), values("values");
  sum(i) = 0.0F;
  sum(i) += select(r == 2, in(i), 0.0F) * weights(r);

  convc::PostOp function, rescaling, clip;
  rescaling.kind = convc::PostOpKind::rescaling;
  rescaling.scale = 2;
  clip.activation = {F::relu, 0, 6, 0};
  std::vector<Halide::Expr> results;
  for (const Case& c : cases) {
    function.activation = c.activation;
    results.push_back(convc::activate(c.activation, sum(i)));
    results.push_back(convc::apply_post_ops({function, rescaling, clip}, sum(i), {}));
  }
  values(i) = Halide::Tuple(results);
  values.split(i, block, i, 8).vectorize(i);
  sum.compute_at(values, block).store_in(Halide::MemoryType::Register).vectorize(i);
  sum.update().vectorize(i);
  const Halide::Realization got = values.realize({8});
  for (std::size_t k = 0; k < cases.size(); ++k) {
    const Activation& f = cases[k].activation;
    for (std::size_t p = 0; p < points.size(); ++p) {
      const float first = Halide::Buffer<float>(got[2 * k])(static_cast<int>(p));
      const float last = Halide::Buffer<float>(got[2 * k + 1])(static_cast<int>(p));
      const double middle = exact_of_float(f, points[p]);
      const double expected = exact(clip.activation, 2 * middle);
      INFO(cases[k].name << " of the sum " << points[p] << ": expected " << middle << ", then "
                         << expected << ", got " << first << ", then " << last);
      CHECK(error_in_ulp(middle, first) <= bound_in_ulp(f.function));
      // Doubled and then cut off at 0 and 6, the error is at most doubled, or gone.
      CHECK(error_in_ulp(expected, last) <= 2 * bound_in_ulp(f.function));
    }
  }
}

}  // namespace

TEST_CASE("activation functions: a sample of all floats", "[activations]") {
  for (const Case& c : all_cases()) {
    for (const Halide::Target& target : targets()) {
      const Compiled compiled(c.activation, target);
      // The step is a prime, so all bits take all values.
      require_within_bound(c, sweep(c.activation, compiled, 0, kFloats, 52711));
      for (const float point : turning_points(c.activation)) {
        const std::uint64_t bits = std::bit_cast<std::uint32_t>(point);
        const std::uint64_t first = bits < 4096 ? 0 : bits - 4096;
        require_within_bound(
            c, sweep(c.activation, compiled, first, std::min(bits + 4096, kFloats), 1));
      }
    }
  }
}

// A section for each function, so that `-c NAME` runs one of them: all take hours of one core.
TEST_CASE("activation functions: every float", "[.][activations_long]") {
  for (const Case& c : all_cases()) {
    DYNAMIC_SECTION(c.name) {
      const Compiled compiled(c.activation, Halide::get_host_target());
      const unsigned threads = std::max(1U, std::thread::hardware_concurrency());
      std::vector<Worst> found(threads);
      std::vector<std::thread> workers;
      for (unsigned t = 0; t < threads; ++t) {
        workers.emplace_back([&, t] {
          found[t] =
              sweep(c.activation, compiled, kFloats * t / threads, kFloats * (t + 1) / threads, 1);
        });
      }
      for (std::thread& worker : workers) worker.join();
      Worst worst;
      for (const Worst& each : found) {
        if (each.ulp > worst.ulp) worst = each;
      }
      std::cout << c.name << ": at most " << std::max(worst.ulp, 0.5) << " ulp, at x=" << worst.x
                << std::endl;
      require_within_bound(c, worst);
    }
  }
}

TEST_CASE("activation functions: signed zeros, infinities and NaN as in Keras", "[activations]") {
  for (const std::vector<Case>& cases : groups_of_cases()) check_special_values(cases);
}

// An accumulator is a sum in fast-math, of which LLVM takes for granted that it is neither NaN nor
// infinite. It must not draw conclusions from that, nor from what fast-math makes of a result.
TEST_CASE("activation functions: NaN and infinities that come out of fast-math", "[activations]") {
  for (const std::vector<Case>& cases : groups_of_cases()) check_behind_fast_math(cases);
}

TEST_CASE("steps of a chain read the operands of their own index", "[activations]") {
  std::vector<convc::PostOp> chain(5);
  chain[0].kind = convc::PostOpKind::batch_normalization;
  chain[1].kind = convc::PostOpKind::multiply;
  chain[2].kind = convc::PostOpKind::batch_normalization;
  chain[3].kind = convc::PostOpKind::prelu;
  chain[4].kind = convc::PostOpKind::add;
  convc::PostOpOperands operands;
  operands.operand = [](int step) { return Halide::Expr(step == 1 ? 3.0F : 100.0F); };
  operands.vector = [](int step, convc::VectorRole role) {
    if (role == convc::VectorRole::slope) return Halide::Expr(step == 3 ? 0.5F : 7000.0F);
    return Halide::Expr((role == convc::VectorRole::scale ? 10.0F : 1.0F) *
                        (step == 2 ? 1.0F : -1.0F));
  };
  Halide::Func values("values");
  Halide::Var i("i");
  operands.folded = 0;
  Halide::Buffer<float> x(2), out(2);
  x(0) = 2;
  x(1) = -2;
  values(i) = convc::apply_post_ops(chain, x(i), operands);
  values.realize(out);
  REQUIRE(out(0) == 161);              // (2 * 3) * 10 + 1, + 100
  REQUIRE(out(1) == 100 - 0.5F * 59);  // (-2 * 3) * 10 + 1, * 0.5, + 100
  operands.folded = -1;
  Halide::Func whole("whole"), part("part");
  whole(i) = convc::apply_post_ops(chain, x(i), operands);
  whole.realize(out);
  REQUIRE(out(0) == 100 - 0.5F * 629);  // 2 * -10 - 1 = -21; -63; -629; * 0.5; + 100
  part(i) = convc::apply_post_ops(chain, 1, 2, x(i), operands);
  part.realize(out);
  REQUIRE(out(1) == -6);
}
