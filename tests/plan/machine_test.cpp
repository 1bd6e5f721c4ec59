// Target strings to machines.
#include "generators/plan/machine.h"

#include <catch2/catch.hpp>

using convc::expand_target_alias;
using convc::machine_for_target;

TEST_CASE("aliases expand to full target strings, others stay", "[machine]") {
  CHECK(expand_target_alias("avx2") == "x86-64-linux-avx-avx2-f16c-fma-sse41");
  CHECK(expand_target_alias("avx512") ==
        "x86-64-linux-avx-avx2-avx512-avx512_skylake-f16c-fma-sse41");
  CHECK(expand_target_alias("sse41") == "x86-64-linux-sse41");
  CHECK(expand_target_alias("arm-64-linux") == "arm-64-linux");
}

TEST_CASE("the best feature of a target names its machine", "[machine]") {
  struct Row {
    const char* target;
    const char* name;
    const char* isa;
    int lanes;
    int registers;
  };
  const auto row =
      GENERATE(Row{"x86-64-linux", "x86-64 core", "sse", 4, 16},
               Row{"x86-64-linux-sse41", "x86-64 core", "sse", 4, 16},
               Row{"x86-64-linux-avx-sse41", "avx core", "avx", 8, 16},
               Row{"x86-64-linux-avx-avx2-f16c-fma-sse41", "avx2 core", "avx2", 8, 16},
               Row{"x86-64-linux-avx-avx2-avx512-avx512_skylake-f16c-fma-sse41", "avx512 server",
                   "avx512", 16, 32},
               Row{"x86-64-linux-avx512_zen4-avx512_skylake", "zen4", "avx512", 16, 32},
               Row{"x86-64-linux-avx512_zen5-avx512_zen4", "zen5", "avx512", 16, 32},
               Row{"arm-64-linux", "armv8-a core", "neon", 4, 32});
  CAPTURE(row.target);
  const auto machine = machine_for_target(row.target, nullptr);
  REQUIRE(machine.has_value());
  CHECK(machine->name == row.name);
  CHECK(machine->isa == row.isa);
  CHECK(machine->f32_lanes == row.lanes);
  CHECK(machine->vector_registers == row.registers);
}

TEST_CASE("targets that are not supported are refused in words", "[machine]") {
  struct Row {
    const char* target;
    const char* error;
  };
  const auto row = GENERATE(
      Row{"x86-64-windows", "target 'x86-64-windows': only Linux targets are supported yet"},
      Row{"x86-32-linux", "target 'x86-32-linux': only 64-bit targets are supported yet"},
      Row{"riscv-64-linux",
          "target 'riscv-64-linux': only the architectures x86 and arm are supported yet"},
      Row{"", "target '': only Linux targets are supported yet"});
  std::string error;
  CHECK_FALSE(machine_for_target(row.target, &error).has_value());
  CHECK(error == row.error);
}
