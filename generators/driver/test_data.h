// Inputs and weights for a kernel that is compared with the naive reference. The same seed gives
// the same numbers on every machine. Needs dsl only.
#pragma once

#include <cstdint>
#include <vector>

#include "dsl/module.h"

namespace convc {

/// What the numbers are like.
enum class DataKind {
  integers,  ///< whole numbers so small that every sum is exact in float32: compared with ==
  reals,     ///< uniform in [-1, 1): compared within the derived bound
  extremes,  ///< 12 decades of magnitude with zeros and denormals, the largest along the borders
};

const char* name_of(DataKind kind);

/// The numbers of one layer: kernel [height, width, channels/groups, filters], bias [filters] or
/// empty. A literal layer's own numbers.
struct LayerWeights {
  std::vector<float> kernel;
  std::vector<float> bias;
};

struct TestData {
  std::vector<std::vector<float>> inputs;  ///< in the order of graph.inputs
  std::vector<LayerWeights> weights;       ///< in the order of graph.nodes
  bool exact =
      false;  ///< the sum of the magnitudes of all terms stays below 2^24, all are integers
};

/// `exact` is true for DataKind::integers unless literal weights are no integers or too large.
TestData make_test_data(const Graph& graph, DataKind kind, std::uint64_t seed);

/// Elements of a fixed tensor.
std::size_t element_count(const Tensor& tensor);

/// Products that one output element adds up: channels per group times filter size.
std::int64_t products_per_output(const LayerSpec& layer);

}  // namespace convc
