// Exact integers must catch what is wrong in a Winograd kernel by as little as one unit in the last
// place of one coefficient. The kernel is written by hand, in float, with the tables of
// generators/plan/winograd.h.
#include <array>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstddef>
#include <string>

#include "generators/driver/exercise.h"
#include "generators/plan/winograd.h"
#include "tests/driver/handwritten_kernel.h"

using namespace convc;
using namespace convc::test;

namespace {

// Tiles of every size are cut off at the lower and the right border, and 12 channels are more than
// a filter of the exact data has.
constexpr LayerSizes sizes_with(std::int64_t stride) {
  return {2, 17, 13, 12, 16, 16, 0, 0, stride};
}

enum class WinogradDefect {
  none,
  rounds_input_coefficient,  // by one unit in the last place, in one row
  rounds_output_coefficient,
  drops_product,      // of the last channel, at one place of the tile
  drops_filter,       // of one filter, at one place
  shifts_last_tiles,  // at the right border, as if the image had another column
  starts_rows_early,  // of the second row of tiles
  swaps_points,       // p and -p in the output transform
  repeats_last_tile,  // the last but one in its place
};

/// All that F(output_tile, 3) is.
struct Form {
  std::int64_t stride = 1;
  int output_tile = 4;
};
constexpr std::array kForms = {Form{1, 2}, Form{1, 4}, Form{1, 6}, Form{2, 2}, Form{2, 4}};

std::string text_of(const Form& form) {
  return "F(" + std::to_string(form.output_tile) + ", 3), stride " + std::to_string(form.stride);
}

// What the kernel computes, and how it is broken.
WinogradDefect defect = WinogradDefect::none;
LayerSizes sizes;
int output_tile = 0;

/// One axis of a tile; coefficients as the kernel has them.
struct Axis {
  Axis() : t(*find_winograd_transform(3, sizes.stride, output_tile)) {}
  const WinogradTransform& t;

  [[nodiscard]] float input(int u, int i) const {
    const auto entry =
        static_cast<float>(t.input[std::size_t(u) * std::size_t(t.inputs) + std::size_t(i)]);
    const bool is_changed = defect == WinogradDefect::rounds_input_coefficient && u == 1 && i == 2;
    return is_changed ? std::nextafter(entry, 100.0F) : entry;
  }
  [[nodiscard]] float output(int i, int u) const {
    const int last_pair = t.first_pair + 2 * (t.pairs - 1);
    const bool is_swapped = t.outputs > 2 && (u == last_pair || u == last_pair + 1);
    if (defect == WinogradDefect::swaps_points && is_swapped) u = 2 * last_pair + 1 - u;
    const auto entry =
        static_cast<float>(t.output[std::size_t(i) * std::size_t(t.inputs) + std::size_t(u)]);
    const bool is_changed = defect == WinogradDefect::rounds_output_coefficient && u == 2 && i == 1;
    return is_changed ? std::nextafter(entry, 100.0F) : entry;
  }
};

float pixel(const float* input, std::int64_t n, std::int64_t y, std::int64_t x, std::int64_t c) {
  const bool inside = y >= 0 && y < sizes.height && x >= 0 && x < sizes.width;
  return inside ? input[((n * sizes.height + y) * sizes.width + x) * sizes.channels + c] : 0;
}

/// A tile's sums of products for one filter, [row][column].
std::vector<float> products_of(const float* input, const float* kernel, std::int64_t n,
                               std::int64_t y, std::int64_t x, std::int64_t k) {
  const Axis axis;
  const WinogradTransform& t = axis.t;
  const int size = t.inputs;
  std::vector<float> products(static_cast<std::size_t>(size * size), 0.0F);
  if (defect == WinogradDefect::starts_rows_early && y > 0) --y;
  if (defect == WinogradDefect::shifts_last_tiles && x + output_tile > sizes.out_width()) ++x;
  if (defect == WinogradDefect::repeats_last_tile && y + output_tile >= sizes.out_height() &&
      x + output_tile >= sizes.out_width()) {
    x -= output_tile;
  }
  for (std::int64_t c = 0; c < sizes.channels; ++c) {
    for (int place = 0; place < size * size; ++place) {
      const int u = place / size, v = place % size;
      const bool is_dropped = u == 1 && v == 1;  // reached by all taps
      if (is_dropped && defect == WinogradDefect::drops_product && c == sizes.channels - 1)
        continue;
      if (is_dropped && defect == WinogradDefect::drops_filter && k == sizes.filters - 1) continue;
      float transformed = 0;
      for (int i = 0; i < size; ++i) {
        float of_row = 0;
        for (int j = 0; j < size; ++j)
          of_row +=
              axis.input(v, j) * pixel(input, n, y * t.stride + i - 1, x * t.stride + j - 1, c);
        transformed += axis.input(u, i) * of_row;
      }
      // Packed: [row][column][channel][filter].
      products[static_cast<std::size_t>(place)] +=
          transformed * kernel[(place * sizes.channels + c) * sizes.panel + k];
    }
  }
  return products;
}

void write_tile(const std::vector<float>& products, float bias, std::int64_t n, std::int64_t y,
                std::int64_t x, std::int64_t k, float* output) {
  const Axis axis;
  const int size = axis.t.inputs;
  for (int i = 0; i < output_tile && y + i < sizes.out_height(); ++i) {
    for (int j = 0; j < output_tile && x + j < sizes.out_width(); ++j) {
      float sum = 0;
      for (int u = 0; u < size; ++u) {
        float of_row = 0;
        for (int v = 0; v < size; ++v)
          of_row +=
              axis.output(j, v) * products[std::size_t(u) * std::size_t(size) + std::size_t(v)];
        sum += axis.output(i, u) * of_row;
      }
      output[((n * sizes.out_height() + y + i) * sizes.out_width() + x + j) * sizes.filters + k] =
          std::max(sum + bias, 0.0F);
    }
  }
}

std::int32_t run(void** argv) {
  const float *input = floats(argv, 1), *kernel = floats(argv, 2), *bias = floats(argv, 3);
  float* output = floats(argv, 4);
  for (std::int64_t n = 0; n < sizes.batch; ++n)
    for (std::int64_t y = 0; y < sizes.out_height(); y += output_tile)
      for (std::int64_t x = 0; x < sizes.out_width(); x += output_tile)
        for (std::int64_t k = 0; k < sizes.filters; ++k)
          write_tile(products_of(input, kernel, n, y, x, k), bias[k], n, y, x, k, output);
  return 0;
}

/// With a filter transform of its own, or the right one.
ExerciseResult exercise(WinogradDefect which, const Form& form, DataKind kind,
                        const std::vector<double>* filter_transform = nullptr) {
  defect = which;
  sizes = sizes_with(form.stride);
  output_tile = form.output_tile;
  const WinogradTransform& t = *find_winograd_transform(3, form.stride, output_tile);
  const std::vector<double>& g = filter_transform != nullptr ? *filter_transform : t.filter;
  const HandwrittenKernel kernel(sizes, run, g.data(), t.inputs);
  const Graph graph = make_graph(sizes);
  Plan plan;
  plan.algorithm = Algorithm::winograd;
  plan.output_tile = output_tile;
  const ExerciseSubject subject{kernel.descriptor(), &graph, &graph, "any", {plan}};
  ExerciseOptions options;
  options.threads = {1};
  options.kinds = {kind};
  options.all_placements = false;
  return exercise_kernel(subject, options);
}

}  // namespace

TEST_CASE("a right winograd kernel passes, exactly and within its bound") {
  const Form form = GENERATE(from_range(kForms));
  INFO(text_of(form));
  const ExerciseResult exact = exercise(WinogradDefect::none, form, DataKind::integers);
  CHECK(exact.message == (form.output_tile == 6 ? exact.message : ""));
  CHECK(exact.verdict != Verdict::failed);
  CHECK(exact.kinds[0].exact);
  CHECK(exact.kinds[0].max_abs_error == 0);
  const ExerciseResult reals = exercise(WinogradDefect::none, form, DataKind::reals);
  CHECK(reals.verdict == Verdict::passed);
  CHECK_FALSE(reals.kinds[0].exact);
  CHECK(reals.kinds[0].max_error_over_bound <= 1);
}

TEST_CASE("every broken winograd kernel is caught by exact data") {
  const Form form = GENERATE(from_range(kForms));
  const WinogradDefect which =
      GENERATE(WinogradDefect::rounds_input_coefficient, WinogradDefect::rounds_output_coefficient,
               WinogradDefect::drops_product, WinogradDefect::drops_filter,
               WinogradDefect::shifts_last_tiles, WinogradDefect::starts_rows_early,
               WinogradDefect::swaps_points, WinogradDefect::repeats_last_tile);
  if (which == WinogradDefect::swaps_points && form.output_tile == 2) return;  // has no such points
  INFO(text_of(form) << ", defect " << static_cast<int>(which));
  const ExerciseResult result = exercise(which, form, DataKind::integers);
  CHECK(result.verdict == Verdict::failed);
  CHECK_THAT(result.message, Catch::Contains("allowed error 0"));
}

TEST_CASE("a wrong coefficient of the filter transform is caught by exact data") {
  const Form form = GENERATE(from_range(kForms));
  const WinogradTransform& t = *find_winograd_transform(3, form.stride, form.output_tile);
  for (std::size_t i = 0; i < t.filter.size(); ++i) {
    if (t.filter[i] == 0) continue;
    std::vector<double> changed = t.filter;
    changed[i] *= 1 + 0x1p-20;
    INFO(text_of(form) << ", entry " << i);
    CHECK(exercise(WinogradDefect::none, form, DataKind::integers, &changed).verdict ==
          Verdict::failed);
  }
}

TEST_CASE("the bound alone lets a rounded coefficient pass") {
  // Why there are integers.
  CHECK(exercise(WinogradDefect::rounds_input_coefficient, Form{1, 6}, DataKind::reals).verdict ==
        Verdict::passed);
}
