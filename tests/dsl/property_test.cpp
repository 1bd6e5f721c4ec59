// Properties that hold for every valid spec, tried on random ones.
#include <catch2/catch.hpp>

#include "dsl/printer.h"
#include "tests/dsl/load_helpers.h"
#include "tests/support/random_spec.h"
#include "tests/support/seed.h"

namespace convc::test {
namespace {

TEST_CASE("reading what was printed gives the same module") {
  const std::uint64_t seed = seed_of("reading what was printed gives the same module");
  Random random(seed);
  RandomLimits limits;
  limits.max_channels = 8;
  limits.max_kernel = 4;
  for (int i = 0; i < 400; ++i) {
    const Module module = random_module(random, limits);
    const std::string text = print(module);
    INFO("CONVC_SEED=" << seed << ", module " << i << "\n" << text);
    Diagnostics diagnostics;
    const std::optional<Module> again =
        load_spec_text(text, "printed.conv", module.name, diagnostics);
    INFO(diagnostics.render(false));
    REQUIRE(again.has_value());
    REQUIRE(*again == module);
    REQUIRE(print(*again) == text);
  }
}

TEST_CASE("a layer's repro line gives the same layer") {
  const std::uint64_t seed = seed_of("a layer's repro line gives the same layer");
  Random random(seed);
  for (int i = 0; i < 400; ++i) {
    const LayerSpec layer = random_layer(random);
    const std::string line = layer_to_spec_line(layer);
    INFO("CONVC_SEED=" << seed << ", layer " << i << "\n" << line);
    CHECK(line.find('\n') == std::string::npos);
    const LayerSpec again = load_layer(line);
    REQUIRE(again == layer);
    REQUIRE(canonical_layer_text(again) == canonical_layer_text(layer));
  }
}

// The window slides over the padded input exactly: the last one fits, one more would not.
TEST_CASE("resolved shapes obey the sliding window") {
  const std::uint64_t seed = seed_of("resolved shapes obey the sliding window");
  Random random(seed);
  for (int i = 0; i < 2000; ++i) {
    const LayerSpec l = random_layer(random);
    INFO("CONVC_SEED=" << seed << ", layer " << i << "\n" << layer_to_spec_line(l));
    const auto axis = [&](std::int64_t in, std::int64_t before, std::int64_t after,
                          std::int64_t kernel, std::int64_t stride, std::int64_t dilation,
                          std::int64_t out) {
      const std::int64_t padded = in + before + after;
      const std::int64_t last_end = (out - 1) * stride + (kernel - 1) * dilation + 1;
      REQUIRE(out >= 1);
      REQUIRE(last_end <= padded);
      REQUIRE(last_end + stride > padded);
      if (l.padding_mode != PaddingMode::same) return;
      REQUIRE(out == (in + stride - 1) / stride);
      REQUIRE((after == before || after == before + 1));
      REQUIRE((before + after == 0 || last_end == padded));
    };
    axis(l.in.height, l.padding.top, l.padding.bottom, l.kernel_size.height, l.strides.height,
         l.dilation_rate.height, l.out.height);
    axis(l.in.width, l.padding.left, l.padding.right, l.kernel_size.width, l.strides.width,
         l.dilation_rate.width, l.out.width);
  }
}

}  // namespace
}  // namespace convc::test
