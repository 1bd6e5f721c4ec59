#include "generators/driver/plan_file.h"

#include <catch2/catch.hpp>

using namespace convc;

static PlanFile parse(const std::string& text, Diagnostics& diagnostics) {
  return parse_plan_file(diagnostics.add_file(text, "p.plan"), "p.plan", diagnostics);
}

TEST_CASE("a plan file is read back as it was written") {
  Plan plan;
  plan.algorithm = Algorithm::direct;
  plan.lanes = 16;
  plan.tile_vectors = 2;
  plan.tile_width = 14;
  const std::string text = "# comment\n\n" + plan_file_line("edge_net/conv1", "avx512", plan) +
                           "\r\n  " + plan_file_line("down", "avx2", plan) + "  # reason: none";
  Diagnostics diagnostics;
  const PlanFile file = parse(text, diagnostics);
  CHECK(diagnostics.empty());
  REQUIRE(file.plans.size() == 2);
  CHECK(to_text(file.plans.at({"edge_net/conv1", "avx512"}).plan) == to_text(plan));
  CHECK(diagnostics.locate(file.plans.at({"down", "avx2"}).layer).line == 4);
  CHECK(diagnostics.locate(file.plans.at({"down", "avx2"}).range).column == 14);
}

TEST_CASE("all errors of a plan file are reported with their place") {
  const std::string line = plan_file_line("a", "avx2", Plan{});
  Diagnostics diagnostics;
  parse("nonsense\n" + line + "\n" + line + "\nb: direct\nc avx2: bogus lanes=x\n", diagnostics);
  CHECK(diagnostics.error_count() == 4);
  const std::string text = diagnostics.render(false);
  for (const char* message :
       {"p.plan:1:1: error: expected `LAYER ISA: PLAN`, found no `:`",
        "p.plan:3:1: error: `a avx2` has a plan already", "p.plan:2:1: note: the other one is here",
        "p.plan:4:1: error: expected `LAYER ISA: PLAN`, found no ISA before the `:`",
        "p.plan:5:9: error: "}) {
    CHECK_THAT(text, Catch::Contains(message));
  }
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
