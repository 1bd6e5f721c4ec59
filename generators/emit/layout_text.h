// Shapes and memory layouts in words, for people: headers, error texts. Plain C++.
#pragma once

#include <string>

#include "dsl/module.h"
#include "generators/emit/names.h"
#include "generators/emit/run_time_sizes.h"

namespace convc {

/// "batch, height, width, channels".
std::string axes_text(const Tensor& tensor);

/// "height, width, input channels, filters" of a kernel; "filters" of a bias. `layer` is the one
/// that has the variable, as written.
std::string axes_text(const Variable& variable, const LayerSpec& layer);

/// "[1, height, (width + 1) / 2, 8]": the sizes of a tensor in terms of the io struct's members.
std::string shape_text(const Graph& graph, TensorId tensor, const RunTimeSizes& sizes);

/// "conv 3x3, batch_normalization(0.001,1,1);relu(0,inf,0)": what a step of a lowered graph does.
std::string step_text(const LayerSpec& layer);

}  // namespace convc
