// How outputs are cut into tasks, and what is said about speed.
#include <catch2/catch.hpp>

#include "generators/plan/planned_sizes.h"
#include "generators/plan/planner.h"
#include "generators/plan/roofline.h"
#include "tests/plan/plan_helpers.h"

using namespace convc;
using test::first_layer;
using test::kAvx2;
using test::kAvx512;
using test::machine;

TEST_CASE("a long signal is cut into blocks of columns", "[tasks]") {
  const Plan plan =
      make_plan(first_layer("Conv1D(64, 3, padding='same', input_shape=(100000, 64))"),
                machine(kAvx2), {Accuracy::strict, {}});
  CHECK(plan.row_block == 1);
  REQUIRE(plan.column_block > 0);
  CHECK(plan.column_block % plan.tile_width == 0);
  // What a task reads stays in a third of L2.
  CHECK((plan.column_block + 2) * 64 * 4 <= machine(kAvx2).l2_bytes / 3);
}

TEST_CASE("rows too wide for the cache are cut, others are not", "[tasks]") {
  const Plan wide =
      make_plan(first_layer("Conv2D(64, 3, padding='same', input_shape=(64, 20000, 64))"),
                machine(kAvx2), {Accuracy::strict, {}});
  REQUIRE(wide.column_block > 0);
  CHECK((wide.row_block + 2) * (wide.column_block + 2) * 64 * 4 <= machine(kAvx2).l2_bytes / 2);
  const Plan narrow =
      make_plan(first_layer("Conv2D(64, 3, padding='same', input_shape=(56, 56, 64))"),
                machine(kAvx2), {Accuracy::strict, {}});
  CHECK(narrow.column_block == 0);
}

TEST_CASE("plans of open sizes are for several sizes of the range", "[tasks]") {
  const LayerSpec strided = first_layer(
      "Conv2D(64, 3, strides=2, padding='same', input_shape=(Dim(min=40, max=60), 30, 64))");
  const std::vector<LayerSpec> sizes = planned_sizes(strided);
  REQUIRE(sizes.size() > 4);
  CHECK(sizes[0] == strided);
  for (const LayerSpec& sized : sizes) {
    CHECK(sized.in.height >= 40);
    CHECK(sized.in.height <= 60);
    CHECK(sized.out.height == (sized.in.height + 1) / 2);
    CHECK(sized.in.width == 30);
    CHECK(sized.out.width == 15);
  }
  CHECK(planned_sizes(first_layer("Conv2D(64, 3, input_shape=(56, 56, 64), batch=None)")).size() ==
        1);
}

TEST_CASE("tiles of open sizes waste little at sizes that they do not divide", "[tasks]") {
  const Machine avx512 = machine(kAvx512);
  const Plan plan = make_plan(
      first_layer("Conv2D(64, 3, padding='same', dilation_rate=2, input_shape=(None, None, 64))"),
      avx512, {Accuracy::strict, {}});
  CHECK(plan.tile_height * plan.tile_width * plan.tile_vectors >= 16);
  CHECK(plan.tile_height <= 2);
  CHECK(plan.tile_width <= 7);
}

TEST_CASE("sizes that arrive at run time have blocks of constant size", "[tasks]") {
  for (const char* spec : {"Conv2D(64, 3, padding='same', input_shape=(None, None, 64))",
                           "Conv2D(64, 1, input_shape=(None, None, 64))",
                           "Conv2D(32, 3, padding='same', input_shape=(None, None, 3))",
                           "Conv2D(64, 3, strides=2, padding='same', input_shape=(None, 224, 64))",
                           "Conv1D(64, 3, padding='same', input_shape=(None, 64))",
                           "DepthwiseConv2D(3, padding='same', input_shape=(None, None, 64))",
                           "SeparableConv2D(64, 3, padding='same', input_shape=(None, None, 64))",
                           "Conv2D(64, 3, padding='same', data_format='channels_first', "
                           "input_shape=(64, None, None))"}) {
    const LayerSpec layer = first_layer(spec);
    const Plan plan = make_plan(layer, machine(kAvx512));
    INFO(spec << "\n" << to_text(plan));
    CHECK(why_plan_is_invalid(plan, layer, machine(kAvx512)).empty());
    if (plan.algorithm == Algorithm::pointwise || layer.open.height) CHECK(plan.row_block > 0);
    if (plan.algorithm != Algorithm::pointwise && layer.open.width) CHECK(plan.column_block > 0);
  }
}

TEST_CASE("planes and groups are tasks of their own", "[tasks]") {
  // 16 planes of work for one task each: their rows need no cutting.
  const LayerSpec layer =
      first_layer("Conv3D(64, 3, padding='same', input_shape=(16, 14, 14, 64))");
  CHECK(make_plan(layer, machine(kAvx2)).row_block == 14);
}

TEST_CASE("the roofline is the slower of multiply-adds and bytes", "[roofline]") {
  const Machine host = machine(kAvx512);
  const LayerSpec dense = first_layer("Conv2D(64, 3, use_bias=False, input_shape=(58, 58, 64))");
  CHECK(roofline_cycles(dense, host) == 56.0 * 56 * 64 * 64 * 9 / (16 * 2));
  const LayerSpec depthwise =
      first_layer("DepthwiseConv2D(1, use_bias=False, input_shape=(56, 56, 64))");
  CHECK(roofline_cycles(depthwise, host) == (2.0 * 56 * 56 * 64 + 64) * 4 / 4);
}

TEST_CASE("dense layers are predicted near their roofline", "[roofline]") {
  const Machine host = machine(kAvx512);
  for (const char* spec : {"Conv2D(64, 3, padding='same', input_shape=(56, 56, 64))",
                           "Conv1D(64, 9, padding='same', input_shape=(1024, 64))",
                           "Conv2D(256, 1, input_shape=(28, 28, 256))",
                           "DepthwiseConv2D(3, padding='same', input_shape=(56, 56, 128))",
                           "Conv2D(64, 3, padding='same', data_format='channels_first', "
                           "input_shape=(64, 56, 56))"}) {
    const LayerSpec layer = first_layer(spec);
    const Plan plan = make_plan(layer, host);
    INFO(spec << "\n" << to_text(plan));
    CHECK(predicted_fraction(layer, plan, host) > 0.5);
    CHECK_FALSE(is_slow_path(layer, plan, host));
    CHECK(performance_notes(layer, plan, host).empty());
  }
}

TEST_CASE("a path under a quarter of the roofline is told, with the reason", "[roofline]") {
  const Machine host = machine(kAvx512);
  // Two filters, side by side in memory: vectors of 4 of which 2 are used.
  const LayerSpec layer = first_layer("Conv2D(2, 3, padding='same', input_shape=(56, 56, 64))");
  const Plan plan = make_plan(layer, host);
  CHECK(is_slow_path(layer, plan, host));
  const auto notes = performance_notes(layer, plan, host);
  REQUIRE(notes.size() == 1);
  INFO(notes.front());
  CHECK(notes.front().rfind("its plan, direct, is predicted to reach ", 0) == 0);
  CHECK(notes.front().find("filters") != std::string::npos);
  // Who asks for the naive plan is not told.
  CHECK_FALSE(is_slow_path(layer, make_naive_plan(layer, host), host));
  CHECK(predicted_fraction(layer, make_naive_plan(layer, host), host) < 0.1);
}
