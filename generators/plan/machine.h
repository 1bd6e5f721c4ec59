// Machine: the few facts about a processor that plans depend on. Comes from the target string and a
// table (machine.cpp) alone, so that a plan is the same on every host. No Halide.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace convc {

/// What the cost models know of a micro-architecture from measurements (machine.cpp), beside what
/// its makers publish.
struct MeasuredCosts {
  double loads_per_cycle = 2;
  double issue_width = 5;         ///< instructions a cycle
  double cycles_per_load = 0.06;  ///< each load's, even where it fits beside the multiply-adds
  double l1_share = 0.5;          ///< of L1, for what a loop uses again and again
  double l2_share = 0.6;          ///< of L2, for the same
  double l3_share = 0.35;         ///< of L3, for the weights that the layers before leave there
  double l2_bytes_per_cycle = 32;
  double exposed_panel = 0.05;        ///< of the time that weights take from L2, beside work
  double exposed_place_panel = 0.05;  ///< winograd: the same of a place's weights
  double exposed_input = 0.1;         ///< of the time that inputs take from L2, beside work
  double l3_bytes_per_cycle = 16;
  double exposed_once = 1;  ///< of the time that what is read once takes from L3
  /// Of the time that an input that streams (tiled_cost.h) takes from L3, for each doubling of the
  /// pixels that a tile reads side by side: each of them is a stream of its own to the prefetchers.
  double exposed_side_by_side = 0;
  /// Of the time that an output that streams takes to memory, where panels write parts of pixels.
  double exposed_parts = 0;
  double exposed_again = 0.25;  ///< of the time that what is read again takes from L3
  /// winograd: of the time that weights, which are read in order, take from L3 beside work.
  double exposed_in_order = 0.25;
  double tiles_share = 2.0 / 3;  ///< winograd: of L2, for a task's transformed tiles
  double cycles_per_tile = 8;
  double cycles_per_accumulator = 1.5;  ///< of its start and end
  double cycles_of_reloads = 8;         ///< of a tile whose post_ops' operands find no register
  double cycles_per_panel = 20;
  double cycles_per_task = 1000;
  double cycles_per_copied_vector = 1;
  double cycles_per_transformed_input = 5;    ///< winograd: of a vector, per place of a tile
  double cycles_per_transformed_product = 4;  ///< winograd: likewise
  /// depthwise: lines that lie a pixel apart come from L2 and L3 as fast as lines in order.
  bool fetches_lines_apart = true;
  std::int64_t lines_together = 1;  ///< depthwise: of a pixel, that a task reads one after another
  double rows_share = 1;  ///< depthwise: of L1's lines, for rows that a panel finds there again
  std::int64_t least_lines = 4;  ///< depthwise: of a pixel, in a task whose input is copied into L1
  friend bool operator==(const MeasuredCosts&, const MeasuredCosts&) = default;
};

struct Machine {
  std::string name;           ///< e.g. "zen4"
  std::string isa;            ///< e.g. "avx512", "avx2", "sse41", "generic"
  int f32_lanes = 4;          ///< f32 elements in a vector register
  int vector_registers = 16;  ///< architectural vector registers
  int fma_pipes = 1;          ///< full-width FMAs started per cycle
  int fma_latency_cycles = 4;
  std::int64_t l1d_bytes = 32 * 1024;
  int l1d_ways = 8;
  std::int64_t l2_bytes = 512 * 1024;       ///< per core
  std::int64_t l3_bytes = 8 * 1024 * 1024;  ///< shared
  int memory_bytes_per_cycle = 4;           ///< of one thread; beyond L3
  MeasuredCosts costs = {};
  friend bool operator==(const Machine&, const Machine&) = default;
};

/// Expands the aliases "avx2" and "avx512" (and other names listed by `target_aliases`) to a full
/// Halide target string; any other string, a full Halide target already, comes back unchanged.
std::string expand_target_alias(std::string_view target);

/// The machine a (full) target string describes. Returns nullopt and sets `*error` to a sentence
/// when the architecture or operating system is unknown or not supported.
std::optional<Machine> machine_for_target(std::string_view target, std::string* error);

}  // namespace convc
