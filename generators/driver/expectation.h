// What a kernel should compute for given numbers, and how far float32 may be from it: the naive
// reference over a graph, with a bound for each output element.
#pragma once

#include <vector>

#include "dsl/module.h"
#include "generators/driver/test_data.h"
#include "generators/plan/plan.h"

namespace convc {

struct Expectation {
  std::vector<double> output;         ///< of the graph's output, [batch, height, width, filters]
  std::vector<double> allowed_error;  ///< absolute, per element; empty when the data are exact
  std::vector<bool> reachable;        ///< false: all terms of the element are zero
};

/// Runs the reference layer by layer. `plans` are in the order of graph.nodes, which form a chain;
/// `exact` says that every sum of the data is exact in float32 whatever its order.
///
/// The bound of one layer is gamma times the sum of its terms' magnitudes (numerical_contract.h),
/// and 2^-126 per rounding for results that are denormal or flushed to zero. A chain carries it on:
///   E_out = conv(|w|, E_in) + gamma * (conv(|w|, |x| + E_in) + |bias|)
/// since no activation makes a difference larger. That costs each layer but the first a second run.
Expectation expect(const Graph& graph, const std::vector<Plan>& plans, const TestData& data,
                   bool exact);

/// True when a kernel with these plans adds up integers without rounding: no plan replaces a
/// literal filter by factors that are not integers.
bool keeps_integers(const Graph& graph, const std::vector<Plan>& plans);

}  // namespace convc
