// Zeros and rank 1 of literal filters.
#include "generators/plan/literal_filter.h"

#include <catch2/catch.hpp>

using namespace convc;

namespace {

LayerSpec with_kernel(std::int64_t height, std::int64_t width, std::vector<float> numbers) {
  LayerSpec layer;
  layer.kernel_size = {height, width};
  layer.kernel = std::make_shared<Literal>(Literal{{height, width, 1, 1}, std::move(numbers)});
  return layer;
}

}  // namespace

TEST_CASE("only non-zero numbers are taps", "[literal]") {
  const LayerSpec edges = with_kernel(3, 3, {1, 0, -1, 1, 0, -1, 1, 0, -1});
  const auto taps = nonzero_taps(edges);
  REQUIRE(taps.size() == 6);
  CHECK(taps[1].row == 0);
  CHECK(taps[1].column == 2);
  CHECK(taps[1].value == -1.0f);
  CHECK(sparse_positions(edges, false).size() == 6);
}

TEST_CASE("positions are sparse only when some are zero in every filter", "[literal]") {
  LayerSpec bank;
  bank.kernel_size = {1, 2};
  bank.in_channels = 2;
  bank.filters = 2;  // HWIO: position (0, 0) has channel 0 only, (0, 1) has both
  bank.kernel = std::make_shared<Literal>(Literal{{1, 2, 2, 2}, {1, 0, 0, 0, 0, 2, 3, 0}});
  CHECK(sparse_positions(bank, false).empty());
  const auto folded = sparse_positions(bank, true);
  REQUIRE(folded.size() == 3);
  CHECK(folded[0].column == 0);
  CHECK(folded[1].column == 2);
  CHECK(folded[2].column == 3);
}

TEST_CASE("a rank-1 filter separates exactly", "[literal]") {
  const auto slices = separate(with_kernel(3, 3, {1, 2, 1, 2, 4, 2, 1, 2, 1}));
  REQUIRE(slices.has_value());
  REQUIRE(slices->size() == 1);
  CHECK(slices->front().vertical == std::vector<float>{1, 2, 1});
  CHECK(slices->front().horizontal == std::vector<float>{1, 2, 1});
}

TEST_CASE("zero rows and columns do not hide rank 1", "[literal]") {
  const auto slices = separate(with_kernel(3, 3, {0, 0, 0, 0, 3, -6, 0, -1, 2}));
  REQUIRE_FALSE(slices.has_value());  // -1/3 is not a float: the factors would not be exact
  const auto exact = separate(with_kernel(3, 3, {0, 0, 0, 0, 2, -6, 0, -1, 3}));
  REQUIRE(exact.has_value());
  CHECK(exact->front().vertical == std::vector<float>{0, 1, -0.5f});
}

TEST_CASE("a filter of rank 2 does not separate", "[literal]") {
  CHECK_FALSE(separate(with_kernel(3, 3, {0, -1, 0, -1, 4, -1, 0, -1, 0})).has_value());
}

TEST_CASE("an all-zero filter has no slices and no taps", "[literal]") {
  const LayerSpec zero = with_kernel(2, 2, {0, 0, 0, 0});
  CHECK(nonzero_taps(zero).empty());
  REQUIRE(separate(zero).has_value());
  CHECK(separate(zero)->empty());
}

TEST_CASE("numbers are found in every layout", "[literal]") {
  LayerSpec layer;
  layer.kernel_size = {1, 2};
  layer.in_channels = 2;
  layer.filters = 3;
  std::vector<float> numbers(12);
  for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = static_cast<float>(i);
  layer.kernel = std::make_shared<Literal>(Literal{{1, 2, 2, 3}, numbers});
  CHECK(literal_number(layer, {0, 1, 0}, 1, 2) == (1 * 2 + 1) * 3 + 2);  // HWIO
  layer.kernel_layout = KernelLayout::filters_first;                     // OIHW
  CHECK(literal_number(layer, {0, 1, 0}, 1, 2) == (2 * 2 + 1) * 2 + 1);

  layer.kernel_layout = KernelLayout::filters_last;  // (kernel.., channels, multiplier)
  layer.kind = LayerKind::depthwise_conv;
  layer.in_channels = layer.groups = 2;
  layer.depth_multiplier = 3;
  layer.filters = 6;
  CHECK(literal_number(layer, {0, 1, 0}, 0, 4) == (1 * 2 + 1) * 3 + 1);
  layer.kernel_layout = KernelLayout::filters_first;  // (filters, 1, kernel..)
  CHECK(literal_number(layer, {0, 1, 0}, 0, 4) == 4 * 2 + 1);
}
