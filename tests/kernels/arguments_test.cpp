// Buffers of kernels, literal numbers as text, and the generators' registration.
#include <Halide.h>

#include <algorithm>
#include <catch2/catch.hpp>

#include "generators/kernels/image_views.h"
#include "generators/kernels/kernel.h"
#include "generators/kernels/literal_text.h"

using namespace convc;

namespace {

using Numbers = std::vector<std::int64_t>;

/// A size product with the run-time sizes as given.
std::int64_t evaluate(const SizeProduct& product, const Numbers& sizes = {}) {
  std::int64_t value = product.factor;
  for (const int index : product.sizes) value *= sizes.at(static_cast<std::size_t>(index));
  return value;
}

/// The sum of products.
std::int64_t evaluate(const std::vector<SizeProduct>& products, const Numbers& sizes = {}) {
  std::int64_t sum = 0;
  for (const SizeProduct& product : products) sum += evaluate(product, sizes);
  return sum;
}

Numbers extents(const KernelArgument& argument, const Numbers& sizes = {}) {
  Numbers result;
  for (const ArgumentDim& dim : argument.dims) result.push_back(evaluate(dim.extent, sizes));
  return result;
}

Numbers strides(const KernelArgument& argument, const Numbers& sizes = {}) {
  Numbers result;
  for (const ArgumentDim& dim : argument.dims) result.push_back(evaluate(dim.stride, sizes));
  return result;
}

/// kernel_sizes for the given sizes of the input, in the order n, h, w.
Numbers sizes_for(const LayerSpec& layer, Numbers open) {
  Numbers sizes;
  auto next = open.begin();
  for (const KernelSize& size : kernel_sizes(layer)) {
    if (size.open_axis != 0) {
      sizes.push_back(*next++);
      continue;
    }
    const std::int64_t value =
        sizes.at(static_cast<std::size_t>(size.source)) * size.multiplier + size.addend;
    REQUIRE(value >= 0);
    sizes.push_back(value / size.divisor + size.offset);
  }
  return sizes;
}

LayerSpec example_layer() {
  LayerSpec layer;
  layer.batch = 2;
  layer.in = {9, 11};
  layer.in_channels = 6;
  layer.filters = 20;
  layer.kernel_size = {3, 5};
  layer.out = {7, 7};
  return layer;
}

Plan example_plan() {
  Plan plan;
  plan.lanes = 8;
  plan.tile_vectors = 2;
  plan.channel_block = 3;
  return plan;
}

LayerSpec pointwise_layer() {
  LayerSpec layer = example_layer();
  layer.kernel_size = Size{};
  layer.out = layer.in;
  return layer;
}

PostOp operand(PostOpKind kind, OperandShape shape, Layout layout = Layout::channels_last) {
  PostOp op;
  op.kind = kind;
  op.operand = 1;
  op.operand_shape = shape;
  op.operand_layout = layout;
  return op;
}

}  // namespace

TEST_CASE("arguments are dense, innermost first", "[arguments]") {
  const auto arguments = kernel_arguments(example_layer(), example_plan());
  REQUIRE(arguments.size() == 4);
  CHECK(arguments[0].role == ArgumentRole::input);
  CHECK(extents(arguments[0]) == Numbers{6, 11, 9, 1, 2, 1});
  CHECK(strides(arguments[0]) == Numbers{1, 6, 66, 594, 594, 6});
  CHECK(arguments[1].role == ArgumentRole::packed_kernel);
  CHECK(extents(arguments[1]) == Numbers{16, 3, 5, 3, 1, 2, 2, 1});
  CHECK(arguments[2].role == ArgumentRole::packed_vector);
  CHECK(extents(arguments[2]) == Numbers{32, 1});
  CHECK(arguments[3].role == ArgumentRole::output);
  CHECK(extents(arguments[3]) == Numbers{20, 7, 7, 1, 2, 1});
  CHECK(kernel_sizes(example_layer()).empty());
}

TEST_CASE("layouts, pitches and groups are strides", "[arguments]") {
  LayerSpec layer = example_layer();
  layer.groups = 2;
  layer.input_form = {Layout::channels_first, 15};
  layer.output_form = {Layout::channels_last, 200};
  Plan plan = example_plan();
  const auto arguments = kernel_arguments(layer, plan);
  CHECK(extents(arguments.front()) == Numbers{3, 11, 9, 1, 2, 2});
  CHECK(strides(arguments.front()) == Numbers{135, 1, 15, 135, 6 * 135, 3 * 135});
  CHECK(extents(arguments.back()) == Numbers{10, 7, 7, 1, 2, 2});
  CHECK(strides(arguments.back()) == Numbers{1, 20, 200, 1400, 1400, 10});
  CHECK(extents(arguments[1]) == Numbers{16, 3, 5, 3, 1, 1, 1, 2});
}

TEST_CASE("few channels are folded into columns where they are neighbours", "[arguments]") {
  LayerSpec layer = example_layer();
  layer.in_channels = 3;
  Plan plan = example_plan();
  plan.algorithm = Algorithm::few_channels;
  plan.channel_block = 0;
  auto arguments = kernel_arguments(layer, plan);
  CHECK(extents(arguments[0]) == Numbers{1, 33, 9, 1, 2, 1});
  CHECK(strides(arguments[0])[1] == 1);
  CHECK(extents(arguments[1]) == Numbers{16, 1, 15, 3, 1, 1, 2, 1});
  layer.input_form.layout = Layout::channels_first;
  arguments = kernel_arguments(layer, plan);
  CHECK(extents(arguments[0]) == Numbers{3, 11, 9, 1, 2, 1});
  CHECK(strides(arguments[0])[0] == 99);
}

TEST_CASE("pointwise kernels see one row of pixels as far as every image allows", "[arguments]") {
  LayerSpec layer = pointwise_layer();
  Plan plan = example_plan();
  plan.algorithm = Algorithm::pointwise;
  CHECK(extents(kernel_arguments(layer, plan).front()) == Numbers{6, 198, 1, 1, 1, 1});

  layer.post_ops = {operand(PostOpKind::multiply, OperandShape::per_channel)};
  auto arguments = kernel_arguments(layer, plan);
  CHECK(extents(arguments.front()) == Numbers{6, 99, 1, 1, 2, 1});
  CHECK(arguments[3].role == ArgumentRole::operand);
  CHECK(extents(arguments[3]) == Numbers{20, 99, 1, 1, 2, 1});
  CHECK(strides(arguments[3]) == Numbers{1, 0, 0, 0, 20, 20});

  layer.output_form.row_pitch = 400;
  arguments = kernel_arguments(layer, plan);
  CHECK(extents(arguments.front()) == Numbers{6, 11, 9, 1, 2, 1});
  CHECK(extents(arguments.back()) == Numbers{20, 11, 9, 1, 2, 1});
}

TEST_CASE("subsampled kernels see the output as one row, the input as it is", "[arguments]") {
  LayerSpec layer = pointwise_layer();
  layer.strides = {2, 3};
  layer.out = {5, 4};
  Plan plan = example_plan();
  plan.algorithm = Algorithm::subsampled;
  plan.channel_block = 0;
  const auto arguments = kernel_arguments(layer, plan);
  CHECK(extents(arguments.front()) == Numbers{6, 11, 9, 1, 2, 1});
  CHECK(extents(arguments.back()) == Numbers{20, 40, 1, 1, 1, 1});
  const LayerSpec computed = as_computed(layer, plan);
  CHECK(computed.strides == Size{});
  CHECK(computed.in == Size{1, 40});
  CHECK(computed.batch == 1);

  layer.post_ops = {operand(PostOpKind::multiply, OperandShape::per_channel)};
  CHECK(extents(kernel_arguments(layer, plan).back()) == Numbers{20, 20, 1, 1, 2, 1});
}

TEST_CASE("operands repeat what they do not have", "[arguments]") {
  LayerSpec layer = example_layer();
  layer.post_ops = {operand(PostOpKind::add, OperandShape::full, Layout::channels_first),
                    operand(PostOpKind::multiply, OperandShape::per_pixel),
                    operand(PostOpKind::add, OperandShape::scalar)};
  const auto arguments = kernel_arguments(layer, example_plan());
  REQUIRE(arguments.size() == 7);
  CHECK(strides(arguments[3]) == Numbers{49, 1, 7, 49, 980, 980});
  CHECK(strides(arguments[4]) == Numbers{0, 1, 7, 49, 49, 0});
  CHECK(strides(arguments[5]) == Numbers{0, 0, 0, 0, 1, 0});
  for (std::size_t i = 3; i < 6; ++i) {
    CHECK(extents(arguments[i]) == Numbers{20, 7, 7, 1, 2, 1});
  }
}

TEST_CASE("an output view is an offset and wider strides, of operands too", "[arguments]") {
  LayerSpec layer = example_layer();
  OutputView view;
  view.first = {1, 0, 0};
  view.step = {2, 3, 1};
  view.whole = {15, 20, 1};
  layer.output_view = view;
  layer.post_ops = {operand(PostOpKind::add, OperandShape::full)};
  const auto arguments = kernel_arguments(layer, example_plan());
  for (const std::size_t i : {3, 4}) {
    CHECK(extents(arguments[i]) == Numbers{20, 7, 7, 1, 2, 1});
    CHECK(strides(arguments[i]) == Numbers{1, 60, 800, 6000, 6000, 20});
    CHECK(evaluate(arguments[i].offset) == 400);
  }
}

TEST_CASE("sizes of the output follow from those of the input", "[arguments]") {
  LayerSpec layer = example_layer();
  layer.strides = {2, 2};
  layer.padding_rule = PaddingRule::same;
  layer.open = {Dim{1, 9}, Dim{1, 99}, Dim{1, 99}};
  Numbers sizes = sizes_for(layer, {3, 10, 11});
  CHECK(sizes == Numbers{3, 10, 11, 5, 6});
  const auto arguments = kernel_arguments(layer, example_plan());
  CHECK(extents(arguments.front(), sizes) == Numbers{6, 11, 10, 1, 3, 1});
  CHECK(strides(arguments.front(), sizes) == Numbers{1, 6, 66, 660, 660, 6});
  CHECK(extents(arguments.back(), sizes) == Numbers{20, 6, 5, 1, 3, 1});
  CHECK(strides(arguments.back(), sizes) == Numbers{1, 20, 120, 600, 600, 20});

  layer.padding_rule = PaddingRule::explicit_pairs;
  layer.padding = {1, 2, 0, 3};
  sizes = sizes_for(layer, {1, 10, 11});
  CHECK(sizes == Numbers{1, 10, 11, 6, 5});
}

TEST_CASE("the place of a phase follows from run-time sizes", "[arguments]") {
  LayerSpec layer = example_layer();
  layer.padding_rule = PaddingRule::explicit_pairs;
  layer.padding = {1, 1, 2, 2};
  layer.out = layer.in;
  OutputView view;
  view.first = {1, 1, 0};
  view.step = {2, 2, 1};
  view.whole = {18, 23, 1};
  layer.output_view = view;
  layer.open.height = Dim{1, 99};
  layer.open.width = Dim{1, 99};
  const Numbers sizes = sizes_for(layer, {5, 7});
  const auto output = kernel_arguments(layer, example_plan()).back();
  // The whole is 2 * 5 rows of 2 * 7 + 1 columns.
  CHECK(extents(output, sizes) == Numbers{20, 7, 5, 1, 2, 1});
  CHECK(strides(output, sizes) == Numbers{1, 40, 600, 3000, 3000, 20});
  CHECK(evaluate(output.offset, sizes) == (15 + 1) * 20);
}

TEST_CASE("the place of a phase in depth is a sum of products of run-time sizes", "[arguments]") {
  LayerSpec layer = example_layer();
  layer.padding_rule = PaddingRule::explicit_pairs;
  layer.padding = {1, 1, 2, 2};
  layer.out = layer.in;
  layer.output_view = OutputView{{1, 1, 1}, {2, 2, 3}, {18, 23, 3}};
  layer.open.height = Dim{1, 99};
  Plan plan = example_plan();
  SECTION("open height, rows with a pitch") {
    layer.output_form.row_pitch = 500;
    const auto output = kernel_arguments(layer, plan).back();
    CHECK(evaluate(output.offset, sizes_for(layer, {5})) == 10 * 500 + 500 + 20);
  }
  SECTION("open height and width") {
    layer.open.width = Dim{1, 99};
    const auto output = kernel_arguments(layer, plan).back();
    // The whole is 2 * 5 rows of 2 * 7 + 1 columns.
    CHECK(evaluate(output.offset, sizes_for(layer, {5, 7})) == (10 * 15 + 15 + 1) * 20);
  }
}

TEST_CASE("every channel vector is an argument", "[arguments]") {
  LayerSpec layer = example_layer();
  PostOp normalization;
  normalization.kind = PostOpKind::batch_normalization;
  PostOp slopes;
  slopes.kind = PostOpKind::prelu;
  layer.post_ops = {slopes, normalization};
  const auto arguments = kernel_arguments(layer, example_plan());
  REQUIRE(arguments.size() == 7);
  for (int i = 0; i < 4; ++i) {
    CHECK(arguments[static_cast<std::size_t>(i) + 2].role == ArgumentRole::packed_vector);
    CHECK(arguments[static_cast<std::size_t>(i) + 2].index == i);
  }
}

TEST_CASE("numbers pass through text unchanged", "[arguments]") {
  const std::vector<float> numbers = {0.1f, -0.0f, 1e-45f, 3.4028235e38f, -1.0f / 3.0f, 65504.0f};
  const auto back = numbers_from_text(text_of_numbers(numbers));
  REQUIRE(back.size() == numbers.size());
  CHECK(std::equal(numbers.begin(), numbers.end(), back.begin()));
  CHECK(std::signbit(back[1]));

  const auto taps = taps_from_text(text_of_taps({{1, 2, 3, 4, 0.1f}, {5, 6, 7, 8, -2.5f}}));
  REQUIRE(taps.size() == 2);
  CHECK(taps[1].filter == 8);
  CHECK(taps[0].value == 0.1f);

  const auto slices = slices_from_text(text_of_slices({{0, 1, {1, 2}, {3, 4, 5}}}));
  REQUIRE(slices.size() == 1);
  CHECK(slices[0].horizontal == std::vector<float>{3, 4, 5});

  const auto positions = positions_from_text(text_of_positions({{0, 1}, {2, 3}}));
  REQUIRE(positions.size() == 2);
  CHECK(positions[1].row == 2);
}

TEST_CASE("every generator is registered, for use from plain Halide too", "[arguments]") {
  const auto names = Halide::Internal::GeneratorRegistry::enumerate();
  for (const char* name :
       {"convc_channelwise", "convc_depthwise", "convc_direct", "convc_elementwise",
        "convc_grouped", "convc_literal", "convc_naive", "convc_planar"}) {
    CAPTURE(name);
    CHECK(std::count(names.begin(), names.end(), name) == 1);
  }
}
