// The numbers of a layer's variables in the order that the reference reads. Needs dsl only.
#pragma once

#include <vector>

#include "dsl/layer_spec.h"

namespace convc {

/// The numbers of all variables of a layer, in the order of variables_of(layer), each row-major in
/// the shape in which the user gives it.
using VariableNumbers = std::vector<std::vector<float>>;

/// The numbers of one variable; a kernel's with the filters last: [kernel..][channels][filters],
/// whatever its kernel_layout. Empty when the layer has no such variable.
std::vector<float> numbers_of(const LayerSpec& layer, const VariableNumbers& numbers,
                              VariableRole role, int post_op = -1);

/// From [kernel..][channels][filters] to the order of the layer's kernel_layout.
std::vector<float> as_given(const LayerSpec& layer, const LayerVariable& variable,
                            const std::vector<float>& filters_last);

}  // namespace convc
