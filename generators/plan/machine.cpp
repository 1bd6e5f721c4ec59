// The table of machines and the reading of target strings. Pure.
#include "generators/plan/machine.h"

#include <array>
#include <set>
#include <sstream>

namespace convc {
namespace {

constexpr std::int64_t kKiB = 1024;
constexpr std::int64_t kMiB = 1024 * kKiB;

/// Fitted to the 16 layers of bench/layers/planner_study.conv that are not held out, some 180 plans
/// of each, by one thread on a Zen 3 server (bench/results/planner-study-zen3-avx2.json): the least
/// of 6 samples per plan; relative times within a layer, and cycles per nanosecond alike in all
/// layers. exposed_again is not fitted there but set so that layers with megabytes of weights do
/// well when kernels run in turns, as in a network: one that runs in a loop alone has all of L3 to
/// itself (resnet50_conv19, pw20, pw21: 1.3 to 1.8 times as fast for it). l3_share,
/// exposed_in_order and tiles_share are chosen so that Winograd's plans do well there and in AVX2
/// code on Zen 5.
const MeasuredCosts& zen3_costs() {
  static const MeasuredCosts costs = {
      .loads_per_cycle = 1.84,
      .issue_width = 5,
      .cycles_per_load = 0.1,
      .l1_share = 0.3,
      .l2_share = 0.4,
      .l3_share = 0.6,
      .l2_bytes_per_cycle = 31,
      .exposed_panel = 0.1,
      .exposed_place_panel = 0.1,
      .exposed_input = 0.06,
      .l3_bytes_per_cycle = 16,
      .exposed_once = 1.6,
      .exposed_again = 0.5,
      .exposed_in_order = 0.2,
      .tiles_share = 0.4,
      .cycles_per_tile = 2,
      .cycles_per_accumulator = 0.6,
      .cycles_of_reloads = 6,
      .cycles_per_panel = 4,
      .cycles_per_task = 330,
      .cycles_per_copied_vector = 5,
      .cycles_per_transformed_input = 7.9,
      .cycles_per_transformed_product = 7.2,
      .least_lines = 2,
  };
  return costs;
}

/// Fitted likewise (bench/fit_costs.cpp) on a Zen 4 server with AVX-512; Winograd's, the transforms
/// and exposed_in_order, once more on another (bench/results/planner-study-zen4-avx512.json).
/// exposed_side_by_side is not: beside peers, which leave nothing of an input in L3, tiles of 4
/// rows and 1 column reach 0.96 of the FMA peak on yolo9000_Y5, of 1 row and 14 columns 0.63. Nor
/// is exposed_panel, of which the fit has 0.508 (decision 0021).
const MeasuredCosts& zen4_costs() {
  static const MeasuredCosts costs = {
      .loads_per_cycle = 1.61,
      .issue_width = 5,
      .cycles_per_load = 0.22,
      .l1_share = 0.22,
      .l2_share = 0.95,
      .l3_share = 0.35,
      .l2_bytes_per_cycle = 40.6,
      .exposed_panel = 0.25,
      .exposed_place_panel = 0.508,
      .exposed_input = 0.734,
      .l3_bytes_per_cycle = 16,
      .exposed_once = 2,
      .exposed_side_by_side = 1,
      .exposed_parts = 0.4,
      .exposed_again = 0.5,
      .exposed_in_order = 0.2,
      .cycles_per_tile = 1,
      .cycles_per_accumulator = 3,
      .cycles_of_reloads = 8,
      .cycles_per_panel = 2.5,
      .cycles_per_task = 62.5,
      .cycles_per_copied_vector = 10,
      .cycles_per_transformed_input = 14.8,
      .cycles_per_transformed_product = 20,
      .lines_together = 4,
      .rows_share = 0.75,
      .least_lines = 2,
  };
  return costs;
}

/// Measured on a Zen 5 server with AVX-512, not fitted: rates by loops of loads (33 bytes a cycle
/// from L2, 25 from L3, 8 from memory), loads by 1x1 layers in L2, whose tiles of 14 to 28
/// accumulators in two to four vectors all reach 0.98 to 1.00 of the FMA peak, in one vector 0.90;
/// the others by plans in turns (decision 0021). exposed_side_by_side is as for Zen 4: when caches
/// are cold, yolo9000_Y5 takes 0.83 of the time with 4 rows and 1 column.
const MeasuredCosts& zen5_costs() {
  static const MeasuredCosts costs = {
      .loads_per_cycle = 1.9,
      .cycles_per_load = 0.02,
      .l3_bytes_per_cycle = 24,
      .exposed_side_by_side = 1,
      .exposed_in_order = 0.1,
      .cycles_per_task = 300,
      .cycles_per_transformed_product = 3,
  };
  return costs;
}

/// Fitted to the same layers on a Sapphire Rapids server of 2.7 GHz with AVX-512, one thread
/// (bench/results/planner-study-sapphirerapids-avx512.json), except l2_share and cycles_per_task: a
/// kernel that runs in a loop alone keeps its weights in L2, and the fit then takes tasks of few
/// pixels, which read them again from L3 when kernels run in turns (decision 0021). Depthwise
/// layers: decision 0025.
const MeasuredCosts& sapphire_rapids_costs() {
  static const MeasuredCosts costs = {
      .loads_per_cycle = 4,
      .issue_width = 7.07,
      .cycles_per_load = 0.354,
      .l1_share = 0.358,
      .l2_share = 0.5,
      .l2_bytes_per_cycle = 43.3,
      .exposed_panel = 0.475,
      .exposed_place_panel = 0.475,
      .exposed_input = 1,
      .exposed_once = 2,
      .exposed_side_by_side = 1,
      .exposed_again = 0.5,
      .exposed_in_order = 0.569,
      .tiles_share = 0.455,
      .cycles_per_tile = 1,
      .cycles_per_accumulator = 5,
      .cycles_of_reloads = 22.6,
      .cycles_per_panel = 2.5,
      .cycles_per_task = 300,
      .cycles_per_copied_vector = 8,
      .cycles_per_transformed_input = 20,
      .cycles_per_transformed_product = 20,
      .fetches_lines_apart = false,
  };
  return costs;
}

/// A machine and the target feature that names it. Cache sizes are per core (L1, L2) and per
/// chip or cluster (L3), from the makers' optimization guides; memory's rate is what one thread of
/// such servers reaches, rounded.
struct MachineRow {
  std::string_view feature;
  Machine machine;
};

/// x86-64, best first: the first row whose feature is in the target string describes it.
const std::array<MachineRow, 9>& x86_machines() {
  // name, isa, lanes, registers, FMA pipes, FMA latency, L1d, its ways, L2, L3, memory bytes per
  // cycle
  static const std::array<MachineRow, 9> rows = {{
      {"avx512_zen5",
       {"zen5", "avx512", 16, 32, 2, 4, 48 * kKiB, 12, kMiB, 32 * kMiB, 8, zen5_costs()}},
      {"avx512_zen4",
       {"zen4", "avx512", 16, 32, 1, 4, 32 * kKiB, 8, kMiB, 32 * kMiB, 8, zen4_costs()}},
      {"avx512_sapphirerapids",
       {"sapphire rapids", "avx512", 16, 32, 2, 4, 48 * kKiB, 12, 2 * kMiB, 30 * kMiB, 4,
        sapphire_rapids_costs()}},
      {"avx512_cannonlake",
       {"ice lake server", "avx512", 16, 32, 2, 4, 48 * kKiB, 12, kMiB, 24 * kMiB, 4}},
      {"avx512_skylake",
       {"avx512 server", "avx512", 16, 32, 2, 4, 32 * kKiB, 8, kMiB, 16 * kMiB, 4}},
      {"avx512", {"avx512 server", "avx512", 16, 32, 2, 4, 32 * kKiB, 8, kMiB, 16 * kMiB, 4}},
      {"avx2",
       {"avx2 core", "avx2", 8, 16, 2, 4, 32 * kKiB, 8, 512 * kKiB, 16 * kMiB, 4, zen3_costs()}},
      {"avx", {"avx core", "avx", 8, 16, 1, 8, 32 * kKiB, 8, 256 * kKiB, 8 * kMiB, 4}},
      {"x86", {"x86-64 core", "sse", 4, 16, 1, 8, 32 * kKiB, 8, 256 * kKiB, 8 * kMiB, 4}},
  }};
  return rows;
}

const Machine& arm64_machine() {
  static const Machine machine = {"armv8-a core", "neon", 4,          32,       2, 4,
                                  64 * kKiB,      4,      512 * kKiB, 8 * kMiB, 4};
  return machine;
}

std::set<std::string, std::less<>> tokens_of(std::string_view target) {
  std::set<std::string, std::less<>> tokens;
  std::istringstream text{std::string(target)};
  for (std::string token; std::getline(text, token, '-');) tokens.insert(token);
  return tokens;
}

}  // namespace

std::string expand_target_alias(std::string_view target) {
  if (target == "avx2") return "x86-64-linux-avx-avx2-f16c-fma-sse41";
  if (target == "avx512") return "x86-64-linux-avx-avx2-avx512-avx512_skylake-f16c-fma-sse41";
  if (target == "sse41") return "x86-64-linux-sse41";
  return std::string(target);
}

std::optional<Machine> machine_for_target(std::string_view target, std::string* error) {
  const auto tokens = tokens_of(target);
  auto fail = [&](const std::string& what) {
    if (error != nullptr) *error = "target '" + std::string(target) + "': " + what;
    return std::nullopt;
  };
  if (!tokens.contains("linux")) return fail("only Linux targets are supported yet");
  if (!tokens.contains("64")) return fail("only 64-bit targets are supported yet");
  if (tokens.contains("arm")) return arm64_machine();
  if (!tokens.contains("x86")) {
    return fail("only the architectures x86 and arm are supported yet");
  }
  for (const MachineRow& row : x86_machines()) {
    if (tokens.contains(row.feature)) return row.machine;
  }
  return fail("unknown architecture");
}

}  // namespace convc
