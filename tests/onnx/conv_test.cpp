// Conv and ConvTranspose: windows, auto_pad, groups, weights that are inputs, and what is wrong.
#include <catch2/catch.hpp>

#include "tests/onnx/model.h"

namespace convc::test {
namespace {

// x of `shape`, filters of `filter`; the node's attributes are the test's.
struct ConvModel : ModelMaker {
  NodeMaker conv;
  ConvModel(const Sizes& shape, const Sizes& filter, const char* op = "Conv")
      : conv((input("x", shape), filled("w", filter), output("y"), node(op, {"x", "w"}, {"y"}))) {}
};

Padding padding_of(const Loaded& loaded) {
  INFO(loaded.text);
  REQUIRE(loaded.module);
  return loaded.layer().padding;
}

Sizes output_shape(const Loaded& loaded) {
  INFO(loaded.text);
  REQUIRE(loaded.module);
  Sizes sizes;
  const Graph& graph = loaded.graph();
  for (const Dim& dim : graph.tensors.at(static_cast<std::size_t>(graph.outputs[0])).shape) {
    REQUIRE(dim.fixed());
    sizes.push_back(dim.min);
  }
  return sizes;
}

}  // namespace

TEST_CASE("a Conv becomes a layer in ONNX' layouts") {
  ConvModel model({2, 6, 10, 12}, {8, 3, 3, 5});
  model.filled("b", {8}, 0.5F);
  model.model.mutable_graph()->mutable_node(0)->add_input("b");
  model.conv.set("group", 2).set("strides", Sizes{2, 1}).set("pads", Sizes{0, 1, 2, 3});
  const Loaded loaded = model.load();
  INFO(loaded.text);
  REQUIRE(loaded.module);
  CHECK(loaded.text.empty());
  CHECK(loaded.module->name == "net");
  CHECK(loaded.graph().name == "model");
  CHECK(loaded.graph().form == GraphForm::model);
  const LayerSpec& layer = loaded.layer();
  CHECK(layer.kind == LayerKind::conv);
  CHECK(layer.name == "conv_0");
  CHECK(layer.rank == 2);
  CHECK(layer.batch == 2);
  CHECK(layer.in == Size{10, 12});
  CHECK(layer.in_channels == 6);
  CHECK(layer.filters == 8);
  CHECK(layer.groups == 2);
  CHECK(layer.kernel_size == Size{3, 5});
  CHECK(layer.strides == Size{2, 1});
  CHECK(layer.padding == Padding{0, 2, 1, 3});
  CHECK(layer.padding_rule == PaddingRule::explicit_pairs);
  CHECK(layer.out == Size{5, 12});
  CHECK(layer.input_form.layout == Layout::channels_first);
  CHECK(layer.output_form.layout == Layout::channels_first);
  CHECK(layer.kernel_layout == KernelLayout::filters_first);
  REQUIRE(layer.kernel);
  CHECK(layer.kernel->shape == Sizes{8, 3, 3, 5});
  REQUIRE(layer.bias);
  CHECK(layer.bias->values == std::vector<float>(8, 0.5F));
  CHECK(output_shape(loaded) == Sizes{2, 8, 5, 12});
}

TEST_CASE("Conv of one and three spatial axes") {
  const Loaded line = ConvModel({1, 2, 9}, {4, 2, 3}).load();
  CHECK(output_shape(line) == Sizes{1, 4, 7});
  CHECK(line.layer().kernel_size == Size{1, 3, 1});
  ConvModel model({1, 2, 5, 6, 7}, {4, 2, 1, 2, 3});
  model.conv.set("pads", Sizes{1, 2, 3, 4, 5, 6}).set("dilations", Sizes{1, 2, 3});
  const Loaded volume = model.load();
  CHECK(padding_of(volume) == Padding{2, 5, 3, 6, 1, 4});
  CHECK(volume.layer().dilation_rate == Size{2, 3, 1});
  CHECK(output_shape(volume) == Sizes{1, 4, 10, 11, 10});
}

TEST_CASE("auto_pad of Conv") {
  const auto padded = [](const char* auto_pad) {
    ConvModel model({1, 1, 8, 8}, {1, 1, 4, 3});
    model.conv.set("auto_pad", auto_pad).set("strides", Sizes{2, 1});
    return model.load();
  };
  const Loaded upper = padded("SAME_UPPER");
  CHECK(padding_of(upper) == Padding{1, 1, 1, 1});
  CHECK(upper.layer().padding_rule == PaddingRule::same);
  CHECK(output_shape(upper) == Sizes{1, 1, 4, 8});
  CHECK(padded("SAME_LOWER").layer().padding_rule == PaddingRule::same_lower);
  CHECK(padding_of(padded("VALID")) == Padding{});
  ConvModel odd({1, 1, 8}, {1, 1, 4});
  odd.conv.set("auto_pad", "SAME_UPPER");
  CHECK(padding_of(odd.load()) == Padding{0, 0, 1, 2});
  ConvModel lower({1, 1, 8}, {1, 1, 4});
  lower.conv.set("auto_pad", "SAME_LOWER");
  CHECK(padding_of(lower.load()) == Padding{0, 0, 2, 1});
  CHECK(padded("SAME").text ==
        "model.onnx: error: node 0 (Conv): attribute `auto_pad` is \"SAME\"; it is NOTSET, "
        "SAME_UPPER, SAME_LOWER or VALID [E081]\n"
        "      = help: did you mean SAME_UPPER?\n");
}

TEST_CASE("ConvTranspose: pads, output_padding, output_shape and auto_pad") {
  ConvModel pads({1, 1, 3, 3}, {1, 2, 3, 3}, "ConvTranspose");
  pads.conv.set("strides", Sizes{3, 2}).set("pads", Sizes{1, 2, 1, 2});
  const Loaded padded = pads.load();
  CHECK(output_shape(padded) == Sizes{1, 2, 7, 3});
  CHECK(padded.layer().kind == LayerKind::conv_transpose);
  CHECK(padded.layer().padding == Padding{1, 1, 2, 2});
  CHECK(padded.layer().filters == 2);

  ConvModel longer({1, 1, 3, 3}, {1, 2, 3, 3}, "ConvTranspose");
  longer.conv.set("strides", Sizes{3, 2}).set("output_padding", Sizes{1, 1});
  CHECK(output_shape(longer.load()) == Sizes{1, 2, 10, 8});

  // One more than 3 * (3 - 1) + 3 = 9 is put at the end; of 7, one less is taken away.
  ConvModel shape({1, 1, 3, 3}, {1, 2, 3, 3}, "ConvTranspose");
  shape.conv.set("strides", Sizes{3, 2}).set("output_shape", Sizes{10, 6});
  const Loaded shaped = shape.load();
  CHECK(output_shape(shaped) == Sizes{1, 2, 10, 6});
  CHECK(shaped.layer().output_padding == Size{1, 0, 0});
  CHECK(shaped.layer().padding == Padding{0, 0, 1, 0});

  const auto same = [](const char* auto_pad) {
    ConvModel model({1, 1, 5}, {1, 1, 4}, "ConvTranspose");
    model.conv.set("auto_pad", auto_pad);
    return model.load();
  };
  CHECK(padding_of(same("SAME_UPPER")) == Padding{0, 0, 1, 2});
  CHECK(padding_of(same("SAME_LOWER")) == Padding{0, 0, 2, 1});
  CHECK(output_shape(same("SAME_UPPER")) == Sizes{1, 1, 5});

  ConvModel groups({1, 4, 5}, {4, 3, 2}, "ConvTranspose");
  groups.conv.set("group", 2);
  CHECK(output_shape(groups.load()) == Sizes{1, 6, 6});
}

TEST_CASE("output_padding is less than the stride or the dilation") {
  ConvModel model({1, 1, 5}, {1, 1, 3}, "ConvTranspose");
  model.conv.set("strides", Sizes{2}).set("output_padding", Sizes{2});
  CHECK(model.load().text ==
        "model.onnx: error: node 0 (ConvTranspose): attribute `output_padding` has the number 2; "
        "it must be less than the stride or the dilation, 2 [E081]\n"
        "      = help: give it smaller numbers; `output_shape` asks for a size\n");
}

TEST_CASE("pads beside an auto_pad") {
  const auto text = [](const char* op, const char* auto_pad, const Sizes& pads, std::int64_t size) {
    ModelMaker model;
    model.input("x", {1, 2, size, 8});
    model.filled("w", {2, 2, 3, 3});
    model.node(op, {"x", "w"}, {"y"})
        .set("auto_pad", auto_pad)
        .set("pads", pads)
        .set("strides", Sizes{2, 1});
    model.output("y");
    return model.load().text;
  };
  const Sizes ones = {1, 1, 1, 1};
  CHECK(text("Conv", "SAME_UPPER", ones, 9).empty());
  CHECK(text("Conv", "SAME_UPPER", {0, 0, 0, 0}, 9).empty());
  CHECK(text("Conv", "VALID", {0, 0, 0, 0}, 9).empty());
  CHECK(text("Conv", "SAME_UPPER", ones, 8) ==
        "model.onnx: error: node 0 (Conv): attribute `pads` has 1 and 1 for spatial axis 0, where "
        "`auto_pad` gives 0 and 1 [E081]\n"
        "      = help: remove one of the two; ONNX forbids both\n");
  CHECK(text("Conv", "SAME_LOWER", {1, 1, 0, 1}, 8).empty());
  CHECK(text("Conv", "SAME_LOWER", {0, 1, 1, 1}, 8).find("`auto_pad` gives 1 and 0") !=
        std::string::npos);
  CHECK(text("Conv", "VALID", ones, 8).find("`auto_pad` gives 0 and 0") != std::string::npos);
  CHECK(text("ConvTranspose", "SAME_UPPER", {0, 1, 1, 1}, 8).empty());
  CHECK(text("ConvTranspose", "SAME_UPPER", ones, 8).find("`auto_pad` gives 0 and 1") !=
        std::string::npos);
}

TEST_CASE("weights that are inputs of the graph are variables") {
  ModelMaker model;
  model.input("x", {1, 2, 5, 5});
  model.input("w", {4, 2, 3, 3});
  model.input("b", {4});
  model.node("Conv", {"x", "w", "b"}, {"y"}).named("stem/conv");
  model.output("y");
  const Loaded loaded = model.load();
  INFO(loaded.text);
  REQUIRE(loaded.module);
  CHECK(loaded.graph().inputs.size() == 1);
  CHECK(loaded.layer().use_bias);
  CHECK_FALSE(loaded.layer().kernel);
  const std::vector<LayerVariable> variables = variables_of(loaded.layer());
  REQUIRE(variables.size() == 2);
  CHECK(variables[0].layer == "stem_conv");
  CHECK(variables[0].shape == Sizes{4, 2, 3, 3});
  CHECK(variables[1].shape == Sizes{4});
}

TEST_CASE("weights and bias come from one place") {
  ModelMaker model;
  model.input("x", {1, 2, 5, 5});
  model.filled("w", {4, 2, 3, 3});
  model.input("b", {4});
  model.node("Conv", {"x", "w", "b"}, {"y"});
  model.output("y");
  CHECK(model.load().text ==
        "model.onnx: error: node 0 (Conv): the weights and the bias must both be in the model, or "
        "both be inputs of it [E081]\n");
}

TEST_CASE("what does not fit is reported with its numbers, all in one run") {
  ModelMaker model;
  model.input("x", {1, 3, 5, 5});
  model.filled("w", {4, 2, 3, 3});
  model.filled("odd", {4, 3, 3, 3});
  model.filled("big", {4, 3, 7, 3});
  model.filled("b", {3});
  model.filled("flat", {4, 3, 3});
  model.node("Conv", {"x", "w"}, {"a"});
  model.node("Conv", {"x", "odd"}, {"b1"}).set("group", 2);
  model.node("Conv", {"x", "big"}, {"c"}).named("big one");
  model.node("Conv", {"x", "odd", "b"}, {"d"});
  model.node("Conv", {"x", "flat"}, {"e"});
  model.node("Conv", {"x", "odd"}, {"f"}).set("kernel_shape", Sizes{3, 2});
  model.node("Conv", {"x", "odd"}, {"g"}).set("strides", Sizes{0, 1}).set("mystery", 1);
  model.node("Conv", {"x", "odd"}, {"h"}).set("mystery", 1);
  model.node("Conv", {"x", "odd"}, {"i"}).set("strides", 2);
  model.node("Conv", {"x", "odd"}, {"j"}).set("pads", Sizes{1, 1});
  model.node("ConvTranspose", {"x", "odd"}, {"k"});
  model.output("a");
  CHECK(
      model.load().text ==
      R"(model.onnx: error: node 0 (Conv): the weights have the shape (4, 2, 3, 3): filters of 2 channels; 3 channels in 1 group need 3 [E047]
model.onnx: error: node 1 (Conv): attribute `group` is 2, which does not divide 3 channels into 4 filters [E042]
model.onnx: error: node 2 (Conv "big one"): along spatial axis 0 the filter spans 7 elements, more than the padded input: 5 + 0 + 0 [E041]
model.onnx: error: node 3 (Conv): the bias has the shape (3,); 4 filters need (4,) [E047]
model.onnx: error: node 4 (Conv): the input has the shape (1, 3, 5, 5) and the weights (4, 3, 3); both have 3 to 5 sizes [E047]
model.onnx: error: node 5 (Conv): attribute `kernel_shape` is (3, 2), but the weights have the shape (4, 3, 3, 3) [E047]
model.onnx: error: node 6 (Conv): attribute `strides` has the number 0; numbers are at least 1 and below 2^31 [E081]
      = help: give it such numbers, or leave it out
model.onnx: error: node 6 (Conv): attribute `mystery` is not known [E081]
model.onnx: error: node 7 (Conv): attribute `mystery` is not known [E081]
model.onnx: error: node 8 (Conv): attribute `strides` is not a list of integers [E081]
model.onnx: error: node 9 (Conv): attribute `pads` has 2 numbers; 4 are needed [E081]
      = help: give it 4 numbers, or leave it out
model.onnx: error: node 10 (ConvTranspose): the weights have the shape (4, 3, 3, 3), for 4 channels; the input has 3 [E047]
)");
}

TEST_CASE("attributes are reported of nodes behind one that is not supported, too") {
  ModelMaker model(13);
  model.input("x", {1, 2, 5, 5});
  model.filled("w", {2, 2, 3, 3});
  model.filled("v", {2});
  model.node("MaxPool", {"x"}, {"a"});
  model.node("Conv", {"a", "w"}, {"b"}).set("foo", 3).set("strides", Sizes{0, 1});
  model.node("BatchNormalization", {"b", "v", "v", "v", "v"}, {"c"}).set("training_mode", 1);
  model.node("Conv", {"c", "w"}, {"d"}).set("auto_pad", "BAD").set("bar", 1);
  model.node("ConvTranspose", {"d", "w"}, {"e"}).set("output_padding", Sizes{-1, 0});
  model.node("Transpose", {"e"}, {"f"}).set("perm", 1);
  model.node("Unsqueeze", {"f"}, {"g"}).set("axes", Sizes{0});
  model.node("Slice", {"g"}, {"h"}).set("start", 1);
  model.node("Cast", {"h"}, {"i"}).set("to", int{onnx::TensorProto::FLOAT}).set("too", 1);
  model.node("Constant", {}, {"j"}).set("value_int", 1).set("value_float", 1.0F).set("foo", 1);
  model.node("Shape", {"i"}, {"k"}).set("start", 1).set("end", 2);
  model.node("Clip", {"i"}, {"y"}).set("min", 0.0F);
  model.output("y");
  CHECK(model.load().text ==
        R"(model.onnx: error: node 0 (MaxPool): this operator is not supported [E081]
      = help: cut the model into parts without it
model.onnx: error: node 1 (Conv): attribute `strides` has the number 0; numbers are at least 1 and below 2^31 [E081]
      = help: give it such numbers, or leave it out
model.onnx: error: node 1 (Conv): attribute `foo` is not known [E081]
model.onnx: error: node 2 (BatchNormalization): attribute `training_mode` is not known [E081]
model.onnx: error: node 3 (Conv): attribute `auto_pad` is "BAD"; it is NOTSET, SAME_UPPER, SAME_LOWER or VALID [E081]
      = help: leave it out where `pads` are given
model.onnx: error: node 3 (Conv): attribute `bar` is not known [E081]
model.onnx: error: node 4 (ConvTranspose): attribute `output_padding` has the number -1; numbers are at least 0 and below 2^31 [E081]
      = help: give it such numbers, or leave it out
model.onnx: error: node 5 (Transpose): attribute `perm` is not a list of integers [E081]
model.onnx: error: node 6 (Unsqueeze): attribute `axes` is not known [E081]
model.onnx: error: node 7 (Slice): attribute `start` is not known [E081]
model.onnx: error: node 8 (Cast): attribute `too` is not known [E081]
model.onnx: error: node 9 (Constant): has 2 values; one is needed [E080]
model.onnx: error: node 9 (Constant): attribute `foo` is not known [E081]
model.onnx: error: node 11 (Clip): attribute `min` is not known [E081]
)");
}

TEST_CASE("each attribute of an operator that folds is asked for, whatever the node reads") {
  ModelMaker model(9);
  model.input("x", {1, 2, 5, 5});
  model.node("MaxPool", {"x"}, {"a"});
  model.node("Cast", {"a"}, {"b"}).set("to", 7).set("saturate", 1);
  model.node("Concat", {"a"}, {"c"}).set("axis", 0);
  model.node("Gather", {"a", "a"}, {"d"}).set("axis", 0);
  model.node("Slice", {"a"}, {"e"})
      .set("starts", Sizes{0})
      .set("ends", Sizes{1})
      .set("axes", Sizes{0});
  model.node("Squeeze", {"a"}, {"f"}).set("axes", Sizes{0});
  model.node("Transpose", {"a"}, {"g"}).set("perm", Sizes{0});
  model.node("Unsqueeze", {"a"}, {"y"}).set("axes", Sizes{0});
  model.output("y");
  const char* const expected =
      "model.onnx: error: node 0 (MaxPool): this operator is not supported [E081]\n"
      "      = help: cut the model into parts without it\n";
  CHECK(model.load().text == expected);
  ModelMaker later(14);
  later.input("x", {1, 2, 5, 5});
  later.node("MaxPool", {"x"}, {"a"});
  later.node("Reshape", {"a", "a"}, {"y"}).set("allowzero", 1);
  later.output("y");
  CHECK(later.load().text == expected);
}

}  // namespace convc::test
