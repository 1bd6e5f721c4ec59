// The C99 header of a library: structs, functions, sizes, and in comments the layers, plans, costs
// and the numerical contract. Plain text work; no LLVM, no Halide.
#pragma once

#include <string>
#include <vector>

#include "generators/emit/artifact.h"
#include "generators/emit/variant_layout.h"

namespace convc {

/// `layouts` are in the order of the module's graphs.
std::string c_header(const Artifact& artifact, const std::vector<KernelLayouts>& layouts);

}  // namespace convc
