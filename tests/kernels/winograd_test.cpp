// Winograd kernels of every size of tile, in blocks and orders that the planner need not choose.
#include <algorithm>
#include <catch2/catch.hpp>

#include "dsl/load.h"
#include "generators/plan/algorithms.h"
#include "generators/plan/lowering.h"
#include "generators/plan/planner.h"
#include "generators/plan/winograd.h"
#include "tests/kernels/check_kernels.h"
#include "tests/support/random_spec.h"
#include "tests/support/seed.h"

using namespace convc;

namespace {

Module cases() {
  Diagnostics diagnostics;
  const auto module = load_spec_files(
      {std::string(CONVC_REPOSITORY) + "/tests/kernels/winograd_cases.conv"}, "", diagnostics);
  INFO(diagnostics.render(false));
  REQUIRE(module.has_value());
  return *module;
}

/// With blocks of whole tiles; a few or, where its size is known, the whole axis.
Plan winograd_plan(test::Random& random, const LayerSpec& layer, const Machine& machine,
                   int output_tile) {
  const auto pick = [&random](std::int64_t least, std::int64_t most) {
    return static_cast<int>(test::random_in(random, least, most));
  };
  Plan plan;
  plan.algorithm = Algorithm::winograd;
  plan.output_tile = output_tile;
  plan.lanes = test::chance(random, 30) ? 4 : machine.f32_lanes;
  plan.tile_vectors = pick(1, 3);
  plan.tile_width = pick(1, 6);
  plan.panel_block = pick(0, 2);
  plan.row_block = std::int64_t{output_tile} * pick(layer.open.height ? 1 : 0, 2);
  plan.column_block = std::int64_t{output_tile} * pick(layer.open.width ? 1 : 0, 2);
  plan.loop_order = test::chance(random, 50) ? LoopOrder::filters_outer : LoopOrder::pixels_outer;
  return why_plan_is_invalid(plan, layer, machine).empty() ? plan : make_plan(layer, machine);
}

/// The graphs all of whose layers have a form with this size of tile.
Module with_forms(const Module& module, int output_tile) {
  Module result = module;
  std::erase_if(result.graphs, [output_tile](const Graph& graph) {
    return !std::all_of(graph.nodes.begin(), graph.nodes.end(), [output_tile](const Node& node) {
      return has_winograd_transforms(node.layer, output_tile);
    });
  });
  return result;
}

std::vector<VerifiedKernel> check_tile(const Module& module, test::Random& random,
                                       int output_tile) {
  if (module.graphs.empty()) return {};
  int planned = 0;
  const auto verified =
      test::check_kernels(module, [&](const LayerSpec& layer, const Machine& machine) {
        const Plan plan = winograd_plan(random, layer, machine, output_tile);
        planned += plan.algorithm == Algorithm::winograd ? 1 : 0;
        return plan;
      });
  CHECK(planned > 0);
  return verified;
}

/// Copies of pixels around the image give an F(6, 3) tile more inputs than it has room for, and a
/// chain has the denominators of several layers.
bool is_exact_in_every_tile(const Graph& graph) {
  return graph.form == GraphForm::layer && graph.nodes[0].layer.padding_mode == PaddingMode::zeros;
}

}  // namespace

TEST_CASE("winograd in every size of tile", "[winograd]") {
  test::Random random(test::seed_of("winograd plans"));
  for (const int output_tile : {2, 4, 6}) {
    const Module module = with_forms(cases(), output_tile);
    int exact = 0;
    for (const VerifiedKernel& kernel : check_tile(module, random, output_tile)) {
      const Graph& graph = module.graphs[kernel.graph];
      if (!is_exact_in_every_tile(graph)) continue;
      INFO("F(" << output_tile << ", 3) of " << graph.name);
      REQUIRE_FALSE(kernel.result.kinds.empty());
      CHECK(kernel.result.kinds[0].kind == DataKind::integers);
      CHECK(kernel.result.kinds[0].exact);
      CHECK(kernel.result.kinds[0].max_abs_error == 0);
      ++exact;
    }
    CHECK(exact >= 10);
  }
}

TEST_CASE("random layers that winograd can compute", "[winograd]") {
  constexpr int kLayers = 4;
  test::Random random(test::seed_of("winograd layers"));
  test::RandomLimits limits;
  limits.max_macs = 300'000;
  limits.plain_numbers = true;
  Module module;
  module.name = "winograd";
  while (module.graphs.size() < kLayers) {
    const auto checked = test::checked(test::random_bare_layer(random, limits, true));
    if (!checked) continue;
    Graph graph = checked->graphs[0];
    const LayerSpec layer = lower(graph).nodes.front().layer;
    if (!why_not(Algorithm::winograd, layer).empty()) continue;
    graph.name = "layer_" + std::to_string(module.graphs.size());
    graph.nodes[0].layer.name = graph.name;
    module.graphs.push_back(std::move(graph));
  }
  for (const int output_tile : {2, 4, 6}) {
    check_tile(with_forms(module, output_tile), random, output_tile);
  }
}
