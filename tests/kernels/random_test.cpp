// Random valid layers and graphs with the planner's plans, and with random plans.
#include <catch2/catch.hpp>
#include <numeric>

#include "dsl/printer.h"
#include "generators/plan/algorithms.h"
#include "generators/plan/planner.h"
#include "tests/kernels/check_kernels.h"
#include "tests/support/random_spec.h"
#include "tests/support/seed.h"

using namespace convc;

namespace {

constexpr int kLayers = 60;
constexpr int kGraphs = 25;

/// One function per layer or graph, of small sizes.
test::RandomLimits small() {
  test::RandomLimits limits;
  limits.max_macs = 1'000'000;
  limits.plain_numbers = true;
  limits.open_percent = 10;
  return limits;
}

void add(Module& module, Graph graph) {
  const std::string name = "function_" + std::to_string(module.graphs.size());
  if (graph.form == GraphForm::layer) graph.nodes[0].layer.name = name;
  graph.name = name;
  module.graphs.push_back(std::move(graph));
}

Module random_layers(test::Random& random) {
  Module module;
  module.name = "random";
  while (module.graphs.size() < kLayers) {
    const auto checked = test::checked(test::random_bare_layer(random, small(), true));
    if (checked && cost_of(checked->graphs[0]).macs <= small().max_macs)
      add(module, checked->graphs[0]);
  }
  return module;
}

Module random_graphs(test::Random& random) {
  Module module;
  module.name = "random";
  while (module.graphs.size() < kGraphs) {
    const GraphDraft draft = test::random_graph(random, small(), "graph");
    if (draft.nodes.empty()) continue;
    const auto checked = test::checked(draft);
    if (checked) add(module, checked->graphs[0]);
  }
  return module;
}

/// A register tile, blocks and order that the planner need not have chosen.
Plan random_plan(test::Random& random, const LayerSpec& layer, const Machine& machine) {
  const Plan planned = make_plan(layer, machine);
  for (int tries = 0; tries < 200; ++tries) {
    Plan plan = planned;
    for (const Algorithm other : {Algorithm::subsampled, Algorithm::split_channels}) {
      if (test::chance(random, 30) && why_not(other, layer).empty()) plan.algorithm = other;
    }
    const auto pick = [&random](std::int64_t least, std::int64_t most) {
      return static_cast<int>(test::random_in(random, least, most));
    };
    plan.tile_vectors = pick(1, 6);
    plan.tile_height = pick(1, 4);
    plan.tile_width = pick(1, 14) * (plan.algorithm == Algorithm::planar ? plan.lanes : 1);
    if (test::chance(random, 50) && machine.f32_lanes >= 8) plan.lanes = machine.f32_lanes / 2;
    plan.panel_block = pick(0, 3);
    plan.row_block = pick(0, 9);
    if (plan.column_block != 0 || test::chance(random, 20)) plan.column_block = pick(1, 20);
    plan.channel_block =
        test::chance(random, 30) && plan.algorithm == Algorithm::direct
            ? std::gcd(layer.channels_per_group(), pick(1, layer.channels_per_group()))
            : 0;
    plan.partial_sums = plan.algorithm == Algorithm::split_channels ? pick(2, 9) : 0;
    plan.loop_order = test::chance(random, 50) ? LoopOrder::filters_outer : LoopOrder::pixels_outer;
    constexpr int kMostAccumulators = 40;  // beyond the registers, spilling must be right too
    const int accumulators = plan.tile_height * plan.tile_width * plan.tile_vectors *
                             plan.parts_of_sum() /
                             (plan.algorithm == Algorithm::planar ? plan.lanes : 1);
    if (accumulators <= kMostAccumulators && why_plan_is_invalid(plan, layer, machine).empty())
      return plan;
  }
  return planned;
}

}  // namespace

TEST_CASE("random layers, planned", "[random]") {
  test::Random random(test::seed_of("random layers"));
  test::check_kernels(random_layers(random), test::planned);
}

TEST_CASE("random graphs, planned", "[random]") {
  test::Random random(test::seed_of("random graphs"));
  test::check_kernels(random_graphs(random), test::planned);
}

TEST_CASE("random layers, random plans", "[random]") {
  test::Random random(test::seed_of("random plans"));
  const Module module = random_layers(random);
  test::check_kernels(module, [&](const LayerSpec& layer, const Machine& machine) {
    return random_plan(random, layer, machine);
  });
}
