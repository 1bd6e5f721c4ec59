// Names, literals and what becomes a function of the library.
#include <catch2/catch.hpp>
#include <cmath>

#include "tests/dsl/load_helpers.h"

namespace convc::test {
namespace {

TEST_CASE("names stand for values") {
  const LayerSpec layer = load_layer(R"(
"""Text at the top is a comment,
as in Python."""
size = (3, 5)
row = [1, 0]
edges = [row, [-1, 0.5]]
same = edges
Conv2D(1, kernel=same, use_bias=False, input_shape=(9, 9, 1), strides=size)
)");
  CHECK(layer.strides == Size{3, 5});
  REQUIRE(layer.kernel != nullptr);
  CHECK(layer.kernel->shape == std::vector<std::int64_t>{2, 2, 1, 1});
  CHECK(layer.kernel->values == std::vector<float>{1, 0, -1, 0.5F});
}

TEST_CASE("a name keeps its value where it was used") {
  const Module module = load_valid(R"(
k = 3
a = [k]
k = 5
Conv2D(1, k, input_shape=(9, 9, 1))
Conv2D(1, 3, bias=a, kernel=[[1, 2, 3], [4, 5, 6], [7, 8, 9]], input_shape=(9, 9, 1))
)");
  CHECK(module.graphs[0].nodes[0].layer.kernel_size == Size{5, 5});
  CHECK(module.graphs[1].nodes[0].layer.bias->values == std::vector<float>{3});
}

TEST_CASE("layers with names become part of the Sequential that lists them") {
  const Module module = load_valid(R"(
x = Input(shape=(8, 8, 3))
first = Conv2D(4, 3, name="first")
rest = [x, first, Conv2D(2, 1)]
net = Sequential(rest, name="net")
alone = Conv2D(4, 3, input_shape=(8, 8, 3))
)");
  REQUIRE(module.graphs.size() == 2);
  CHECK(module.graphs[0].name == "net");
  CHECK(module.graphs[0].nodes.size() == 2);
  CHECK(module.graphs[1].name == "conv2d_1");
}

TEST_CASE("automatic names count per kind, in Keras' order") {
  const Module module = load_valid(R"(
Conv2D(4, 3, input_shape=(8, 8, 3))
Conv2D(4, 3, input_shape=(8, 8, 3), name="given")
Conv2D(4, 3, input_shape=(8, 8, 3))
Sequential([Input((8, 8, 3)), Conv2D(4, 3), Conv2D(4, 3)])
Sequential([Input((8, 8, 3)), Conv2D(4, 3)])
)");
  REQUIRE(module.graphs.size() == 5);
  CHECK(module.graphs[0].name == "conv2d");
  CHECK(module.graphs[2].name == "conv2d_1");
  CHECK(module.graphs[3].name == "sequential");
  CHECK(module.graphs[3].nodes[1].layer.name == "conv2d_3");
  CHECK(module.graphs[4].name == "sequential_1");
  CHECK(module.graphs[4].nodes[0].layer.name == "conv2d_4");
}

TEST_CASE("literal filters in HWIO, with a bias") {
  const LayerSpec layer = load_layer(
      "Conv2D(2, (1, 2), kernel=[[[[1, 2], [3, 4]], [[5, 6], [7, -0.0]]]], bias=[0.5, -1e-3],"
      " input_shape=(4, 4, 2))");
  REQUIRE(layer.kernel != nullptr);
  CHECK(layer.kernel->shape == std::vector<std::int64_t>{1, 2, 2, 2});
  CHECK(layer.kernel->values == std::vector<float>{1, 2, 3, 4, 5, 6, 7, 0});
  CHECK(std::signbit(layer.kernel->values[7]));
  REQUIRE(layer.bias != nullptr);
  CHECK(layer.bias->values == std::vector<float>{0.5F, -1e-3F});
  CHECK(layer.weights_are_literal());
}

TEST_CASE("grouped literal filters have the channels of a group") {
  CHECK(load_layer("Conv2D(2, 1, groups=2, kernel=[[[[1, 2]]]], use_bias=False,"
                   " input_shape=(4, 4, 2))")
            .kernel->shape == std::vector<std::int64_t>{1, 1, 1, 2});
}

TEST_CASE("where layers are written is known") {
  const Module module = load_valid("\n  # é\nConv2D(1, 1, input_shape=(1, 1, 1))\n");
  const SourceLocation& location = module.graphs[0].nodes[0].layer.location;
  CHECK(location.file == "test.conv");
  CHECK(location.line == 3);
  CHECK(location.column == 1);
}

TEST_CASE("numbers of layers are infinite where that is meant") {
  for (const char* name : {"inf", "-inf", "nan"}) {
    const std::string number = std::string("float(\"") + name + "\")";
    const Module module = load_valid("Rescaling(" + number + ", input_shape=(5, 5, 1))");
    const float scale = module.graphs[0].nodes[0].layer.post_ops.at(0).scale;
    CHECK(std::isfinite(scale) == false);
    CHECK(std::isnan(scale) == (number == "float(\"nan\")"));
    const Loaded celu = load("Activation(\"celu\", alpha=" + number + ", input_shape=(5, 5, 1))");
    CHECK(has(celu, Code::bad_parameter));
  }
  const Loaded large = load("Rescaling(1e39, input_shape=(5, 5, 1))");
  CHECK(large.text.find("`scale` is out of float32's range [E053]") != std::string::npos);
  CHECK(large.text.find("help: use a smaller number\n") != std::string::npos);
}

}  // namespace
}  // namespace convc::test
