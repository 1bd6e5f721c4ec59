// Activations, BatchNormalization, PRelu, Clip, Softmax and Pad, in each form that opsets gave
// them.
#include <catch2/catch.hpp>
#include <functional>
#include <limits>

#include "dsl/printer.h"
#include "tests/onnx/model.h"

namespace convc::test {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

// One node on x of `shape`; `fill` adds what else it reads.
Loaded load_node(std::int64_t opset, const Sizes& shape,
                 const std::function<void(ModelMaker&)>& fill) {
  ModelMaker model(opset);
  model.input("x", shape);
  fill(model);
  model.output("y");
  return model.load();
}

Activation activation_of(std::int64_t opset, const std::function<void(ModelMaker&)>& fill) {
  const Loaded loaded = load_node(opset, {2, 3, 4, 5}, fill);
  INFO(loaded.text);
  REQUIRE(loaded.module);
  const LayerSpec& layer = loaded.layer();
  CHECK(layer.kind == LayerKind::elementwise);
  REQUIRE(layer.post_ops.size() == 1);
  REQUIRE(layer.post_ops[0].kind == PostOpKind::activation);
  return layer.post_ops[0].activation;
}

}  // namespace

TEST_CASE("activations have ONNX' defaults and attributes") {
  using F = ActivationFunction;
  struct Expected {
    const char* op;
    std::int64_t opset;
    Activation activation;
  };
  const Expected expected[] = {
      {"Relu", 7, {F::relu, 0, kInfinity, 0}},
      {"LeakyRelu", 7, {F::leaky_relu, 0.01F, 0, 0}},
      {"Elu", 7, {F::elu, 1, 0, 0}},
      {"Selu", 7, {F::selu, 1.67326319F, 0, 1.05070102F}},
      {"Celu", 12, {F::celu, 1, 0, 0}},
      {"Gelu", 20, {F::gelu, 0, 0, 0}},
      {"Sigmoid", 7, {F::sigmoid, 0, 0, 0}},
      {"HardSigmoid", 7, {F::hard_sigmoid, 0.2F, 0.5F, 0}},
      {"HardSwish", 14, {F::hard_silu, 0, 0, 0}},
      {"Mish", 18, {F::mish, 0, 0, 0}},
      {"Softplus", 1, {F::softplus, 0, 0, 0}},
      {"Softsign", 1, {F::softsign, 0, 0, 0}},
      {"Tanh", 7, {F::tanh, 0, 0, 0}},
      {"Exp", 7, {F::exponential, 0, 0, 0}},
      {"ThresholdedRelu", 10, {F::threshold, 1, 0, 0}},
      {"Shrink", 9, {F::shrink, 0.5F, 0, 0}},
  };
  for (const Expected& each : expected) {
    INFO(each.op);
    CHECK(activation_of(each.opset, [&](ModelMaker& model) {
            model.node(each.op, {"x"}, {"y"});
          }) == each.activation);
  }
  CHECK(activation_of(9, [](ModelMaker& model) {
          model.node("Shrink", {"x"}, {"y"}).set("lambd", 1.5F).set("bias", 0.25F);
        }) == Activation{F::shrink, 1.5F, 0.25F, 0});
  CHECK(activation_of(20, [](ModelMaker& model) {
          model.node("Gelu", {"x"}, {"y"}).set("approximate", "tanh");
        }) == Activation{F::gelu_tanh, 0, 0, 0});
  CHECK(
      load_node(13, {1, 2, 3}, [](ModelMaker& model) { model.node("Celu", {"x"}, {"y"}); }).module);
  CHECK(
      load_node(11, {1, 2, 3}, [](ModelMaker& model) { model.node("Celu", {"x"}, {"y"}); }).text ==
      "model.onnx: error: node 0 (Celu): this operator of opset 11 is not supported; that of "
      "opset 12 and later is [E081]\n");
}

TEST_CASE("an infinite alpha of Celu and Selu is refused; others have values with it") {
  const auto with_alpha = [](const char* op, float alpha) {
    return load_node(16, {1, 2, 3},
                     [&](ModelMaker& model) { model.node(op, {"x"}, {"y"}).set("alpha", alpha); });
  };
  for (const char* op : {"Celu", "Selu"}) {
    for (const float alpha : {kInfinity, -kInfinity}) {
      CHECK(with_alpha(op, alpha).text ==
            std::string("model.onnx: error: node 0 (") + op +
                "): attribute `alpha` is infinite, with which the formula is not a number "
                "[E081]\n      = help: give it a finite number\n");
    }
  }
  for (const char* op : {"Elu", "HardSigmoid", "LeakyRelu", "ThresholdedRelu"}) {
    CHECK(with_alpha(op, kInfinity).module);
  }
}

TEST_CASE("Swish is silu, or a product of two factors") {
  const auto swish = [](ModelMaker& model) { return model.node("Swish", {"x"}, {"y"}); };
  CHECK(activation_of(24, swish).function == ActivationFunction::silu);
  CHECK(activation_of(24, [&](ModelMaker& model) { swish(model).set("alpha", 1.0F); }).function ==
        ActivationFunction::silu);
  const Loaded loaded =
      load_node(24, {2, 3, 4, 5}, [&](ModelMaker& model) { swish(model).set("alpha", 0.5F); });
  INFO(loaded.text);
  REQUIRE(loaded.module);
  CHECK(print(*loaded.module) ==
        "t0 = Input(shape=(3, 4, 5), batch_size=2, name=\"x\", data_format=\"channels_first\")\n"
        "t1 = Rescaling(scale=0.5, name=\"swish_0\")(t0)\n"
        "t2 = Activation(activation=\"sigmoid\", name=\"swish_0_2\")(t1)\n"
        "t3 = Multiply(name=\"swish_0_3\")([t0, t2])\n"
        "Model(inputs=t0, outputs=t3, name=\"model\")\n");
  CHECK(load_node(23, {1, 2, 3}, swish).text ==
        "model.onnx: error: node 0 (Swish): this operator of opset 23 is not supported; that of "
        "opset 24 and later is [E081]\n");
}

TEST_CASE("Clip has attributes, later inputs") {
  using F = ActivationFunction;
  CHECK(activation_of(6, [](ModelMaker& model) {
          model.node("Clip", {"x"}, {"y"}).set("min", -1.0F).set("max", 2.0F);
        }) == Activation{F::clip, -1, 2, 0});
  CHECK(activation_of(13, [](ModelMaker& model) {
          model.floats("low", {}, {-3});
          model.node("Clip", {"x", "low"}, {"y"});
        }) == Activation{F::clip, -3, kInfinity, 0});
  CHECK(activation_of(13, [](ModelMaker& model) {
          model.floats("high", {1}, {4});
          model.node("Clip", {"x", "", "high"}, {"y"});
        }) == Activation{F::clip, -kInfinity, 4, 0});
  CHECK(load_node(13, {1, 2, 3},
                  [](ModelMaker& model) {
                    model.input("low", {});
                    model.node("Clip", {"x", "low"}, {"y"});
                  })
            .text ==
        "model.onnx: error: node 0 (Clip): input 1 (min, \"low\") is known only when the model "
        "runs; it must be a constant [E081]\n");
}

TEST_CASE("Softmax is over one axis") {
  const auto softmax = [](std::int64_t opset, const Sizes& shape, int axis) {
    return load_node(opset, shape, [&](ModelMaker& model) {
      model.node("Softmax", {"x"}, {"y"}).set("axis", axis);
    });
  };
  const auto axis_of = [&](std::int64_t opset, const Sizes& shape, int axis) {
    const auto loaded = softmax(opset, shape, axis);
    INFO(loaded.text);
    REQUIRE(loaded.module);
    return loaded.layer().post_ops.front().activation.axis;
  };
  CHECK(axis_of(13, {2, 3, 4, 5}, 1) == TensorAxis::channels);
  CHECK(axis_of(13, {2, 3, 4, 5}, -3) == TensorAxis::channels);
  CHECK(axis_of(13, {2, 3, 4, 5}, -2) == TensorAxis::height);
  CHECK(axis_of(13, {2, 3, 4, 5}, 3) == TensorAxis::width);
  CHECK(axis_of(13, {2, 3, 4, 5, 6}, 2) == TensorAxis::depth);
  CHECK(axis_of(13, {2, 3}, -1) == TensorAxis::channels);
  CHECK(axis_of(7, {2, 3}, 1) == TensorAxis::channels);
  CHECK(axis_of(7, {2, 3, 1, 1}, 1) == TensorAxis::channels);
  CHECK(axis_of(7, {2, 1, 1, 4}, 1) == TensorAxis::width);
  CHECK(axis_of(7, {1, 3, 1, 1}, 0) == TensorAxis::channels);
  CHECK(softmax(13, {2, 3, 4, 5}, 0).text ==
        "model.onnx: error: node 0 (Softmax): attribute `axis` is 0 for an input of (2, 3, 4, 5); "
        "it is one of the axes but the batch [E081]\n");
  CHECK(softmax(7, {2, 3, 4, 5}, 1).text ==
        "model.onnx: error: node 0 (Softmax): attribute `axis` is 1 for an input of (2, 3, 4, 5); "
        "by opset 7 it goes over several axes, which is not supported [E081]\n");
}

TEST_CASE("BatchNormalization in inference") {
  const auto fill = [](ModelMaker& model) {
    model.floats("s", {3}, {1, 2, 3});
    model.floats("b", {3}, {4, 5, 6});
    model.floats("m", {3}, {7, 8, 9});
    model.floats("v", {3}, {1, 4, 9});
    return model.node("BatchNormalization", {"x", "s", "b", "m", "v"}, {"y"});
  };
  const Loaded loaded = load_node(15, {2, 3, 4, 5}, [&](ModelMaker& model) {
    fill(model).set("epsilon", 0.5F).set("momentum", 0.9F);
  });
  INFO(loaded.text);
  REQUIRE(loaded.module);
  const PostOp& step = loaded.layer().post_ops.at(0);
  CHECK(step.kind == PostOpKind::batch_normalization);
  CHECK(step.epsilon == 0.5F);
  CHECK(step.gamma->values == std::vector<float>{1, 2, 3});
  CHECK(step.beta->values == std::vector<float>{4, 5, 6});
  CHECK(step.mean->values == std::vector<float>{7, 8, 9});
  CHECK(step.variance->values == std::vector<float>{1, 4, 9});
  CHECK(load_node(15, {2, 3}, [&](ModelMaker& model) { fill(model); }).module);
  CHECK(load_node(15, {2, 3, 4}, [&](ModelMaker& model) { fill(model).set("training_mode", 1); })
            .text ==
        "model.onnx: error: node 0 (BatchNormalization): attribute `training_mode` asks for "
        "training; only inference is supported [E081]\n");
  CHECK(load_node(7, {2, 3, 4}, [&](ModelMaker& model) { fill(model).set("spatial", 0); }).text ==
        "model.onnx: error: node 0 (BatchNormalization): attribute `spatial` is 0, statistics for "
        "each element; only 1 is supported [E081]\n");
  CHECK(load_node(15, {2, 4, 4}, [&](ModelMaker& model) { fill(model); })
            .text.find("the scale has the shape (3,); 4 channels need (4,) [E047]") !=
        std::string::npos);
}

TEST_CASE("a negative variance is refused") {
  CHECK(
      load_node(15, {1, 2, 4},
                [](ModelMaker& model) {
                  model.filled("one", {2});
                  model.floats("v", {2}, {1, -2});
                  model.node("BatchNormalization", {"x", "one", "one", "one", "v"}, {"y"});
                })
          .text ==
      "model.onnx: error: node 0 (BatchNormalization): the variance has a negative number, -2, for "
      "channel 1 [E055]\n      = note: a variance is a mean of squares\n"
      "      = help: input 4 holds variances of 0 or more, input 3 the means\n");
}

TEST_CASE("numbers with which BatchNormalization divides by 0 or is infinite are warned of") {
  const auto warned = [](const std::vector<float>& scale, float epsilon) {
    return load_node(15, {1, 2, 4},
                     [&](ModelMaker& model) {
                       model.floats("s", {2}, scale);
                       model.filled("one", {2});
                       model.floats("v", {2}, {1, 0});
                       model.node("BatchNormalization", {"x", "s", "one", "one", "v"}, {"y"})
                           .set("epsilon", epsilon);
                     })
        .text;
  };
  CHECK(warned({1, 2}, 1e-5F).empty());
  CHECK(warned({1, kInfinity}, 1e-5F)
            .find("input 1 (the scale, \"s\") has 1 number that is not finite") !=
        std::string::npos);
  CHECK(warned({1, 2}, 0).find(
            "input 4 (the variance, \"v\") has 1 number that is 0, and epsilon is 0") !=
        std::string::npos);
}

TEST_CASE("PRelu has a slope for each channel, or one") {
  const auto prelu = [](std::int64_t opset, const Sizes& slope) {
    return load_node(opset, {2, 3, 4, 5}, [&](ModelMaker& model) {
      model.filled("slope", slope, 0.25F);
      model.node("PRelu", {"x", "slope"}, {"y"});
    });
  };
  const Loaded channels = prelu(9, {3, 1, 1});
  REQUIRE(channels.module);
  CHECK(channels.layer().post_ops[0].kind == PostOpKind::prelu);
  CHECK(channels.layer().post_ops[0].alpha->shape == Sizes{3});
  CHECK(prelu(9, {1, 3, 1, 1}).module);
  CHECK(prelu(6, {3}).module);
  const Loaded one = prelu(9, {1});
  REQUIRE(one.module);
  CHECK(one.layer().post_ops[0].activation ==
        Activation{ActivationFunction::leaky_relu, 0.25F, 0, 0});
  CHECK(prelu(9, {5}).text ==
        "model.onnx: error: node 0 (PRelu): the slope has the shape (5,) for an input of "
        "(2, 3, 4, 5); only one for each channel is supported [E081]\n");
  CHECK_FALSE(prelu(9, {3}).module);
  CHECK_FALSE(prelu(9, {3, 4, 5}).module);
}

TEST_CASE("Pad in its three forms") {
  const auto check = [](const Loaded& loaded, PaddingMode mode, float value) {
    INFO(loaded.text);
    REQUIRE(loaded.module);
    const LayerSpec& layer = loaded.layer();
    CHECK(layer.kind == LayerKind::elementwise);
    CHECK(layer.post_ops.empty());
    CHECK(layer.padding == Padding{1, 3, 2, 4});
    CHECK(layer.padding_mode == mode);
    CHECK(layer.padding_value == value);
    CHECK(layer.out == Size{10, 13});
  };
  const Sizes pads = {0, 0, 1, 2, 0, 0, 3, 4};
  check(load_node(2, {1, 2, 6, 7},
                  [&](ModelMaker& model) {
                    model.node("Pad", {"x"}, {"y"}).set("pads", pads).set("value", 1.5F);
                  }),
        PaddingMode::constant, 1.5F);
  check(load_node(11, {1, 2, 6, 7},
                  [&](ModelMaker& model) {
                    model.integers("pads", pads);
                    model.node("Pad", {"x", "pads"}, {"y"});
                  }),
        PaddingMode::zeros, 0);
  check(load_node(18, {1, 2, 6, 7},
                  [&](ModelMaker& model) {
                    model.integers("pads", {2, 1, 4, 3});
                    model.integers("axes", {3, -2});
                    model.node("Pad", {"x", "pads", "", "axes"}, {"y"}).set("mode", "edge");
                  }),
        PaddingMode::replicate, 0);
  check(load_node(19, {1, 2, 6, 7},
                  [&](ModelMaker& model) {
                    model.integers("pads", pads);
                    model.node("Pad", {"x", "pads"}, {"y"}).set("mode", "wrap");
                  }),
        PaddingMode::circular, 0);
  const Loaded cropped = load_node(11, {1, 2, 6, 7}, [](ModelMaker& model) {
    model.integers("pads", {0, 0, -1, 0, 0, 0, -2, 1});
    model.node("Pad", {"x", "pads"}, {"y"});
  });
  REQUIRE(cropped.module);
  CHECK(cropped.layer().out == Size{3, 8});
}

TEST_CASE("Pad that convc cannot do") {
  const auto text = [](const char* mode, const Sizes& pads) {
    return load_node(11, {1, 2, 6, 7},
                     [&](ModelMaker& model) {
                       model.integers("pads", pads);
                       model.node("Pad", {"x", "pads"}, {"y"}).set("mode", mode);
                     })
        .text;
  };
  CHECK(text("reflect", {0, 0, 6, 0, 0, 0, 0, 0}) ==
        "model.onnx: error: node 0 (Pad): pads axis 2 of 6 elements by 6; mode reflect allows 5 "
        "[E073]\n");
  CHECK(text("constant", {0, 1, 0, 0, 0, 0, 0, 0}) ==
        "model.onnx: error: node 0 (Pad): pads axis 1, the channels; only spatial axes are "
        "supported [E081]\n");
  CHECK(text("wrap", {0, 0, 1, 0, 0, 0, 0, 0}) ==
        "model.onnx: error: node 0 (Pad): attribute `mode` is \"wrap\", which opset 11 does not "
        "have [E081]\n");
  CHECK(text("edge", {0, 0, -1, 0, 0, 0, 0, 0}) ==
        "model.onnx: error: node 0 (Pad): pads axis 2 by -1, which only mode constant supports "
        "[E081]\n");
  CHECK(text("constant", {0, 0, -3, 0, 0, 0, -3, 0}) ==
        "model.onnx: error: node 0 (Pad): its output has 0 elements along axis 2 [E040]\n");
}

}  // namespace convc::test
