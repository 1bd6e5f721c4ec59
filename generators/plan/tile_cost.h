// What one visit of a register tile costs, term by term: the bottom of the cost model. The numbers
// that are measured, not known, are in Machine::costs. Pure.
#pragma once

#include <array>
#include <cstdint>

#include "generators/plan/machine.h"

namespace convc {

/// A tile's multiply-adds over all taps of a panel of weights.
struct TileVisit {
  std::int64_t pixels = 1;
  std::int64_t vectors = 1;
  int lanes = 4;
  int partial_sums = 1;   ///< accumulators of each vector of sums
  std::int64_t taps = 1;  ///< multiply-adds per output element
  std::int64_t pixel_stride_bytes = 4;
  double panel_bytes_from_l2 = 0;  ///< weights that are not in L1 any more
  double input_bytes_from_l2 = 0;
};

struct VisitCycles {
  double multiply_adds = 0;  ///< of the whole vectors, were nothing else in their way
  double registers = 0;      ///< what operands, latency and the front end add to that
  double caches = 0;         ///< waiting for L2, and for lines that compete for a set of L1
  double stores = 0;         ///< start and end of the tile: clearing, post_ops, stores

  [[nodiscard]] double total() const { return multiply_adds + registers + caches + stores; }
};

/// Turns that a vector of so many lanes takes in a pipe. Half the lanes save a turn only where
/// pipes are of half the width (Zen 4), which take two for a whole vector; elsewhere they take the
/// place of one.
double vector_turns(int lanes, const Machine& machine);

VisitCycles visit_cycles(const TileVisit& visit, const Machine& machine);

/// Bytes that stay in L1 from one visit to the next, of those that a loop uses again and again.
std::int64_t l1_share_bytes(const Machine& machine);

/// A run of equal tiles along one dimension.
struct TileRun {
  std::int64_t count = 0;
  std::int64_t size = 0;
};

/// Whole tiles, then the ragged one (of size 0 where there is none): tails cost only their own
/// work.
std::array<TileRun, 2> tile_runs(std::int64_t extent, std::int64_t tile);

}  // namespace convc
