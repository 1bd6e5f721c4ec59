// The layouts of a graph's tensors, from what its layers say. Of this room only.
#pragma once

#include <optional>
#include <vector>

#include "dsl/diagnostics.h"
#include "dsl/draft.h"

namespace convc {

/// One layout for each tensor. Convolutions and paddings read what their data_format says, as in
/// Keras channels_last when it is not given; layers with a channel axis say it by that; others take
/// the layout of what they read, and an Input the one of what reads it. `ranks`: of each tensor.
/// Reports layers that do not agree, and axes that are not the channels'.
std::optional<std::vector<Layout>> infer_layouts(const GraphDraft& draft,
                                                 const std::vector<int>& ranks,
                                                 Diagnostics& diagnostics);

}  // namespace convc
