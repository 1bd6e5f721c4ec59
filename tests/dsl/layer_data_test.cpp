// Variables, canonical text and costs of layers of every kind.
#include <catch2/catch.hpp>

#include "dsl/canonical.h"
#include "dsl/cost.h"

using namespace convc;

namespace {

using Shape = std::vector<std::int64_t>;

LayerSpec layer_of(LayerKind kind, int rank) {
  LayerSpec layer;
  layer.kind = kind;
  layer.rank = rank;
  layer.name = "layer";
  layer.in_channels = 6;
  layer.filters = 4;
  layer.kernel_size = {rank > 1 ? 3 : 1, 5, rank > 2 ? 2 : 1};
  layer.in = layer.out = {rank > 1 ? 8 : 1, 9, rank > 2 ? 7 : 1};
  return layer;
}

Shape kernel_shape(LayerSpec layer, KernelLayout layout) {
  layer.kernel_layout = layout;
  return variables_of(layer).front().shape;
}

LayerSpec normalized() {
  LayerSpec layer = layer_of(LayerKind::conv, 2);
  PostOp normalization;
  normalization.kind = PostOpKind::batch_normalization;
  normalization.name = "bn";
  normalization.centers = false;
  PostOp prelu;
  prelu.kind = PostOpKind::prelu;
  layer.post_ops = {normalization, prelu};
  return layer;
}

}  // namespace

TEST_CASE("kernels have Keras' shapes, or ONNX'", "[variables]") {
  const auto last = KernelLayout::filters_last;
  const auto first = KernelLayout::filters_first;
  LayerSpec conv = layer_of(LayerKind::conv, 2);
  conv.groups = 2;
  CHECK(kernel_shape(conv, last) == Shape{3, 5, 3, 4});
  CHECK(kernel_shape(conv, first) == Shape{4, 3, 3, 5});
  CHECK(kernel_shape(layer_of(LayerKind::conv, 1), last) == Shape{5, 6, 4});
  CHECK(kernel_shape(layer_of(LayerKind::conv, 3), last) == Shape{2, 3, 5, 6, 4});
  CHECK(kernel_shape(layer_of(LayerKind::conv, 3), first) == Shape{4, 6, 2, 3, 5});

  LayerSpec transposed = layer_of(LayerKind::conv_transpose, 2);
  transposed.groups = 2;
  CHECK(kernel_shape(transposed, last) == Shape{3, 5, 2, 6});
  CHECK(kernel_shape(transposed, first) == Shape{6, 2, 3, 5});
  LayerSpec phase = transposed;
  phase.kind = LayerKind::conv;
  phase.kernel_size = {1, 2};
  phase.kernel_view = KernelView{{1, 4, 0}, {-2, -2, -1}, {3, 5, 1}};
  CHECK(kernel_shape(phase, last) == Shape{3, 5, 2, 6});
  CHECK(kernel_shape(phase, first) == Shape{6, 2, 3, 5});

  LayerSpec depthwise = layer_of(LayerKind::depthwise_conv, 2);
  depthwise.groups = 6;
  depthwise.depth_multiplier = 2;
  depthwise.filters = 12;
  CHECK(kernel_shape(depthwise, last) == Shape{3, 5, 6, 2});
  CHECK(kernel_shape(depthwise, first) == Shape{12, 1, 3, 5});
}

TEST_CASE("variables come in order, under the names of their layers", "[variables]") {
  LayerSpec separable = layer_of(LayerKind::separable_conv, 1);
  separable.groups = 6;
  separable.depth_multiplier = 2;
  auto variables = variables_of(separable);
  REQUIRE(variables.size() == 3);
  CHECK(keras_name(variables[0].role, separable) == "depthwise_kernel");
  CHECK(variables[0].shape == Shape{5, 6, 2});
  CHECK(keras_name(variables[1].role, separable) == "pointwise_kernel");
  CHECK(variables[1].shape == Shape{1, 12, 4});
  CHECK(keras_name(variables[2].role, separable) == "bias");
  CHECK(variables[2].shape == Shape{4});

  LayerSpec layer = normalized();
  variables = variables_of(layer);
  REQUIRE(variables.size() == 6);
  CHECK(keras_name(variables[0].role, layer) == "kernel");
  CHECK(keras_name(variables[2].role, layer) == "gamma");
  CHECK(variables[2].layer == "bn");
  CHECK(variables[2].post_op == 0);
  CHECK(keras_name(variables[3].role, layer) == "moving_mean");
  CHECK(keras_name(variables[4].role, layer) == "moving_variance");
  CHECK(keras_name(variables[5].role, layer) == "alpha");
  CHECK(variables[5].layer == "layer");  // no name: the layer's own
  CHECK(variables[5].shape == Shape{1, 1, 4});
  layer.output_form.layout = Layout::channels_first;
  CHECK(variables_of(layer)[5].shape == Shape{4, 1, 1});

  CHECK(variables_of(layer_of(LayerKind::elementwise, 2)).empty());
  CHECK(variables_of(layer_of(LayerKind::constant, 2)).size() == 1);
}

TEST_CASE("canonical text: what decides the code, and nothing else", "[canonical]") {
  const LayerSpec layer = normalized();
  const std::string text = canonical_layer_text(layer);
  const auto differs = [&](auto change) {
    LayerSpec other = layer;
    change(other);
    return canonical_layer_text(other) != text;
  };
  CHECK_FALSE(differs([](LayerSpec& l) { l.name = "other"; }));
  CHECK_FALSE(differs([](LayerSpec& l) { l.location.line = 7; }));
  CHECK_FALSE(differs([](LayerSpec& l) { l.post_ops[0].name = "other"; }));
  CHECK_FALSE(differs([](LayerSpec& l) { l.padding_rule = PaddingRule::explicit_pairs; }));
  CHECK_FALSE(differs([](LayerSpec& l) { l.padding_mode = PaddingMode::reflect; }));
  CHECK_FALSE(differs([](LayerSpec& l) { l.kernel_layout = KernelLayout::filters_first; }));

  CHECK(differs([](LayerSpec& l) { l.kind = LayerKind::depthwise_conv; }));
  CHECK(differs([](LayerSpec& l) { l.batch = 2; }));
  CHECK(differs([](LayerSpec& l) { l.in.depth = 2; }));
  CHECK(differs([](LayerSpec& l) { l.groups = 2; }));
  CHECK(differs([](LayerSpec& l) { l.strides.depth = 2; }));
  CHECK(differs([](LayerSpec& l) { l.dilation_rate.width = 2; }));
  CHECK(differs([](LayerSpec& l) { l.padding.front = 1; }));
  CHECK(differs([](LayerSpec& l) { l.input_form.row_pitch = 99; }));
  CHECK(differs([](LayerSpec& l) { l.output_form.layout = Layout::channels_first; }));
  CHECK(differs([](LayerSpec& l) { l.open.width = Dim{1, 9}; }));
  CHECK(differs([](LayerSpec& l) { l.use_bias = false; }));
  CHECK(differs([](LayerSpec& l) { l.post_ops[0].epsilon = 1; }));
  CHECK(differs([](LayerSpec& l) { l.post_ops.pop_back(); }));
  CHECK(differs([](LayerSpec& l) {
    l.post_ops[1].alpha = std::make_shared<Literal>(Literal{{1}, {2.0F}});
  }));
  CHECK(differs([](LayerSpec& l) { l.output_view = OutputView{{0, 0, 0}, {2, 2, 1}, {8, 9, 1}}; }));
}

TEST_CASE("canonical text: padding counts as it is used", "[canonical]") {
  LayerSpec zeros = normalized();
  zeros.padding.top = 1;
  LayerSpec reflect = zeros;
  reflect.padding_mode = PaddingMode::reflect;
  CHECK(canonical_layer_text(zeros) != canonical_layer_text(reflect));
  LayerSpec one = zeros;
  one.padding_mode = PaddingMode::constant;
  one.padding_value = 1;
  LayerSpec two = one;
  two.padding_value = 2;
  CHECK(canonical_layer_text(one) != canonical_layer_text(two));
  // With run-time sizes the rule decides.
  LayerSpec open = normalized();
  open.open.height = Dim{1, 99};
  LayerSpec same = open;
  same.padding_rule = PaddingRule::same;
  CHECK(canonical_layer_text(open) != canonical_layer_text(same));
}

TEST_CASE("phases of one transposed layer share code", "[canonical]") {
  LayerSpec a = layer_of(LayerKind::conv, 2);
  a.kernel_view = KernelView{{0, 0, 0}, {-2, -2, -1}, {2, 2, 1}};
  a.output_view = OutputView{{0, 0, 0}, {2, 2, 1}, {16, 18, 1}};
  LayerSpec b = a;
  b.kernel_view->first = {1, 1, 0};
  b.output_view->first = {1, 1, 0};
  CHECK(canonical_layer_text(a) == canonical_layer_text(b));
  a.kernel = b.kernel = std::make_shared<Literal>(Literal{{1}, {1.0F}});
  CHECK(canonical_layer_text(a) != canonical_layer_text(b));
}

TEST_CASE("costs of every kind", "[cost]") {
  LayerSpec conv = layer_of(LayerKind::conv, 3);
  Cost cost = cost_of(conv);
  CHECK(cost.macs == 7 * 8 * 9 * 4 * 30 * 6);
  CHECK(cost.parameters == 30 * 6 * 4 + 4);
  CHECK(cost.input_bytes == 7 * 8 * 9 * 6 * 4);
  CHECK(cost.output_bytes == 7 * 8 * 9 * 4 * 4);

  LayerSpec separable = layer_of(LayerKind::separable_conv, 2);
  separable.groups = 6;
  separable.depth_multiplier = 2;
  cost = cost_of(separable);
  CHECK(cost.macs == 72 * 12 * (15 + 4));
  CHECK(cost.parameters == 15 * 12 + 12 * 4 + 4);

  LayerSpec transposed = layer_of(LayerKind::conv_transpose, 2);
  transposed.out = {16, 18};
  CHECK(cost_of(transposed).macs == 72 * 6 * 15 * 4);

  // Operands are inputs, too.
  LayerSpec sum = layer_of(LayerKind::elementwise, 2);
  sum.filters = 6;
  sum.post_ops.resize(2);
  sum.post_ops[0].kind = PostOpKind::add;
  sum.post_ops[1].kind = PostOpKind::multiply;
  sum.post_ops[1].operand_shape = OperandShape::per_channel;
  cost = cost_of(sum);
  CHECK(cost.macs == 0);
  CHECK(cost.parameters == 0);
  CHECK(cost.input_bytes == (2 * 72 * 6 + 6) * 4);
  CHECK(cost.output_bytes == 72 * 6 * 4);

  const LayerSpec layer = normalized();
  CHECK(cost_of(layer).parameters == 15 * 6 * 4 + 4 + 3 * 4 + 4);
  LayerSpec huge = layer;
  huge.in_channels = huge.filters = std::int64_t{1} << 40;
  CHECK_FALSE(checked_cost_of(huge).has_value());
}
