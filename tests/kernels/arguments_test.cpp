// Buffers of kernels, literal numbers as text, and the generators' registration.
#include <Halide.h>

#include <algorithm>
#include <catch2/catch.hpp>

#include "generators/kernels/kernel.h"
#include "generators/kernels/literal_text.h"

using namespace convc;

namespace {

std::vector<std::int32_t> extents(const KernelArgument& argument) {
  std::vector<std::int32_t> result;
  for (const ArgumentDim& dim : argument.dims) result.push_back(dim.extent);
  return result;
}

}  // namespace

TEST_CASE("arguments are dense, innermost first", "[arguments]") {
  LayerSpec layer;
  layer.batch = 2;
  layer.in = {9, 11};
  layer.in_channels = 6;
  layer.filters = 20;
  layer.kernel_size = {3, 5};
  layer.out = {7, 7};
  Plan plan;
  plan.lanes = 8;
  plan.tile_vectors = 2;
  plan.channel_block = 3;
  const auto arguments = kernel_arguments(layer, plan);
  REQUIRE(arguments.size() == 4);
  CHECK(arguments[0].role == ArgumentRole::input);
  CHECK(extents(arguments[0]) == std::vector<std::int32_t>{6, 11, 9, 2});
  CHECK(arguments[0].dims.back().stride == 6 * 11 * 9);
  CHECK(arguments[1].role == ArgumentRole::packed_kernel);
  CHECK(extents(arguments[1]) == std::vector<std::int32_t>{16, 3, 5, 3, 2, 2});
  CHECK(arguments[2].role == ArgumentRole::packed_bias);
  CHECK(extents(arguments[2]) == std::vector<std::int32_t>{32});
  CHECK(arguments[3].role == ArgumentRole::output);
  CHECK(extents(arguments[3]) == std::vector<std::int32_t>{20, 7, 7, 2});
}

TEST_CASE("numbers pass through text unchanged", "[arguments]") {
  const std::vector<float> numbers = {0.1f, -0.0f, 1e-45f, 3.4028235e38f, -1.0f / 3.0f, 65504.0f};
  const auto back = numbers_from_text(text_of_numbers(numbers));
  REQUIRE(back.size() == numbers.size());
  CHECK(std::equal(numbers.begin(), numbers.end(), back.begin()));
  CHECK(std::signbit(back[1]));

  const auto taps = taps_from_text(text_of_taps({{1, 2, 3, 4, 0.1f}, {5, 6, 7, 8, -2.5f}}));
  REQUIRE(taps.size() == 2);
  CHECK(taps[1].filter == 8);
  CHECK(taps[0].value == 0.1f);

  const auto slices = slices_from_text(text_of_slices({{0, 1, {1, 2}, {3, 4, 5}}}));
  REQUIRE(slices.size() == 1);
  CHECK(slices[0].horizontal == std::vector<float>{3, 4, 5});

  const auto positions = positions_from_text(text_of_positions({{0, 1}, {2, 3}}));
  REQUIRE(positions.size() == 2);
  CHECK(positions[1].row == 2);
}

TEST_CASE("every generator is registered, for use from plain Halide too", "[arguments]") {
  const auto names = Halide::Internal::GeneratorRegistry::enumerate();
  for (const char* name : {"convc_direct_conv2d", "convc_grouped_conv2d", "convc_literal_conv2d",
                           "convc_naive_conv2d", "convc_pointwise_conv2d"}) {
    CAPTURE(name);
    CHECK(std::count(names.begin(), names.end(), name) == 1);
  }
}
