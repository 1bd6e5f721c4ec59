// Test data: exact where it is to be, reproducible, of every size.
#include "generators/driver/test_data.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <string>

#include "generators/driver/expectation.h"
#include "tests/driver/load_graph.h"

using namespace convc;
using test::load_graph;

namespace {

/// A chain of `layers` 3x3 "same" layers with `channels` channels on 6x5 pixels.
Graph chain(std::size_t layers, std::int64_t channels) {
  std::string text = "Sequential([Input(shape=(6, 5, " + std::to_string(channels) + ")), ";
  for (std::size_t i = 0; i < layers; ++i)
    text += "Conv2D(" + std::to_string(channels) + ", 3, padding=\"same\"), ";
  return load_graph(text + "])");
}

bool is_exact(const Graph& graph, DataKind kind) {
  const std::vector<Bounded> outputs = expect(graph, make_test_data(graph, kind, 5, {}), {});
  return std::all_of(outputs[0].error.begin(), outputs[0].error.end(),
                     [](double error) { return error == 0; });
}

double largest(const std::vector<float>& values) {
  double most = 0;
  for (float value : values) most = std::max(most, std::fabs(static_cast<double>(value)));
  return most;
}

}  // namespace

TEST_CASE("integers stay exact in float32 through chains and long sums") {
  const auto [layers, channels] = GENERATE(
      std::pair<std::size_t, std::int64_t>{1, 1}, std::pair<std::size_t, std::int64_t>{1, 64},
      std::pair<std::size_t, std::int64_t>{1, 1024}, std::pair<std::size_t, std::int64_t>{3, 64},
      std::pair<std::size_t, std::int64_t>{20, 16});
  const Graph graph = chain(layers, channels);
  const TestData data = make_test_data(graph, DataKind::integers, 5, {});
  CHECK(is_exact(graph, DataKind::integers));
  CHECK_FALSE(is_exact(graph, DataKind::reals));
  CHECK(largest(data.inputs[0]) > 0);
  for (const VariableNumbers& numbers : data.variables) {
    CHECK(largest(numbers[0]) > 0);
    for (const float value : numbers[0]) CHECK(value == std::floor(value));
  }
}

TEST_CASE("integers stay exact through every kind of layer that can keep them") {
  CHECK(is_exact(load_graph(GENERATE(
                     as<std::string>(), "Conv1D(4, 3, dilation_rate=2, input_shape=(20, 3))",
                     "Conv3D(4, 3, strides=2, input_shape=(7, 6, 5, 3))",
                     "Conv2D(6, 3, groups=3, kernel_layout=\"OIHW\", input_shape=(8, 8, 9))",
                     "DepthwiseConv2D(3, depth_multiplier=2, input_shape=(8, 8, 5))",
                     "SeparableConv2D(7, 3, depth_multiplier=2, input_shape=(8, 8, 5))",
                     "Conv2DTranspose(6, 3, strides=2, groups=2, input_shape=(5, 6, 4))",
                     "Conv2D(4, 3, padding=\"same\", padding_mode=\"reflect\", "
                     "input_shape=(8, 8, 3))",
                     "Conv2D(4, 3, padding=\"same\", padding_mode=\"constant\", "
                     "padding_value=0.5, input_shape=(8, 8, 3))",
                     "Sequential([Input(shape=(8, 8, 3)), Conv2D(4, 3), PReLU(shared_axes=[1, 2]), "
                     "BatchNormalization(epsilon=0), ReLU(max_value=6)])",
                     "Sequential([Input(shape=(8, 8, 3)), BatchNormalization(epsilon=0.25), "
                     "Conv2D(4, 3), Rescaling(0.5, offset=2)])",
                     "x = Input(shape=(6, 6, 4), name=\"x\")\n"
                     "g = Input(shape=(1, 1, 4), name=\"g\")\n"
                     "y = Multiply()([Add()([Conv2D(4, 3, padding=\"same\")(x), x]), g])\n"
                     "Model(inputs=[x, g], outputs=y, name=\"net\")\n")),
                 DataKind::integers));
}

TEST_CASE("kernels have the same numbers in both layouts") {
  const Graph last = load_graph("Conv2D(6, (2, 3), groups=2, input_shape=(5, 5, 4))");
  const Graph first =
      load_graph("Conv2D(6, (2, 3), groups=2, kernel_layout=\"OIHW\", input_shape=(5, 5, 4))");
  const TestData a = make_test_data(last, DataKind::reals, 1, {});
  const TestData b = make_test_data(first, DataKind::reals, 1, {});
  CHECK(a.variables[0][0] != b.variables[0][0]);
  // OIHW element (k, c, i, j) is HWIO element (i, j, c, k).
  CHECK(b.variables[0][0][((4 * 2 + 1) * 2 + 1) * 3 + 2] ==
        a.variables[0][0][((1 * 3 + 2) * 2 + 1) * 6 + 4]);
  CHECK(expect(last, a, {})[0].value == expect(first, b, {})[0].value);
}

TEST_CASE("the same seed gives the same numbers, another seed others") {
  const Graph graph = chain(1, 8);
  for (DataKind kind : {DataKind::integers, DataKind::reals, DataKind::extremes}) {
    const TestData a = make_test_data(graph, kind, 1, {}), b = make_test_data(graph, kind, 1, {});
    CHECK(a.inputs == b.inputs);
    CHECK(a.variables == b.variables);
    CHECK(a.inputs != make_test_data(graph, kind, 2, {}).inputs);
  }
}

TEST_CASE("literal weights are taken as they are") {
  const std::string start = "Conv2D(1, 3, use_bias=False, input_shape=(6, 5, 1), kernel=";
  const Graph edges = load_graph(start + "[[1, 0, -1], [1, 0, -1], [1, 0, -1]])");
  const TestData data = make_test_data(edges, DataKind::integers, 1, {});
  CHECK(data.variables == std::vector<VariableNumbers>{{{1, 0, -1, 1, 0, -1, 1, 0, -1}}});
  CHECK(is_exact(edges, DataKind::integers));
  CHECK(is_exact(load_graph(start + "[[.25, .5, .25], [.5, 1, .5], [.25, .5, .25]])"),
                 DataKind::integers));
  CHECK_FALSE(is_exact(load_graph(start + "[[.1, .1, .1], [.1, .1, .1], [.1, .1, .1]])"),
                       DataKind::integers));
}

TEST_CASE("extremes hold zeros, denormals and large values, and nothing infinite") {
  const Graph graph = chain(1, 64);
  const TestData data = make_test_data(graph, DataKind::extremes, 1, {});
  std::size_t zeros = 0, denormals = 0, large = 0;
  for (float value : data.inputs[0]) {
    REQUIRE(std::isfinite(value));
    zeros += value == 0;
    denormals += std::fpclassify(value) == FP_SUBNORMAL;
    large += std::fabs(value) >= 0x1p19f;
  }
  CHECK(zeros > 0);
  CHECK(denormals > 0);
  CHECK(large > 0);
}
