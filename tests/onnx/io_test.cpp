// Inputs, outputs and names of a model; open sizes; graphs that are wrong.
#include <catch2/catch.hpp>

#include "tests/onnx/model.h"

namespace convc::test {
TEST_CASE("names become identifiers, told apart without regard to case") {
  ModelMaker model;
  model.input("input.1", {1, 2, 3});
  model.node("Relu", {"input.1"}, {"/a//Relu_output_0"}).named("/block/Relu");
  model.node("Relu", {"/a//Relu_output_0"}, {"7"}).named("/BLOCK/relu");
  model.node("Relu", {"7"}, {"float"}).named("while");
  model.output("float");
  const Loaded loaded = model.load("my net.onnx");
  INFO(loaded.text);
  REQUIRE(loaded.module);
  CHECK(loaded.graph().name == "my_net");
  CHECK(loaded.layer(0).name == "block_Relu");
  CHECK(loaded.layer(1).name == "BLOCK_relu_2");
  CHECK(loaded.layer(2).name == "while_");
  std::vector<std::string> names;
  for (const Tensor& tensor : loaded.graph().tensors) names.push_back(tensor.name);
  CHECK(names == std::vector<std::string>{"input_1", "a_Relu_output_0", "x_7", "float_"});
}

TEST_CASE("the library is named by the file where nothing else names it") {
  write_bytes(scratch("stem.onnx"), relu({1, 2, 3}).bytes());
  const Loaded loaded = load_path(scratch("stem.onnx"), "");
  REQUIRE(loaded.module);
  CHECK(loaded.module->name == "stem");
  CHECK(loaded.graph().name == "model");
  write_bytes(scratch("no-name.onnx"), relu({1, 2, 3}).bytes());
  CHECK(load_path(scratch("no-name.onnx"), "").text ==
        "no-name.onnx: error: the library's name, from the file, \"no-name\" is not a C identifier "
        "[E006]\n      = note: letters, digits and _, not beginning with a digit\n"
        "      = help: add --name no_name\n");
}

TEST_CASE("small tensors get sizes of 1") {
  for (const Sizes& shape : {Sizes{}, Sizes{5}, Sizes{5, 4}}) {
    const Loaded loaded = relu(shape).load();
    INFO(loaded.text);
    REQUIRE(loaded.module);
    Sizes sizes;
    for (const Dim& size : loaded.graph().tensors[0].shape) sizes.push_back(size.max);
    Sizes expected = shape;
    expected.resize(3, 1);
    CHECK(sizes == expected);
  }
  CHECK(relu({1, 2, 3, 4, 5, 6}).load().text ==
        "model.onnx: error: input \"x\" has 6 sizes; a batch, channels and 1 to 3 spatial sizes "
        "are supported [E081]\n");
}

TEST_CASE("inputs of other types, and without a shape") {
  ModelMaker model = relu({1, 2, 3});
  onnx::TypeProto* type = model.model.mutable_graph()->mutable_input(0)->mutable_type();
  type->mutable_tensor_type()->set_elem_type(onnx::TensorProto::FLOAT16);
  CHECK(model.load().text ==
        "model.onnx: error: input \"x\" has elements of float16; only float is supported [E081]\n");
  type->mutable_tensor_type()->set_elem_type(99);
  CHECK(model.load().text ==
        "model.onnx: error: input \"x\" has elements of type 99; only float is supported [E081]\n");
  type->mutable_tensor_type()->set_elem_type(onnx::TensorProto::FLOAT);
  type->mutable_tensor_type()->clear_shape();
  CHECK(model.load().text == "model.onnx: error: input \"x\" has no shape [E081]\n");
  type->mutable_sequence_type();
  CHECK(model.load().text == "model.onnx: error: input \"x\" is not a tensor [E081]\n");
}

TEST_CASE("outputs that are inputs, or the same twice, are copied") {
  ModelMaker model;
  model.input("x", {1, 2, 3});
  model.node("Relu", {"x"}, {"a"});
  model.node("Identity", {"a"}, {"b"});
  model.node("Dropout", {"x"}, {"c"});
  for (const char* name : {"a", "b", "c"}) model.output(name);
  const Loaded loaded = model.load();
  INFO(loaded.text);
  REQUIRE(loaded.module);
  CHECK(loaded.graph().nodes.size() == 3);
  CHECK(loaded.graph().outputs.size() == 3);
  ModelMaker renamed;
  renamed.input("x", {1, 2, 3});
  renamed.node("Relu", {"x"}, {"a"});
  renamed.node("Identity", {"a"}, {"result"});
  renamed.output("result");
  const Loaded other = renamed.load();
  REQUIRE(other.module);
  CHECK(other.graph().nodes.size() == 1);
  CHECK(other.graph().tensors[1].name == "result");
}

TEST_CASE("an output whose shape the model has wrong is warned of") {
  ModelMaker model = relu({1, 2, 3});
  onnx::TypeProto::Tensor* type =
      model.model.mutable_graph()->mutable_output(0)->mutable_type()->mutable_tensor_type();
  for (const int size : {1, 2, 4}) type->mutable_shape()->add_dim()->set_dim_value(size);
  const Loaded loaded = model.load();
  CHECK(loaded.module);
  CHECK(loaded.text ==
        "model.onnx: warning: output \"y\" has the shape (1, 2, 3); the model says something else "
        "[W005]\n");
}

TEST_CASE("what no output depends on is left out") {
  ModelMaker model = relu({1, 2, 3});
  model.input("z", {1, 2, 3});
  model.node("Add", {"z", "x"}, {"a"});
  model.node("Tanh", {"a"}, {"b"});
  const Loaded loaded = model.load();
  CHECK(loaded.text ==
        "model.onnx: warning: nothing uses what layer \"add_1\" computes; it is left out [W002]\n"
        "model.onnx: warning: nothing uses what layer \"tanh_2\" computes; it is left out [W002]\n"
        "model.onnx: warning: no output depends on input \"z\"; it is left out [W002]\n");
  REQUIRE(loaded.module);
  CHECK(loaded.graph().nodes.size() == 1);
  CHECK(loaded.graph().tensors.size() == 2);
  CHECK(loaded.graph().inputs == std::vector<TensorId>{0});
  CHECK(loaded.graph().outputs == std::vector<TensorId>{1});
}

TEST_CASE("every node that is not supported is named, in one run") {
  ModelMaker model;
  model.input("x", {1, 2, 8});
  model.node("LSTM", {"x"}, {"a"}).named("memory");
  model.node("Relu", {"a"}, {"b"});
  model.node("Elu", {"b"}, {"c"}).set("alpha", "much");
  model.node("Einsum", {"c"}, {"d"});
  model.node("Gelu", {"d"}, {"e"});
  model.model.mutable_graph()->mutable_node(4)->set_domain("com.microsoft");
  model.node("Softmax", {"x"}, {"f"}).set("axis", 0);
  model.output("e");
  CHECK(model.load().text ==
        R"(model.onnx: error: node 0 (LSTM "memory"): this operator is not supported [E081]
      = help: cut the model into parts without it
model.onnx: error: node 2 (Elu): attribute `alpha` is not a number [E081]
model.onnx: error: node 3 (Einsum): this operator is not supported [E081]
      = help: cut the model into parts without it
model.onnx: error: node 4 (Gelu): operators of the domain "com.microsoft" are not supported [E081]
model.onnx: error: node 5 (Softmax): attribute `axis` is 0 for an input of (1, 2, 8); it is one of the axes but the batch [E081]
)");
}

TEST_CASE("outputs of a node that are not supported") {
  ModelMaker model;
  model.input("x", {1, 2, 8});
  model.node("Dropout", {"x"}, {"y", "mask"});
  model.output("y");
  CHECK(model.load().module);
  model.output("mask");
  CHECK(model.load().text ==
        "model.onnx: error: node 0 (Dropout): output 1 (\"mask\") is not supported [E081]\n");
}

TEST_CASE("versions of the operators") {
  ModelMaker model = relu({1, 2, 3});
  model.model.mutable_opset_import(0)->set_version(99);
  CHECK(model.load().text ==
        "model.onnx: warning: the model uses opset 99; the newest that is known is 25, whose "
        "meaning is assumed [W004]\n");
  model.model.clear_opset_import();
  CHECK(
      model.load().text ==
      "model.onnx: error: the model does not say the version of ONNX' operators it uses [E080]\n");
}

}  // namespace convc::test
