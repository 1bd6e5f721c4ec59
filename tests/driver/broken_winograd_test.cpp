// Exact integers must catch what is wrong in a Winograd kernel by as little as one unit in the last
// place of one coefficient. The kernel is written by hand, in float, with the tables of
// generators/plan/winograd.h.
#include <catch2/catch.hpp>
#include <cmath>
#include <cstddef>

#include "generators/driver/exercise.h"
#include "generators/plan/winograd.h"
#include "tests/driver/handwritten_kernel.h"

using namespace convc;
using namespace convc::test;

namespace {

// Tiles of every size are cut off at the lower and the right border, and 12 channels are more than
// a filter of the exact data has.
constexpr LayerSizes kSizes = {2, 15, 13, 12, 16, 16};

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

WinogradDefect defect = WinogradDefect::none;
int output_tile = 4;

std::size_t at(std::int64_t n, std::int64_t y, std::int64_t x, std::int64_t c,
               std::int64_t channels) {
  return static_cast<std::size_t>(((n * kSizes.height + y) * kSizes.width + x) * channels + c);
}

/// One axis of a tile; coefficients as the kernel has them.
struct Axis {
  Axis() : t(winograd_transform(3, output_tile)) {}
  const WinogradTransform& t;

  [[nodiscard]] float input(int u, int i) const {
    const auto entry = static_cast<float>(t.input[static_cast<std::size_t>(u * t.inputs + i)]);
    const bool is_changed = defect == WinogradDefect::rounds_input_coefficient && u == 1 && i == 2;
    return is_changed ? std::nextafter(entry, 100.0F) : entry;
  }
  [[nodiscard]] float output(int i, int u) const {
    if (defect == WinogradDefect::swaps_points && t.outputs > 2 && (u == 3 || u == 4)) u = 7 - u;
    const auto entry = static_cast<float>(t.output[static_cast<std::size_t>(i * t.inputs + u)]);
    const bool is_changed = defect == WinogradDefect::rounds_output_coefficient && u == 2 && i == 1;
    return is_changed ? std::nextafter(entry, 100.0F) : entry;
  }
};

float pixel(const float* input, std::int64_t n, std::int64_t y, std::int64_t x, std::int64_t c) {
  const bool inside = y >= 0 && y < kSizes.height && x >= 0 && x < kSizes.width;
  return inside ? input[at(n, y, x, c, kSizes.channels)] : 0;
}

/// A tile's sums of products for one filter, [row][column].
std::vector<float> products_of(const float* input, const float* kernel, std::int64_t n,
                               std::int64_t y, std::int64_t x, std::int64_t k) {
  const Axis axis;
  const int size = axis.t.inputs;
  std::vector<float> products(static_cast<std::size_t>(size * size), 0.0F);
  if (defect == WinogradDefect::starts_rows_early && y > 0) --y;
  if (defect == WinogradDefect::shifts_last_tiles && x + output_tile > kSizes.width) ++x;
  if (defect == WinogradDefect::repeats_last_tile && y + output_tile >= kSizes.height &&
      x + output_tile >= kSizes.width) {
    x -= output_tile;
  }
  for (std::int64_t c = 0; c < kSizes.channels; ++c) {
    for (int place = 0; place < size * size; ++place) {
      const int u = place / size, v = place % size;
      const bool is_last = place == size * size - size - 2;  // not of infinity
      if (is_last && defect == WinogradDefect::drops_product && c == kSizes.channels - 1) continue;
      if (is_last && defect == WinogradDefect::drops_filter && k == kSizes.filters - 1) continue;
      float transformed = 0;
      for (int i = 0; i < size; ++i) {
        float of_row = 0;
        for (int j = 0; j < size; ++j)
          of_row += axis.input(v, j) * pixel(input, n, y + i - 1, x + j - 1, c);
        transformed += axis.input(u, i) * of_row;
      }
      // Packed: [row][column][channel][filter].
      products[static_cast<std::size_t>(place)] +=
          transformed * kernel[(place * kSizes.channels + c) * kSizes.panel + k];
    }
  }
  return products;
}

void write_tile(const std::vector<float>& products, float bias, std::int64_t n, std::int64_t y,
                std::int64_t x, std::int64_t k, float* output) {
  const Axis axis;
  const int size = axis.t.inputs;
  for (int i = 0; i < output_tile && y + i < kSizes.height; ++i) {
    for (int j = 0; j < output_tile && x + j < kSizes.width; ++j) {
      float sum = 0;
      for (int u = 0; u < size; ++u) {
        float of_row = 0;
        for (int v = 0; v < size; ++v)
          of_row += axis.output(j, v) * products[static_cast<std::size_t>(u * size + v)];
        sum += axis.output(i, u) * of_row;
      }
      output[at(n, y + i, x + j, k, kSizes.filters)] = std::max(sum + bias, 0.0F);
    }
  }
}

std::int32_t run(void** argv) {
  const float *input = floats(argv, 1), *kernel = floats(argv, 2), *bias = floats(argv, 3);
  float* output = floats(argv, 4);
  for (std::int64_t n = 0; n < kSizes.batch; ++n)
    for (std::int64_t y = 0; y < kSizes.height; y += output_tile)
      for (std::int64_t x = 0; x < kSizes.width; x += output_tile)
        for (std::int64_t k = 0; k < kSizes.filters; ++k)
          write_tile(products_of(input, kernel, n, y, x, k), bias[k], n, y, x, k, output);
  return 0;
}

/// With a filter transform of its own, or the right one.
ExerciseResult exercise(WinogradDefect which, int tile, DataKind kind,
                        const std::vector<double>* filter_transform = nullptr) {
  defect = which;
  output_tile = tile;
  const WinogradTransform& t = winograd_transform(3, tile);
  const std::vector<double>& g = filter_transform != nullptr ? *filter_transform : t.filter;
  const HandwrittenKernel kernel(kSizes, run, g.data(), t.inputs);
  const Graph graph = make_graph(kSizes);
  Plan plan;
  plan.algorithm = Algorithm::winograd;
  plan.output_tile = tile;
  const ExerciseSubject subject{kernel.descriptor(), &graph, &graph, "any", {plan}};
  ExerciseOptions options;
  options.threads = {1};
  options.kinds = {kind};
  options.all_placements = false;
  return exercise_kernel(subject, options);
}

}  // namespace

TEST_CASE("a right winograd kernel passes, exactly and within its bound") {
  const int tile = GENERATE(2, 4, 6);
  INFO("F(" << tile << ", 3)");
  const ExerciseResult exact = exercise(WinogradDefect::none, tile, DataKind::integers);
  CHECK(exact.message == (tile == 6 ? exact.message : ""));
  CHECK(exact.verdict != Verdict::failed);
  CHECK(exact.kinds[0].exact);
  CHECK(exact.kinds[0].max_abs_error == 0);
  const ExerciseResult reals = exercise(WinogradDefect::none, tile, DataKind::reals);
  CHECK(reals.verdict == Verdict::passed);
  CHECK_FALSE(reals.kinds[0].exact);
  CHECK(reals.kinds[0].max_error_over_bound <= 1);
}

TEST_CASE("every broken winograd kernel is caught by exact data") {
  const int tile = GENERATE(2, 4, 6);
  const WinogradDefect which =
      GENERATE(WinogradDefect::rounds_input_coefficient, WinogradDefect::rounds_output_coefficient,
               WinogradDefect::drops_product, WinogradDefect::drops_filter,
               WinogradDefect::shifts_last_tiles, WinogradDefect::starts_rows_early,
               WinogradDefect::swaps_points, WinogradDefect::repeats_last_tile);
  if (which == WinogradDefect::swaps_points && tile == 2) return;  // has no such points
  INFO("F(" << tile << ", 3), defect " << static_cast<int>(which));
  const ExerciseResult result = exercise(which, tile, DataKind::integers);
  CHECK(result.verdict == Verdict::failed);
  CHECK_THAT(result.message, Catch::Contains("allowed error 0"));
}

TEST_CASE("a wrong coefficient of the filter transform is caught by exact data") {
  const int tile = GENERATE(2, 4, 6);
  const WinogradTransform& t = winograd_transform(3, tile);
  for (std::size_t i = 0; i < t.filter.size(); ++i) {
    if (t.filter[i] == 0) continue;
    std::vector<double> changed = t.filter;
    changed[i] *= 1 + 0x1p-20;
    INFO("F(" << tile << ", 3), entry " << i);
    CHECK(exercise(WinogradDefect::none, tile, DataKind::integers, &changed).verdict ==
          Verdict::failed);
  }
}

TEST_CASE("the bound alone lets a rounded coefficient pass") {
  // Why there are integers.
  CHECK(exercise(WinogradDefect::rounds_input_coefficient, 6, DataKind::reals).verdict ==
        Verdict::passed);
}
