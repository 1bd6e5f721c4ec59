// Add, Sub, Mul, Div and Sum: constants, and second tensors in every shape that is supported.
#include <catch2/catch.hpp>
#include <functional>
#include <limits>
#include <numeric>

#include "tests/onnx/model.h"

namespace convc::test {
namespace {

// op(x, c) or op(c, x) for x of (2, 3, 4, 5).
Loaded with_constant(const char* op, const Sizes& shape, const std::vector<float>& values,
                     bool constant_first = false, std::int64_t opset = 13) {
  ModelMaker model(opset);
  model.input("x", {2, 3, 4, 5});
  model.floats("c", shape, values);
  if (constant_first) {
    model.node(op, {"c", "x"}, {"y"});
  } else {
    model.node(op, {"x", "c"}, {"y"});
  }
  model.output("y");
  return model.load();
}

PostOp step_of(const Loaded& loaded) {
  INFO(loaded.text);
  REQUIRE(loaded.module);
  REQUIRE(loaded.layer().post_ops.size() == 1);
  return loaded.layer().post_ops[0];
}

void check_rescaling(const Loaded& loaded, float scale, float offset) {
  const PostOp step = step_of(loaded);
  CHECK(step.kind == PostOpKind::rescaling);
  CHECK(step.scale == scale);
  CHECK(step.offset == offset);
}

Loaded with_tensor(const char* op, const Sizes& a, const Sizes& b) {
  ModelMaker model;
  model.input("a", a);
  model.input("b", b);
  model.node(op, {"a", "b"}, {"y"});
  model.output("y");
  return model.load();
}

}  // namespace

TEST_CASE("a number makes a rescaling") {
  check_rescaling(with_constant("Add", {}, {3}), 1, 3);
  check_rescaling(with_constant("Sub", {1}, {3}), 1, -3);
  check_rescaling(with_constant("Sub", {}, {3}, true), -1, 3);
  check_rescaling(with_constant("Mul", {1, 1, 1, 1}, {3}), 3, 0);
  check_rescaling(with_constant("Div", {}, {4}), 0.25F, 0);
  // The same for all elements, whatever the shape.
  check_rescaling(with_constant("Mul", {5}, {2, 2, 2, 2, 2}), 2, 0);
  CHECK(with_constant("Div", {}, {4}, true).text ==
        "model.onnx: error: node 0 (Div): divides a constant; only dividing by one is supported "
        "[E081]\n");
}

TEST_CASE("a number for each channel makes a normalization") {
  const PostOp add = step_of(with_constant("Add", {3, 1, 1}, {1, 2, 3}));
  CHECK(add.kind == PostOpKind::batch_normalization);
  CHECK(add.epsilon == 0);
  CHECK(add.gamma->values == std::vector<float>{1, 1, 1});
  CHECK(add.beta->values == std::vector<float>{1, 2, 3});
  CHECK(add.mean->values == std::vector<float>{0, 0, 0});
  CHECK(add.variance->values == std::vector<float>{1, 1, 1});
  const PostOp difference = step_of(with_constant("Sub", {1, 3, 1, 1}, {1, 2, 3}, true));
  CHECK(difference.gamma->values == std::vector<float>{-1, -1, -1});
  CHECK(difference.beta->values == std::vector<float>{1, 2, 3});
  const PostOp quotient = step_of(with_constant("Div", {3, 1, 1}, {1, 2, 4}));
  CHECK(quotient.gamma->values == std::vector<float>{1, 0.5F, 0.25F});
  CHECK(with_constant("Add", {5}, {1, 2, 3, 4, 5}).text ==
        "model.onnx: error: node 0 (Add): its constant operand of the shape (5,) is neither one "
        "number nor one for each channel of (2, 3, 4, 5) [E081]\n"
        "      = help: a constant operand has one number, or one for each channel\n");
  std::vector<float> different(120);
  std::iota(different.begin(), different.end(), 0.0F);
  CHECK(
      with_constant("Add", {2, 3, 4, 5}, different).text ==
      "model.onnx: error: node 0 (Add): its constant operand of the shape (2, 3, 4, 5) is neither "
      "one number nor one for each channel of (2, 3, 4, 5) [E081]\n"
      "      = help: make it an input of the model: two tensors of one shape are supported\n");
  CHECK_FALSE(with_constant("Add", {1, 1, 1, 1, 1}, {1}).module);
}

TEST_CASE("a number for each channel that is infinite makes a depthwise convolution") {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const auto check = [](const Loaded& loaded, const std::vector<float>& factors) {
    INFO(loaded.text);
    REQUIRE(loaded.module);
    const LayerSpec& layer = loaded.layer();
    CHECK(layer.kind == LayerKind::conv);
    CHECK(layer.groups == 3);
    CHECK(layer.filters == 3);
    CHECK(layer.out == Size{4, 5});
    CHECK(layer.post_ops.empty());
    REQUIRE(layer.kernel);
    CHECK(layer.kernel->shape == Sizes{3, 1, 1, 1});
    CHECK(layer.kernel->values == factors);
  };
  check(with_constant("Mul", {3, 1, 1}, {1, kInfinity, 0}), {1, kInfinity, 0});
  check(with_constant("Div", {1, 3, 1, 1}, {2, 0, -0.0F}), {0.5F, kInfinity, -kInfinity});
  // Sums need no more than a normalization.
  CHECK(step_of(with_constant("Add", {3, 1, 1}, {1, kInfinity, 0})).kind ==
        PostOpKind::batch_normalization);
}

TEST_CASE("a divisor without a reciprocal is refused") {
  constexpr float kSmall = std::numeric_limits<float>::min();  // its reciprocal is finite
  check_rescaling(with_constant("Div", {}, {-kSmall}), -1 / kSmall, 0);
  const std::string refusal =
      "model.onnx: error: node 0 (Div): divides by a number so near 0 that its reciprocal is out "
      "of float32's range [E081]\n"
      "      = help: scale it and what it divides, so that it is 1e-38 or more\n";
  CHECK(with_constant("Div", {}, {1e-40F}).text == refusal);
  CHECK(with_constant("Div", {3, 1, 1}, {1, -1e-40F, 2}).text == refusal);
}

TEST_CASE("opset 6 aligns at its attribute axis") {
  ModelMaker model(6);
  model.input("x", {2, 3, 4, 5});
  model.floats("c", {3}, {1, 2, 3});
  model.node("Mul", {"x", "c"}, {"y"}).set("broadcast", 1).set("axis", 1);
  model.output("y");
  CHECK(step_of(model.load()).gamma->values == std::vector<float>{1, 2, 3});
}

TEST_CASE("second tensors") {
  struct Expected {
    Sizes shape;
    OperandShape operand;
  };
  const Expected expected[] = {{{2, 3, 4, 5}, OperandShape::full},
                               {{2, 3, 1, 1}, OperandShape::per_channel},
                               {{2, 1, 4, 5}, OperandShape::per_pixel},
                               {{2, 1, 1, 1}, OperandShape::scalar}};
  for (const Expected& each : expected) {
    for (const char* op : {"Add", "Mul"}) {
      for (const bool swapped : {false, true}) {
        const Loaded loaded = swapped ? with_tensor(op, each.shape, {2, 3, 4, 5})
                                      : with_tensor(op, {2, 3, 4, 5}, each.shape);
        const PostOp step = step_of(loaded);
        CHECK(step.kind == (op[0] == 'A' ? PostOpKind::add : PostOpKind::multiply));
        CHECK(step.operand == 1);
        CHECK(step.operand_shape == each.operand);
        CHECK(step.operand_layout == Layout::channels_first);
        CHECK(loaded.layer().in == Size{4, 5});
        // The layer reads the tensor of the result's shape.
        const Tensor& read =
            loaded.graph().tensors.at(static_cast<std::size_t>(loaded.graph().nodes[0].inputs[0]));
        CHECK(read.shape[3] == Dim{5, 5});
      }
    }
  }
  CHECK(with_tensor("Add", {2, 3, 4, 5}, {1, 3, 4, 5}).text ==
        "model.onnx: error: node 0 (Add): its operands have the shapes (2, 3, 4, 5) and "
        "(1, 3, 4, 5) [E081]\n"
        "      = help: supported are equal shapes, and a second tensor with the same batch and one "
        "number for each channel, for each pixel, or for each image\n");
  CHECK_FALSE(with_tensor("Add", {2, 3, 1, 5}, {2, 3, 4, 1}).module);
  CHECK_FALSE(with_tensor("Sub", {2, 3, 4, 5}, {2, 3, 4, 5}).module);
}

TEST_CASE("a tensor and itself") {
  ModelMaker sum;
  sum.input("x", {1, 2, 3});
  sum.node("Add", {"x", "x"}, {"y"});
  sum.output("y");
  check_rescaling(sum.load(), 2, 0);
  ModelMaker square;
  square.input("x", {1, 2, 3});
  square.node("Mul", {"x", "x"}, {"y"});
  square.output("y");
  const Loaded squared = square.load();
  CHECK(step_of(squared).kind == PostOpKind::multiply);
  CHECK(squared.graph().nodes[0].inputs == std::vector<TensorId>{0, 0});
}

TEST_CASE("Sum of one and two tensors") {
  CHECK(step_of(with_tensor("Sum", {1, 2, 3}, {1, 2, 3})).kind == PostOpKind::add);
  ModelMaker model;
  model.input("a", {1, 2, 3});
  model.node("Sum", {"a", "a", "a"}, {"y"});
  model.output("y");
  CHECK_FALSE(model.load().module);
}

}  // namespace convc::test
