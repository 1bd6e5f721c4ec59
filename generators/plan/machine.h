// Machine: the few facts about a processor that plans depend on. Comes from the target string and a
// table (machine.cpp) alone, so that a plan is the same on every host. No Halide.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace convc {

struct Machine {
  std::string name;           ///< e.g. "zen4"
  std::string isa;            ///< e.g. "avx512", "avx2", "sse41", "generic"
  int f32_lanes = 4;          ///< f32 elements in a vector register
  int vector_registers = 16;  ///< architectural vector registers
  int fma_pipes = 1;          ///< full-width FMAs started per cycle
  int fma_latency_cycles = 4;
  std::int64_t l1d_bytes = 32 * 1024;
  std::int64_t l2_bytes = 512 * 1024;       ///< per core
  std::int64_t l3_bytes = 8 * 1024 * 1024;  ///< shared
  int memory_bytes_per_cycle = 4;           ///< of one thread; beyond L3
  friend bool operator==(const Machine&, const Machine&) = default;
};

/// Expands the aliases "avx2" and "avx512" (and other names listed by `target_aliases`) to a full
/// Halide target string; any other string, a full Halide target already, comes back unchanged.
std::string expand_target_alias(std::string_view target);

/// The machine a (full) target string describes. Returns nullopt and sets `*error` to a sentence
/// when the architecture or operating system is unknown or not supported.
std::optional<Machine> machine_for_target(std::string_view target, std::string* error);

}  // namespace convc
