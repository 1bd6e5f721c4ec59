// Graphs of the functional style: how they are connected, and sums of tensors.
#include <catch2/catch.hpp>

#include "dsl/printer.h"
#include "tests/dsl/load_helpers.h"

namespace convc::test {
namespace {

Graph load_graph(const std::string& spec) {
  Module module = load_valid(spec);
  REQUIRE(module.graphs.size() == 1);
  return module.graphs[0];
}

TEST_CASE("a residual block") {
  const Graph graph = load_graph(R"(
x = Input((8, 6, 4), name="image")
y = Conv2D(4, 3, padding="same", name="conv")(x)
y = Add(name="sum")([x, y])
Model(inputs=x, outputs=ReLU(name="out")(y), name="block")
)");
  CHECK(graph.form == GraphForm::model);
  CHECK(graph.name == "block");
  REQUIRE(graph.nodes.size() == 3);
  CHECK(graph.inputs == std::vector<TensorId>{0});
  CHECK(graph.outputs == std::vector<TensorId>{3});
  CHECK(graph.tensors[0].name == "image");
  CHECK(graph.tensors[1].name == "conv");
  CHECK(graph.tensors[3].name == "output");
  const Node& sum = graph.nodes[1];
  CHECK(sum.layer.kind == LayerKind::elementwise);
  CHECK(sum.inputs == std::vector<TensorId>{0, 1});
  REQUIRE(sum.layer.post_ops.size() == 1);
  CHECK(sum.layer.post_ops[0].kind == PostOpKind::add);
  CHECK(sum.layer.post_ops[0].operand == 1);
  CHECK(sum.layer.post_ops[0].operand_shape == OperandShape::full);
  CHECK(sum.layer.post_ops[0].name == "sum");
}

TEST_CASE("nodes are in execution order, names count in Python's") {
  const Graph graph = load_graph(R"(
x = Input((8, 8, 4))
Model(x, Conv2D(2, 1)(Conv2D(3, 1)(x)))
)");
  CHECK(graph.name == "functional");
  REQUIRE(graph.nodes.size() == 2);
  CHECK(graph.nodes[0].layer.name == "conv2d_1");  // the callee is made before its argument
  CHECK(graph.nodes[0].layer.filters == 3);
  CHECK(graph.nodes[1].layer.name == "conv2d");
}

TEST_CASE("several inputs and outputs, in the order of the lists") {
  const Graph graph = load_graph(R"(
a = Input((8, 8, 4))
b = Input((8, 8, 4))
s = Add(name="s")([a, b])
p = Multiply(name="p")([s, b, a])
Model(inputs=[b, a], outputs=[p, s], name="both")
)");
  CHECK(graph.tensors[0].name == "input");
  CHECK(graph.tensors[1].name == "input_1");
  CHECK(graph.tensors[2].name == "s");
  CHECK(graph.tensors[3].name == "p");
  CHECK(graph.outputs == std::vector<TensorId>{3, 2});
  CHECK(graph.nodes[0].inputs == std::vector<TensorId>{1, 0});
  CHECK(graph.nodes[1].inputs == std::vector<TensorId>{2, 0, 1});
  REQUIRE(graph.nodes[1].layer.post_ops.size() == 2);
  CHECK(graph.nodes[1].layer.post_ops[1].operand == 2);
}

TEST_CASE("without inputs= a Model has those that it depends on, in the order of writing") {
  const Graph graph =
      load_graph("Model(outputs=Add()([Input((8, 8, 4), name='a'), Input((8, 8, 4), name='b')]))");
  REQUIRE(graph.inputs.size() == 2);
  CHECK(graph.tensors[0].name == "a");
  CHECK(graph.tensors[1].name == "b");
}

TEST_CASE("tensors that are repeated are operands, never the main input") {
  const auto [shape, expected] = GENERATE(table<std::string, OperandShape>({
      {"(8, 6, 4)", OperandShape::full},
      {"(1, 1, 4)", OperandShape::per_channel},
      {"(8, 6, 1)", OperandShape::per_pixel},
      {"(1, 1, 1)", OperandShape::scalar},
  }));
  const bool first = GENERATE(true, false);
  INFO(shape << (first ? " first" : " second"));
  const Graph graph =
      load_graph("x = Input((8, 6, 4))\ny = Input(" + shape + ")\nModel([x, y], Multiply()(" +
                 (first ? "[y, x]" : "[x, y]") + "))");
  const bool swapped = first && expected == OperandShape::full;
  CHECK(graph.nodes[0].inputs.front() == (swapped ? 1 : 0));
  REQUIRE(graph.nodes[0].layer.post_ops.size() == 1);
  CHECK(graph.nodes[0].layer.post_ops[0].operand_shape == expected);
  CHECK(graph.nodes[0].layer.in_channels == 4);
}

TEST_CASE("Sequentials in graphs and in Sequentials are their layers") {
  const Module module = load_valid(R"(
block = Sequential([Conv2D(4, 3, name="a"), ReLU(name="r")])
x = Input((8, 8, 4))
Model(x, block(x), name="called")
Sequential([Input((8, 8, 4)), Sequential([Conv2D(4, 3, name="a")]), Conv2D(4, 3, name="b")],
           name="nested")
Sequential([Sequential([Input((8, 8, 4), name="image"), Conv2D(4, 3)]), ELU()], name="inner_input")
)");
  REQUIRE(module.graphs.size() == 3);
  CHECK(module.graphs[0].nodes[1].layer.name == "r");
  CHECK(module.graphs[1].nodes.size() == 2);
  CHECK(module.graphs[1].nodes[1].layer.in == Size{6, 6});
  CHECK(module.graphs[2].tensors[0].name == "image");
  CHECK(has(load("Sequential([Input((8, 8, 4)), Conv2D(4, 3), "
                 "Sequential([Input((8, 8, 4)), Conv2D(4, 3)])])"),
            Code::shapes_disagree));
}

TEST_CASE("an error in a graph is told once") {
  const Loaded loaded = load(R"(
x = Input((8, 8, 4))
y = Conv2D(4, 3, filtrs=3)(x)
z = ReLU()(y)
Model(x, z)
)");
  CHECK(loaded.codes == std::vector<Code>{Code::unknown_argument});
  CHECK(load("x = Input((8, 8, 4))\ny = Conv2D(4, 9)(x)\nModel(x, Add()([y, y]))").codes ==
        std::vector<Code>{Code::filter_too_large});
  CHECK(load("y = Conv2D(4, 9)(x)\nModel(x, y)").codes ==
        std::vector<Code>{Code::unknown_name, Code::unknown_name});
}

TEST_CASE("names of tensors are used anew in each printed Model") {
  const Module module = load_valid(R"(
x = Input((8, 8, 4))
Model(x, ReLU(name="a")(x), name="one")
y = Input((4, 4, 1), batch_size=None)
Model(y, ELU(name="b")(y), name="two")
)");
  CHECK(print(module) == R"(t0 = Input(shape=(8, 8, 4))
t1 = ReLU(name="a")(t0)
Model(inputs=t0, outputs=t1, name="one")
t0 = Input(shape=(4, 4, 1), batch_size=None)
t1 = ELU(name="b")(t0)
Model(inputs=t0, outputs=t1, name="two")
)");
}

TEST_CASE("Sequentials nest to a limit, chains of calls do not") {
  std::string nested = "s = Sequential([Conv2D(1, 1)])\n";
  for (int i = 0; i < 200; ++i) nested += "s = Sequential([s])\n";
  CHECK(has(load(nested), Code::too_deep));
  std::string calls = "x = Input((4, 4, 1))\ny = ReLU()(x)\n";
  for (int i = 0; i < 2000; ++i) calls += "y = ReLU()(y)\n";
  CHECK(load_graph(calls + "Model(x, y)").nodes.size() == 2001);
}

}  // namespace
}  // namespace convc::test
