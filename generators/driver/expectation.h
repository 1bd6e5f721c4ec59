// What a kernel should compute for given numbers, and how far float32 may be from it: the naive
// reference over a graph, with a bound for each output element.
#pragma once

#include <vector>

#include "dsl/module.h"
#include "generators/driver/bounded.h"
#include "generators/driver/test_data.h"
#include "generators/plan/plan.h"

namespace convc {

/// The outputs of the graph, in the order of graph.outputs. The graph is the written one, not what
/// lowering made of it, so that lowering is checked too; its sizes are all fixed.
std::vector<Bounded> expect(const Graph& graph, const TestData& data, const SumRules& rules);

/// The rules of a graph as it was compiled. `plans` are in the order of its nodes.
SumRules sum_rules(const Graph& lowered, const std::vector<Plan>& plans);

}  // namespace convc
