// The C++ builder says what spec text says, and gets the same checks.
#include "dsl/builder.h"

#include <catch2/catch.hpp>
#include <limits>

#include "dsl/printer.h"
#include "tests/dsl/load_helpers.h"

namespace convc::test {
namespace {

TEST_CASE("the builder and the text make equal modules") {
  const Literal edges{{3, 3}, {1, 0, -1, 1, 0, -1, 1, 0, -1}};
  Diagnostics diagnostics;
  const std::optional<Module> built =
      ModuleBuilder("test")
          .add(Call("Conv2D", {{"filters", 32},
                               {"kernel_size", 3},
                               {"padding", "same"},
                               {"input_shape", {5, 5, 1}},
                               {"name", "first"}}))
          .add(Call("Conv2D", {{"filters", 1},
                               {"padding", {{1, 0}, {2, 0}}},
                               {"use_bias", false},
                               {"kernel", edges},
                               {"input_shape", {48, 64, 1}}}))
          .set("left", Call("Conv1DTranspose", {{"filters", 8}, {"kernel_size", 3}}))
          .add(Call("Sequential", {{"layers",
                                    {Call("Input", {{"shape", {9, 4}}}), Name("left"),
                                     Call("LeakyReLU", {{"negative_slope", 0.5}})}}}))
          .build(diagnostics);
  INFO(diagnostics.render(false));
  REQUIRE(built.has_value());
  const Module loaded = load_valid(R"(
Conv2D(32, 3, padding="same", input_shape=(5, 5, 1), name="first")
Conv2D(1, padding=((1, 0), (2, 0)), kernel=[[1, 0, -1], [1, 0, -1], [1, 0, -1]], use_bias=False,
       input_shape=(48, 64, 1))
left = Conv1DTranspose(8, 3)
Sequential([Input((9, 4)), left, LeakyReLU(0.5)])
)");
  CHECK(*built == loaded);
  CHECK(print(*built) == print(loaded));
}

TEST_CASE("the builder makes graphs") {
  Diagnostics diagnostics;
  const std::optional<Module> built =
      ModuleBuilder("test")
          .set("x", Call("Input", {{"shape", {8, 8, 4}}}))
          .set("y", Call("Conv2D", {{"filters", 4}, {"kernel_size", 3}, {"padding", "same"}})
                        .on(Name("x")))
          .set("z", Call("Add").on({Name("x"), Name("y")}))
          .add(Call("Model", {{"inputs", Name("x")}, {"outputs", Name("z")}, {"name", "block"}}))
          .build(diagnostics);
  INFO(diagnostics.render(false));
  REQUIRE(built.has_value());
  CHECK(*built == load_valid(R"(
x = Input((8, 8, 4))
y = Conv2D(4, 3, padding="same")(x)
Model(x, Add()([x, y]), name="block")
)"));
}

TEST_CASE("the builder reports what the text reports, by name", "[diagnostics]") {
  Diagnostics diagnostics;
  const Literal bad{{2, 2}, {1, 2, 3}};
  const std::optional<Module> built =
      ModuleBuilder("edge")
          .add(Call(
              "Conv2D",
              {{"filters", 32}, {"kernel_size", 7}, {"input_shape", {5, 5, 1}}, {"name", "big"}}))
          .add(Call("Conv2D", {{"kernel_size", {0, 3}},
                               {"padding", "smae"},
                               {"activation", "gelo"},
                               {"name", "int"}}))
          .add(Call("Conv2D", {{"filters", 1},
                               {"use_bias", false},
                               {"kernel", bad},
                               {"input_shape", {5, 5}},
                               {"name", "k"}}))
          .add(Call("Sequential", {{"name", "empty"}, {"layers", Value::List()}}))
          .set("unused", 3)
          .build(diagnostics);
  CHECK_FALSE(built.has_value());
  CHECK(diagnostics.render(false) ==
        "edge.int: error: the name \"int\" is a keyword of C or C++ [E062]\n"
        "      = help: use name=\"int_\"\n"
        "edge.int: error: unknown padding \"smae\" [E027]\n"
        "      = help: did you mean \"same\"?\n"
        "edge.int: error: unknown activation \"gelo\" [E027]\n"
        "      = help: did you mean \"gelu\"?\n"
        "edge.k: error: a literal has 3 numbers, but its shape is for 4 [E051]\n"
        "      = help: write a list for each axis, the last axis innermost\n"
        "edge.k: error: `input_shape` must be (height, width, channels), not a list of 2 [E026]\n"
        "      = help: one channel is channels = 1, e.g. (28, 28, 1)\n"
        "edge.empty: error: Sequential \"empty\" has no layers [E048]\n"
        "      = help: write layers=[Input(shape=...), Conv2D(...), ...]\n"
        "edge: warning: the value of 'unused' is never used [W002]\n"
        "      = help: remove it\n"
        "edge.big: error: filter 7x7 does not fit the padded input 5x5 [E041]\n"
        "      = note: padded height = 5 + 0 + 0 = 5, padded width = 5 + 0 + 0 = 5\n"
        "      = help: use padding=\"same\", or a filter of at most 5x5\n"
        "edge.int: error: Conv2D needs `filters` [E025]\n"
        "      = help: write Conv2D(filters=32, kernel_size=3, ...)\n"
        "edge.int: error: `kernel_size` must be at least 1, not 0 [E040]\n"
        "      = help: use 1 or more\n"
        "edge.int: error: the input shape of this layer is missing [E046]\n"
        "      = help: add input_shape=(height, width, channels)\n");
}

TEST_CASE("weights that are no numbers are warned of", "[diagnostics]") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float infinity = std::numeric_limits<float>::infinity();
  Diagnostics diagnostics;
  const std::optional<Module> built =
      ModuleBuilder("edge")
          .add(Call("Conv2D", {{"filters", 1},
                               {"use_bias", false},
                               {"kernel", Literal{{1, 2}, {nan, -infinity}}},
                               {"input_shape", {5, 5, 1}},
                               {"name", "k"}}))
          .build(diagnostics);
  REQUIRE(built.has_value());
  CHECK(diagnostics.render(false) ==
        "edge.k: warning: `kernel` has 2 numbers that are not finite [W003]\n"
        "      = note: what they are multiplied with becomes infinite or no number at all\n"
        "      = help: if that is not meant, look where the numbers were made\n");
  CHECK(print(*built).find("kernel=[[[[float(\"nan\")]], [[float(\"-inf\")]]]]") !=
        std::string::npos);
  Diagnostics again;
  CHECK(load_spec_text(print(*built), "x.conv", "edge", again) == built);
}

TEST_CASE("an empty or badly named library", "[diagnostics]") {
  Diagnostics diagnostics;
  CHECK_FALSE(ModuleBuilder("a-b").build(diagnostics).has_value());
  CHECK(diagnostics.render(false) ==
        "a-b: error: the library's name \"a-b\" is not a C identifier [E006]\n"
        "      = note: letters, digits and _, not beginning with a digit\n"
        "      = help: call it \"a_b\"\n");
  Diagnostics empty;
  CHECK_FALSE(ModuleBuilder("ab").build(empty).has_value());
  CHECK(empty.render(false) ==
        "ab: error: this library holds no layers [E004]\n"
        "      = help: a layer is e.g. Conv2D(32, 3, input_shape=(28, 28, 1), name=\"first\")\n");
}

}  // namespace
}  // namespace convc::test
