// The cost model of the register-tiled algorithms: its terms add up, and each moves as its
// mechanism does.
#include "generators/plan/tiled_cost.h"

#include <catch2/catch.hpp>

#include "generators/plan/planner.h"
#include "tests/plan/plan_helpers.h"

using namespace convc;
using test::first_layer;
using test::kAvx2;
using test::kAvx512;
using test::kZen4;
using test::machine;

namespace {

TiledCost cost(const LayerSpec& layer, const std::string& plan, const char* target = kAvx2) {
  return tiled_cost(layer, parse_plan(plan, nullptr).value(), machine(target));
}

const char* const kDeepPointwise = "Conv2D(512, 1, input_shape=(14, 14, 1024))";

}  // namespace

TEST_CASE("no plan needs fewer multiply-adds than the layer has", "[cost]") {
  const LayerSpec layer = first_layer("Conv2D(64, 1, input_shape=(56, 56, 64))");
  const double ideal = 56.0 * 56 * 64 * 64 / (8 * 2);
  for (const char* plan :
       {"pointwise lanes=8 tile=1x6x2", "pointwise lanes=8 tile=1x4x2 row_block=48",
        "pointwise lanes=8 tile=1x2x5 order=pixels_outer"}) {
    const TiledCost found = cost(layer, plan);
    CHECK(found.multiply_adds == Approx(ideal));
    CHECK(found.tails == Approx(0).margin(1e-6 * ideal));
    CHECK(found.total() > ideal);
    CHECK(found.copies == 0);
  }
}

TEST_CASE("lanes without filters are tails", "[cost]") {
  const LayerSpec layer = first_layer("Conv2D(60, 1, input_shape=(56, 56, 64))");
  const TiledCost found = cost(layer, "pointwise lanes=8 tile=1x6x2");
  CHECK(found.tails == Approx(found.multiply_adds * 4 / 60));
}

TEST_CASE("vectors of half the lanes take whole turns, but where pipes are that narrow", "[cost]") {
  const LayerSpec layer = first_layer("Conv2D(24, 1, input_shape=(56, 56, 64))");
  const auto tails = [&](const char* plan, const char* target) {
    const TiledCost found = cost(layer, plan, target);
    return found.tails / found.multiply_adds;
  };
  CHECK(tails("pointwise lanes=4 tile=1x4x3", kAvx2) == Approx(1));
  CHECK(tails("pointwise lanes=8 tile=1x8x3", kAvx512) == Approx(1));
  CHECK(tails("pointwise lanes=16 tile=1x8x2", kAvx512) == Approx(8.0 / 24));
  CHECK(tails("pointwise lanes=8 tile=1x8x3", kZen4) == Approx(0).margin(1e-6));
}

TEST_CASE("few accumulators do not hide the latency of multiply-adds", "[cost]") {
  // Measured on Zen 5 and Zen 4 with AVX2: 8 and 10 of them take 1.13 and 1.05 times as long as 12.
  const LayerSpec layer = first_layer("Conv2D(32, 1, input_shape=(60, 60, 64))");
  const auto work = [&](const char* plan) {
    const TiledCost found = cost(layer, plan);
    return found.multiply_adds + found.registers;
  };
  const double twelve = work("pointwise lanes=8 tile=1x6x2");
  CHECK(work("pointwise lanes=8 tile=1x4x2") / twelve == Approx(1.13).margin(0.02));
  CHECK(work("pointwise lanes=8 tile=1x5x2") / twelve == Approx(1.05).margin(0.02));
}

TEST_CASE("ragged tiles are their own work in one task, whole in several", "[cost]") {
  // Decision 0010: what a guard kills is deleted only where the compiler knows the guard.
  const LayerSpec layer = first_layer("Conv2D(64, 3, padding='same', input_shape=(7, 7, 64))");
  const LayerSpec flat = first_layer("Conv2D(64, 1, input_shape=(7, 7, 64))");
  const auto work = [](const LayerSpec& of, const char* plan) {
    const TiledCost found = cost(of, plan);
    return 1 + found.tails / found.multiply_adds;
  };
  CHECK(work(flat, "pointwise lanes=8 tile=1x6x2") == Approx(1));
  CHECK(work(flat, "pointwise lanes=8 tile=1x6x2 row_block=24") == Approx(54.0 / 49));
  CHECK(work(layer, "direct lanes=8 tile=2x3x2") == Approx(1));
  CHECK(work(layer, "direct lanes=8 tile=2x3x2 row_block=2") == Approx(1));
  CHECK(work(layer, "direct lanes=8 tile=2x3x2 row_block=4") == Approx(8.0 / 7));
  CHECK(work(flat, "pointwise lanes=8 tile=1x4x3") == Approx(1));
  CHECK(work(flat, "pointwise lanes=8 tile=1x4x3 panel_block=2") == Approx(9.0 / 8));
}

TEST_CASE("an input that streams wants few pixels side by side", "[cost]") {
  // 9.5 MB; the machine is one whose prefetchers were measured.
  const LayerSpec layer = first_layer("Conv2D(64, 1, input_shape=(136, 136, 128))");
  const Machine zen4 = machine(kZen4);
  const Plan plan = make_plan(layer, zen4);
  INFO(to_text(plan));
  CHECK(plan.tile_width <= 3);
  CHECK(plan.tile_height > 1);
  const LayerSpec small = first_layer("Conv2D(64, 1, input_shape=(28, 28, 128))");
  CHECK(make_plan(small, zen4).algorithm == Algorithm::pointwise);
}

TEST_CASE("a panel larger than L1 wants many pixels per visit", "[cost]") {
  // 4 vectors of 1024 channels are 128 KiB: from L2, for 2 pixels at a time.
  const LayerSpec layer = first_layer(kDeepPointwise);
  const TiledCost few = cost(layer, "pointwise lanes=8 tile=1x2x4 row_block=48");
  const TiledCost many = cost(layer, "pointwise lanes=8 tile=1x6x2 row_block=48");
  CHECK(few.l1_and_l2 > 2 * many.l1_and_l2);
  CHECK(few.total() > 1.05 * many.total());
  const Plan plan = make_plan(layer, machine(kAvx2));
  INFO(to_text(plan));
  CHECK(plan.tile_height * plan.tile_width >= 4);
  CHECK(plan.reason.find("L1 and L2") != std::string::npos);
}

TEST_CASE("what exceeds L2 is read again by each task, or each panel", "[cost]") {
  const LayerSpec layer = first_layer(kDeepPointwise);  // 2 MiB of weights
  const auto beyond = [&](const char* plan) { return cost(layer, plan).beyond_l2; };
  CHECK(beyond("pointwise lanes=8 tile=1x6x2 row_block=12") >
        beyond("pointwise lanes=8 tile=1x6x2 row_block=48"));
  // pixels_outer: by each tile.
  CHECK(beyond("pointwise lanes=8 tile=1x6x2 row_block=48 order=pixels_outer") >
        beyond("pointwise lanes=8 tile=1x6x2 row_block=48"));
}

TEST_CASE("parts of a sum hide the latency of multiply-adds, up to the pipes' rate", "[cost]") {
  const LayerSpec layer = first_layer("Conv2D(8, 1, input_shape=(1, 1, 4096))");
  const double one = cost(layer, "pointwise lanes=8").registers;
  const double two = cost(layer, "split_channels lanes=8 partial_sums=2").registers;
  const double eight = cost(layer, "split_channels lanes=8 partial_sums=8").registers;
  CHECK(one > 1.8 * two);
  CHECK(two > eight);
  CHECK(cost(layer, "split_channels lanes=8 partial_sums=8").multiply_adds == Approx(4096 / 2));
}

TEST_CASE("padded inputs are copied by each task", "[cost]") {
  const LayerSpec layer = first_layer("Conv2D(64, 3, padding='same', input_shape=(56, 56, 64))");
  const auto copies = [&](const char* plan) { return cost(layer, plan).copies; };
  const double once = copies("direct lanes=8 tile=1x6x2");
  CHECK(once > 0);
  CHECK(copies("direct lanes=8 tile=1x6x2 row_block=1") > 2 * once);  // 3 rows for 1
  CHECK(copies("direct lanes=8 tile=1x6x2 panel_block=2") == Approx(2 * once));
}

TEST_CASE("taps in rows and planes of the padding cost nothing where they are left out", "[cost]") {
  const auto products = [](const char* spec, const char* plan) {
    const LayerSpec layer = first_layer(spec);
    return cost(layer, std::string(plan) + " inside_taps=1").multiply_adds /
           cost(layer, plan).multiply_adds;
  };
  const char* const square = "Conv2D(64, 3, padding='same', input_shape=(7, 7, 64))";
  CHECK(products(square, "direct lanes=8 tile=1x4x2") == Approx(19.0 / 21).epsilon(1e-2));
  const char* const volume = "Conv3D(64, 3, padding='same', input_shape=(4, 7, 7, 64))";
  CHECK(products(volume, "direct lanes=8 tile=2x3x2") == Approx(10.0 / 12).epsilon(1e-2));
  CHECK(products(volume, "direct lanes=8 tile=1x4x2") == Approx(10.0 / 12 * 19 / 21).epsilon(1e-2));
  // Rows of 7 reach 12 beyond either end.
  const char* const dilated =
      "Conv2D(64, 5, dilation_rate=6, padding='same', input_shape=(7, 7, 64))";
  CHECK(products(dilated, "direct lanes=8 tile=1x4x2") == Approx(9.0 / 35).epsilon(1e-2));
  // Only columns are copied, or nothing.
  const LayerSpec tall = first_layer("Conv2D(64, (7, 1), padding='same', input_shape=(9, 9, 64))");
  CHECK(cost(tall, "direct lanes=8 tile=1x4x2 inside_taps=1").copies == 0);
  CHECK(cost(tall, "direct lanes=8 tile=1x4x2").copies > 0);
}

TEST_CASE("the text names terms of one percent and more, the largest first", "[cost]") {
  TiledCost found;
  found.multiply_adds = 90;
  found.stores = 7;
  found.l1_and_l2 = 2.8;
  found.tasks = 0.2;
  CHECK(to_text(found) == "cycles multiply-adds 90 %, stores 7 %, L1 and L2 3 %");
}

TEST_CASE("planes of a filter are read again where a task's do not stay in L2", "[cost]") {
  const LayerSpec layer =
      first_layer(R"(Conv3D(64, (3, 1, 1), padding="same", input_shape=(16, 56, 56, 144)))");
  const TiledCost thin = cost(layer, "direct lanes=8 tile=1x4x3 row_block=1");
  const TiledCost thick = cost(layer, "direct lanes=8 tile=1x4x3 row_block=56");
  CHECK(thin.copies == 0);  // the image itself is read
  CHECK(thick.beyond_l2 > 1.2 * thin.beyond_l2);
}
