// What each kind of layer becomes: kinds, post_ops, layouts and literal numbers.
#include <catch2/catch.hpp>
#include <limits>

#include "dsl/printer.h"
#include "tests/dsl/load_helpers.h"

namespace convc::test {
namespace {

PostOp post_op_of(const std::string& spec) {
  const LayerSpec layer = load_layer(spec);
  CHECK(layer.kind == LayerKind::elementwise);
  CHECK(layer.in == layer.out);
  REQUIRE(layer.post_ops.size() == 1);
  return layer.post_ops[0];
}

TEST_CASE("kinds, ranks and channels") {
  const auto [spec, kind, rank, filters, groups] =
      GENERATE(table<std::string, LayerKind, int, int, int>({
          {"Conv1D(6, 3, input_shape=(9, 4))", LayerKind::conv, 1, 6, 1},
          {"Conv2D(6, 3, groups=2, input_shape=(9, 9, 4))", LayerKind::conv, 2, 6, 2},
          {"Conv3D(6, 3, input_shape=(9, 9, 9, 4))", LayerKind::conv, 3, 6, 1},
          {"DepthwiseConv1D(3, input_shape=(9, 4))", LayerKind::depthwise_conv, 1, 4, 4},
          {"DepthwiseConv2D(3, depth_multiplier=3, input_shape=(9, 9, 4))",
           LayerKind::depthwise_conv, 2, 12, 4},
          {"SeparableConv1D(6, 3, input_shape=(9, 4))", LayerKind::separable_conv, 1, 6, 4},
          {"SeparableConv2D(6, 3, input_shape=(9, 9, 4))", LayerKind::separable_conv, 2, 6, 4},
          {"Conv1DTranspose(6, 3, input_shape=(9, 4))", LayerKind::conv_transpose, 1, 6, 1},
          {"Conv2DTranspose(6, 3, groups=2, input_shape=(9, 9, 4))", LayerKind::conv_transpose, 2,
           6, 2},
          {"Conv3DTranspose(6, 3, input_shape=(9, 9, 9, 4))", LayerKind::conv_transpose, 3, 6, 1},
      }));
  INFO(spec);
  const LayerSpec layer = load_layer(spec);
  CHECK(layer.kind == kind);
  CHECK(layer.rank == rank);
  CHECK(layer.filters == filters);
  CHECK(layer.groups == groups);
  CHECK(layer.in_channels == 4);
  CHECK(layer.in == Size{rank > 1 ? 9 : 1, 9, rank > 2 ? 9 : 1});
  CHECK(layer.kernel_size == Size{rank > 1 ? 3 : 1, 3, rank > 2 ? 3 : 1});
}

TEST_CASE("every activation by its word") {
  const auto word = GENERATE(as<std::string>{}, "relu", "leaky_relu", "elu", "selu", "celu", "gelu",
                             "silu", "mish", "sigmoid", "hard_sigmoid", "hard_silu", "log_sigmoid",
                             "tanh", "hard_tanh", "tanh_shrink", "soft_shrink", "hard_shrink",
                             "softplus", "softsign", "exponential", "squareplus", "sparse_plus",
                             "sparse_sigmoid", "softmax", "log_softmax", "sparsemax", "glu");
  INFO(word);
  const LayerSpec layer =
      load_layer("Conv2D(4, 1, activation='" + word + "', input_shape=(4, 4, 2))");
  REQUIRE(layer.post_ops.size() == 1);
  CHECK(name_of(layer.post_ops[0].activation.function) == word);
  CHECK(layer.post_ops[0].activation == default_activation(layer.post_ops[0].activation.function));
  CHECK(layer.post_ops[0].name.empty());
  const LayerSpec alone =
      load_layer("Activation('" + word + "', input_shape=(4, 4, 2), name='act')");
  REQUIRE(alone.post_ops.size() == 1);
  CHECK(alone.post_ops[0].activation == layer.post_ops[0].activation);
  CHECK(alone.post_ops[0].name == "act");
}

TEST_CASE("second names of activations") {
  const auto of = [](const std::string& word) {
    return post_op_of("Activation('" + word + "', input_shape=(4, 4, 2))").activation;
  };
  CHECK(of("swish") == of("silu"));
  CHECK(of("hard_swish") == of("hard_silu"));
  CHECK(of("relu6").function == ActivationFunction::relu);
  CHECK(of("relu6").beta == 6);
}

TEST_CASE("parameters of activation layers") {
  const float infinity = std::numeric_limits<float>::infinity();
  const Activation relu = post_op_of("ReLU(6.5, 0.25, 1, input_shape=(4, 4, 2))").activation;
  CHECK(relu == Activation{ActivationFunction::relu, 0.25F, 6.5F, 1});
  CHECK(post_op_of("ReLU(None, input_shape=(4, 4, 2))").activation.beta == infinity);
  CHECK(post_op_of("LeakyReLU(input_shape=(4, 4, 2))").activation.alpha == 0.3F);
  CHECK(post_op_of("Activation('leaky_relu', input_shape=(4, 4, 2))").activation.alpha == 0.2F);
  CHECK(post_op_of("ELU(2, input_shape=(4, 4, 2))").activation.alpha == 2);
  const Activation clip =
      post_op_of("Activation('clip', alpha=-1, beta=None, input_shape=(4, 4, 2))").activation;
  CHECK(clip == Activation{ActivationFunction::clip, -1, infinity, 0});
  CHECK(post_op_of("Activation('relu', alpha=-1, input_shape=(4, 4, 2))").activation.alpha == -1);
}

TEST_CASE("normalization, rescaling and slopes") {
  const PostOp norm = post_op_of(
      "BatchNormalization(epsilon=0.5, center=False, gamma=[2, 3], moving_mean=[4, 5],"
      " moving_variance=[6, 7], input_shape=(4, 4, 2), name='bn')");
  CHECK(norm.kind == PostOpKind::batch_normalization);
  CHECK(norm.epsilon == 0.5F);
  CHECK(norm.scales);
  CHECK_FALSE(norm.centers);
  CHECK(norm.gamma->values == std::vector<float>{2, 3});
  CHECK(norm.beta == nullptr);
  CHECK(norm.variance->values == std::vector<float>{6, 7});
  CHECK(post_op_of("BatchNormalization(input_shape=(4, 4, 2))").epsilon == 1e-3F);
  const PostOp rescaling = post_op_of("Rescaling(0.5, -1, input_shape=(4, 2))");
  CHECK(rescaling.kind == PostOpKind::rescaling);
  CHECK(rescaling.scale == 0.5F);
  CHECK(rescaling.offset == -1);
  for (const char* alpha : {"[1, 2]", "[[[1, 2]]]"}) {
    const PostOp prelu = post_op_of("PReLU(shared_axes=[1, 2], alpha=" + std::string(alpha) +
                                    ", input_shape=(4, 4, 2))");
    CHECK(prelu.kind == PostOpKind::prelu);
    REQUIRE(prelu.alpha != nullptr);
    CHECK(prelu.alpha->shape == std::vector<std::int64_t>{2});
  }
}

TEST_CASE("padding alone") {
  const auto [spec, padding, out] = GENERATE(table<std::string, Padding, Size>({
      {"ZeroPadding1D(2, input_shape=(5, 1))", Padding{0, 0, 2, 2}, Size{1, 9}},
      {"ZeroPadding1D((1, 0), input_shape=(5, 1))", Padding{0, 0, 1, 0}, Size{1, 6}},
      {"ZeroPadding2D(1, input_shape=(5, 6, 1))", Padding{1, 1, 1, 1}, Size{7, 8}},
      {"ZeroPadding2D((1, 2), input_shape=(5, 6, 1))", Padding{1, 1, 2, 2}, Size{7, 10}},
      {"ZeroPadding2D(((1, 2), (3, 4)), input_shape=(5, 6, 1))", Padding{1, 2, 3, 4}, Size{8, 13}},
      {"ZeroPadding2D(((-1, 2), (0, -3)), input_shape=(5, 6, 1))", Padding{-1, 2, 0, -3},
       Size{6, 3}},
      {"ZeroPadding3D((1, 2, 3), input_shape=(5, 6, 7, 1))", Padding{2, 2, 3, 3, 1, 1},
       Size{10, 13, 7}},
  }));
  INFO(spec);
  const LayerSpec layer = load_layer(spec);
  CHECK(layer.kind == LayerKind::elementwise);
  CHECK(layer.post_ops.empty());
  CHECK(layer.padding == padding);
  CHECK(layer.out == out);
  CHECK(load_layer(print(load_valid(spec))) == layer);
}

TEST_CASE("layouts of inputs, outputs and filters") {
  const Module module = load_valid(
      "Conv2D(6, (3, 2), data_format='channels_first', output_data_format='channels_last',"
      " input_shape=(4, 9, 8), input_pitch=10, kernel_layout='OIHW')");
  const Graph& graph = module.graphs[0];
  const LayerSpec& layer = graph.nodes[0].layer;
  CHECK(layer.in == Size{9, 8});
  CHECK(layer.in_channels == 4);
  CHECK(layer.input_form == TensorForm{Layout::channels_first, 10});
  CHECK(layer.output_form == TensorForm{Layout::channels_last, 0});
  CHECK(layer.kernel_layout == KernelLayout::filters_first);
  CHECK(variables_of(layer)[0].shape == std::vector<std::int64_t>{6, 4, 3, 2});
  CHECK(graph.tensors[0].shape == std::vector<Dim>{{1, 1}, {4, 4}, {9, 9}, {8, 8}});
  CHECK(graph.tensors[0].form.row_pitch == 10);
  CHECK(graph.tensors[1].shape == std::vector<Dim>{{1, 1}, {7, 7}, {7, 7}, {6, 6}});
  // A dense pitch is none.
  CHECK(load_layer("Conv2D(6, 3, input_shape=(9, 8, 4), input_pitch=32)").input_form.row_pitch ==
        0);
}

TEST_CASE("an Input takes the layout of what reads it, through layers that have none") {
  const Module module = load_valid(R"(
x = Input((4, 9, 8))
y = ReLU()(x)
y = Conv2D(4, 1, data_format="channels_first")(y)
z = Input((4, 9, 8))
y = Add()([z, y])
y = BatchNormalization(axis=1)(y)
Model([x, z], PReLU(shared_axes=[2, 3])(y))
)");
  for (const Tensor& tensor : module.graphs[0].tensors) {
    INFO(tensor.name);
    CHECK(tensor.form.layout == Layout::channels_first);
  }
  const Module last = load_valid("Sequential([Input((4, 9, 8)), ReLU(), BatchNormalization()])");
  CHECK(last.graphs[0].tensors[0].form.layout == Layout::channels_last);
}

TEST_CASE("a sum may read tensors of two layouts") {
  const Module module = load_valid(R"(
x = Input((9, 8, 4))
y = Conv2D(4, 1)(x)
z = Conv2D(4, 1, output_data_format="channels_first")(x)
Model(x, Add()([y, z]))
)");
  const LayerSpec& sum = module.graphs[0].nodes[2].layer;
  CHECK(sum.output_form.layout == Layout::channels_last);
  CHECK(sum.post_ops[0].operand_layout == Layout::channels_first);
}

TEST_CASE("padding modes") {
  const LayerSpec layer = load_layer(
      "Conv1D(1, 3, padding=(2, 1), padding_mode='constant', padding_value=0.5, input_shape=(4, "
      "1))");
  CHECK(layer.padding_mode == PaddingMode::constant);
  CHECK(layer.padding_value == 0.5F);
  const auto fits = [](const char* mode, int pad) {
    return load("Conv1D(1, 3, padding=(" + std::to_string(pad) + ", 0), padding_mode='" + mode +
                "', input_shape=(4, 1))")
        .module.has_value();
  };
  CHECK(fits("reflect", 3));
  CHECK_FALSE(fits("reflect", 4));
  CHECK(fits("circular", 4));
  CHECK_FALSE(fits("circular", 5));
  CHECK(fits("replicate", 9));
}

}  // namespace
}  // namespace convc::test
