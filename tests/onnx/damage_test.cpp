// Damaged and hostile models: a message, never a crash.
#include <catch2/catch.hpp>
#include <filesystem>
#include <functional>
#include <limits>

#include "tests/onnx/model.h"

namespace convc::test {
namespace {

ModelMaker small_model() {
  ModelMaker model;
  model.input("x", {1, 2, 5, 5});
  model.filled("w", {3, 2, 3, 3});
  model.filled("b", {3});
  model.integers("pads", {0, 0, 1, 1, 0, 0, 1, 1});
  model.node("Pad", {"x", "pads"}, {"a"});
  model.node("Conv", {"a", "w", "b"}, {"c"}).set("strides", Sizes{1, 2});
  model.node("LeakyRelu", {"c"}, {"y"}).set("alpha", 0.5F);
  model.output("y");
  return model;
}

// Whatever the bytes are, there is a module or an error.
void check_bytes(const std::string& bytes) {
  write_bytes(scratch("damaged.onnx"), bytes);
  const Loaded loaded = load_path(scratch("damaged.onnx"));
  CHECK(loaded.module.has_value() == (loaded.text.find("error:") == std::string::npos));
}

}  // namespace

TEST_CASE("a model cut off anywhere") {
  const std::string bytes = small_model().bytes();
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    check_bytes(bytes.substr(0, length));
  }
}

TEST_CASE("a model with one byte changed") {
  const std::string bytes = small_model().bytes();
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    for (const int change : {0x01, 0x80, 0xFF}) {
      std::string damaged = bytes;
      damaged[at] = static_cast<char>(damaged[at] ^ change);
      check_bytes(damaged);
    }
  }
}

TEST_CASE("files that are no models") {
  write_bytes(scratch("empty.onnx"), "");
  CHECK(load_path(scratch("empty.onnx")).text ==
        "empty.onnx: error: this file is not an ONNX model, or is cut off [E080]\n"
        "      = help: is this the file you meant?\n");
  const std::string whole = small_model().bytes();
  write_bytes(scratch("half.onnx"), whole.substr(0, whole.size() / 2));
  CHECK(load_path(scratch("half.onnx")).text ==
        "half.onnx: error: this file is not an ONNX model, or is cut off [E080]\n"
        "      = help: is this the file you meant?\n");
  write_bytes(scratch("text.onnx"), "Conv2D(1, 1, input_shape=(4, 4, 1))\n");
  CHECK_FALSE(load_path(scratch("text.onnx")).module);
  write_bytes(scratch("bare.onnx"), onnx::ModelProto().SerializePartialAsString() + "\x08\x08");
  CHECK(load_path(scratch("bare.onnx")).text ==
        "bare.onnx: error: this file holds no ONNX model [E080]\n"
        "      = help: is this the file you meant?\n");
  CHECK(load_path(scratch("absent.onnx")).text ==
        "absent.onnx: error: cannot read this file: No such file or directory [E001]\n");
}

TEST_CASE("a model of 2 GiB is refused by its size") {
  const std::string path = scratch("large.onnx");
  write_bytes(path, "");
  std::filesystem::resize_file(path, std::uintmax_t{1} << 40);  // sparse
  CHECK(load_path(path).text ==
        "large.onnx: error: this model has 1099511627776 bytes; a model is smaller than 2 GiB "
        "[E002]\n"
        "      = help: keep the weights in a file beside the model, as external data\n");
  std::filesystem::remove(path);
}

TEST_CASE("weights that are not finite are warned of") {
  const float infinity = std::numeric_limits<float>::infinity();
  const float none = std::numeric_limits<float>::quiet_NaN();
  ModelMaker model;
  model.input("x", {1, 1, 8});
  model.floats("w", {2, 1, 2}, {1, none, -infinity, 2});
  model.floats("b", {2}, {0, infinity});
  model.floats("slopes", {2, 1}, {none, 0});
  model.floats("c", {2, 1}, {none, 0});
  model.node("Conv", {"x", "w", "b"}, {"a"}).named("stem");
  model.node("PRelu", {"a", "slopes"}, {"p"});
  model.node("Mul", {"c", "p"}, {"y"});
  model.output("y");
  const Loaded loaded = model.load();
  CHECK(loaded.module);
  const std::string note =
      "      = note: what they are multiplied with becomes infinite or no number at all\n";
  CHECK(loaded.text ==
        "model.onnx: warning: node 0 (Conv \"stem\"): input 1 (the weights, \"w\") has 2 numbers "
        "that "
        "are not finite [W003]\n" +
            note +
            "model.onnx: warning: node 0 (Conv \"stem\"): input 2 (the bias, \"b\") has 1 number "
            "that "
            "is not finite [W003]\n" +
            note +
            "model.onnx: warning: node 1 (PRelu): input 1 (the slope, \"slopes\") has 1 number "
            "that is "
            "not finite [W003]\n" +
            note +
            "model.onnx: warning: node 2 (Mul): input 0 (the constant, \"c\") has 1 number that is "
            "not "
            "finite [W003]\n" +
            note);
}

TEST_CASE("cycles, and nodes out of order") {
  ModelMaker model;
  model.input("x", {1, 2, 3});
  model.node("Add", {"x", "b"}, {"a"});
  model.node("Relu", {"a"}, {"b"});
  model.node("Relu", {"nowhere"}, {"c"});
  model.node("Relu", {"d"}, {"d"});
  model.output("b");
  CHECK(model.load().text ==
        R"(model.onnx: error: node 0 (Add): reads "b", which no earlier node makes [E080]
      = note: node 1 (Relu) makes it: the nodes are a cycle, or out of order
model.onnx: error: node 2 (Relu): reads "nowhere", which nothing makes [E080]
model.onnx: error: node 3 (Relu): reads "d", which no earlier node makes [E080]
      = note: node 3 (Relu) makes it: the nodes are a cycle, or out of order
)");
}

TEST_CASE("names that are defined twice, outputs that nothing makes") {
  ModelMaker model;
  model.input("x", {1, 2, 3});
  model.node("Relu", {"x"}, {"y"});
  model.node("Tanh", {"x"}, {"y"});
  model.output("y");
  CHECK(model.load().text == "model.onnx: error: node 1 (Tanh): \"y\" is defined twice [E080]\n");
  ModelMaker lost;
  lost.input("x", {1, 2, 3});
  lost.node("Relu", {"x"}, {"y"});
  lost.output("z");
  CHECK(lost.load().text == "model.onnx: error: output \"z\" is made by no node [E080]\n");
  ModelMaker none;
  none.input("x", {1, 2, 3});
  none.node("Relu", {"x"}, {"y"});
  CHECK(none.load().text == "model.onnx: error: the model has no outputs [E080]\n");
}

TEST_CASE("initializers with the wrong number of elements, of unknown types, too large") {
  const auto text = [](const std::function<void(onnx::TensorProto&)>& damage) {
    ModelMaker model = small_model();
    damage(*model.model.mutable_graph()->mutable_initializer(0));
    return model.load().text;
  };
  CHECK(text([](onnx::TensorProto& w) { w.add_float_data(1); }) ==
        "model.onnx: error: initializer \"w\" has 55 elements of data for the shape (3, 2, 3, 3) "
        "[E080]\n");
  CHECK(text([](onnx::TensorProto& w) { w.set_raw_data("abc"); }) ==
        "model.onnx: error: initializer \"w\" has 3 bytes of data instead of 216 [E080]\n");
  CHECK(text([](onnx::TensorProto& w) { w.set_data_type(77); }) ==
        "model.onnx: error: initializer \"w\" has elements of type 77, which is not supported "
        "[E080]\n");
  CHECK(text([](onnx::TensorProto& w) { w.set_dims(0, -3); }) ==
        "model.onnx: error: initializer \"w\" has the shape (-3, 2, 3, 3), with a negative size "
        "[E080]\n");
  CHECK(text([](onnx::TensorProto& w) { w.set_dims(0, std::int64_t{1} << 62); }) ==
        "model.onnx: error: initializer \"w\" has the shape (4611686018427387904, 2, 3, 3), which "
        "is too large: a model may have 2 GiB of numbers [E080]\n");
  CHECK(text([](onnx::TensorProto& w) { w.set_dims(0, std::int64_t{1} << 26); }) ==
        "model.onnx: error: initializer \"w\" has the shape (67108864, 2, 3, 3), which is too "
        "large: a model may have 2 GiB of numbers [E080]\n");
  CHECK(text([](onnx::TensorProto& w) { w.set_data_type(onnx::TensorProto::FLOAT16); }) ==
        "model.onnx: error: initializer \"w\" has 0 elements of data for the shape (3, 2, 3, 3) "
        "[E080]\n");
}

TEST_CASE("half precision numbers are read exactly") {
  ModelMaker model;
  model.input("x", {1, 1, 8});
  onnx::TensorProto tensor;
  tensor.set_data_type(onnx::TensorProto::FLOAT16);
  for (const int size : {1, 1, 4}) tensor.add_dims(size);
  // 1, -2, the smallest subnormal, the largest number.
  for (const int bits : {0x3C00, 0xC000, 0x0001, 0x7BFF}) tensor.add_int32_data(bits);
  tensor.set_name("half");
  *model.model.mutable_graph()->add_initializer() = tensor;
  model.node("Cast", {"half"}, {"w"}).set("to", int{onnx::TensorProto::FLOAT});
  model.node("Conv", {"x", "w"}, {"y"});
  model.output("y");
  const Loaded loaded = model.load();
  INFO(loaded.text);
  REQUIRE(loaded.module);
  CHECK(loaded.layer().kernel->values == std::vector<float>{1, -2, 0x1p-24F, 65504});
}

TEST_CASE("sizes near the limit do not overflow") {
  const std::int64_t most = (std::int64_t{1} << 31) - 1;
  ModelMaker model;
  model.input("x", {1, 1, most});
  model.filled("w", {1, 1, 2});
  model.node("Conv", {"x", "w"}, {"a"}).set("dilations", Sizes{most});
  model.node("Conv", {"x", "w"}, {"b"}).set("pads", Sizes{most, most});
  model.node("ConvTranspose", {"x", "w"}, {"c"}).set("strides", Sizes{most});
  model.node("Conv", {"x", "w"}, {"d"}).set("pads", Sizes{std::int64_t{1} << 62, 0});
  model.output("a");
  const std::string text = model.load().text;
  CHECK(text.find("node 0 (Conv): along spatial axis 0 the filter spans 2147483648 elements") !=
        std::string::npos);
  CHECK(text.find("node 1 (Conv): ") != std::string::npos);
  CHECK(text.find("node 2 (ConvTranspose): along spatial axis 0 the output has ") !=
        std::string::npos);
  CHECK(text.find("node 3 (Conv): attribute `pads` has the number 4611686018427387904") !=
        std::string::npos);
  ModelMaker large;
  large.input("x", {65536, 65536, 1});
  large.node("Relu", {"x"}, {"y"});
  large.output("y");
  CHECK(large.load().text ==
        "model.onnx: error: input \"x\" has the shape (65536, 65536, 1), which is 2^31 elements or "
        "more [E044]\n");
}

}  // namespace convc::test
