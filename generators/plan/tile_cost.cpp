// Cycles of a visit of a register tile. Pure.
#include "generators/plan/tile_cost.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "generators/plan/integers.h"

namespace convc {
namespace {

constexpr int kFoldingLanes = 16;

/// Where there is one multiply-add pipe as wide as AVX-512's registers, it is two of half the
/// width.
bool halves_pair_up(const Machine& machine) {
  return machine.f32_lanes == kFoldingLanes && machine.fma_pipes == 1;
}

/// Of one tap: the multiply-add pipes are busy so long.
double multiply_add_cycles(const TileVisit& visit, const Machine& machine) {
  const int pipes = halves_pair_up(machine) ? 2 : machine.fma_pipes;
  return static_cast<double>(visit.pixels * visit.vectors) * vector_turns(visit.lanes, machine) /
         pipes;
}

/// Of one tap: the weights vectors and the broadcast inputs are loaded.
double load_cycles(const TileVisit& visit, const Machine& machine) {
  const double weights = static_cast<double>(visit.vectors) * vector_turns(visit.lanes, machine);
  return (weights + static_cast<double>(visit.pixels)) / machine.costs.loads_per_cycle;
}

/// Of one tap: the instructions pass the front end.
double issue_cycles(const TileVisit& visit, const Machine& machine) {
  constexpr double kLoopOverhead = 3;
  const std::int64_t loads = visit.vectors + visit.pixels;
  return (static_cast<double>(visit.pixels * visit.vectors + loads) + kLoopOverhead) /
         machine.costs.issue_width;
}

/// Of one tap: what each load costs even where it fits beside the multiply-adds.
double crowding_cycles(const TileVisit& visit, const Machine& machine) {
  return machine.costs.cycles_per_load * static_cast<double>(visit.vectors + visit.pixels);
}

/// Of one tap: the pipes are busy, or each accumulator waits for its own last multiply-add. Where
/// both take about as long, neither hides all of the other: on AVX2 (4 cycles, 2 pipes) tiles of 8
/// and 10 accumulators take 1.13 and 1.05 times as long a multiply-add as those of 12, and on
/// AVX-512 those of 14 as long as those of 28. The exponent gives all of these within 0.02.
double chain_cycles(const TileVisit& visit, const Machine& machine) {
  constexpr double kExponent = 5;
  const double waiting = static_cast<double>(machine.fma_latency_cycles) / visit.partial_sums;
  return std::pow(
      std::pow(multiply_add_cycles(visit, machine), kExponent) + std::pow(waiting, kExponent),
      1 / kExponent);
}

/// Of one tap: whatever takes longest.
double tap_cycles(const TileVisit& visit, const Machine& machine) {
  return std::max({chain_cycles(visit, machine), load_cycles(visit, machine),
                   issue_cycles(visit, machine)}) +
         crowding_cycles(visit, machine);
}

/// Input pixels whose addresses are a multiple of a way's bytes apart compete for one L1 set. A
/// tile reads one line per pixel and comes back to it channel by channel, so all of them should
/// stay.
double l1_conflict_factor(const TileVisit& visit, const Machine& machine) {
  const std::int64_t sets = machine.l1d_bytes / (machine.l1d_ways * kCacheLineBytes);
  if (visit.pixel_stride_bytes % kCacheLineBytes != 0) return 1.0;
  const std::int64_t distinct_sets =
      sets / std::gcd(sets, visit.pixel_stride_bytes / kCacheLineBytes);
  // One way is left to the weights that stream through.
  const double load = static_cast<double>(visit.pixels) /
                      static_cast<double>(distinct_sets * (machine.l1d_ways - 1));
  return std::max(load, 1.0);
}

/// Waiting for L2 beside `busy` cycles of work: what does not fit beside it, and a share of what
/// does.
double l2_cycles(const TileVisit& visit, double busy, const Machine& machine) {
  const double panel = visit.panel_bytes_from_l2 / machine.costs.l2_bytes_per_cycle;
  const double input = visit.input_bytes_from_l2 / machine.costs.l2_bytes_per_cycle;
  return std::max(panel + input - busy, 0.0) + machine.costs.exposed_panel * panel +
         machine.costs.exposed_input * input;
}

/// True when the post_ops' operands, a vector per filter vector, find no register beside the
/// accumulators and the operands of multiply-adds. AVX-512 broadcasts inputs within the
/// multiply-add.
bool reloads_operands(const TileVisit& visit, const Machine& machine) {
  const std::int64_t broadcast = machine.f32_lanes == kFoldingLanes ? 0 : 1;
  return visit.pixels * visit.vectors + 2 * visit.vectors + broadcast > machine.vector_registers;
}

/// Outside the loop over taps: clearing, bias, activation and store of each accumulator.
double store_cycles(const TileVisit& visit, const Machine& machine) {
  return machine.costs.cycles_per_tile +
         machine.costs.cycles_per_accumulator *
             static_cast<double>(visit.pixels * visit.vectors * visit.partial_sums) +
         (reloads_operands(visit, machine) ? machine.costs.cycles_of_reloads : 0);
}

}  // namespace

double vector_turns(int lanes, const Machine& machine) {
  return halves_pair_up(machine) ? 2.0 * lanes / machine.f32_lanes : 1;
}

VisitCycles visit_cycles(const TileVisit& visit, const Machine& machine) {
  const auto taps = static_cast<double>(visit.taps);
  const double busy = tap_cycles(visit, machine) * taps;
  VisitCycles cycles;
  cycles.multiply_adds = multiply_add_cycles(visit, machine) * taps;
  cycles.registers = busy - cycles.multiply_adds;
  cycles.caches = busy * (l1_conflict_factor(visit, machine) - 1) + l2_cycles(visit, busy, machine);
  cycles.stores = store_cycles(visit, machine);
  return cycles;
}

std::int64_t l1_share_bytes(const Machine& machine) {
  return static_cast<std::int64_t>(machine.costs.l1_share * static_cast<double>(machine.l1d_bytes));
}

std::array<TileRun, 2> tile_runs(std::int64_t extent, std::int64_t tile) {
  return {TileRun{extent / tile, tile}, TileRun{extent % tile == 0 ? 0 : 1, extent % tile}};
}

}  // namespace convc
