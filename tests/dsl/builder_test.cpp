// The C++ builder says what spec text says, and gets the same checks.
#include "dsl/builder.h"

#include <catch2/catch.hpp>

#include "dsl/printer.h"
#include "tests/dsl/load_helpers.h"

namespace convc::test {
namespace {

TEST_CASE("the builder and the text make equal modules") {
  Literal edges;
  edges.shape = {3, 3};
  edges.values = {1, 0, -1, 1, 0, -1, 1, 0, -1};
  Diagnostics diagnostics;
  const std::optional<Module> built =
      ModuleBuilder("test")
          .conv2d({.filters = 32,
                   .kernel_size = {3, 3},
                   .padding = "same",
                   .input_shape = {5, 5, 1},
                   .name = "first"})
          .conv2d({.filters = 1,
                   .padding = Padding2D{1, 0, 2, 0},
                   .use_bias = false,
                   .kernel = edges,
                   .input_shape = {48, 64, 1}})
          .sequential({.layers = {{.filters = 32, .kernel_size = {3, 3}, .activation = "relu"},
                                  {.filters = 64,
                                   .kernel_size = {3, 5},
                                   .strides = {2, 1},
                                   .dilation_rate = {1, 2},
                                   .groups = 4}},
                       .input = {.shape = {32, 32, 3}, .batch_size = 2}})
          .build(diagnostics);
  INFO(diagnostics.render(false));
  REQUIRE(built.has_value());
  const Module loaded = load_valid(R"(
Conv2D(32, 3, padding="same", input_shape=(5, 5, 1), name="first")
Conv2D(1, padding=((1, 0), (2, 0)), kernel=[[1, 0, -1], [1, 0, -1], [1, 0, -1]], use_bias=False,
       input_shape=(48, 64, 1))
Sequential([Input((32, 32, 3), batch_size=2),
            Conv2D(32, 3, activation="relu"),
            Conv2D(64, (3, 5), strides=(2, 1), dilation_rate=(1, 2), groups=4)])
)");
  CHECK(*built == loaded);
  CHECK(print(*built) == print(loaded));
}

TEST_CASE("the builder reports what the text reports, by name", "[diagnostics]") {
  Diagnostics diagnostics;
  Literal bad;
  bad.shape = {2, 2};
  bad.values = {1, 2, 3};
  const std::optional<Module> built =
      ModuleBuilder("edge")
          .conv2d({.filters = 32, .kernel_size = {7, 7}, .input_shape = {5, 5, 1}, .name = "big"})
          .conv2d({.kernel_size = {0, 3}, .padding = "smae", .activation = "gelu", .name = "int"})
          .conv2d(
              {.filters = 1, .use_bias = false, .kernel = bad, .input_shape = {5, 5}, .name = "k"})
          .sequential({.layers = {{.filters = 4, .kernel_size = {3, 3}, .groups = 3}},
                       .input = {.shape = {8, 8, 3}},
                       .name = "big"})
          .sequential({.name = "empty"})
          .build(diagnostics);
  CHECK_FALSE(built.has_value());
  CHECK(diagnostics.render(false) ==
        "edge.int: error: the name \"int\" is a keyword of C or C++ [E062]\n"
        "      = help: use name=\"int_\"\n"
        "edge.int: error: unknown padding \"smae\" [E027]\n"
        "      = help: did you mean \"same\"?\n"
        "edge.int: error: activation=\"gelu\" is not supported yet [E028]\n"
        "      = help: supported: \"linear\", \"relu\"\n"
        "edge.k: error: `input_shape` must be (height, width, channels), not 2 sizes [E026]\n"
        "edge.k: error: `kernel` has 3 numbers, but its shape is for 4 [E051]\n"
        "edge.empty: error: Sequential \"empty\" has no layers [E048]\n"
        "edge.big: error: filter 7x7 does not fit the padded input 5x5 [E041]\n"
        "      = note: padded height = 5 + 0 + 0 = 5, padded width = 5 + 0 + 0 = 5\n"
        "      = help: use padding=\"same\", or a filter of at most 5x5\n"
        "edge.int: error: the input shape of this layer is missing [E046]\n"
        "      = help: add input_shape=(height, width, channels)\n"
        "edge.int: error: Conv2D needs `filters` [E025]\n"
        "      = help: write Conv2D(filters=32, kernel_size=3, ...)\n"
        "edge.int: error: `kernel_size` must be at least 1, not 0 [E040]\n"
        "edge.big.conv2d: error: `groups` 3 does not divide `filters` 4 [E042]\n"
        "      = note: 4 / 3 leaves 1\n"
        "      = help: choose a divisor of both the input's channels and `filters`\n"
        "edge.big: error: the name \"big\" is used twice in this library [E060]\n"
        "      = help: give one of them another name with name=\"...\"\n");
}

TEST_CASE("an empty or badly named library", "[diagnostics]") {
  Diagnostics diagnostics;
  CHECK_FALSE(ModuleBuilder("a-b").build(diagnostics).has_value());
  CHECK(diagnostics.render(false) ==
        "a-b: error: the library's name \"a-b\" is not a C identifier [E006]\n"
        "      = note: letters, digits and _, not beginning with a digit\n"
        "      = help: call it \"a_b\"\n"
        "a-b: error: this library holds no layers [E004]\n");
}

}  // namespace
}  // namespace convc::test
