// Layers without a filter: those of unfiltered_cases.conv, and the functions of all channels in
// every pair of layouts.
#include <algorithm>
#include <catch2/catch.hpp>

#include "dsl/load.h"
#include "generators/plan/planner.h"
#include "tests/kernels/check_kernels.h"

using namespace convc;

namespace {

Module required(const std::optional<Module>& module, const Diagnostics& diagnostics) {
  INFO(diagnostics.render(false));
  REQUIRE(module.has_value());
  return *module;
}

/// Gives a tensor of [batch, spatial.., channels] another layout.
void set_layout(Tensor& tensor, Layout layout) {
  tensor.form.layout = layout;
  if (layout == Layout::channels_first) {
    std::rotate(tensor.shape.begin() + 1, tensor.shape.end() - 1, tensor.shape.end());
  }
}

}  // namespace

TEST_CASE("layers without a filter", "[corner]") {
  Diagnostics diagnostics;
  const auto module = load_spec_files(
      {std::string(CONVC_REPOSITORY) + "/tests/kernels/unfiltered_cases.conv"}, "", diagnostics);
  test::check_kernels(required(module, diagnostics), test::planned);
}

TEST_CASE("functions of a whole axis in every pair of layouts", "[corner]") {
  const std::string text =
      "Softmax(input_shape=(3, 13, 5), batch=2)\n"
      "Softmax(input_shape=(2, 5, 37))\n"
      "Activation('log_softmax', input_shape=(3, 13, 21))\n"
      "Activation('sparsemax', input_shape=(3, 13, 21))\n"
      "Activation('glu', input_shape=(3, 13, 22))\n"
      "Softmax(input_shape=(3, Dim(min=1, max=40), 7), batch=None)\n"
      "Softmax(axis=2, input_shape=(Dim(min=1, max=9), 37, 7), batch=2)\n"
      "Activation('sparsemax', axis=1, input_shape=(6, 5, 9), data_format='channels_last')\n"
      "Activation('log_softmax', axis=2, input_shape=(2, 6, 5, 9))\n"
      "Activation('glu', axis=2, input_shape=(3, 26, 5))\n";
  for (const Layout in : {Layout::channels_last, Layout::channels_first}) {
    for (const Layout out : {Layout::channels_last, Layout::channels_first}) {
      Diagnostics diagnostics;
      Module module =
          required(load_spec_text(text, "pairs.conv", "pairs", diagnostics), diagnostics);
      for (Graph& graph : module.graphs) {
        LayerSpec& layer = graph.nodes.front().layer;
        layer.input_form.layout = in;
        layer.output_form.layout = out;
        set_layout(graph.tensors[static_cast<std::size_t>(graph.inputs.front())], in);
        set_layout(graph.tensors[static_cast<std::size_t>(graph.outputs.front())], out);
      }
      test::check_kernels(module, test::planned);
    }
  }
}
