// A graph with run-time sizes as it stands for one choice of them: the graph that the reference
// runs. Needs dsl, and the shapes of emit.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "dsl/module.h"

namespace convc {

/// Batch, height and width of one input.
struct InputSize {
  std::int64_t batch = 1, height = 1, width = 1;
  friend bool operator==(const InputSize&, const InputSize&) = default;
};

/// True when a size of an input is known only at run time.
bool has_open_sizes(const Graph& graph);

/// The representative sizes, in the order of graph.inputs: those of a node that reads it.
std::vector<InputSize> representative_sizes(const Graph& graph);

/// The written graph with these sizes: every tensor and layer has fixed ones. Precondition: they
/// are within the graph's ranges.
Graph with_sizes(const Graph& graph, const std::vector<InputSize>& sizes);

}  // namespace convc
