// Transposed convolutions: Keras' sizes, and where it cuts them off.
#include <catch2/catch.hpp>

#include "tests/dsl/load_helpers.h"

namespace convc::test {
namespace {

// before and out are what Keras 3.13 gives its JAX backend: compute_conv_transpose_output_shape and
// compute_conv_transpose_padding_args_for_jax.
TEST_CASE("sizes of transposed convolutions are Keras'") {
  struct Row {
    int in, kernel, stride, dilation;
    const char* padding;
    const char* output_padding;
    int before, out;
  };
  const auto row = GENERATE(values<Row>({
      {5, 3, 1, 1, "valid", "None", 0, 7},  {5, 3, 2, 1, "valid", "None", 0, 11},
      {5, 2, 3, 1, "valid", "None", 0, 15}, {5, 1, 4, 1, "valid", "None", 0, 20},
      {5, 3, 2, 1, "valid", "1", 0, 12},    {5, 3, 1, 2, "valid", "None", 0, 9},
      {5, 3, 2, 2, "valid", "0", 0, 13},    {5, 3, 1, 1, "same", "None", 1, 5},
      {5, 4, 1, 1, "same", "None", 1, 5},   {5, 3, 2, 1, "same", "None", 0, 10},
      {5, 4, 2, 1, "same", "None", 1, 10},  {5, 2, 2, 1, "same", "None", 0, 10},
      {5, 1, 2, 1, "same", "None", 0, 10},  {5, 2, 3, 1, "same", "None", 0, 15},
      {5, 5, 2, 1, "same", "None", 1, 10},  {5, 3, 2, 1, "same", "0", 1, 9},
      {5, 3, 2, 1, "same", "1", 0, 10},     {5, 4, 2, 1, "same", "0", 2, 8},
      {5, 4, 2, 1, "same", "1", 1, 9},      {5, 2, 3, 1, "same", "2", 0, 14},
      {5, 1, 3, 1, "same", "2", 0, 15},     {5, 3, 2, 2, "same", "None", 1, 10},
      {5, 3, 2, 3, "same", "1", 2, 10},     {1, 3, 4, 1, "same", "None", 0, 4},
      {1, 7, 2, 1, "same", "1", 2, 2},
  }));
  const std::string spec = "Conv1DTranspose(1, " + std::to_string(row.kernel) + ", " +
                           std::to_string(row.stride) + ", \"" + row.padding + "\", " +
                           row.output_padding + ", None, " + std::to_string(row.dilation) +
                           ", input_shape=(" + std::to_string(row.in) + ", 1))";
  INFO(spec);
  const LayerSpec layer = load_layer(spec);
  CHECK(layer.out.width == row.out);
  CHECK(layer.padding.left == row.before);
  const int span = (row.kernel - 1) * row.dilation + 1;
  CHECK(layer.out.width == (row.in - 1) * row.stride + span - layer.padding.left -
                               layer.padding.right + layer.output_padding.width);
  CHECK(layer.padding.right >= 0);
  CHECK(layer.output_padding_given == (row.output_padding != std::string("None")));
}

TEST_CASE("explicit pairs are ONNX's pads") {
  const LayerSpec layer =
      load_layer("Conv2DTranspose(1, 3, 2, ((1, 0), (2, 1)), (1, 0), input_shape=(4, 5, 1))");
  CHECK(layer.out == Size{3 * 2 + 3 - 1 + 1, 4 * 2 + 3 - 3});
  CHECK(layer.padding == Padding{1, 0, 2, 1});
  CHECK(layer.output_padding == Size{1, 0, 0});
}

TEST_CASE("same_lower takes the odd element away before the image") {
  const LayerSpec upper = load_layer("Conv1DTranspose(1, 4, 1, 'same', input_shape=(5, 1))");
  const LayerSpec lower = load_layer("Conv1DTranspose(1, 4, 1, 'same_lower', input_shape=(5, 1))");
  CHECK(upper.out == lower.out);
  CHECK(upper.padding.left == 1);
  CHECK(upper.padding.right == 2);
  CHECK(lower.padding.left == 2);
  CHECK(lower.padding.right == 1);
}

TEST_CASE("three axes, and Keras' other order of arguments") {
  const LayerSpec layer = load_layer(
      "Conv3DTranspose(2, 3, 2, 'same', 'channels_last', (1, 0, 1), input_shape=(4, 5, 6, 1))");
  CHECK(layer.output_padding == Size{0, 1, 1});
  CHECK(layer.out == Size{4 * 2 + 1, 5 * 2 + 1 + 1, 3 * 2 + 1 + 1});
}

}  // namespace
}  // namespace convc::test
