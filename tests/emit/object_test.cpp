// Sealed objects, descriptors and archives, as other tools see them.
#include <Halide.h>

#include "generators/emit/archive.h"
#include "generators/emit/descriptor_object.h"
#include "generators/emit/internal_error.h"
#include "generators/emit/object_symbols.h"
#include "tests/emit/emit_helpers.h"

namespace convc {
namespace {

using test::run_command;
using test::ScratchDirectory;

/// The object of a small pipeline with a parallel loop and a heap allocation; `callee`, when not
/// empty, is an external function that it calls.
std::string raw_object(const std::string& target, const std::string& callee = "") {
  Halide::Var x{"x"}, y{"y"};
  Halide::Func stage("stage"), out("out");
  Halide::Expr value = Halide::cast<float>(x + y);
  if (!callee.empty()) {
    value = Halide::Internal::Call::make(Halide::Float(32), callee, {value},
                                         Halide::Internal::Call::PureExtern);
  }
  stage(x, y) = value;
  out(x, y) = stage(x, y) + stage(x + 1, y);
  stage.compute_at(out, y).store_in(Halide::MemoryType::Heap);
  out.parallel(y);
  const Halide::Module module = out.compile_to_module(
      {}, "convc_k_test",
      Halide::Target(target + "-no_runtime-no_asserts-no_bounds_query-user_context"));
  const Halide::Buffer<std::uint8_t> object = module.compile_to_buffer();
  return {reinterpret_cast<const char*>(object.data()), object.size_in_bytes()};
}

TEST_CASE("a sealed object shows one hidden entry and calls the runtime", "[object]") {
  const std::string target = GENERATE("x86-64-linux", "arm-64-linux");
  const ScratchDirectory directory;
  const SealedObject sealed = seal_object(raw_object(target), "convc_k_test_argv");
  CHECK(sealed.code_bytes > 0);
  test::write_text_file(directory / "k.o", sealed.object);

  const auto symbols =
      run_command(std::string(CONVC_LLVM_READELF) + " --symbols " + (directory / "k.o"));
  REQUIRE(symbols.status == 0);
  CHECK(symbols.output.find("halide_") == std::string::npos);
  int globals = 0;
  std::istringstream lines(symbols.output);
  for (std::string line; std::getline(lines, line);) {
    const bool is_global = line.find(" GLOBAL ") != std::string::npos;
    if (line.find(" WEAK ") != std::string::npos) {
      ++globals;
      CHECK(line.find(" HIDDEN ") != std::string::npos);
      CHECK(line.find("convc_k_test_argv") != std::string::npos);
    }
    if (is_global) CHECK(line.find(" UND ") != std::string::npos);
    if (is_global) CHECK(line.find(" convc_rt_") != std::string::npos);
  }
  CHECK(globals == 1);

  const auto sections =
      run_command(std::string(CONVC_LLVM_READELF) + " --sections " + (directory / "k.o"));
  REQUIRE(sections.status == 0);
  CHECK(sections.output.find(".comment") == std::string::npos);
  CHECK(sections.output.find(".note.GNU-stack") != std::string::npos);
}

TEST_CASE("functions of libm pass, others are a bug of ours", "[object]") {
  CHECK_NOTHROW(seal_object(raw_object("x86-64-linux", "tanhf"), "convc_k_test_argv"));
  CHECK_THROWS_WITH(seal_object(raw_object("x86-64-linux", "frobnicate"), "convc_k_test_argv"),
                    "the kernel's code calls `frobnicate`, which no library provides");
  CHECK_THROWS_WITH(
      seal_object(raw_object("x86-64-linux", "halide_frobnicate"), "convc_k_test_argv"),
      "the kernel's code calls `convc_rt_frobnicate`, which no library provides");
}

TEST_CASE("an object without its entry, or no object, is a bug of ours", "[object]") {
  CHECK_THROWS_WITH(seal_object(raw_object("x86-64-linux"), "other"),
                    "the kernel's object does not define `other`");
  CHECK_THROWS_AS(seal_object("not an object", "x"), InternalError);
  CHECK_THROWS_AS(seal_object("", "x"), InternalError);
}

TEST_CASE("constant data are aligned, weak and hidden", "[object]") {
  const ScratchDirectory directory;
  const std::string bytes("some\0bytes", 10);
  test::write_text_file(directory / "c.o",
                        constant_object({"convc_d_x", bytes}, "x86_64-unknown-linux-gnu"));
  const auto symbols =
      run_command(std::string(CONVC_LLVM_READELF) + " --symbols " + (directory / "c.o"));
  CHECK(symbols.output.find("10 OBJECT  WEAK   HIDDEN") != std::string::npos);
}

TEST_CASE("an archive holds its members in order, without dates", "[object]") {
  const ScratchDirectory directory;
  const std::string object = seal_object(raw_object("x86-64-linux"), "convc_k_test_argv").object;
  const std::string bytes =
      archive({{"second_but_first_and_with_a_long_name.o", object}, {"a.o", object}});
  CHECK(bytes == archive({{"second_but_first_and_with_a_long_name.o", object}, {"a.o", object}}));
  test::write_text_file(directory / "lib.a", bytes);
  const auto list = run_command(std::string("TZ=UTC ar tv ") + (directory / "lib.a"));
  REQUIRE(list.status == 0);
  CHECK(list.output.find("rw-r--r-- 0/0") == 0);
  CHECK(list.output.find("1970") != std::string::npos);
  CHECK(list.output.find("second_but_first_and_with_a_long_name.o") < list.output.find(" a.o"));
}

}  // namespace
}  // namespace convc
