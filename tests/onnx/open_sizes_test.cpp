// Sizes that a model names instead of giving a number: ranges, and --dim.
#include <catch2/catch.hpp>

#include "dsl/draft.h"
#include "tests/onnx/model.h"

namespace convc::test {
namespace {

// Two convolutions that shrink the image, with open batch "N" and height "H".
ModelMaker two_convolutions() {
  ModelMaker model;
  model.input("x", {1, 2, 32, 32});
  dim(model, 0, 0)->set_dim_param("N");
  dim(model, 0, 2)->set_dim_param("H");
  model.filled("w", {2, 2, 5, 1});
  model.node("Conv", {"x", "w"}, {"a"});
  model.node("Conv", {"a", "w"}, {"y"}).set("strides", Sizes{2, 1});
  model.output("y");
  return model;
}

}  // namespace

TEST_CASE("sizes that have names are open") {
  ModelMaker model = relu({1, 3, 32, 32});
  dim(model, 0, 0)->set_dim_param("N");
  dim(model, 0, 3)->set_dim_param("W");
  const Loaded loaded = model.load();
  INFO(loaded.text);
  REQUIRE(loaded.module);
  const LayerSpec& layer = loaded.layer();
  CHECK(layer.open.batch == Dim{1, kMaxElements});
  CHECK(layer.open.width == Dim{1, kMaxElements});
  CHECK_FALSE(layer.open.height);
  CHECK(layer.batch == 1);
  CHECK(layer.in == Size{32, 56});
  ModelMaker channels = relu({1, 3, 32, 32});
  dim(channels, 0, 1)->set_dim_param("C");
  CHECK(channels.load().text ==
        "model.onnx: error: input \"x\": size 1 (\"C\", the channels) must be known; batch, height "
        "and width may be open [E081]\n      = help: give it a number: --dim C=NUMBER\n");
}

TEST_CASE("open sizes go through a convolution") {
  ModelMaker model;
  model.input("x", {1, 2, 32, 32});
  dim(model, 0, 2)->set_dim_param("H");
  model.filled("w", {4, 2, 3, 3});
  model.node("Conv", {"x", "w"}, {"y"}).set("strides", Sizes{2, 2}).set("auto_pad", "SAME_UPPER");
  model.output("y");
  const Loaded loaded = model.load();
  INFO(loaded.text);
  REQUIRE(loaded.module);
  CHECK(loaded.layer().in == Size{56, 32});
  CHECK(loaded.layer().out == Size{28, 16});
  CHECK(loaded.graph().tensors[1].shape[2] == Dim{1, std::int64_t{1} << 30});
}

TEST_CASE("pads beside an auto_pad agree with it for every open size") {
  const auto text = [](const Sizes& pads, const Sizes& strides) {
    ModelMaker model;
    model.input("x", {1, 2, 32, 32});
    dim(model, 0, 2)->set_dim_param("H");
    model.filled("w", {4, 2, 3, 3});
    model.node("Conv", {"x", "w"}, {"y"})
        .set("strides", strides)
        .set("auto_pad", "SAME_UPPER")
        .set("pads", pads);
    model.output("y");
    return model.load().text;
  };
  CHECK(text({1, 1, 1, 1}, {1, 1}).empty());
  for (const std::int64_t before : {0, 1}) {
    CHECK(text({before, 1, 1, 1}, {2, 1}).find("`auto_pad` gives ") != std::string::npos);
  }
  CHECK(
      text({0, 1, 1, 1}, {2, 1})
          .find(
              "attribute `pads` has 0 and 1 for spatial axis 0, where `auto_pad` gives 1 and 1, if "
              "that has 1 elements [E081]") != std::string::npos);
}

TEST_CASE("open sizes of several layers have no greatest size") {
  ModelMaker model;
  model.input("x", {1, 2, 8});
  dim(model, 0, 0)->set_dim_param("N");
  model.node("Relu", {"x"}, {"a"});
  model.node("Tanh", {"a"}, {"y"});
  model.output("y");
  CHECK(model.load().text ==
        "model.onnx: error: input \"x\": size 0 (\"N\") is open, without a greatest size, in a "
        "model of several layers [E072]\n"
        "      = note: the workspace has room for the greatest size\n"
        "      = help: give its range or its number, e.g. --dim N=1:8 or --dim N=1\n");
}

TEST_CASE("a size that is given by its name") {
  const Loaded fixed = two_convolutions().load_with({{"N", Dim{4, 4}}, {"H", Dim{20, 20}}});
  INFO(fixed.text);
  REQUIRE(fixed.module);
  CHECK_FALSE(fixed.layer().open.any());
  CHECK(fixed.layer().batch == 4);
  CHECK(fixed.layer().in == Size{20, 32});
  CHECK(fixed.layer(1).out == Size{6, 32});
  const Loaded open = two_convolutions().load_with({{"N", Dim{1, 8}}, {"H", Dim{9, 90}}});
  INFO(open.text);
  REQUIRE(open.module);
  CHECK(open.text.empty());
  CHECK(open.layer().open == OpenSizes{Dim{1, 8}, Dim{9, 90}, std::nullopt});
  CHECK(open.layer(1).open == OpenSizes{Dim{1, 8}, Dim{5, 86}, std::nullopt});
  CHECK(open.graph().tensors[2].shape == std::vector<Dim>{{1, 8}, {2, 2}, {1, 41}, {32, 32}});
}

TEST_CASE("a range whose least size is too small for the layers") {
  CHECK(
      two_convolutions().load_with({{"N", Dim{1, 8}}, {"H", Dim{8, 90}}}).text ==
      "model.onnx: error: at the least sizes, layer \"conv_1\" makes an output of height 0 from an "
      "input of 4 [E040]\n"
      "      = note: sizes of the input that are open: batch = 1, height = 8\n"
      "      = help: give other ranges, or numbers, with --dim\n");
}

TEST_CASE("a range whose greatest size makes too large a tensor") {
  CHECK(two_convolutions().load_with({{"N", Dim{1, 8}}, {"H", Dim{64, 1 << 24}}}).text ==
        "model.onnx: error: at the greatest sizes, tensor \"x\" has 2^31 elements or more [E044]\n"
        "      = note: sizes of the input that are open: batch = 8, height = 16777216\n"
        "      = help: give other ranges, or numbers, with --dim\n");
}

TEST_CASE("without a limit, the least size is the one with which every layer has an output") {
  ModelMaker model;
  model.input("x", {1, 2, 32, 32});
  dim(model, 0, 2)->set_dim_param("H");
  model.filled("w", {2, 2, 5, 1});
  model.node("Conv", {"x", "w"}, {"y"}).set("dilations", Sizes{2, 1});
  model.output("y");
  const Loaded loaded = model.load();
  INFO(loaded.text);
  REQUIRE(loaded.module);
  CHECK(loaded.layer().open.height == Dim{9, kMaxElements});
  CHECK(loaded.graph().tensors[1].shape[2] == Dim{1, kMaxElements - 8});
}

TEST_CASE("open sizes that are too small for a filter or a padding") {
  ModelMaker model = relu({1, 2, 32, 32});
  dim(model, 0, 2)->set_dim_param("H");
  model.filled("w", {2, 2, 100, 1});
  model.integers("pads", {0, 0, 3, 0, 0, 0, 0, 0});
  model.node("Conv", {"x", "w"}, {"a"});
  model.node("Pad", {"x", "pads"}, {"b"}).set("mode", "reflect");
  const std::string help =
      "      = help: this size is open, \"H\": give its range, --dim H=MIN:MAX\n";
  CHECK(
      model.load().text ==
      "model.onnx: error: node 1 (Conv): along spatial axis 0 the filter spans 100 elements, more "
      "than the padded input: 56 + 0 + 0 [E041]\n" +
          help +
          "model.onnx: error: node 2 (Pad): pads axis 2 of 1 elements by 3; mode reflect allows 0 "
          "[E073]\n" +
          help);
  CHECK(model.load_with({{"H", Dim{100, 200}}}).module);
}

TEST_CASE("a sum whose operands agree for even sizes only") {
  ModelMaker model;
  model.input("x", {1, 2, 32, 32});
  dim(model, 0, 2)->set_dim_param("H");
  model.filled("w", {2, 2, 2, 1});
  model.node("Conv", {"x", "w"}, {"a"}).set("strides", Sizes{2, 1});
  model.node("ConvTranspose", {"a", "w"}, {"b"}).set("strides", Sizes{2, 1});
  model.node("Add", {"x", "b"}, {"y"});
  model.output("y");
  CHECK(model.load_with({{"H", Dim{32, 32}}}).module);
  CHECK(model.load_with({{"H", Dim{32, 64}}}).text ==
        "model.onnx: error: for some sizes, the operands of layer \"add_2\" have height 33 and "
        "width 32 and height 32 and width 32 [E047]\n"
        "      = note: sizes of the input that are open: height = 33\n"
        "      = help: give other ranges, or numbers, with --dim\n");
}

// Two convolutions whose outputs differ in height where the input's is 2 modulo `stride`.
ModelMaker strided_sum(int stride) {
  ModelMaker model;
  model.input("x", {1, 2, 32, 32});
  dim(model, 0, 2)->set_dim_param("H");
  model.filled("w", {2, 2, 1, 1});
  const Sizes strides = {stride, 1};
  model.node("Conv", {"x", "w"}, {"a"})
      .set("strides", strides)
      .set("pads", Sizes{0, 0, stride - 1, 0});
  model.node("Conv", {"x", "w"}, {"b"})
      .set("strides", strides)
      .set("pads", Sizes{0, 0, stride - 2, 0});
  model.node("Add", {"a", "b"}, {"y"});
  model.output("y");
  return model;
}

TEST_CASE("a sum whose operands agree for all but one size in sixteen") {
  CHECK(strided_sum(16).load_with({{"H", Dim{3, 17}}}).module);
  CHECK(strided_sum(16).load_with({{"H", Dim{3, 100}}}).text ==
        "model.onnx: error: for some sizes, the operands of layer \"add_2\" have height 3 and "
        "width 32 and height 2 and width 32 [E047]\n"
        "      = note: sizes of the input that are open: height = 18\n"
        "      = help: give other ranges, or numbers, with --dim\n");
}

TEST_CASE("a sum whose strides need more sizes than are tried") {
  CHECK(strided_sum(2048).load_with({{"H", Dim{3, 1027}}}).module);
  CHECK(strided_sum(2048).load_with({{"H", Dim{3, 3000}}}).text ==
        "model.onnx: error: operands of sums are checked for up to 1024 sizes of the input; the "
        "strides of this model need 2048 [E081]\n"
        "      = help: give smaller ranges, or numbers, with --dim\n");
}

TEST_CASE("layers that nothing needs do not ask for the greatest size") {
  ModelMaker model = relu({1, 2, 3});
  dim(model, 0, 0)->set_dim_param("N");
  model.input("z", {1, 2, 3});
  dim(model, 1, 0)->set_dim_param("M");
  model.node("Tanh", {"z"}, {"a"});
  model.node("Relu", {"a"}, {"b"});
  const Loaded loaded = model.load();
  INFO(loaded.text);
  REQUIRE(loaded.module);
  CHECK(loaded.layer().open.batch == Dim{1, kMaxElements});
}

TEST_CASE("channels and depth can be given a number, and no range") {
  ModelMaker model = relu({1, 3, 8, 8});
  dim(model, 0, 1)->set_dim_param("C");
  CHECK(model.load_with({{"C", Dim{5, 5}}}).layer().in_channels == 5);
  CHECK(model.load_with({{"C", Dim{1, 5}}}).text ==
        "model.onnx: error: input \"x\": size 1 (\"C\", the channels) must be known; batch, height "
        "and width may be open [E081]\n      = help: give it a number: --dim C=NUMBER\n");
}

TEST_CASE("a size without a name is called by its place") {
  ModelMaker model = relu({1, 3, 8, 8});
  dim(model, 0, 0)->clear_value();
  CHECK(model.load_with({{"x.0", Dim{6, 6}}}).layer().batch == 6);
}

TEST_CASE("names that the model does not have") {
  CHECK(two_convolutions().load_with({{"N", Dim{1, 1}}, {"H", Dim{9, 9}}, {"W", Dim{2, 2}}}).text ==
        "--dim: error: no size of the model is called \"W\" [E082]\n"
        "      = help: its open sizes are: H, N\n");
  CHECK(relu({1, 2, 3}).load_with({{"batch", Dim{1, 1}}}).text ==
        "--dim: error: no size of the model is called \"batch\" [E082]\n"
        "      = help: all sizes of its inputs are numbers; remove it\n");
  write_bytes(scratch("damaged.onnx"), "nothing");
  CHECK(load_path(scratch("damaged.onnx"), "net", {{"N", Dim{1, 1}}}).text.find("--dim") ==
        std::string::npos);
}

TEST_CASE("names of several models together") {
  ModelMaker a = relu({1, 2, 3}), b = relu({1, 2, 3});
  dim(a, 0, 0)->set_dim_param("N");
  dim(b, 0, 0)->set_dim_param("batch");
  write_bytes(scratch("a.onnx"), a.bytes());
  write_bytes(scratch("b.onnx"), b.bytes());
  Diagnostics diagnostics;
  const auto module = load_files({scratch("a.onnx"), scratch("b.onnx")}, "both",
                                 ModelDims({{"N", Dim{2, 2}}, {"batch", Dim{3, 3}}}), diagnostics);
  REQUIRE(module);
  CHECK(module->graphs[0].nodes[0].layer.batch == 2);
  CHECK(module->graphs[1].nodes[0].layer.batch == 3);
}

}  // namespace convc::test
