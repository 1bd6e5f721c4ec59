// Leaves out of an imported graph what its outputs do not need. Plain dsl.
#pragma once

#include <vector>

#include "dsl/diagnostics.h"
#include "dsl/module.h"

namespace convc::onnx_import {

/// Which tensors outputs depend on, themselves included. Precondition: nodes are in order.
std::vector<bool> needed_tensors(const Graph& graph);

/// Removes layers that no output depends on, and the tensors and inputs that only they have to do
/// with; each layer and input is warned of. Precondition: nodes are in order.
void drop_unused(Graph* graph, Diagnostics& diagnostics);

}  // namespace convc::onnx_import
