// The C99 header of a library: structs, functions, sizes, and in comments the layers, plans, costs
// and the numerical contract. Plain text work; no LLVM, no Halide.
#pragma once

#include <string>
#include <vector>

#include "generators/emit/artifact.h"
#include "generators/emit/variant_layout.h"

namespace convc {

/// Layouts by [graph][target], in the order of Artifact::targets.
using ModuleLayouts = std::vector<std::vector<VariantLayout>>;

std::string c_header(const Artifact& artifact, const ModuleLayouts& layouts);

}  // namespace convc
