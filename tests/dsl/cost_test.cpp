// Counts against hand-worked numbers.
#include "dsl/cost.h"

#include <catch2/catch.hpp>

#include "tests/dsl/load_helpers.h"

namespace convc::test {
namespace {

TEST_CASE("the text-book example has 320 parameters") {
  const LayerSpec layer = load_layer("Conv2D(32, 3, padding='same', input_shape=(5, 5, 1))");
  const Cost cost = cost_of(layer);
  CHECK(cost.parameters == 320);           // 3 * 3 * 1 * 32 + 32
  CHECK(cost.macs == 5 * 5 * 32 * 3 * 3);  // padding counts: the direct algorithm multiplies it
  CHECK(cost.input_bytes == 5 * 5 * 4);
  CHECK(cost.output_bytes == 5 * 5 * 32 * 4);
  CHECK(cost.weight_bytes == 320 * 4);
  CHECK(cost.flops() == 2.0 * 7200);
}

TEST_CASE("groups divide the work, the batch multiplies it") {
  const LayerSpec layer =
      load_layer("Conv2D(8, 3, groups=4, use_bias=False, batch=3, input_shape=(6, 5, 12))");
  const Cost cost = cost_of(layer);
  CHECK(cost.parameters == 3 * 3 * 3 * 8);
  CHECK(cost.macs == 3 * 4 * 3 * 8 * 9 * 3);
  CHECK(cost.input_bytes == 3 * 6 * 5 * 12 * 4);
}

TEST_CASE("ResNet-50's first layer") {
  const LayerSpec layer = load_layer(
      "Conv2D(64, 7, strides=2, padding=((3, 3), (3, 3)), use_bias=False, input_shape=(224, 224, "
      "3))");
  CHECK(cost_of(layer).macs == 118013952);
  CHECK(cost_of(layer).parameters == 9408);
}

TEST_CASE("a chain counts its layers, but only its own input and output") {
  const Module module = load_valid(
      "Sequential([Input((5, 5, 1)), Conv2D(32, 3, padding='same'), Conv2D(64, 3, "
      "padding='same')])");
  const Cost cost = cost_of(module.graphs[0]);
  CHECK(cost.parameters == 320 + 18496);
  CHECK(cost.macs == 7200 + 460800);
  CHECK(cost.input_bytes == 100);
  CHECK(cost.output_bytes == 5 * 5 * 64 * 4);
}

TEST_CASE("products are checked") {
  CHECK(product_of({}) == 1);
  CHECK(product_of({std::int64_t{1} << 31, std::int64_t{1} << 31}) == std::int64_t{1} << 62);
  CHECK_FALSE(product_of({std::int64_t{1} << 32, std::int64_t{1} << 31}).has_value());
  CHECK(product_of({std::int64_t{1} << 62, std::int64_t{1} << 62, 0}) == 0);
}

TEST_CASE("a sum of multiply-adds that overflows is an error") {
  // 22000^2 outputs * 22000^2 taps = 2.3e17 each; forty exceed 2^63 = 9.2e18.
  const Loaded loaded = load(
      "Sequential([Input((1, 1, 1)), Conv2D(1, 1, padding=((0, 21999), (0, "
      "21999))), Conv2D(1, 22000, padding='same'), Conv2D(1, 22000, "
      "padding='same')])");
  CHECK(loaded.module.has_value());
  std::string chain = "Sequential([Input((22000, 22000, 1)),";
  for (int i = 0; i < 40; ++i) chain += " Conv2D(1, 22000, padding='same'),";
  CHECK(has(load(chain + "])"), Code::overflow));
}

}  // namespace
}  // namespace convc::test
