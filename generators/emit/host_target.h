// Target strings: Halide's, checked and put into one form, and what this room must know about each.
// The .cpp file may touch Halide (its Target class) but starts no code generation.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "generators/plan/machine.h"

namespace convc {

/// A target that convc can compile for.
struct TargetInfo {
  std::string text;    ///< full Halide target string, features in Halide's order
  Machine machine;     ///< what plans depend on; machine.isa is the variant's name in the runtime
  std::string triple;  ///< LLVM's name, e.g. "x86_64-unknown-linux-gnu"
  std::uint64_t cpu_features = 0;  ///< CONVC_CPU_* bits that the code may use
};

/// The processor this runs on, as a full target string.
std::string host_target();

/// Reads a Halide target string, "host" (also "host-..."), or an alias of `expand_target_alias`.
/// On failure returns nullopt and sets `*error` to a sentence that names the part at fault.
std::optional<TargetInfo> describe_target(std::string_view text, std::string* error);

/// Empty when code for `target` can run in this process; otherwise a sentence that says why not.
std::string why_target_cannot_run_here(const TargetInfo& target);

}  // namespace convc
