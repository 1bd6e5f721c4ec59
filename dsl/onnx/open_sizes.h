// Open sizes of an imported graph, tried at the ends of their ranges. Plain dsl.
#pragma once

#include "dsl/diagnostics.h"
#include "dsl/module.h"

namespace convc::onnx_import {

/// Gives every tensor and layer of a graph the ranges that follow from those of its inputs. Sizes
/// without a limit get the least with which every layer has an output. Reports, and gives false,
/// when that fails within the ranges that are given, when operands of a sum have the same shape for
/// some sizes only, or when a tensor of the greatest sizes has 2^31 elements. Precondition: all
/// tensors are channels_first, nodes are in order.
bool settle_open_sizes(Graph* graph, Diagnostics& diagnostics);

}  // namespace convc::onnx_import
