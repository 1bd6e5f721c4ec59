// The manifest of a library, NAME.json: what was compiled, how, and what it costs, for scripts and
// reports. Plain text work; no LLVM, no Halide.
#pragma once

#include <string>
#include <vector>

#include "generators/emit/artifact.h"
#include "generators/emit/variant_layout.h"

namespace convc {

/// JSON with keys in a fixed order and a newline at the end. `layouts` are in the order of the
/// module's graphs.
std::string manifest(const Artifact& artifact, const std::vector<KernelLayouts>& layouts);

}  // namespace convc
