// Inputs and weights for a kernel that is compared with the naive reference. The same seed gives
// the same numbers on every machine. Needs dsl, plan and the reference only.
#pragma once

#include <cstdint>
#include <vector>

#include "dsl/module.h"
#include "generators/driver/kernel_order.h"

namespace convc {

/// What the numbers are like.
enum class DataKind {
  integers,  ///< whole numbers, and fractions of a few bits, so small that sums are exact in
             ///< float32
  reals,     ///< uniform in [-1, 1)
  extremes,  ///< 12 decades of magnitude with zeros and denormals, the largest along the borders
};

const char* name_of(DataKind kind);

struct TestData {
  std::vector<std::vector<float>> inputs;  ///< in the order of graph.inputs, dense channels_last
  std::vector<VariableNumbers>
      variables;  ///< in the order of graph.nodes; literal ones as they are
};

/// Numbers for a graph as it was written, whose sizes are all fixed. Integers stay exact through
/// convolutions, sums, products, functions that are linear in pieces with such parameters, and
/// normalizations whose epsilon has few bits; as far as literal numbers and the length of the
/// graph allow. `output_tiles` are those of winograd: for a graph with one sum integers are such
/// that its transforms are exact, too (winograd_data.h). The denominators of several in a row
/// exceed float32.
TestData make_test_data(const Graph& graph, DataKind kind, std::uint64_t seed,
                        const std::vector<int>& output_tiles);

}  // namespace convc
