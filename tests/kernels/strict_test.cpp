// NaN and infinities in inputs and weights go through strict kernels as through the reference, in
// every algorithm.
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "dsl/load.h"
#include "dsl/printer.h"
#include "generators/driver/expectation.h"
#include "generators/driver/kernel_run.h"
#include "generators/emit/compile.h"
#include "generators/emit/loaded_library.h"
#include "generators/plan/algorithms.h"
#include "generators/plan/literal_filter.h"
#include "generators/plan/lowering.h"
#include "generators/plan/planner.h"
#include "tests/support/seed.h"

using namespace convc;

namespace {

/// What an algorithm cannot compute it is not asked for.
const char* const kStrictLayers = R"(
Conv2D(19, 3, padding="same", activation="relu", input_shape=(9, 8, 12), name="dense")
Conv2D(16, 3, strides=2, padding="same", input_shape=(11, 9, 8), name="strided")
Conv2D(8, 3, padding="same", input_shape=(9, 10, 3), name="colors")
Conv2D(16, 3, padding="same", padding_mode="reflect", input_shape=(7, 8, 8), name="reflect")
Conv2D(16, 3, padding="same", padding_mode="constant", padding_value=0.5, input_shape=(7, 8, 8), name="constant")
Conv2D(24, 1, input_shape=(6, 7, 12), name="pixels")
Conv2D(24, 1, strides=2, input_shape=(11, 13, 12), name="every_other")
DepthwiseConv2D(3, padding="same", input_shape=(8, 9, 10), name="depthwise")
Conv2D(12, 3, padding="same", groups=4, input_shape=(7, 6, 8), name="groups")
Conv2D(10, 3, padding="same", data_format="channels_first", input_shape=(8, 9, 11), name="planes")
Conv2D(10, 1, data_format="channels_first", input_shape=(8, 9, 11), name="plane_pixels")
DepthwiseConv2D(3, padding="same", data_format="channels_first", input_shape=(5, 9, 11), name="depthwise_planes")
Conv1D(9, 5, dilation_rate=2, padding="causal", input_shape=(31, 6), name="line")
Conv3D(8, 2, padding="same", input_shape=(4, 5, 6, 4), name="volume")
Conv3D(8, (3, 1, 1), padding="same", input_shape=(4, 5, 6, 4), name="time")
Conv2DTranspose(6, 3, strides=2, padding="same", input_shape=(5, 6, 4), name="up")
SeparableConv2D(9, 3, padding="same", input_shape=(6, 7, 8), name="separable")
Conv2D(1, 3, padding="same", kernel=[[1, 0, -1], [2, 0, -2], [1, 0, -1]], use_bias=False, input_shape=(12, 17, 1), name="sobel")
Conv2D(1, 3, kernel=[[1, 2, 1], [2, 4, 2], [1, 2, 1]], use_bias=False, input_shape=(12, 17, 1), name="smooth")
)";

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kSpecial[] = {kInfinity, -kInfinity, std::numeric_limits<float>::quiet_NaN()};

/// Puts specials in place of one of `every` numbers, at least of one.
void sprinkle(std::vector<float>& numbers, std::size_t every, std::mt19937_64& random) {
  const std::size_t count = numbers.size() / every + 1;
  for (std::size_t i = 0; i < count; ++i)
    numbers[random() % numbers.size()] = kSpecial[random() % 3];
}

struct Seen {
  std::size_t finite = 0, infinite = 0, none = 0;
};

/// The kind of number must be the reference's; a finite one must be near it.
void compare(double expected, float got, Seen& seen) {
  if (std::isnan(expected)) {
    ++seen.none;
    CHECK(std::isnan(got));
  } else if (std::isinf(expected)) {
    ++seen.infinite;
    CHECK(static_cast<double>(got) == expected);
  } else {
    ++seen.finite;
    CHECK(static_cast<double>(got) == Approx(expected).margin(1e-4));
  }
}

struct StrictLibrary {
  Module module;
  Artifact artifact;
  std::unique_ptr<LoadedLibrary> library;
};

/// The layers that the algorithm may compute strictly, with its plans; empty: the planner's choice.
StrictLibrary library_with(const TargetInfo& target, const std::vector<Algorithm>& algorithms) {
  const PlanLimits limits{Accuracy::strict, algorithms};
  Diagnostics diagnostics;
  StrictLibrary result;
  result.module = *load_spec_text(kStrictLayers, "strict.conv", "strict", diagnostics);
  std::string error;
  ModulePlans plans;
  std::erase_if(result.module.graphs, [&](const Graph& graph) {
    std::vector<Plan> of_steps;
    const Module lowered = lower(Module{"one", {graph}});
    for (const Node& node : lowered.graphs[0].nodes) {
      std::string why;
      const auto candidates = candidate_plans(node.layer, target.machine, limits, &why);
      if (candidates.empty()) return true;
      of_steps.push_back(candidates.front().plan);
    }
    plans.push_back({of_steps});
    return false;
  });
  if (result.module.graphs.empty()) return result;
  CompileResult compiled = compile_module(result.module, {target}, plans, {}, diagnostics);
  INFO(diagnostics.render(false));
  REQUIRE(compiled.artifact.has_value());
  result.artifact = std::move(*compiled.artifact);
  result.library = LoadedLibrary::load(result.artifact, &error);
  INFO(error);
  REQUIRE(result.library != nullptr);
  return result;
}

/// This processor, and as one without AVX-512, whose plans and code differ.
std::vector<TargetInfo> targets_here() {
  std::string error;
  std::vector<TargetInfo> targets = {*describe_target("host", &error)};
  const TargetInfo avx2 = *describe_target("avx2", &error);
  if (targets[0].machine.isa != avx2.machine.isa && why_target_cannot_run_here(avx2).empty())
    targets.push_back(avx2);
  return targets;
}

void check_graph(const StrictLibrary& strict, std::size_t index, bool in_inputs, bool in_weights,
                 std::mt19937_64& random, Seen& seen) {
  const Graph& graph = strict.module.graphs[index];
  const LayerSpec& layer = graph.nodes[0].layer;
  const CompiledLayer& compiled = strict.artifact.layers[index][0][0];
  TestData data = make_test_data(graph, DataKind::reals, random(), {});
  if (in_inputs) sprinkle(data.inputs[0], 60, random);
  if (in_weights && !layer.weights_are_literal())
    sprinkle(data.variables[0][0], data.variables[0][0].size(), random);
  const std::vector<Bounded> expected = expect(graph, data, {});
  const SizeCase sizes{{}, graph, ""};
  KernelRun run(*strict.library->kernel(index), sizes, data, {compiled.isa, 2});
  INFO(layer_to_spec_line(layer) << "\n" << to_text(compiled.plan));
  REQUIRE(run.execute() == "");
  const Tensor& output = graph.tensors[static_cast<std::size_t>(graph.outputs[0])];
  layout_of(output).for_each([&](std::size_t i, std::size_t place) {
    INFO("element " << i);
    compare(expected[0].value[i], run.output(0)[place], seen);
  });
}

/// Of the planned library, or of the layers that one algorithm may compute.
void check_library(const TargetInfo& target, const std::vector<Algorithm>& algorithms,
                   std::mt19937_64& random) {
  const StrictLibrary strict = library_with(target, algorithms);
  const bool is_refused = algorithms == std::vector{Algorithm::winograd};
  INFO(target.machine.isa << ", " << (algorithms.empty() ? "planned" : name_of(algorithms[0])));
  // Layers without a choice are always there.
  bool has_algorithm = algorithms.empty();
  for (const auto& layers : strict.artifact.layers)
    for (const CompiledLayer& step : layers[0])
      has_algorithm = has_algorithm || step.plan.algorithm == algorithms[0];
  CHECK(has_algorithm == !is_refused);
  Seen seen;
  for (std::size_t g = 0; g < strict.module.graphs.size(); ++g) {
    check_graph(strict, g, true, false, random, seen);
    check_graph(strict, g, false, true, random, seen);
    check_graph(strict, g, true, true, random, seen);
  }
  CHECK(seen.finite > 100);
  CHECK(seen.infinite > 10);
  CHECK(seen.none > 100);
}

}  // namespace

TEST_CASE("NaN and infinities go through strict kernels as through the definition", "[strict]") {
  std::mt19937_64 random(test::seed_of("strict"));
  std::vector<std::vector<Algorithm>> choices = {{}};
  for (const Algorithm algorithm : filter_bank_algorithms()) choices.push_back({algorithm});
  for (const TargetInfo& target : targets_here())
    for (const auto& algorithms : choices) check_library(target, algorithms, random);
}

TEST_CASE("strict plans multiply zeros of literal filters and of the padding", "[strict]") {
  Diagnostics diagnostics;
  const Module module = lower(*load_spec_text(kStrictLayers, "strict.conv", "strict", diagnostics));
  std::string error;
  const TargetInfo host = *describe_target("host", &error);
  for (const Graph& graph : module.graphs) {
    for (const Node& node : graph.nodes) {
      INFO(layer_to_spec_line(node.layer));
      const Plan fast = make_plan(node.layer, host.machine);
      const Plan strict = make_plan(node.layer, host.machine, {Accuracy::strict, {}});
      CHECK_FALSE(leaves_out_zeros(strict, node.layer));
      const bool is_depthwise = graph.name.starts_with("depthwise");
      const bool skips_padding = is_depthwise || graph.name == "time";
      CHECK(leaves_out_zeros(fast, node.layer) ==
            (skips_padding || fast.inside_taps || graph.name == "sobel"));
      CHECK_FALSE(strict.inside_taps);
      if (skips_padding) CHECK(strict.all_taps);
    }
  }
}
