// Chains of post_ops as text, and the defaults of activations.
#include "dsl/post_op.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

using namespace convc;

namespace {

constexpr int kFunctions = static_cast<int>(ActivationFunction::glu) + 1;

std::vector<PostOp> every_post_op() {
  std::vector<PostOp> chain;
  for (int i = 0; i < kFunctions; ++i) {
    PostOp op;
    op.activation = default_activation(static_cast<ActivationFunction>(i));
    chain.push_back(op);
  }
  PostOp prelu;
  prelu.kind = PostOpKind::prelu;
  PostOp normalization;
  normalization.kind = PostOpKind::batch_normalization;
  normalization.epsilon = 1e-5F;
  normalization.scales = false;
  PostOp rescaling;
  rescaling.kind = PostOpKind::rescaling;
  rescaling.scale = 1.0F / 255;
  rescaling.offset = -0.0F;
  PostOp add;
  add.kind = PostOpKind::add;
  add.operand = 12;
  add.operand_layout = Layout::channels_first;
  PostOp multiply;
  multiply.kind = PostOpKind::multiply;
  multiply.operand = 2;
  multiply.operand_shape = OperandShape::per_channel;
  chain.insert(chain.end(), {prelu, normalization, rescaling, add, multiply});
  return chain;
}

}  // namespace

TEST_CASE("post_ops are read back from their text", "[post_op]") {
  const std::vector<PostOp> chain = every_post_op();
  CHECK(post_ops_from_text(to_text(chain)) == chain);
  for (const PostOp& op : chain) CHECK(post_ops_from_text(to_text({op})) == std::vector{op});
  CHECK(to_text({}).empty());
  CHECK(post_ops_from_text("").empty());
}

TEST_CASE("every float is read back exactly", "[post_op]") {
  PostOp op;
  op.kind = PostOpKind::rescaling;
  for (const float scale : {0.1F, 1e-45F, 3.4028235e38F, std::numeric_limits<float>::infinity(),
                            -std::numeric_limits<float>::infinity()}) {
    op.scale = scale;
    CHECK(post_ops_from_text(to_text({op})).front().scale == scale);
  }
  op.scale = -0.0F;
  CHECK(std::signbit(post_ops_from_text(to_text({op})).front().scale));
}

TEST_CASE("the text of post_ops", "[post_op]") {
  const std::vector<PostOp> chain = every_post_op();
  const auto text = [&](int index) { return to_text({chain[static_cast<std::size_t>(index)]}); };
  CHECK(text(static_cast<int>(ActivationFunction::relu)) == "relu(0,inf,0)");
  CHECK(text(static_cast<int>(ActivationFunction::leaky_relu)) == "leaky_relu(0.2)");
  CHECK(text(static_cast<int>(ActivationFunction::tanh)) == "tanh");
  CHECK(text(kFunctions) == "prelu");
  CHECK(text(kFunctions + 1) == "batch_normalization(1e-05,0,1)");
  CHECK(text(kFunctions + 3) == "add(12,full,channels_first)");
  CHECK(text(kFunctions + 4) == "multiply(2,per_channel,channels_last)");
}

TEST_CASE("activations have distinct names and Keras 3's defaults", "[post_op]") {
  for (int i = 0; i < kFunctions; ++i) {
    const auto function = static_cast<ActivationFunction>(i);
    CHECK(default_activation(function).function == function);
    for (int j = 0; j < i; ++j) {
      CHECK(name_of(function) != name_of(static_cast<ActivationFunction>(j)));
    }
    CHECK(reads_whole_axis(function) ==
          (name_of(function) == "softmax" || name_of(function) == "log_softmax" ||
           name_of(function) == "sparsemax" || name_of(function) == "glu"));
  }
  CHECK(default_activation(ActivationFunction::leaky_relu).alpha == 0.2F);
  CHECK(default_activation(ActivationFunction::hard_sigmoid).alpha == 1.0F / 6);
  CHECK(default_activation(ActivationFunction::squareplus).alpha == 4);
  CHECK(default_activation(ActivationFunction::selu).gamma == 1.05070098F);
}

TEST_CASE("literal numbers of post_ops are compared by their bits", "[post_op]") {
  PostOp a;
  a.kind = PostOpKind::prelu;
  PostOp b = a;
  a.alpha = std::make_shared<Literal>(Literal{{1}, {0.0F}});
  CHECK_FALSE(a == b);
  b.alpha = std::make_shared<Literal>(Literal{{1}, {-0.0F}});
  CHECK_FALSE(a == b);
  b.alpha = std::make_shared<Literal>(Literal{{1}, {0.0F}});
  CHECK(a == b);
  b.name = "other";
  CHECK_FALSE(a == b);
}
