// Plans of whole layers: golden text for the core suite, and what holds for every valid layer.
#include "generators/plan/planner.h"

#include <catch2/catch.hpp>
#include <sstream>

#include "dsl/load.h"
#include "dsl/printer.h"
#include "tests/support/golden.h"
#include "tests/support/random_spec.h"
#include "tests/support/seed.h"

using namespace convc;

namespace {

const std::string kRepository = CONVC_REPOSITORY;
const char* const kTargets[] = {"x86-64-linux-avx-avx2-f16c-fma-sse41",
                                "x86-64-linux-avx-avx2-avx512-avx512_skylake-f16c-fma-sse41",
                                "arm-64-linux"};

Machine machine(const char* target) {
  return machine_for_target(target, nullptr).value();
}

std::string plans_of(const std::string& file, const char* target) {
  Diagnostics diagnostics;
  const auto module = load_spec_files({kRepository + "/bench/layers/" + file}, "", diagnostics);
  REQUIRE(module.has_value());
  std::ostringstream text;
  for (const Graph& graph : module->graphs) {
    const Plan plan = make_plan(graph.nodes.front().layer, machine(target));
    text << graph.name << ": " << to_text(plan) << "\n    " << plan.reason << "\n";
  }
  return text.str();
}

}  // namespace

TEST_CASE("plans of the core suite", "[planner]") {
  test::check_golden(kRepository + "/tests/plan/core_suite.avx2.plans",
                     plans_of("core_suite.conv", kTargets[0]));
  test::check_golden(kRepository + "/tests/plan/core_suite.avx512.plans",
                     plans_of("core_suite.conv", kTargets[1]));
}

TEST_CASE("every valid layer has a valid plan, the same each time", "[planner]") {
  test::Random random(test::seed_of("planner"));
  test::RandomLimits limits;
  limits.max_image = 300;
  limits.max_channels = 600;
  limits.max_macs = 4'000'000'000;
  for (int i = 0; i < 300; ++i) {
    const LayerSpec layer = test::random_layer(random, limits);
    for (const char* target : kTargets) {
      const Machine host = machine(target);
      const Plan plan = make_plan(layer, host);
      INFO(layer_to_spec_line(layer) << "\n" << to_text(plan));
      CHECK(why_plan_is_invalid(plan, layer, host).empty());
      CHECK(why_plan_is_invalid(make_naive_plan(layer, host), layer, host).empty());
      CHECK_FALSE(plan.reason.empty());
      CHECK(to_text(make_plan(layer, host)) == to_text(plan));
      const auto parsed = parse_plan(to_text(plan), nullptr);
      REQUIRE(parsed.has_value());
      CHECK(to_text(*parsed) == to_text(plan));
    }
  }
}

TEST_CASE("the algorithm follows from the layer", "[planner]") {
  auto algorithm = [](const std::string& spec) {
    Diagnostics diagnostics;
    const auto module = load_spec_text(spec, "test.conv", "test", diagnostics);
    INFO(spec);
    REQUIRE(module.has_value());
    const Plan plan = make_plan(module->graphs.front().nodes.front().layer, machine(kTargets[1]));
    return std::string(name_of(plan.algorithm));
  };
  CHECK(algorithm("Conv2D(64, 3, padding='same', input_shape=(56, 56, 64))") == "direct");
  CHECK(algorithm("Conv2D(64, 1, input_shape=(56, 56, 64))") == "pointwise");
  CHECK(algorithm("Conv2D(64, 1, strides=2, input_shape=(56, 56, 64))") == "direct");
  CHECK(algorithm("Conv2D(64, 7, strides=2, input_shape=(224, 224, 3))") == "few_channels");
  CHECK(algorithm("Conv2D(64, 3, dilation_rate=2, input_shape=(224, 224, 3))") == "direct");
  CHECK(algorithm("Conv2D(64, 3, groups=4, input_shape=(56, 56, 64))") == "grouped");
  CHECK(algorithm("Conv2D(1, 3, kernel=[[0, -1, 0], [-1, 4, -1], [0, -1, 0]], use_bias=False, "
                  "input_shape=(480, 640, 1))") == "taps");
  CHECK(algorithm("Conv2D(1, 3, kernel=[[1, 2, 1], [2, 4, 2], [1, 2, 1]], use_bias=False, "
                  "input_shape=(480, 640, 1))") == "separable");
}

TEST_CASE("a panel larger than L2 is cut into blocks of channels", "[planner]") {
  Diagnostics diagnostics;
  const auto module = load_spec_text("Conv2D(1024, 3, padding='same', input_shape=(17, 17, 1024))",
                                     "t.conv", "t", diagnostics);
  REQUIRE(module.has_value());
  const LayerSpec& layer = module->graphs.front().nodes.front().layer;
  const Plan plan = make_plan(layer, machine(kTargets[1]));
  CHECK(plan.channel_block > 0);
  CHECK(layer.in_channels % plan.channel_block == 0);
}

TEST_CASE("plans that do not suit a layer are refused in words", "[planner]") {
  Diagnostics diagnostics;
  const auto module = load_spec_text("Conv2D(64, 3, groups=2, input_shape=(56, 56, 64))", "t.conv",
                                     "t", diagnostics);
  REQUIRE(module.has_value());
  const LayerSpec& layer = module->graphs.front().nodes.front().layer;
  auto why = [&](const char* text) {
    return why_plan_is_invalid(parse_plan(text, nullptr).value(), layer, machine(kTargets[0]));
  };
  CHECK(why("pointwise lanes=8") ==
        "pointwise needs kernel_size=1, strides=1, no padding and groups=1");
  CHECK(why("direct lanes=8") == "direct needs groups=1");
  CHECK(why("grouped lanes=16 tile=1x4x4") == "lanes=16 exceeds the 8 of avx2 core");
  CHECK(why("grouped lanes=8 tile=1x4x4") ==
        "grouped needs one panel of all filters: tile vectors x lanes = 32 is less than 64");
  CHECK(why("taps lanes=8") ==
        "taps needs a literal kernel of at most 4 channels and 4 filters, and groups=1");
  CHECK(why("grouped lanes=8 tile=1x4x8").empty());
}

TEST_CASE("notes tell what is slow", "[planner]") {
  Diagnostics diagnostics;
  const auto module =
      load_spec_text("Conv2D(6, 3, groups=3, input_shape=(56, 56, 6))", "t.conv", "t", diagnostics);
  REQUIRE(module.has_value());
  const LayerSpec& layer = module->graphs.front().nodes.front().layer;
  const auto notes = performance_notes(layer, make_plan(layer, machine(kTargets[0])));
  REQUIRE(notes.size() == 1);
  CHECK(notes.front() == "groups=3 is computed without register tiling yet and may be slow");
}
