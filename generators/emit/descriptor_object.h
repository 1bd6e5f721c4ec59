// Writes the objects that hold no kernel code: a kernel's descriptor (convc/kernel_abi.h) with the
// functions its header declares, and packed literal numbers. Through LLVM, for any target, without
// a C compiler. Touches LLVM; no Halide.
#pragma once

#include <string>
#include <vector>

#include "generators/emit/variant_layout.h"

namespace convc {

/// An ELF object with KERNEL_kernel (constant data), KERNEL_run, KERNEL_packed_bytes,
/// KERNEL_workspace_bytes and, when there are variables, KERNEL_pack. `prefix` is KERNEL;
/// `variants` are best first. Throws InternalError.
std::string descriptor_object(const std::string& prefix, const KernelInterface& interface,
                              const std::vector<VariantLayout>& variants,
                              const std::string& triple);

/// An ELF object with `constant` as weak, hidden, read-only data. Throws InternalError.
std::string constant_object(const ConstantData& constant, const std::string& triple);

}  // namespace convc
