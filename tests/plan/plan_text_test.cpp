// Plans print as one line and parse back.
#include <catch2/catch.hpp>
#include <random>

#include "generators/plan/plan.h"
#include "tests/support/seed.h"

using namespace convc;

namespace {

bool same_choices(const Plan& a, const Plan& b) {
  return to_text(a) == to_text(b);
}

int pick(std::mt19937_64& random, int least, int most) {
  return std::uniform_int_distribution<int>(least, most)(random);
}

}  // namespace

TEST_CASE("a plan is one readable line", "[plan]") {
  Plan plan;
  plan.algorithm = Algorithm::direct;
  plan.lanes = 16;
  plan.tile_height = 1;
  plan.tile_width = 14;
  plan.tile_vectors = 2;
  plan.row_block = 4;
  CHECK(to_text(plan) ==
        "direct lanes=16 tile=1x14x2 channel_block=0 row_block=4 column_block=0 panel_block=0 "
        "order=filters_outer");
}

TEST_CASE("parse_plan is the inverse of to_text", "[plan]") {
  std::mt19937_64 random(test::seed_of("plan text"));
  for (int i = 0; i < 500; ++i) {
    Plan plan;
    plan.algorithm = static_cast<Algorithm>(pick(random, 0, static_cast<int>(Algorithm::naive)));
    plan.lanes = 1 << pick(random, 0, 4);
    plan.tile_height = pick(random, 1, 9);
    plan.tile_width = pick(random, 1, 40);
    plan.tile_vectors = pick(random, 1, 9);
    plan.channel_block = pick(random, 0, 4096);
    plan.row_block = pick(random, 0, 4096);
    plan.column_block = pick(random, 0, 4096);
    plan.panel_block = pick(random, 0, 64);
    plan.partial_sums = pick(random, 0, 12);
    plan.all_taps = pick(random, 0, 1) == 1;
    plan.inside_taps = pick(random, 0, 1) == 1;
    plan.loop_order = static_cast<LoopOrder>(pick(random, 0, 1));
    std::string error;
    const auto parsed = parse_plan(to_text(plan), &error);
    INFO(to_text(plan) << ": " << error);
    REQUIRE(parsed.has_value());
    CHECK(same_choices(*parsed, plan));
  }
}

TEST_CASE("fields that are not given keep their default", "[plan]") {
  const auto plan = parse_plan("pointwise lanes=8", nullptr);
  REQUIRE(plan.has_value());
  CHECK(plan->algorithm == Algorithm::pointwise);
  CHECK(plan->lanes == 8);
  CHECK(plan->row_block == 0);
}

TEST_CASE("what is not a plan is refused in words", "[plan]") {
  const auto text =
      GENERATE("", "   ", "fancy lanes=8", "direct lanes", "direct lanes=", "direct lanes=0",
               "direct lanes=8x", "direct lanes=99999999999", "direct tile=1x2",
               "direct tile=1x2x3x4", "direct tile=0x2x3", "direct tile=1xx3",
               "direct order=sideways", "direct color=red", "direct row_block=-1",
               "direct column_block=x", "direct inside_taps=2", "direct inside_taps=");
  CAPTURE(text);
  std::string error;
  CHECK_FALSE(parse_plan(text, &error).has_value());
  CHECK_FALSE(error.empty());
}

TEST_CASE("folding channels keeps the output and the packed weights", "[plan]") {
  LayerSpec layer;
  layer.in = {224, 200};
  layer.in_channels = 3;
  layer.filters = 64;
  layer.kernel_size = {7, 5};
  layer.strides = {2, 2};
  layer.padding = {3, 3, 2, 1};
  const LayerSpec folded = fold_channels(layer);
  CHECK(folded.in_channels == 1);
  CHECK(folded.in == Size{224, 600});
  CHECK(folded.kernel_size == Size{7, 15});
  CHECK(folded.strides == Size{2, 6});
  CHECK(folded.padding == Padding{3, 3, 6, 3});
  auto out_width = [](const LayerSpec& l) {
    return (l.in.width + l.padding.left + l.padding.right - l.kernel_size.width) / l.strides.width +
           1;
  };
  CHECK(out_width(folded) == out_width(layer));
  Plan plan;
  CHECK(packed_layout(folded, plan).total_bytes == packed_layout(layer, plan).total_bytes);
}
