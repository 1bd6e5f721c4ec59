// Random valid layers with the planner's plan, and with random plans.
#include <algorithm>
#include <catch2/catch.hpp>

#include "dsl/load.h"
#include "dsl/printer.h"
#include "generators/plan/planner.h"
#include "generators/plan/register_tile.h"
#include "tests/kernels/check_kernels.h"
#include "tests/support/random_spec.h"
#include "tests/support/seed.h"

using namespace convc;

namespace {

constexpr int kLayers = 60;

Module random_layers(test::Random& random) {
  std::string text;
  for (int i = 0; i < kLayers; ++i) {
    LayerSpec layer = test::random_layer(random);
    layer.name = "layer_" + std::to_string(i);
    text += layer_to_spec_line(layer) + "\n";
  }
  Diagnostics diagnostics;
  const auto module = load_spec_text(text, "random.conv", "random", diagnostics);
  INFO(diagnostics.render(false));
  REQUIRE(module.has_value());
  return *module;
}

/// A register tile, blocks and order that the planner need not have chosen.
Plan random_plan(test::Random& random, const LayerSpec& layer, const Machine& machine) {
  for (int tries = 0; tries < 200; ++tries) {
    Plan plan = make_plan(layer, machine);
    if (plan.algorithm == Algorithm::taps || plan.algorithm == Algorithm::separable) return plan;
    if (plan.algorithm != Algorithm::grouped) {
      plan.tile_vectors = static_cast<int>(test::random_in(random, 1, 6));
      plan.tile_height = plan.algorithm == Algorithm::pointwise
                             ? 1
                             : static_cast<int>(test::random_in(random, 1, 4));
      if (test::chance(random, 50) && machine.f32_lanes >= 8) plan.lanes = machine.f32_lanes / 2;
      plan.panel_block = test::random_in(random, 0, 3);
      plan.channel_block =
          test::chance(random, 30) && plan.algorithm == Algorithm::direct
              ? std::gcd(layer.in_channels, test::random_in(random, 1, layer.in_channels))
              : 0;
    }
    plan.tile_width = static_cast<int>(test::random_in(random, 1, 14));
    plan.row_block = test::random_in(random, 0, 9);
    plan.loop_order = test::chance(random, 50) ? LoopOrder::filters_outer : LoopOrder::pixels_outer;
    constexpr int kMostAccumulators = 40;  // beyond the registers, spilling must be right too
    if (plan.tile_height * plan.tile_width * plan.tile_vectors <= kMostAccumulators &&
        why_plan_is_invalid(plan, layer, machine).empty()) {
      return plan;
    }
  }
  return make_plan(layer, machine);
}

}  // namespace

TEST_CASE("random layers, planned", "[random]") {
  test::Random random(test::seed_of("random layers"));
  test::check_kernels(random_layers(random), make_plan);
}

TEST_CASE("random layers, random plans", "[random]") {
  test::Random random(test::seed_of("random plans"));
  const Module module = random_layers(random);
  test::check_kernels(module, [&](const LayerSpec& layer, const Machine& machine) {
    return random_plan(random, layer, machine);
  });
}
