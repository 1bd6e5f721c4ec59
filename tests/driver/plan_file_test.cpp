#include "generators/driver/plan_file.h"

#include <catch2/catch.hpp>

using namespace convc;

TEST_CASE("a plan file is read back as it was written") {
  Plan plan;
  plan.algorithm = Algorithm::direct;
  plan.lanes = 16;
  plan.tile_vectors = 2;
  plan.tile_width = 14;
  const std::string text = "# comment\n\n" + plan_file_line("edge_net/conv1", "avx512", plan) +
                           "\r\n  " + plan_file_line("down", "avx2", plan) + "  # reason: none";
  std::vector<std::string> errors;
  const PlanFile file = parse_plan_file(text, "p.plan", &errors);
  CHECK(errors.empty());
  REQUIRE(file.plans.size() == 2);
  CHECK(to_text(file.plans.at({"edge_net/conv1", "avx512"}).plan) == to_text(plan));
  CHECK(file.plans.at({"down", "avx2"}).line == 4);
}

TEST_CASE("all errors of a plan file are reported with their line") {
  const std::string line = plan_file_line("a", "avx2", Plan{});
  std::vector<std::string> errors;
  parse_plan_file("nonsense\n" + line + "\n" + line + "\nb: direct\nc avx2: bogus lanes=x\n", "p",
                  &errors);
  REQUIRE(errors.size() == 4);
  CHECK_THAT(errors[0], Catch::StartsWith("p:1: error: expected `LAYER ISA: PLAN`"));
  CHECK_THAT(errors[1], Catch::StartsWith("p:3: error: `a avx2` has a plan already, on line 2"));
  CHECK_THAT(errors[2], Catch::StartsWith("p:4: error: expected a layer and an ISA"));
  CHECK_THAT(errors[3], Catch::StartsWith("p:5: error: "));
}

TEST_CASE("steps of a network carry its name, and a number where a layer has several") {
  Graph graph;
  graph.name = "net";
  graph.nodes.resize(3);
  graph.nodes[0].layer.name = "conv";
  graph.nodes[1].layer.name = graph.nodes[2].layer.name = "up";
  CHECK(step_paths(graph) == std::vector<std::string>{"conv", "up.1", "up.2"});
  graph.form = GraphForm::sequential;
  CHECK(step_paths(graph) == std::vector<std::string>{"net/conv", "net/up.1", "net/up.2"});
}
