// The identity of what a layer computes, as text. No parsing.
#pragma once

#include <string>

#include "dsl/layer_spec.h"

namespace convc {

/// Identifies the code of a layer (given a plan and a target), and nothing else: no name, no place,
/// padding in numbers unless run-time sizes make it follow from the rule, literal numbers in full.
/// Equal texts mean that one kernel serves both.
std::string canonical_layer_text(const LayerSpec& layer);

}  // namespace convc
