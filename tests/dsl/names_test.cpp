// Names that generated C can hold.
#include "dsl/names.h"

#include <catch2/catch.hpp>

#include "tests/dsl/load_helpers.h"

namespace convc::test {
namespace {

std::string layer_named(const std::string& name) {
  return "Conv2D(1, 1, input_shape=(4, 4, 1), name=\"" + name + "\")\n";
}

TEST_CASE("names that are C identifiers") {
  const auto name = GENERATE(as<std::string>{}, "a", "_a", "A1", "conv2d_1", "restrict_", "ints");
  CHECK(load_valid(layer_named(name)).graphs[0].name == name);
}

TEST_CASE("names that are none") {
  const auto name = GENERATE(as<std::string>{}, "", "1x1", "a-b", "a/b", "a b", "ä", "a.b", "a\\n");
  INFO(name);
  CHECK(load(layer_named(name)).codes == std::vector<Code>{Code::not_an_identifier});
}

TEST_CASE("keywords of C and C++") {
  const auto name = GENERATE(as<std::string>{}, "int", "class", "while", "restrict", "nullptr",
                             "co_await", "typeof", "xor");
  INFO(name);
  CHECK(load(layer_named(name)).codes == std::vector<Code>{Code::reserved_name});
}

TEST_CASE("names too long for linkers and file systems") {
  CHECK(load(layer_named(std::string(201, 'a'))).codes ==
        std::vector<Code>{Code::not_an_identifier});
  load_valid(layer_named(std::string(200, 'a')));
}

TEST_CASE("a suggested identifier is one") {
  CHECK(to_identifier("a-b.c") == "a_b_c");
  CHECK(to_identifier("1x1") == "_1x1");
  CHECK(to_identifier("") == "_");
  CHECK(to_identifier("日本") == "__");
}

TEST_CASE("duplicates and clashes") {
  CHECK(load(layer_named("a") + layer_named("a")).codes == std::vector<Code>{Code::duplicate_name});
  CHECK(load(layer_named("a") + layer_named("A")).codes == std::vector<Code>{Code::c_name_clash});
  CHECK(load("Conv2D(1, 1, input_shape=(4, 4, 1))\n" + layer_named("conv2d")).codes ==
        std::vector<Code>{Code::duplicate_name});
  CHECK(load("Sequential([Input((4, 4, 1)), Conv2D(1, 1, name='a'), Conv2D(1, 1, name='a')])")
            .codes == std::vector<Code>{Code::duplicate_name});
  CHECK(load("Sequential([Input((4, 4, 1)), Conv2D(1, 1, name='a'), Conv2D(1, 1, name='A')])")
            .codes == std::vector<Code>{Code::c_name_clash});
  // Both have a macro TEST_X_A_KERNEL_ELEMENTS.
  CHECK(load("Sequential([Input((4, 4, 1)), Conv2D(1, 1, name='a')], name='x')\n" +
             layer_named("x_a"))
            .codes == std::vector<Code>{Code::c_name_clash});
  load_valid(layer_named("a") + layer_named("a_run") + layer_named("a_kernel"));
  // Layers of different functions live in different structs.
  load_valid("Sequential([Input((4, 4, 1)), Conv2D(1, 1, name='a')], name='x')\n" +
             layer_named("a"));
}

TEST_CASE("the library is named by the file, which must be a C identifier") {
  const auto [file, ok] = GENERATE(table<std::string, bool>({{"edge.conv", true},
                                                             {"dir/sub.dir/edge", true},
                                                             {"edge.v2.conv", false},
                                                             {"my-filters.conv", false},
                                                             {"2d.conv", false},
                                                             {"int.conv", false},
                                                             {"convc.conv", false},
                                                             {"halide_x.conv", false},
                                                             {"convcx.conv", true}}));
  INFO(file);
  const Loaded loaded = load(layer_named("a"), file);
  CHECK(loaded.module.has_value() == ok);
  if (!ok) CHECK(loaded.codes == std::vector<Code>{Code::library_name});
}

}  // namespace
}  // namespace convc::test
