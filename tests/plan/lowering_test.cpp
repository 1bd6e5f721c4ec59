// Which nodes become one step, and that graphs keep their meaning.
#include "generators/plan/lowering.h"

#include <catch2/catch.hpp>

#include "generators/plan/plan.h"
#include "tests/plan/plan_helpers.h"

using namespace convc;
using test::lowered;

namespace {

const std::string kInput = "x = Input(shape=(16, 16, 8))\n";

/// A model of one input `x` and what `body` makes of it; `outputs` are names.
Graph model(const std::string& body, const std::string& outputs = "y") {
  return lowered(kInput + body + "Model(inputs=x, outputs=" + outputs + ", name='net')\n");
}

std::vector<std::string> names(const Graph& graph) {
  std::vector<std::string> result;
  for (const Node& node : graph.nodes) result.push_back(node.layer.name);
  return result;
}

std::string chain(const Graph& graph, std::size_t node) {
  return to_text(graph.nodes.at(node).layer.post_ops);
}

/// Every input is an input of the graph or written before.
void check_order(const Graph& graph) {
  std::vector<bool> known(graph.tensors.size(), false);
  for (const TensorId input : graph.inputs) known[static_cast<std::size_t>(input)] = true;
  for (const Node& node : graph.nodes) {
    for (const TensorId input : node.inputs) CHECK(known[static_cast<std::size_t>(input)]);
    for (const TensorId output : node.outputs) known[static_cast<std::size_t>(output)] = true;
    for (const PostOp& op : node.layer.post_ops) {
      if (op.kind != PostOpKind::add && op.kind != PostOpKind::multiply) continue;
      CHECK(op.operand >= 1);
      CHECK(op.operand < static_cast<int>(node.inputs.size()));
    }
  }
  for (const TensorId output : graph.outputs) CHECK(known[static_cast<std::size_t>(output)]);
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("what follows a convolution becomes part of it", "[lowering]") {
  const Graph graph = model(
      "y = Conv2D(8, 3, padding='same', name='conv')(x)\n"
      "y = BatchNormalization(name='bn')(y)\n"
      "y = PReLU(shared_axes=[1, 2], name='prelu')(y)\n"
      "y = Rescaling(0.5, name='half')(y)\n");
  REQUIRE(names(graph) == Names{"conv"});
  CHECK(chain(graph, 0) == "batch_normalization(0.001,1,1);prelu;rescaling(0.5,0)");
  CHECK(graph.nodes[0].layer.post_ops[0].name == "bn");
  CHECK(graph.nodes[0].layer.post_ops[1].name == "prelu");
  CHECK(graph.nodes[0].outputs == graph.outputs);
  const auto variables = variables_of(graph.nodes[0].layer);
  REQUIRE(variables.size() == 7);
  CHECK(variables[2].layer == "bn");
  CHECK(variables[6].layer == "prelu");
  check_order(graph);
}

TEST_CASE("a residual: the convolution computed last takes the sum in", "[lowering]") {
  const Graph graph = model(
      "a = Conv2D(8, 3, padding='same', name='a')(x)\n"
      "b = Conv2D(8, 3, padding='same', name='b')(a)\n"
      "y = ReLU()(Add()([b, a]))\n");
  REQUIRE(names(graph) == Names{"a", "b"});
  CHECK(chain(graph, 1) == "add(1,full,channels_last);relu(0,inf,0)");
  CHECK(graph.nodes[1].inputs[1] == graph.nodes[0].outputs[0]);
  check_order(graph);
}

TEST_CASE("the sum's operands may come in either order", "[lowering]") {
  const Graph graph = model(
      "a = Conv2D(8, 3, padding='same', name='a')(x)\n"
      "b = Conv2D(8, 3, padding='same', name='b')(x)\n"
      "y = Add()([a, b])\n");
  REQUIRE(names(graph) == Names{"a", "b"});
  CHECK(chain(graph, 0).empty());
  CHECK(chain(graph, 1) == "add(1,full,channels_last)");
  CHECK(graph.nodes[1].inputs[1] == graph.nodes[0].outputs[0]);
  check_order(graph);
}

TEST_CASE("a host waits for operands that are computed after it", "[lowering]") {
  // b has two readers, so that only a can take the sum in.
  const Graph graph = model(
      "a = Conv2D(8, 3, padding='same', name='a')(x)\n"
      "b = Conv2D(8, 3, padding='same', name='b')(x)\n"
      "c = Conv2D(8, 3, padding='same', name='c')(b)\n"
      "y = Add()([a, b])\n",
      "[y, c]");
  REQUIRE(names(graph).size() == 3);
  check_order(graph);
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(chain(graph, i) == (graph.nodes[i].layer.name == "a" ? "add(1,full,channels_last)" : ""));
  }
}

TEST_CASE("chain after chain", "[lowering]") {
  const Graph graph = model(
      "y = Conv2D(8, 3, padding='same', name='a')(x)\n"
      "y = ReLU()(y)\n"
      "s = y\n"
      "y = Conv2D(8, 3, padding='same', name='b')(y)\n"
      "y = Add()([y, s])\n"
      "y = ReLU()(y)\n"
      "t = y\n"
      "y = Conv2D(8, 3, padding='same', name='c')(y)\n"
      "y = Add()([t, y])\n"
      "y = Activation('gelu')(y)\n");
  REQUIRE(names(graph) == Names{"a", "b", "c"});
  CHECK(chain(graph, 0) == "relu(0,inf,0)");
  CHECK(chain(graph, 1) == "add(1,full,channels_last);relu(0,inf,0)");
  CHECK(chain(graph, 2) == "add(1,full,channels_last);gelu");
  check_order(graph);
}

TEST_CASE("nothing is fused over a tensor that is read twice or is an output", "[lowering]") {
  const Graph twice = model(
      "a = Conv2D(8, 3, padding='same', name='a')(x)\n"
      "y = Add(name='sum')([a, a])\n");
  REQUIRE(names(twice) == Names{"a", "sum"});
  CHECK(chain(twice, 1) == "add(1,full,channels_last)");
  check_order(twice);
  const Graph output = model(
      "a = Conv2D(8, 3, padding='same', name='a')(x)\n"
      "y = ReLU(name='relu')(a)\n",
      "[a, y]");
  CHECK(names(output) == Names{"a", "relu"});
  check_order(output);
}

TEST_CASE("what stands before every convolution stays a step, chains are one", "[lowering]") {
  const Graph graph = model(
      "y = Rescaling(0.5, name='half')(x)\n"
      "y = ReLU(name='relu')(y)\n"
      "y = Conv2D(8, 3, name='conv')(y)\n");
  REQUIRE(names(graph) == Names{"half", "conv"});
  CHECK(chain(graph, 0) == "rescaling(0.5,0);relu(0,inf,0)");
}

TEST_CASE("identities vanish, unless they are all there is", "[lowering]") {
  CHECK(names(model("y = Identity()(Conv2D(8, 3, name='conv')(Identity()(x)))\n")) ==
        Names{"conv"});
  CHECK(names(model("y = Activation('linear')(Conv2D(8, 3, name='conv')(x))\n")) == Names{"conv"});
  CHECK(names(model("y = Identity(name='copy')(x)\n")) == Names{"copy"});
  // One tensor cannot be two outputs.
  const Graph both = model(
      "a = Conv2D(8, 3, name='conv')(x)\n"
      "y = Identity(name='copy')(a)\n",
      "[a, y]");
  CHECK(names(both) == Names{"conv", "copy"});
  // The convolution writes the output that another layer reads, too.
  const Graph shared = model(
      "a = Conv2D(8, 3, name='conv')(x)\n"
      "y = Identity()(a)\n"
      "z = Conv2D(8, 3, name='next')(a)\n",
      "[y, z]");
  REQUIRE(names(shared) == Names{"conv", "next"});
  CHECK(shared.nodes[0].outputs[0] == shared.outputs[0]);
  CHECK(shared.nodes[1].inputs[0] == shared.outputs[0]);
}

TEST_CASE("zero padding joins the convolution after it", "[lowering]") {
  const Graph graph = model(
      "y = ZeroPadding2D(((1, 2), (3, 4)), name='pad')(x)\n"
      "y = Conv2D(8, 3, name='conv')(y)\n");
  REQUIRE(names(graph) == Names{"conv"});
  const LayerSpec& layer = graph.nodes[0].layer;
  CHECK(layer.padding == Padding{1, 2, 3, 4, 0, 0});
  CHECK(layer.in == Size{16, 16});
  CHECK(layer.out == Size{17, 21});
  CHECK(graph.nodes[0].inputs == graph.inputs);
}

TEST_CASE("paddings add up", "[lowering]") {
  const Graph graph = model(
      "y = ZeroPadding2D(2)(ZeroPadding2D(1)(x))\n"
      "y = Conv2D(8, 3, padding='same', name='conv')(y)\n");
  REQUIRE(names(graph) == Names{"conv"});
  CHECK(graph.nodes[0].layer.padding == Padding{4, 4, 4, 4, 0, 0});
  CHECK(graph.nodes[0].layer.out == Size{22, 22});
}

TEST_CASE("padding stays where it cannot join", "[lowering]") {
  CHECK(names(model("p = ZeroPadding2D(1, name='pad')(x)\n"
                    "y = Add()([Conv2D(8, 3, name='a')(p), Conv2D(8, 3, name='b')(p)])\n")) ==
        Names{"pad", "a", "b"});
  CHECK(names(model("p = ZeroPadding2D(1, name='pad')(x)\n"
                    "y = Conv2D(8, 3, padding=((1, 1), (1, 1)), padding_mode='reflect', "
                    "name='conv')(p)\n")) == Names{"pad", "conv"});
  CHECK(names(model("p = ZeroPadding2D(1, name='pad')(x)\n"
                    "y = Conv2DTranspose(8, 3, name='up')(p)\n")) == Names{"pad", "up"});
}

TEST_CASE("post_ops join padding that stays", "[lowering]") {
  const Graph graph = model(
      "p = ReLU()(ZeroPadding2D(1, name='pad')(x))\n"
      "y = Conv2D(8, 3, name='conv')(p)\n");
  REQUIRE(names(graph) == Names{"pad", "conv"});
  CHECK(chain(graph, 0) == "relu(0,inf,0)");
}

TEST_CASE("softmax is a step of its own; what follows it joins it", "[lowering]") {
  const Graph graph = model(
      "y = Conv2D(8, 3, name='conv', activation='softmax')(x)\n"
      "y = Rescaling(2.0)(y)\n"
      "y = Softmax(name='again')(y)\n");
  REQUIRE(names(graph) == Names{"conv", "conv", "again"});
  CHECK(chain(graph, 0).empty());
  CHECK(chain(graph, 1) == "softmax;rescaling(2,0)");
  CHECK(graph.nodes[1].layer.kind == LayerKind::elementwise);
  CHECK(chain(graph, 2) == "softmax");
  check_order(graph);
}

TEST_CASE("over another axis than the channels no numbers of channels join softmax", "[lowering]") {
  const Graph graph = model(
      "y = Softmax(axis=2, name='soft')(x)\n"
      "y = Rescaling(2.0)(y)\n"
      "y = BatchNormalization(name='norm')(y)\n");
  REQUIRE(names(graph) == Names{"soft", "norm"});
  CHECK(chain(graph, 0) == "softmax(width);rescaling(2,0)");
  const LayerSpec exchanged = exchange_channels(graph.nodes[0].layer);
  CHECK(exchanged.in_channels == graph.nodes[0].layer.in.width);
  CHECK(exchanged.out.width == graph.nodes[0].layer.filters);
  CHECK(channelwise_axis(exchanged) == TensorAxis::channels);
}

TEST_CASE("a normalization is folded when it comes first, from where the kernel comes",
          "[lowering]") {
  const Graph first = model("y = BatchNormalization()(Conv2D(8, 3)(x))\n");
  CHECK(folded_normalization(first.nodes[0].layer) == 0);
  const Graph later = model("y = BatchNormalization()(ReLU()(Conv2D(8, 3)(x)))\n");
  CHECK(folded_normalization(later.nodes[0].layer) == -1);
  const Graph alone = model("y = BatchNormalization()(x)\n");
  CHECK(folded_normalization(alone.nodes[0].layer) == -1);
  LayerSpec mixed = first.nodes[0].layer;
  mixed.post_ops.front().mean = std::make_shared<Literal>();
  CHECK(folded_normalization(mixed) == -1);
}

TEST_CASE("operands with a row pitch are copied first", "[lowering]") {
  Graph graph = test::module_of(kInput +
                                "a = Conv2D(8, 1, name='a')(x)\n"
                                "y = Add()([a, x])\n"
                                "Model(inputs=x, outputs=y, name='net')\n")
                    .graphs.front();
  const auto input = static_cast<std::size_t>(graph.inputs.front());
  graph.tensors[input].form.row_pitch = 160;
  graph.nodes.front().layer.input_form.row_pitch = 160;
  const Graph result = lower(graph);
  REQUIRE(result.nodes.size() == 2);
  const LayerSpec& copy = result.nodes[0].layer;
  CHECK(copy.kind == LayerKind::elementwise);
  CHECK(copy.input_form.row_pitch == 160);
  CHECK(copy.output_form.row_pitch == 0);
  CHECK(copy.in == Size{16, 16});
  CHECK(copy.in_channels == 8);
  CHECK(result.nodes[1].inputs[0] == graph.inputs.front());
  CHECK(result.nodes[1].inputs[1] == result.nodes[0].outputs[0]);
  check_order(result);
}

TEST_CASE("a chain ends where a kernel would have too many arguments", "[lowering]") {
  std::string body = "y = Conv2D(8, 1, name='conv')(x)\n";
  for (int i = 0; i < 100; ++i) body += "y = Add()([y, x])\n";
  const Graph graph = model(body);
  CHECK(graph.nodes.size() > 1);
  std::size_t sums = 0;
  for (const Node& node : graph.nodes) {
    CHECK(node.inputs.size() < 64);
    sums += node.layer.post_ops.size();
  }
  CHECK(sums == 100);
  check_order(graph);
}

TEST_CASE("lowering twice changes nothing", "[lowering]") {
  const Graph graph = model(
      "a = Conv2D(8, 3, padding='same', name='a')(x)\n"
      "b = Conv2DTranspose(8, 3, padding='same', name='b')(a)\n"
      "y = Softmax()(ReLU()(Add()([b, a])))\n");
  CHECK(lower(graph) == graph);
}
