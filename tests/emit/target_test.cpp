// Target strings.
#include <catch2/catch.hpp>

#include "convc/kernel_abi.h"
#include "generators/emit/host_target.h"

namespace convc {
namespace {

std::string error_of(const std::string& text) {
  std::string error;
  CHECK_FALSE(describe_target(text, &error).has_value());
  return error;
}

TEST_CASE("the host is a target that can run here", "[target]") {
  std::string error;
  const auto host = describe_target("host", &error);
  REQUIRE(host.has_value());
  CHECK(host->text == host_target());
  CHECK(why_target_cannot_run_here(*host).empty());
  CHECK((host->cpu_features & ~convc_cpu_features()) == 0);  // also where a hypervisor hides some
  const auto checked = describe_target("host-asan", &error);
  REQUIRE(checked.has_value());
  CHECK(checked->text.find("-asan-") != std::string::npos);
  CHECK(checked->cpu_features == host->cpu_features);
}

TEST_CASE("order and defaults of features make no difference", "[target]") {
  std::string error;
  const auto a = describe_target("x86-64-linux-fma-avx2-avx-f16c-sse41", &error);
  const auto b = describe_target("avx2", &error);
  const auto c =
      describe_target("x86-64-linux-avx-avx2-f16c-fma-no_asserts-no_runtime-sse41", &error);
  REQUIRE(a);
  REQUIRE(b);
  REQUIRE(c);
  CHECK(a->text == b->text);
  CHECK(c->text == b->text);
  CHECK(a->machine.isa == "avx2");
}

TEST_CASE("features become what the processor must have", "[target]") {
  std::string error;
  const auto avx2 = describe_target("avx2", &error);
  const auto avx512 = describe_target("avx512", &error);
  REQUIRE(avx2);
  REQUIRE(avx512);
  const std::uint64_t haswell = CONVC_CPU_AVX2 | CONVC_CPU_FMA | CONVC_CPU_BMI2 | CONVC_CPU_LZCNT;
  CHECK((avx2->cpu_features & haswell) == haswell);
  CHECK((avx2->cpu_features & CONVC_CPU_AVX512F) == 0);
  CHECK((avx512->cpu_features & avx2->cpu_features) == avx2->cpu_features);
  CHECK((avx512->cpu_features & CONVC_CPU_AVX512VL) != 0);
  CHECK((avx512->cpu_features & CONVC_CPU_AVX512VNNI) == 0);  // the first servers lack it
}

TEST_CASE("what is no target, or not one of ours, is refused by name", "[target]") {
  CHECK(error_of("") == "`` is not a Halide target string");
  CHECK(error_of("pentium") == "`pentium` is not a Halide target string");
  CHECK(error_of("x86-64-linux-avx9") == "`x86-64-linux-avx9` is not a Halide target string");
  CHECK(error_of("x86-64-windows").find("is not supported yet") != std::string::npos);
  CHECK(error_of("arm-64-osx").find("is not supported yet") != std::string::npos);
  CHECK(error_of("x86-32-linux").find("is not supported yet") != std::string::npos);
  CHECK(error_of("riscv-64-linux").find("is not supported yet") != std::string::npos);
  CHECK(error_of("x86-64-linux-cuda") == "target feature `cuda` is not supported yet");
  CHECK(error_of("x86-64-linux-profile") == "target feature `profile` is not supported yet");
  CHECK(error_of("arm-64-linux-sve2-vector_bits_128").find("sve2") != std::string::npos);
}

TEST_CASE("a foreign target cannot run here", "[target]") {
  std::string error;
  const auto arm = describe_target("arm-64-linux", &error);
  REQUIRE(arm);
  CHECK(arm->triple == "aarch64-unknown-linux-gnu");
#if defined(__x86_64__)
  CHECK(why_target_cannot_run_here(*arm).find("cannot run on this machine") != std::string::npos);
#endif
}

}  // namespace
}  // namespace convc
