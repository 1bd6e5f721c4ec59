// Properties that hold for every valid spec, tried on random ones.
#include <catch2/catch.hpp>

#include "dsl/axes.h"
#include "dsl/canonical.h"
#include "dsl/printer.h"
#include "tests/dsl/load_helpers.h"
#include "tests/support/random_spec.h"
#include "tests/support/seed.h"

namespace convc::test {
namespace {

// Every convolution and elementwise layer, every layout, open sizes too.
RandomLimits everything() {
  RandomLimits limits;
  limits.max_channels = 8;
  limits.max_kernel = 4;
  limits.open_percent = 20;
  limits.callables.insert(limits.callables.end(), std::begin(kElementwise), std::end(kElementwise));
  return limits;
}

TEST_CASE("reading what was printed gives the same module") {
  const std::uint64_t seed = seed_of("reading what was printed gives the same module");
  Random random(seed);
  std::string all;
  for (int i = 0; i < 400; ++i) {
    const Module module = random_module(random, everything());
    const std::string text = print(module);
    INFO("CONVC_SEED=" << seed << ", module " << i << "\n" << text);
    Diagnostics diagnostics;
    const std::optional<Module> again =
        load_spec_text(text, "printed.conv", module.name, diagnostics);
    INFO(diagnostics.render(false));
    REQUIRE(again.has_value());
    REQUIRE(*again == module);
    REQUIRE(print(*again) == text);
    all += text;
  }
  // The random modules hold everything that there is to print.
  for (const char* word : {"Conv1D(",
                           "Conv3D(",
                           "DepthwiseConv2D(",
                           "SeparableConv1D(",
                           "Conv2DTranspose(",
                           "Conv3DTranspose(",
                           "Activation(",
                           "ReLU(",
                           "PReLU(",
                           "BatchNormalization(",
                           "Rescaling(",
                           "ZeroPadding2D(",
                           "Softmax(",
                           "Add(",
                           "Multiply(",
                           "Identity(",
                           "Sequential(",
                           "Model(",
                           "padding=\"causal\"",
                           "padding=\"same_lower\"",
                           "padding_mode=\"reflect\"",
                           "padding_value=",
                           "output_padding=",
                           "data_format=\"channels_first\"",
                           "output_data_format=",
                           "kernel_layout=\"OIHW\"",
                           "input_pitch=",
                           "output_pitch=",
                           "pointwise_kernel=",
                           "moving_variance=",
                           "alpha=",
                           "max_value=",
                           "groups=",
                           "depth_multiplier=",
                           "dilation_rate=",
                           "batch=Dim(",
                           "input_shape=(Dim("}) {
    INFO(word);
    CHECK(all.find(word) != std::string::npos);
  }
}

TEST_CASE("a layer's repro line gives the same layer") {
  const std::uint64_t seed = seed_of("a layer's repro line gives the same layer");
  Random random(seed);
  for (int i = 0; i < 1000; ++i) {
    const LayerSpec layer = random_layer(random, everything());
    const std::string line = layer_to_spec_line(layer);
    INFO("CONVC_SEED=" << seed << ", layer " << i << "\n" << line);
    CHECK(line.find('\n') == std::string::npos);
    const LayerSpec again = load_layer(line);
    REQUIRE(again == layer);
    REQUIRE(canonical_layer_text(again) == canonical_layer_text(layer));
  }
}

TEST_CASE("the repro line of each layer of a graph gives the same layer") {
  const std::uint64_t seed =
      seed_of("the repro line of each layer of a graph gives the same layer");
  Random random(seed);
  RandomLimits limits = everything();
  limits.open_percent = 0;
  for (int i = 0; i < 200; ++i) {
    const Module module = random_module(random, limits);
    for (const Graph& graph : module.graphs) {
      for (const Node& node : graph.nodes) {
        const std::string line = layer_to_spec_line(node.layer);
        INFO("CONVC_SEED=" << seed << ", module " << i << "\n" << line);
        const Module again = load_valid(line);
        REQUIRE(again.graphs.size() == 1);
        REQUIRE(again.graphs[0].nodes.front().layer == node.layer);
      }
    }
  }
}

// The window slides over the padded input exactly: the last one fits, one more would not.
TEST_CASE("resolved shapes obey the sliding window") {
  const std::uint64_t seed = seed_of("resolved shapes obey the sliding window");
  Random random(seed);
  RandomLimits limits;
  for (int i = 0; i < 2000; ++i) {
    const LayerSpec l = random_layer(random, limits);
    INFO("CONVC_SEED=" << seed << ", layer " << i << "\n" << layer_to_spec_line(l));
    for (const Axis axis : axes_of(l.rank)) {
      const std::int64_t in = at(l.in, axis);
      const std::int64_t out = at(l.out, axis);
      const std::int64_t stride = at(l.strides, axis);
      const std::int64_t span = (at(l.kernel_size, axis) - 1) * at(l.dilation_rate, axis) + 1;
      const std::int64_t first = before(l.padding, axis);
      const std::int64_t last = after(l.padding, axis);
      const bool same = l.padding_rule == PaddingRule::same;
      REQUIRE(out >= 1);
      if (l.kind == LayerKind::conv_transpose) {
        REQUIRE(out == (in - 1) * stride + span - first - last + at(l.output_padding, axis));
        if (same && !l.output_padding_given) REQUIRE(out == in * stride);
        continue;
      }
      const std::int64_t padded = in + first + last;
      const std::int64_t last_end = (out - 1) * stride + span;
      REQUIRE(last_end <= padded);
      REQUIRE(last_end + stride > padded);
      if (l.padding_rule == PaddingRule::causal) REQUIRE((first == span - 1 && last == 0));
      if (!same && l.padding_rule != PaddingRule::same_lower) continue;
      REQUIRE(out == (in + stride - 1) / stride);
      const std::int64_t more = same ? last - first : first - last;
      REQUIRE((more == 0 || more == 1));
      REQUIRE((first + last == 0 || last_end == padded));
    }
  }
}

}  // namespace
}  // namespace convc::test
