// What packed weights are made of: for each packed_* argument of a kernel, the packing
// (convc_packing) that makes it from the layer's variables, whatever their layout. No LLVM, no
// Halide.
#pragma once

#include <string>
#include <vector>

#include "convc/kernel_abi.h"
#include "dsl/layer_spec.h"
#include "generators/kernels/kernel.h"
#include "generators/plan/plan.h"

namespace convc {

/// The packing of `argument`, one of kernel_arguments(layer, plan) with a packed_* role. Its
/// variables are indices into variables_of(layer); offset_bytes is 0.
convc_packing packing_of(const LayerSpec& layer, const Plan& plan, const KernelArgument& argument);

/// True when all numbers that the packing reads are literal, false when all arrive at run time;
/// that it reads no variable at all counts as literal. Throws InternalError for a mixture.
bool reads_literals(const convc_packing& packing, const std::vector<LayerVariable>& variables);

/// Executes a packing of literal numbers.
std::string pack_literals(const convc_packing& packing,
                          const std::vector<LayerVariable>& variables);

/// Calls visit(index) for each variable of the packing, by reference, in the struct's order.
template <typename Packing, typename Visit>
void for_each_variable(Packing& packing, const Visit& visit) {
  for (auto* index :
       {&packing.variable, &packing.gamma, &packing.beta, &packing.mean, &packing.variance}) {
    if (*index != CONVC_NO_VARIABLE) visit(*index);
  }
}

}  // namespace convc
