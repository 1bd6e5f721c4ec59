// Exact data must be exact: no sum of magnitudes may pass 2^24.
#include "generators/driver/test_data.h"

#include <catch2/catch.hpp>
#include <cmath>

using namespace convc;

namespace {

/// A chain of `layers` 3x3 "same" layers with `channels` channels on 6x5 pixels.
Graph chain(std::size_t layers, std::int64_t channels) {
  Graph graph;
  graph.is_sequential = layers > 1;
  for (std::size_t i = 0; i <= layers; ++i) {
    Tensor tensor;
    tensor.shape = {{1, 1}, {6, 6}, {5, 5}, {channels, channels}};
    graph.tensors.push_back(tensor);
  }
  for (std::size_t i = 0; i < layers; ++i) {
    Node node;
    node.layer.in = node.layer.out = {6, 5};
    node.layer.in_channels = node.layer.filters = channels;
    node.layer.kernel_size = {3, 3};
    node.layer.padding = {1, 1, 1, 1};
    node.inputs = {static_cast<TensorId>(i)};
    node.outputs = {static_cast<TensorId>(i + 1)};
    graph.nodes.push_back(node);
  }
  graph.inputs = {0};
  graph.outputs = {static_cast<TensorId>(layers)};
  return graph;
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
  const TestData data = make_test_data(graph, DataKind::integers, 5);
  CHECK(data.exact);
  double magnitude = largest(data.inputs[0]);
  CHECK(magnitude > 0);
  for (const LayerWeights& weights : data.weights) {
    CHECK(largest(weights.kernel) > 0);
    std::vector<double> sums(static_cast<std::size_t>(channels), 0.0);
    for (std::size_t i = 0; i < weights.kernel.size(); ++i) {
      CHECK(weights.kernel[i] == std::floor(weights.kernel[i]));
      sums[i % sums.size()] += std::fabs(weights.kernel[i]) * magnitude;
    }
    double most = 0;
    for (std::size_t k = 0; k < sums.size(); ++k)
      most = std::max(most, sums[k] + std::fabs(weights.bias[k]));
    magnitude = most;
    CHECK(magnitude < 16777216.0);
  }
}

TEST_CASE("the same seed gives the same numbers, another seed others") {
  const Graph graph = chain(1, 8);
  for (DataKind kind : {DataKind::integers, DataKind::reals, DataKind::extremes}) {
    const TestData a = make_test_data(graph, kind, 1), b = make_test_data(graph, kind, 1);
    CHECK(a.inputs == b.inputs);
    CHECK(a.weights[0].kernel == b.weights[0].kernel);
    CHECK(a.inputs != make_test_data(graph, kind, 2).inputs);
  }
}

TEST_CASE("literal weights are taken as they are") {
  Graph graph = chain(1, 1);
  LayerSpec& layer = graph.nodes[0].layer;
  layer.use_bias = false;
  const std::vector<float> vertical = {1, 0, -1, 1, 0, -1, 1, 0, -1};
  layer.kernel = std::make_shared<const Literal>(Literal{{3, 3, 1, 1}, vertical});
  TestData data = make_test_data(graph, DataKind::integers, 1);
  CHECK(data.exact);
  CHECK(data.weights[0].kernel == vertical);
  CHECK(data.weights[0].bias.empty());

  layer.kernel =
      std::make_shared<const Literal>(Literal{{3, 3, 1, 1}, std::vector<float>(9, 0.1f)});
  CHECK_FALSE(make_test_data(graph, DataKind::integers, 1).exact);
}

TEST_CASE("extremes hold zeros, denormals and large values, and nothing infinite") {
  const Graph graph = chain(1, 64);
  const TestData data = make_test_data(graph, DataKind::extremes, 1);
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
