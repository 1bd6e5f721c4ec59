// Shape arithmetic folds to constants. What folds is seen by a Pad or ConstantOfShape that reads
// it.
#include <catch2/catch.hpp>
#include <functional>

#include "tests/onnx/model.h"

namespace convc::test {
namespace {

// The zeros at the end of the width of x, (1, 2, 6, 7): what `fill` computes as "n", of shape (1,).
std::int64_t folded(std::int64_t opset, const std::function<void(ModelMaker&)>& fill,
                    std::string* text = nullptr) {
  ModelMaker model(opset);
  model.input("x", {1, 2, 6, 7});
  fill(model);
  model.integers("zeros", {0, 0, 0, 0, 0, 0, 0});
  model.node("Concat", {"zeros", "n"}, {"pads"}).set("axis", 0);
  model.node("Pad", {"x", "pads"}, {"y"});
  model.output("y");
  const Loaded loaded = model.load();
  if (text != nullptr) *text = loaded.text;
  INFO(loaded.text);
  if (!loaded.module) return -1;
  return loaded.layer().padding.right;
}

}  // namespace

TEST_CASE("shapes of tensors are constants") {
  CHECK(folded(17, [](ModelMaker& m) {
          m.node("Shape", {"x"}, {"s"});
          m.integers("three", {3});
          m.node("Gather", {"s", "three"}, {"n"});
        }) == 7);
  CHECK(folded(17, [](ModelMaker& m) {
          m.node("Shape", {"x"}, {"n"}).set("start", -2).set("end", 3);
        }) == 6);
  CHECK(folded(17, [](ModelMaker& m) {
          m.node("Shape", {"x"}, {"s"});
          m.integers("a", {2});
          m.integers("b", {3});
          m.node("Slice", {"s", "a", "b"}, {"n"});
        }) == 6);
}

TEST_CASE("open sizes fold, and only what needs the number of one is refused") {
  // Zeros at the end of the width: what `fill` computes of the shape "s", (N, 2, 6, 7).
  const auto with_open_batch = [](const std::function<void(ModelMaker&)>& fill, std::string* text) {
    ModelMaker model;
    model.input("x", {1, 2, 6, 7});
    dim(model, 0, 0)->set_dim_param("N");
    model.node("Shape", {"x"}, {"s"});
    model.integers("zero", {0});
    model.integers("two", {2});
    model.integers("three", {3});
    model.integers("zeros", {0, 0, 0, 0, 0, 0, 0});
    fill(model);
    model.node("Concat", {"zeros", "n"}, {"pads"}).set("axis", 0);
    model.node("Pad", {"x", "pads"}, {"y"});
    model.output("y");
    const Loaded loaded = model.load();
    *text = loaded.text;
    return loaded.module ? loaded.layer().padding.right : -1;
  };
  std::string text;
  CHECK(with_open_batch([](ModelMaker& m) { m.node("Gather", {"s", "two"}, {"n"}); }, &text) == 6);
  CHECK(with_open_batch(
            [](ModelMaker& m) {
              m.node("Slice", {"s", "two", "three"}, {"n"});
            },
            &text) == 6);
  // Through all that rearranges and computes, 2 * (N, 2, 6, 7, 3) + 1 as floats; the third.
  const auto rearranged = [](const char* index) {
    return [index](ModelMaker& m) {
      m.node("Concat", {"s", "three"}, {"a"}).set("axis", 0);
      m.node("Unsqueeze", {"a", "zero"}, {"b"});
      m.node("Transpose", {"b"}, {"c"});
      m.node("Squeeze", {"c"}, {"d"});
      m.integers("flat", {-1});
      m.node("Reshape", {"d", "flat"}, {"e"});
      m.node("Cast", {"e"}, {"f"}).set("to", int{onnx::TensorProto::FLOAT});
      m.floats("half", {1}, {0.5F});
      m.node("Div", {"f", "half"}, {"g"});
      m.node("Ceil", {"g"}, {"h"});
      m.node("Cast", {"h"}, {"i"}).set("to", int{onnx::TensorProto::INT64});
      m.integers("one", {1});
      m.node("Add", {"one", "i"}, {"j"});
      m.node("Gather", {"j", index}, {"n"});
    };
  };
  CHECK(with_open_batch(rearranged("two"), &text) == 13);
  CHECK(with_open_batch(rearranged("three"), &text) == 15);
  CHECK(with_open_batch(rearranged("zero"), &text) == -1);
  CHECK(text ==
        "model.onnx: error: node 13 (Pad): element 7 of input 1 (pads) is known only when the "
        "model runs: it depends on \"N\" [E081]\n"
        "      = help: give that size a number: --dim N=NUMBER\n");
  // A number that no open size has is no matter, such as that of a division by N - 1.
  CHECK(with_open_batch(
            [](ModelMaker& m) {
              m.integers("ones", {1, 1, 1, 1});
              m.node("Sub", {"s", "ones"}, {"a"});
              m.node("Div", {"s", "a"}, {"b"});
              m.node("Gather", {"b", "three"}, {"n"});
            },
            &text) == 1);
  // Lists of operators that fold.
  with_open_batch([](ModelMaker& m) { m.node("Gather", {"two", "s"}, {"n"}); }, &text);
  CHECK(text.find("node 1 (Gather): element 0 of input 1 (the indices) is known only") !=
        std::string::npos);
  with_open_batch([](ModelMaker& m) { m.node("Reshape", {"two", "s"}, {"n"}); }, &text);
  CHECK(text.find("node 1 (Reshape): element 0 of input 1 is known only") != std::string::npos);
}

TEST_CASE("a shape that nothing reads may be open") {
  ModelMaker model = relu({1, 2, 6});
  dim(model, 0, 0)->set_dim_param("N");
  model.node("Shape", {"y"}, {"dead"});
  const Loaded loaded = model.load();
  INFO(loaded.text);
  CHECK(loaded.module);
}

TEST_CASE("an open size is no number of a layer") {
  ModelMaker model;
  model.input("x", {1, 2, 6});
  dim(model, 0, 0)->set_dim_param("N");
  model.node("Shape", {"x"}, {"s"}).set("end", 1);
  model.node("Cast", {"s"}, {"n"}).set("to", int{onnx::TensorProto::FLOAT});
  model.node("Mul", {"x", "n"}, {"a"});
  model.node("PRelu", {"x", "n"}, {"b"});
  model.node("Clip", {"x", "", "n"}, {"y"});
  model.output("y");
  const std::string text = model.load().text;
  for (const char* what : {"node 2 (Mul): element 0 of its constant operand is known only",
                           "node 3 (PRelu): element 0 of input 1 (the slope) is known only",
                           "node 4 (Clip): element 0 of input 2 (max) is known only"}) {
    CHECK(text.find(what) != std::string::npos);
  }
}

TEST_CASE("arithmetic of integers") {
  const auto binary = [](const char* op, std::int64_t a, std::int64_t b) {
    return folded(17, [&](ModelMaker& m) {
      m.integers("a", {a});
      m.integers("b", {b});
      m.node(op, {"a", "b"}, {"n"});
    });
  };
  CHECK(binary("Add", 2, 3) == 5);
  CHECK(binary("Sub", 5, 3) == 2);
  CHECK(binary("Mul", 2, 3) == 6);
  CHECK(binary("Div", 7, 2) == 3);
  std::string text;
  folded(
      17,
      [](ModelMaker& m) {
        m.integers("a", {1});
        m.integers("b", {0});
        m.node("Div", {"a", "b"}, {"n"});
      },
      &text);
  CHECK(text == "model.onnx: error: node 0 (Div): overflows or divides by zero: 1 and 0 [E043]\n");
}

TEST_CASE("casts and floors") {
  CHECK(folded(17, [](ModelMaker& m) {
          m.floats("a", {1}, {7.75F});
          m.node("Floor", {"a"}, {"b"});
          m.node("Cast", {"b"}, {"n"}).set("to", int{onnx::TensorProto::INT64});
        }) == 7);
  CHECK(folded(17, [](ModelMaker& m) {
          m.floats("a", {1}, {-7.25F});
          m.node("Neg", {"a"}, {"b"});
          m.node("Ceil", {"b"}, {"c"});
          m.node("Cast", {"c"}, {"n"}).set("to", int{onnx::TensorProto::INT64});
        }) == 8);
  std::string text;
  folded(
      17,
      [](ModelMaker& m) {
        m.floats("a", {1}, {1e30F});
        m.node("Cast", {"a"}, {"n"}).set("to", int{onnx::TensorProto::INT64});
      },
      &text);
  CHECK(text == "model.onnx: error: node 0 (Cast): casts 1e+30 to int64 [E081]\n");
}

TEST_CASE("what rearranges elements") {
  CHECK(folded(17, [](ModelMaker& m) {  // ((1, 2, 3), (4, 5, 6)) transposed, element (2, 1)
          m.integers("a", {1, 2, 3, 4, 5, 6});
          m.integers("shape", {2, -1});
          m.node("Reshape", {"a", "shape"}, {"b"});
          m.node("Transpose", {"b"}, {"c"});
          m.integers("flat", {6});
          m.node("Reshape", {"c", "flat"}, {"d"});
          m.integers("five", {-1});
          m.node("Gather", {"d", "five"}, {"n"});
        }) == 6);
  CHECK(folded(12, [](ModelMaker& m) {
          m.integers("a", {9, 8});
          m.node("Unsqueeze", {"a"}, {"b"}).set("axes", Sizes{0});
          m.integers("one", {1});
          m.node("Gather", {"b", "one"}, {"c"}).set("axis", 1);
          m.node("Squeeze", {"c"}, {"n"}).set("axes", Sizes{0});
        }) == 8);
  CHECK(folded(17, [](ModelMaker& m) {  // 5, 4, 3, .. with step -2: 5, 3, 1; the second
          m.integers("a", {1, 2, 3, 4, 5});
          m.integers("start", {-1});
          m.integers("end", {-100});
          m.integers("axis", {0});
          m.integers("step", {-2});
          m.node("Slice", {"a", "start", "end", "axis", "step"}, {"b"});
          m.integers("one", {1});
          m.node("Gather", {"b", "one"}, {"n"});
        }) == 3);
}

TEST_CASE("Constant in its forms, ConstantOfShape") {
  CHECK(folded(17, [](ModelMaker& m) {
          m.node("Constant", {}, {"n"}).set("value_ints", Sizes{3});
        }) == 3);
  CHECK(folded(17, [](ModelMaker& m) {
          m.node("Constant", {}, {"n"}).set("value", integer_tensor("", {1}, {4}));
        }) == 4);
  CHECK(folded(17, [](ModelMaker& m) {
          m.integers("one", {1});
          m.node("ConstantOfShape", {"one"}, {"n"}).set("value", integer_tensor("", {1}, {5}));
        }) == 5);
  std::string text;
  folded(
      17,
      [](ModelMaker& m) {
        m.integers("shape", {1 << 20, 1 << 20});
        m.node("ConstantOfShape", {"shape"}, {"n"});
      },
      &text);
  CHECK(text ==
        "model.onnx: error: node 0 (ConstantOfShape): makes (1048576, 1048576), which is too large "
        "[E044]\n");
}

TEST_CASE("weights that are folded") {
  ModelMaker model;
  model.input("x", {1, 2, 5});
  model.floats("w", {3, 2, 4}, std::vector<float>(24, 1));
  model.node("Transpose", {"w"}, {"turned"}).set("perm", Sizes{2, 1, 0});
  model.node("Conv", {"x", "turned"}, {"y"});
  model.output("y");
  const Loaded loaded = model.load();
  INFO(loaded.text);
  REQUIRE(loaded.module);
  CHECK(loaded.layer().filters == 4);
  CHECK(loaded.layer().kernel->shape == Sizes{4, 2, 3});
}

TEST_CASE("a model of folding alone cannot use up memory") {
  ModelMaker model;
  model.input("x", {1, 1, 4});
  model.filled("c0", {1 << 16});
  model.integers("shape", {1 << 16});
  for (int i = 0; i < 2000; ++i) {
    onnx::NodeProto* node = model.model.mutable_graph()->add_node();
    node->set_op_type("Reshape");
    node->add_input("c" + std::to_string(i));
    node->add_input("shape");
    node->add_output("c" + std::to_string(i + 1));
  }
  model.node("Relu", {"x"}, {"y"});
  model.output("y");
  CHECK(model.load().text ==
        "model.onnx: error: node 1024 (Reshape): its constants are too large to fold [E044]\n");
}

TEST_CASE("only constants fold") {
  ModelMaker model;
  model.input("x", {1, 2, 4});
  model.node("Relu", {"x"}, {"a"});
  model.node("Transpose", {"a"}, {"y"});
  model.output("y");
  CHECK(model.load().text ==
        "model.onnx: error: node 1 (Transpose): reads \"a\", which is computed when the model "
        "runs; only constants are supported [E081]\n");
}

}  // namespace convc::test
