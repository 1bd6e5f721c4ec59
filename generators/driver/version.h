// What `convc --version` prints.
#pragma once

#include <string>

namespace convc {

/// The versions of convc, Halide and LLVM, a line each.
std::string version_text();

}  // namespace convc
