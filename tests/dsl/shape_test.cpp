// Shapes and paddings against tables: Keras' and TensorFlow's rules worked out by hand.
#include <catch2/catch.hpp>
#include <tuple>

#include "dsl/resolve.h"
#include "tests/dsl/load_helpers.h"

namespace convc::test {
namespace {

TEST_CASE("the text-book example") {
  const Module module =
      load_valid("Conv2D(filters=32, kernel_size=3, padding=\"same\", input_shape=(5, 5, 1))");
  const LayerSpec& layer = module.graphs[0].nodes[0].layer;
  CHECK(layer.out == Size{5, 5});
  CHECK(layer.filters == 32);
  CHECK(layer.padding == Padding{1, 1, 1, 1});
  CHECK(layer.name == "conv2d");
  CHECK_FALSE(module.graphs[0].batch_given);
  CHECK(layer.batch == 1);
}

TEST_CASE("TensorFlow's SAME, with stride, even filters and dilation") {
  using Row = std::tuple<int, int, int, int, int, int>;  // in, filter, stride, dilation, pads
  int in, filter, stride, dilation, before, after;
  std::tie(in, filter, stride, dilation, before, after) =
      GENERATE(table<int, int, int, int, int, int>({
          Row{5, 3, 1, 1, 1, 1},  // odd filter: even on both sides
          Row{5, 2, 1, 1, 0, 1},  // even filter: the odd one after
          Row{5, 4, 1, 1, 1, 2},
          Row{224, 7, 2, 1, 2, 3},  // ResNet's first layer in Keras: not 3 and 3 as in PyTorch
          Row{6, 3, 2, 1, 0, 1},
          Row{7, 3, 2, 1, 1, 1},
          Row{5, 1, 2, 1, 0, 0},
          Row{6, 1, 4, 1, 0, 0},  // stride beyond the filter: nothing, never negative
          Row{10, 3, 4, 1, 0, 1},
          Row{5, 3, 1, 2, 2, 2},  // dilation 2: the filter spans 5
          Row{8, 3, 2, 2, 1, 2},
          Row{1, 5, 1, 1, 2, 2},  // filter larger than the image
          Row{1, 1, 9, 9, 0, 0},
      }));
  INFO("in " << in << " filter " << filter << " stride " << stride << " dilation " << dilation);
  const AxisPadding padding = same_padding(in, filter, stride, dilation);
  CHECK(padding.before == before);
  CHECK(padding.after == after);
}

TEST_CASE("output sizes") {
  const auto [spec, height, width, filters] = GENERATE(table<std::string, int, int, int>({
      {"Conv2D(4, 3, input_shape=(5, 7, 2))", 3, 5, 4},
      {"Conv2D(4, (3, 5), input_shape=(5, 7, 2))", 3, 3, 4},
      {"Conv2D(4, [3, 5], input_shape=[5, 7, 2])", 3, 3, 4},
      {"Conv2D(4, 3, 2, input_shape=(224, 224, 3))", 111, 111, 4},
      {"Conv2D(4, 3, (2, 3), input_shape=(224, 224, 3))", 111, 74, 4},
      {"Conv2D(4, 3, strides=2, padding=\"SAME\", input_shape=(7, 8, 3))", 4, 4, 4},
      {"Conv2D(4, 3, dilation_rate=2, input_shape=(7, 8, 3))", 3, 4, 4},
      {"Conv2D(4, 3, strides=2, dilation_rate=(1, 2), input_shape=(7, 8, 3))", 3, 2, 4},
      {"Conv2D(4, 3, padding=((1, 2), (3, 0)), input_shape=(4, 4, 3))", 5, 5, 4},
      {"Conv2D(4, 2, padding=[[0, 0], [0, 0]], input_shape=(4, 4, 3))", 3, 3, 4},
      {"Conv2D(4, 4, input_shape=(4, 4, 3))", 1, 1, 4},  // the filter fits exactly
      {"Conv2D(6, 1, groups=3, strides=9, input_shape=(4, 4, 3))", 1, 1, 6},
      {"Conv2D(2, 3, padding=\"same\", input_shape=(1, 1, 1))", 1, 1, 2},
  }));
  INFO(spec);
  const LayerSpec layer = load_layer(spec);
  CHECK(layer.out.height == height);
  CHECK(layer.out.width == width);
  CHECK(layer.filters == filters);
}

TEST_CASE("arguments arrive, by position and by name, in Keras' order") {
  const LayerSpec layer = load_layer(
      "Conv2D(4, (3, 2), (2, 1), \"same\", \"channels_last\", (1, 3), 2, \"relu\", False,"
      " input_shape=(9, 8, 6), batch=5, dtype=\"float32\", padding_mode=\"zeros\", name=\"x\")");
  CHECK(layer.filters == 4);
  CHECK(layer.kernel_size == Size{3, 2});
  CHECK(layer.strides == Size{2, 1});
  CHECK(layer.padding_rule == PaddingRule::same);
  CHECK(layer.dilation_rate == Size{1, 3});
  CHECK(layer.groups == 2);
  REQUIRE(layer.post_ops.size() == 1);
  CHECK(layer.post_ops[0].activation == default_activation(ActivationFunction::relu));
  CHECK_FALSE(layer.use_bias);
  CHECK(layer.in == Size{9, 8});
  CHECK(layer.in_channels == 6);
  CHECK(layer.batch == 5);
  CHECK(layer.name == "x");
}

TEST_CASE("defaults that are written out say nothing") {
  const LayerSpec plain = load_layer("Conv2D(4, 3, input_shape=(9, 8, 6))");
  const LayerSpec spelled = load_layer(
      "Conv2D(4, 3, (1, 1), \"valid\", None, (1, 1), 1, None, True, None, None, None, None, None,"
      " None, None, input_shape=(9, 8, 6), name=None, dtype=None, kernel=None, bias=None)");
  CHECK(plain == spelled);
}

TEST_CASE("shapes flow through a Sequential") {
  const Module module = load_valid(R"(
Sequential(name="net", layers=[
    Input(shape=(32, 30, 3), batch_size=2),
    Conv2D(8, 3, strides=2),
    Conv2D(16, 3, padding="same", activation="relu", name="middle"),
    Conv2D(4, 1),
]))");
  REQUIRE(module.graphs.size() == 1);
  const Graph& graph = module.graphs[0];
  CHECK(graph.name == "net");
  CHECK(graph.form == GraphForm::sequential);
  CHECK(graph.batch_given);
  REQUIRE(graph.nodes.size() == 3);
  CHECK(graph.nodes[0].layer.name == "conv2d");
  CHECK(graph.nodes[2].layer.name == "conv2d_1");
  CHECK(graph.nodes[1].layer.in == Size{15, 14});
  CHECK(graph.nodes[1].layer.in_channels == 8);
  CHECK(graph.nodes[2].layer.batch == 2);
  CHECK(graph.nodes[2].layer.out == Size{15, 14});
  REQUIRE(graph.tensors.size() == 4);
  CHECK(graph.tensors[0].name == "input");
  CHECK(graph.tensors[2].name == "middle");
  CHECK(graph.tensors[3].name == "output");
  CHECK(graph.tensors[3].shape == std::vector<Dim>{{2, 2}, {15, 15}, {14, 14}, {4, 4}});
  CHECK(graph.inputs == std::vector<TensorId>{0});
  CHECK(graph.outputs == std::vector<TensorId>{3});
  CHECK(graph.nodes[1].inputs == std::vector<TensorId>{1});
  CHECK(graph.nodes[1].outputs == std::vector<TensorId>{2});
}

TEST_CASE("a Sequential takes its shape from Input, from its first layer, or from both") {
  const auto spec = GENERATE(
      "Sequential([Input((8, 8, 3)), Conv2D(4, 3)], name='n')",
      "Sequential([Input(shape=(8, 8, 3)), Conv2D(4, 3)], name='n')",
      "Sequential([Conv2D(4, 3, input_shape=(8, 8, 3))], name='n')",
      "Sequential([Input(shape=(8, 8, 3)), Conv2D(4, 3, input_shape=(8, 8, 3))], name='n')");
  const Module module = load_valid(spec);
  CHECK(module.graphs[0].nodes[0].layer.out == Size{6, 6});
  CHECK_FALSE(module.graphs[0].batch_given);
}

TEST_CASE("batch_shape gives batch and shape at once") {
  const Module module = load_valid("Sequential([Input(batch_shape=(3, 8, 9, 2)), Conv2D(4, 3)])");
  CHECK(module.graphs[0].batch_given);
  CHECK(module.graphs[0].nodes[0].layer.batch == 3);
  CHECK(module.graphs[0].nodes[0].layer.in == Size{8, 9});
}

TEST_CASE("sizes next to the limits") {
  CHECK(load_layer("Conv2D(1, 1, input_shape=(2147483647, 1, 1))").out.height == 2147483647);
  CHECK(has(load("Conv2D(1, 1, input_shape=(2147483648, 1, 1))"), Code::size_too_large));
  CHECK(load_layer("Conv2D(1, 1, input_shape=(46340, 46340, 1))").out.width == 46340);
  CHECK(has(load("Conv2D(1, 1, input_shape=(46341, 46341, 1))"), Code::tensor_too_large));
  CHECK(has(load("Conv2D(2147483647, 2, input_shape=(2, 2, 2))"), Code::tensor_too_large));
  CHECK(has(load("Conv2D(1, 1, strides=2147483648, input_shape=(2, 2, 2))"), Code::size_too_large));
  CHECK(load_layer("Conv2D(1, 1, strides=2147483647, input_shape=(2, 2, 2))").out == Size{1, 1});
  CHECK(has(load("Conv2D(1, 2, padding='same', dilation_rate=2147483647, input_shape=(9, 9, 9))"),
            Code::size_too_large));
  CHECK(has(load("Conv2D(1, 1, padding=((2147483647, 0), (0, 0)), input_shape=(2, 2, 2))"),
            Code::size_too_large));
  CHECK(has(load("Conv2D(9, 1, input_shape=(9223372036854775807, 2, 2))"), Code::size_too_large));
  CHECK(has(load("Conv2D(9, 1, input_shape=(9223372036854775808, 2, 2))"), Code::bad_number));
}

}  // namespace
}  // namespace convc::test
