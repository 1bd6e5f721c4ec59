// A graph of run-time sizes, sized, is the graph of these sizes; and where its tensors lie.
#include "generators/driver/sized_graph.h"

#include <catch2/catch.hpp>

#include "generators/driver/tensor_layout.h"
#include "tests/driver/load_graph.h"

using namespace convc;
using test::load_graph;

namespace {

std::string replaced(std::string text, const std::string& what, const std::string& with) {
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += with.size())
    text.replace(at, what.size(), with);
  return text;
}

}  // namespace

TEST_CASE("a sized graph is the one that fixed sizes make") {
  const std::string text = GENERATE(
      as<std::string>(), "Conv2D(4, 3, strides=2, input_shape=(H, W, 3), batch=N)",
      "Conv2D(4, (4, 3), strides=3, padding=\"same\", input_shape=(H, W, 3), batch=N)",
      "Conv2D(4, 4, strides=2, dilation_rate=2, padding=\"same_lower\", input_shape=(H, W, 3), "
      "batch=N)",
      "Conv2D(4, 3, padding=((1, 2), (0, 3)), padding_mode=\"replicate\", "
      "data_format=\"channels_first\", input_shape=(3, H, W), batch=N)",
      "Conv2DTranspose(4, 3, strides=2, padding=\"same\", input_shape=(H, W, 3), batch=N)",
      "Conv2DTranspose(4, 5, strides=(3, 2), output_padding=1, input_shape=(H, W, 3), batch=N)",
      "Conv1D(4, 3, padding=\"causal\", input_shape=(W, 3), batch=N)",
      "Sequential([Input(shape=(H, W, 3), batch_size=N), ZeroPadding2D(2), "
      "Conv2D(4, 5, strides=2), BatchNormalization(), DepthwiseConv2D(3, padding=\"same\")])");
  const std::string ranges = "Dim(min=7, max=90)";
  const Graph open = load_graph(
      replaced(replaced(replaced(text, "H", ranges), "W", ranges), "=N", "=Dim(min=1, max=5)"));
  const std::int64_t height = GENERATE(7, 8, 12), width = GENERATE(9, 14);
  Graph fixed = load_graph(
      replaced(replaced(replaced(text, "H", std::to_string(height)), "W", std::to_string(width)),
               "=N", "=2"));
  const Graph sized = with_sizes(open, {{2, height, width}});
  REQUIRE(sized.tensors == fixed.tensors);
  REQUIRE(sized.nodes.size() == fixed.nodes.size());
  for (std::size_t n = 0; n < fixed.nodes.size(); ++n) {
    INFO("node " << n);
    CHECK(sized.nodes[n].layer.padding == fixed.nodes[n].layer.padding);
    CHECK(sized.nodes[n].layer.out == fixed.nodes[n].layer.out);
    CHECK(sized.nodes[n] == fixed.nodes[n]);
  }
}

TEST_CASE("where tensors lie") {
  Tensor tensor;
  tensor.shape = {{2, 2}, {3, 3}, {4, 4}, {5, 5}};
  TensorLayout layout = layout_of(tensor);
  CHECK(layout.extents == std::array<std::int64_t, 5>{2, 1, 3, 4, 5});
  CHECK(layout.strides == std::array<std::int64_t, 5>{60, 60, 20, 5, 1});
  CHECK(layout.span == 120);
  CHECK(layout.index_text(119) == "[1, 2, 3, 4]");

  tensor.form.row_pitch = 24;
  layout = layout_of(tensor);
  CHECK(layout.strides == std::array<std::int64_t, 5>{72, 72, 24, 5, 1});
  CHECK(layout.span == 5 * 24 + 20);
  CHECK(layout.count() == 120);

  tensor.form = {Layout::channels_first, 7};  // [2, 3 channels, 4, 5]
  layout = layout_of(tensor);
  CHECK(layout.extents == std::array<std::int64_t, 5>{2, 1, 4, 5, 3});
  CHECK(layout.strides == std::array<std::int64_t, 5>{84, 28, 7, 1, 28});
  CHECK(layout.span == 23 * 7 + 5);
  CHECK(layout.index_text(1) == "[0, 1, 0, 0]");

  tensor.form = {};
  tensor.shape = {{1, 1}, {6, 6}, {3, 3}};  // one axis
  CHECK(layout_of(tensor).strides == std::array<std::int64_t, 5>{18, 18, 18, 3, 1});
}
