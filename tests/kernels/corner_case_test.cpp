// The shapes of corner_cases.conv, with the planner's plan and with plain loops.
#include <algorithm>
#include <catch2/catch.hpp>
#include <map>

#include "dsl/load.h"
#include "generators/plan/algorithms.h"
#include "generators/plan/lowering.h"
#include "generators/plan/planner.h"
#include "tests/kernels/check_kernels.h"

using namespace convc;

namespace {

Module corner_cases() {
  Diagnostics diagnostics;
  const auto module = load_spec_files(
      {std::string(CONVC_REPOSITORY) + "/tests/kernels/corner_cases.conv"}, "", diagnostics);
  INFO(diagnostics.render(false));
  REQUIRE(module.has_value());
  return *module;
}

/// Those that one of `algorithms` computes as well.
Module computed_by(const std::vector<Algorithm>& algorithms, const Module& module) {
  Module some = module;
  std::erase_if(some.graphs, [&](const Graph& graph) {
    const Graph lowered = lower(graph);
    return lowered.nodes.size() != 1 ||
           std::none_of(algorithms.begin(), algorithms.end(), [&](Algorithm algorithm) {
             return why_not(algorithm, lowered.nodes.front().layer).empty();
           });
  });
  return some;
}

}  // namespace

TEST_CASE("corner cases, planned", "[corner]") {
  test::check_kernels(corner_cases(), test::planned);
}

TEST_CASE("corner cases, plain loops", "[corner]") {
  test::check_kernels(corner_cases(), make_naive_plan);
}

TEST_CASE("corner cases, without products with rows and planes of the padding", "[corner]") {
  for (const std::vector<Algorithm>& algorithms :
       {std::vector{Algorithm::direct},
        std::vector{Algorithm::few_channels, Algorithm::split_channels}}) {
    std::map<Algorithm, int> count;
    test::check_kernels(computed_by(algorithms, corner_cases()),
                        [&](const LayerSpec& layer, const Machine& machine) {
                          Plan plan = make_plan(layer, machine, {Accuracy::fast, algorithms});
                          Plan inside = plan;
                          inside.inside_taps = true;
                          if (count[plan.algorithm] % 2 == 0) inside.tile_height = 1;
                          if (!why_plan_is_invalid(inside, layer, machine).empty()) return plan;
                          ++count[plan.algorithm];
                          return inside;
                        });
    for (const Algorithm algorithm : algorithms) CHECK(count[algorithm] > 4);
  }
}

TEST_CASE("corner cases, pixels picked and sums split", "[corner]") {
  PlanLimits limits;
  limits.algorithms = {Algorithm::subsampled, Algorithm::split_channels};
  std::map<Algorithm, int> count;
  test::check_kernels(computed_by(limits.algorithms, corner_cases()),
                      [&](const LayerSpec& layer, const Machine& machine) {
                        Plan plan = make_plan(layer, machine, limits);
                        ++count[plan.algorithm];
                        return plan;
                      });
  CHECK(count[Algorithm::subsampled] > 4);
  CHECK(count[Algorithm::split_channels] > 4);
}
