// Winograd's transforms: the identity they stand on, exactly; what they do to rounding errors; and
// where the planner uses them.
#include "generators/plan/winograd.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <random>

#include "generators/plan/algorithms.h"
#include "generators/plan/planner.h"
#include "generators/plan/roofline.h"
#include "tests/plan/plan_helpers.h"
#include "tests/support/seed.h"

using namespace convc;
using test::first_layer;
using test::kAvx2;
using test::kAvx512;
using test::machine;

namespace {

using Square = std::vector<std::vector<double>>;

/// rows x columns from a table.
Square matrix(const std::vector<double>& table, int rows, int columns) {
  Square result;
  for (int i = 0; i < rows; ++i) {
    const auto begin = table.begin() + std::ptrdiff_t{i} * columns;
    result.emplace_back(begin, begin + columns);
  }
  return result;
}

Square transposed(const Square& a) {
  Square result(a[0].size(), std::vector<double>(a.size()));
  for (std::size_t i = 0; i < a.size(); ++i) {
    for (std::size_t j = 0; j < a[0].size(); ++j) result[j][i] = a[i][j];
  }
  return result;
}

/// In the arithmetic of `Number`.
template <typename Number>
Square product(const Square& a, const Square& b) {
  Square result(a.size(), std::vector<double>(b[0].size()));
  for (std::size_t i = 0; i < a.size(); ++i) {
    for (std::size_t j = 0; j < b[0].size(); ++j) {
      Number sum = 0;
      for (std::size_t k = 0; k < b.size(); ++k) sum += Number(a[i][k]) * Number(b[k][j]);
      result[i][j] = sum;
    }
  }
  return result;
}

/// A form's three matrices as a test sees them; a broken one is such a copy, changed.
struct Form {
  Form(int outputs, int filter_taps, int window_stride = 1)
      : m(outputs),
        taps(filter_taps),
        stride(window_stride),
        input(matrix(table().input, inputs(), inputs())),
        filter(matrix(table().filter, inputs(), taps)),
        output(matrix(table().output, m, inputs())) {}

  [[nodiscard]] const WinogradTransform& table() const {
    return *find_winograd_transform(taps, stride, m);
  }
  [[nodiscard]] int inputs() const { return (m - 1) * stride + taps; }
  [[nodiscard]] std::string text() const {
    return "F(" + std::to_string(m) + ", " + std::to_string(taps) + "), stride " +
           std::to_string(stride);
  }

  int m, taps, stride;
  Square input, filter, output;
};

std::vector<Form> all_forms() {
  return {Form(2, 3), Form(4, 3), Form(6, 3),    Form(2, 5),
          Form(4, 5), Form(2, 7), Form(2, 3, 2), Form(4, 3, 2)};
}

/// One channel through the form; filters are transformed in double and rounded.
template <typename Number>
void add_products(const Form& form, const Square& d, const Square& g, Square& sums) {
  const Square v = product<Number>(product<Number>(form.input, d), transposed(form.input));
  const Square u = product<double>(product<double>(form.filter, g), transposed(form.filter));
  for (std::size_t i = 0; i < v.size(); ++i) {
    for (std::size_t j = 0; j < v.size(); ++j) {
      sums[i][j] = Number(sums[i][j]) + Number(u[i][j]) * Number(v[i][j]);
    }
  }
}
template <typename Number>
Square outputs_of(const Form& form, const Square& sums) {
  return product<Number>(product<Number>(form.output, sums), transposed(form.output));
}

template <typename Number>
void add_direct(const Square& d, const Square& g, std::size_t stride, Square& sums) {
  for (std::size_t y = 0; y < sums.size(); ++y) {
    for (std::size_t x = 0; x < sums.size(); ++x) {
      for (std::size_t i = 0; i < g.size(); ++i) {
        for (std::size_t j = 0; j < g.size(); ++j) {
          sums[y][x] =
              Number(sums[y][x]) + Number(d[y * stride + i][x * stride + j]) * Number(g[i][j]);
        }
      }
    }
  }
}

Square zeros(int size) {
  return Square(std::size_t(size), std::vector<double>(std::size_t(size)));
}

Square random_square(std::mt19937_64& random, int size, bool whole, double scale) {
  Square result = zeros(size);
  for (std::vector<double>& row : result) {
    for (double& number : row) {
      number = whole ? scale * double(int(random() % 21) - 10)
                     : double(float(double(random() % (1u << 24)) / (1 << 23) - 1));
    }
  }
  return result;
}

/// The denominators of G: with weights that are multiples of their square, all is exact.
double exact_scale(int inputs) {
  return inputs == 4 ? 4 : 90 * 90 * 64;
}

bool is_identity(const Form& form, std::mt19937_64& random) {
  for (int i = 0; i < 50; ++i) {
    const Square d = random_square(random, form.inputs(), true, 1);
    const Square g = random_square(random, form.taps, true, exact_scale(form.inputs()));
    Square sums = zeros(form.inputs()), expected = zeros(form.m);
    add_products<double>(form, d, g, sums);
    add_direct<double>(d, g, form.stride, expected);
    const Square got = outputs_of<double>(form, sums);
    for (std::size_t y = 0; y < expected.size(); ++y) {
      for (std::size_t x = 0; x < expected.size(); ++x) {
        // G's entries are rounded doubles: far below one unit of the scaled numbers.
        if (std::fabs(got[y][x] - expected[y][x]) > 1e-6) return false;
      }
    }
  }
  return true;
}

LayerSpec square_layer(int channels, int pixels, int stride = 1, int taps = 3) {
  const std::string c = std::to_string(channels), p = std::to_string(pixels);
  return first_layer("Conv2D(" + c + ", " + std::to_string(taps) + ", padding='same', strides=" +
                     std::to_string(stride) + ", input_shape=(" + p + ", " + p + ", " + c + "))");
}

std::string algorithm(const LayerSpec& layer, Accuracy accuracy = Accuracy::fast) {
  return std::string(name_of(make_plan(layer, machine(kAvx2), {accuracy, {}}).algorithm));
}

}  // namespace

TEST_CASE("transforms are the convolution, and broken ones are not", "[winograd]") {
  std::mt19937_64 random(test::seed_of("winograd identity"));
  for (const Form& form : all_forms()) {
    INFO(form.text());
    CHECK(is_identity(form, random));
    for (Square Form::*const table : {&Form::input, &Form::filter, &Form::output}) {
      Form broken = form;
      Square& changed = broken.*table;
      std::vector<double>& row = changed[changed.size() / 2];
      *std::find_if(row.begin(), row.end(), [](double entry) { return entry != 0; }) *= -1;
      CHECK_FALSE(is_identity(broken, random));
    }
  }
}

TEST_CASE("float32 has the entries of B and A exactly", "[winograd]") {
  for (const Form& form : all_forms()) {
    for (const auto* table : {&form.table().input, &form.table().output}) {
      for (const double entry : *table) CHECK(double(float(entry)) == entry);
    }
  }
}

TEST_CASE("errors stay within the bound, and within their root mean square", "[winograd]") {
  constexpr int kChannels = 64, kTiles = 60;
  std::mt19937_64 random(test::seed_of("winograd errors"));
  for (const Form& form : all_forms()) {
    const LayerSpec layer = square_layer(kChannels, 24, form.stride, form.taps);
    const double products = static_cast<double>(layer.taps()) * kChannels;
    const double bound =
        winograd_relative_bound(layer, form.m) * (products + 1) * 0x1p-24 * products;
    double squares = 0, direct_squares = 0;
    for (int t = 0; t < kTiles; ++t) {
      Square sums = zeros(form.inputs()), direct = zeros(form.m), exact = zeros(form.m);
      for (int c = 0; c < kChannels; ++c) {
        const Square d = random_square(random, form.inputs(), false, 1);
        const Square g = random_square(random, form.taps, false, 1);
        add_products<float>(form, d, g, sums);
        add_direct<float>(d, g, form.stride, direct);
        add_direct<double>(d, g, form.stride, exact);
      }
      const Square got = outputs_of<float>(form, sums);
      for (std::size_t y = 0; y < exact.size(); ++y) {
        for (std::size_t x = 0; x < exact.size(); ++x) {
          CHECK(std::fabs(got[y][x] - exact[y][x]) <= bound);
          squares += std::pow(got[y][x] - exact[y][x], 2);
          direct_squares += std::pow(direct[y][x] - exact[y][x], 2);
        }
      }
    }
    const double ratio = std::sqrt(squares / direct_squares);
    INFO(form.text() << ": root mean square " << ratio << " times direct's");
    CHECK(ratio < 20);
    CHECK(ratio == Approx(winograd_relative_rms(layer, form.m)).epsilon(0.35));
  }
}

TEST_CASE("amplification is what the worst inputs and weights reach", "[winograd]") {
  // F(2, 3) in one dimension: |A^T| (|G| 1 * |B^T| 1) is at most 8, of 3 terms of the plain sum.
  const LayerSpec row = first_layer("Conv1D(64, 3, input_shape=(100, 64))");
  CHECK(winograd_amplification(row, 2) == Approx(8.0 / 3));
  CHECK(winograd_amplification(square_layer(64, 56), 2) == Approx(64.0 / 9));
  CHECK(winograd_relative_bound(square_layer(64, 56), 2) < 2);
  CHECK(winograd_relative_bound(square_layer(64, 56), 4) == Approx(7.8).epsilon(0.01));
  CHECK(winograd_relative_bound(square_layer(64, 56), 6) == Approx(81).epsilon(0.01));
  CHECK(fast_admits_winograd(square_layer(64, 56), 6));
  CHECK_FALSE(fast_admits_winograd(square_layer(16, 56), 6));
  CHECK(fast_admits_winograd(square_layer(16, 56), 4));
  // With a stride of 2, F(2, 3) has 4 of the outer taps and 1 of the inner one, of 3 terms.
  CHECK(winograd_amplification(square_layer(64, 56, 2), 2) == Approx(25.0 / 9));
  CHECK(winograd_relative_bound(square_layer(64, 56, 2), 4) == Approx(6.6).epsilon(0.01));
}

TEST_CASE("the planner takes winograd for many channels, never when strict", "[winograd]") {
  CHECK(algorithm(square_layer(64, 56)) == "winograd");
  CHECK(algorithm(square_layer(128, 28)) == "winograd");
  CHECK(algorithm(square_layer(128, 56, 2)) == "winograd");
  CHECK(algorithm(square_layer(64, 56, 1, 5)) == "winograd");
  CHECK(algorithm(square_layer(64, 56, 1, 7)) == "winograd");
  CHECK(algorithm(square_layer(64, 56), Accuracy::strict) == "direct");
  CHECK(algorithm(square_layer(3, 224)) != "winograd");
  CHECK(algorithm(first_layer("Conv2D(64, 3, input_shape=(None, 56, 64))")) == "winograd");
  for (const char* text : {"Conv2D(64, 3, strides=3, input_shape=(56, 56, 64))",
                           "Conv2D(64, 3, dilation_rate=2, input_shape=(56, 56, 64))",
                           "Conv2D(64, 4, input_shape=(56, 56, 64))",
                           "Conv2D(64, 5, strides=2, input_shape=(56, 56, 64))",
                           "Conv2D(64, 1, input_shape=(56, 56, 64))"}) {
    INFO(text);
    CHECK_FALSE(why_not(Algorithm::winograd, first_layer(text)).empty());
    CHECK(algorithm(first_layer(text)) != "winograd");
  }
}

TEST_CASE("a chosen winograd plan is predicted to be the faster one", "[winograd]") {
  for (const char* target : {kAvx2, kAvx512}) {
    for (const int channels : {16, 64, 256}) {
      for (const int pixels : {7, 14, 28, 56}) {
        const LayerSpec layer = square_layer(channels, pixels);
        const Plan plan = make_plan(layer, machine(target));
        const Plan strict = make_plan(layer, machine(target), {Accuracy::strict, {}});
        INFO(to_text(plan));
        CHECK(why_plan_is_invalid(plan, layer, machine(target)).empty());
        CHECK(predicted_cycles(layer, plan, machine(target)) <=
              predicted_cycles(layer, strict, machine(target)));
        CHECK(why_inaccurate(strict, layer, Accuracy::strict).empty());
        CHECK(why_inaccurate(plan, layer, Accuracy::strict).empty() ==
              (plan.algorithm != Algorithm::winograd));
      }
    }
  }
}

TEST_CASE("winograd for open sizes is predicted to be near fixed kernels at each", "[winograd]") {
  for (const char* target : {kAvx2, kAvx512, test::kZen4, test::kZen5}) {
    for (const int channels : {64, 128}) {
      LayerSpec sized = square_layer(channels, 56);
      sized.open.height = sized.open.width = Dim{1, 4096};
      const Plan open = make_plan(sized, machine(target));
      INFO(target << ", " << channels << " channels: " << to_text(open));
      CHECK(open.algorithm == Algorithm::winograd);
      // Tiles of 4 outputs would take 1.4 of the time of fixed kernels, which have these, at 33.
      CHECK(open.output_tile == 6);
      for (const int pixels : {28, 29, 31, 33, 45, 56, 57, 75, 112}) {
        const LayerSpec fixed = square_layer(channels, pixels);
        sized.in = fixed.in;
        sized.out = fixed.out;
        INFO(pixels);
        CHECK(predicted_cycles(sized, open, machine(target)) <
              1.35 * predicted_cycles(fixed, make_plan(fixed, machine(target)), machine(target)));
      }
    }
  }
}

TEST_CASE("winograd's last panel of filters costs as much as others", "[winograd]") {
  const auto cycles = [](int filters) {
    const LayerSpec layer = first_layer("Conv2D(" + std::to_string(filters) +
                                        ", 3, padding='same', input_shape=(28, 28, 256))");
    const Plan plan = parse_plan("winograd lanes=8 tile=1x4x3 output_tile=4", nullptr).value();
    return winograd_cycles(layer, plan, machine(kAvx2));
  };
  // 16 vectors of filters are 6 panels of 3, as 18 are; only the transforms of products are fewer.
  CHECK(cycles(128) / cycles(144) > 0.95);
  CHECK(cycles(120) / cycles(144) < 0.9);
}
