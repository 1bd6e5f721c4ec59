// What a whole layer costs with a plan of the register-tiled algorithms (direct, few_channels,
// pointwise, subsampled, split_channels): the cost model that chooses among their plans, with its
// terms in the open. Pure.
#pragma once

#include <string>

#include "dsl/layer_spec.h"
#include "generators/plan/machine.h"
#include "generators/plan/plan.h"

namespace convc {

/// Cycles of one thread.
struct TiledCost {
  double multiply_adds = 0;  ///< at the peak of the pipes: no plan needs less
  double tails = 0;          ///< lanes without filters
  double registers = 0;      ///< tiles too small to keep the pipes busy
  double l1_and_l2 = 0;      ///< panels and inputs that come from L2; lines that compete in L1
  double beyond_l2 = 0;      ///< what tasks read from beyond L2, once or again
  double stores = 0;         ///< starts and ends of tiles
  double copies = 0;         ///< padded or gathered inputs of tasks
  double tasks = 0;          ///< starts of tasks and panels

  [[nodiscard]] double total() const {
    return multiply_adds + tails + registers + l1_and_l2 + beyond_l2 + stores + copies + tasks;
  }
};

/// The input streams from the far end of L3 or from memory: it exceeds what one of the 8 cores that
/// share L3 can count on.
bool streams_input(const LayerSpec& layer, const Machine& machine);

/// Precondition: one group (one_group of algorithms.h), channels folded where the algorithm does
/// so.
TiledCost tiled_cost(const LayerSpec& layer, const Plan& plan, const Machine& machine);

/// "1.04 M cycles: multiply-adds 89 %, registers 5 %, stores 4 %, ...", the largest terms first.
std::string to_text(const TiledCost& cost);

}  // namespace convc
