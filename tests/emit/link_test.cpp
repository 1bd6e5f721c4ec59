// What a user's C compiler and linker make of generated libraries.
#include <Halide.h>

#include "generators/emit/write_library.h"
#include "tests/emit/emit_helpers.h"

namespace convc {
namespace {

using test::library_of;
using test::module_of;
using test::run_command;
using test::ScratchDirectory;

const std::string kWarnings = " -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror ";
const std::string kInclude = std::string(" -I") + CONVC_RUNTIME_INCLUDE + " ";

void write_libraries(const ScratchDirectory& directory) {
  const std::vector<std::string> targets = {"sse41", "avx2", "avx512"};
  const std::vector<std::pair<std::string, std::string>> libraries = {
      {"one", "Conv2D(8, 3, input_shape=(6, 6, 4), name='a')"},
      {"two",
       "Conv2D(8, 3, input_shape=(6, 6, 4), name='same')\n"
       "Sequential(name='net', layers=[Input(shape=(6, 6, 4)), Conv2D(8, 3), Conv2D(2, 1)])\n"
       "Conv2D(1, 1, use_bias=False, input_shape=(Dim(max=9), 5, 1), name='open')"},
      {"three",
       "Conv2D(1, 3, kernel=[[1, 0, -1], [1, 0, -1], [1, 0, -1]], use_bias=False,"
       " input_shape=(9, 9, 1), name='edges')"}};
  Diagnostics diagnostics;
  for (const auto& [name, spec] : libraries) {
    REQUIRE_FALSE(
        write_library(library_of(module_of(spec, name), targets), directory.path(), diagnostics));
  }
}

/// A Halide library as users of Halide make it: with Halide's own runtime inside.
void write_ordinary_halide_library(const ScratchDirectory& directory) {
  Halide::Var x{"x"};
  Halide::Func f("f");
  f(x) = x * 2;
  f.parallel(x);
  f.compile_to_static_library(directory / "libordinary", {}, "ordinary");
  std::filesystem::rename(directory / "libordinary.h", directory / "ordinary.h");
}

TEST_CASE("three libraries and an ordinary Halide library in one program", "[link]") {
  const ScratchDirectory directory;
  write_libraries(directory);
  write_ordinary_halide_library(directory);
  const std::string compile = std::string(CONVC_C_COMPILER) + " -std=c11 -O1 " + kInclude +
                              "-isystem " + CONVC_HALIDE_INCLUDE + " -I" + directory.path() +
                              kWarnings + CONVC_LINK_PROGRAM + " -o " + (directory / "program");
  const std::string runtime =
      std::string(" ") + CONVC_RUNTIME_LIBRARY + CONVC_TEST_LINK_FLAGS + " -lpthread -ldl -lm";
  const std::string l = "-L" + directory.path() + " ";

  SECTION("as a program links them") {
    const auto built = run_command(compile + " " + l + "-lone -ltwo -lthree -lordinary" + runtime);
    INFO(built.output);
    REQUIRE(built.status == 0);
    const auto ran = run_command(directory / "program");
    INFO(ran.output);
    CHECK(ran.status == 0);
    CHECK(ran.output.find("all right") != std::string::npos);
    // The program's halide_ symbols are those of the ordinary library alone.
    const auto symbols = run_command("nm " + (directory / "libone.a") + " " +
                                     (directory / "libtwo.a") + " " + (directory / "libthree.a"));
    CHECK(symbols.output.find("halide_") == std::string::npos);
  }
  SECTION("with every member, in another order") {
    const auto built = run_command(
        compile + " " + l +
        "-Wl,--whole-archive -ltwo -lthree -lone -Wl,--no-whole-archive -lordinary" + runtime);
    INFO(built.output);
    REQUIRE(built.status == 0);
    CHECK(run_command(directory / "program").status == 0);
  }
}

TEST_CASE("a shared library of kernels exports what the header declares", "[link]") {
  const ScratchDirectory directory;
  write_libraries(directory);
  const std::string shared = directory / "libshared.so";
  const auto built =
      run_command(std::string(CONVC_C_COMPILER) + " -shared -Wl,--no-undefined -o " + shared +
                  " -Wl,--whole-archive " + (directory / "libone.a") + " -Wl,--no-whole-archive " +
                  CONVC_RUNTIME_LIBRARY + CONVC_TEST_LINK_FLAGS + " -lpthread -lm");
  INFO(built.output);
  REQUIRE(built.status == 0);
  const auto symbols = run_command("nm -D --defined-only " + shared);
  CHECK(symbols.output.find(" one_a_run") != std::string::npos);
  CHECK(symbols.output.find(" one_a_kernel") != std::string::npos);
  CHECK(symbols.output.find("convc_k_") == std::string::npos);
  CHECK(symbols.output.find("halide_") == std::string::npos);
  const auto relocations = run_command("readelf -d " + shared);
  CHECK(relocations.output.find("TEXTREL") == std::string::npos);
  const auto stack = run_command("readelf -lW " + shared + " | grep GNU_STACK");
  CHECK(stack.output.find("RWE") == std::string::npos);
}

TEST_CASE("headers are clean C99 and C++, alone and twice", "[link]") {
  const ScratchDirectory directory;
  write_libraries(directory);
  for (const std::string name : {"one", "two", "three"}) {
    test::write_text_file(
        directory / "include.c",
        "#include \"" + name + ".h\"\n#include \"" + name + ".h\"\nint main(void) { return 0; }\n");
    std::filesystem::copy_file(directory / "include.c", directory / "include.cpp",
                               std::filesystem::copy_options::overwrite_existing);
    const std::string flags = " -fsyntax-only -I" + directory.path() + kInclude + kWarnings;
    for (const std::string& command :
         {std::string(CONVC_C_COMPILER) + " -std=c99" + flags + (directory / "include.c"),
          std::string(CONVC_CXX_COMPILER) + " -std=c++11" + flags + (directory / "include.cpp"),
          std::string(CONVC_CXX_COMPILER) + " -std=c++20" + flags + (directory / "include.cpp")}) {
      const auto result = run_command(command);
      INFO(command << "\n" << result.output);
      CHECK(result.status == 0);
    }
  }
}

}  // namespace
}  // namespace convc
