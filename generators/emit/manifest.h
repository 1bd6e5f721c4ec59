// The manifest of a library, NAME.json: what was compiled, how, and what it costs, for scripts and
// reports. Plain text work; no LLVM, no Halide.
#pragma once

#include <string>

#include "generators/emit/c_header.h"

namespace convc {

/// JSON with keys in a fixed order and a newline at the end.
std::string manifest(const Artifact& artifact, const ModuleLayouts& layouts);

}  // namespace convc
