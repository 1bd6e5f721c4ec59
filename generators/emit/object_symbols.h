// Seals an object that Halide made: its one entry stays visible, everything it calls is ours or
// libc's. Touches LLVM's object library only; no Halide.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace convc {

struct SealedObject {
  std::string object;           ///< ELF, relocatable
  std::int64_t code_bytes = 0;  ///< total size of the executable sections
};

/// Gives an ELF object the shape that archives of convc have:
/// - undefined halide_X becomes convc_rt_X (the runtime's own entry points);
/// - `entry` is weak and hidden: two libraries that hold the same kernel link together, and no
///   shared library exports it; every other defined symbol is local;
/// - .comment is dropped.
/// Throws InternalError when the object cannot be read, lacks `entry`, or needs a symbol that is
/// neither the runtime's nor one of libc and libm (see `allowed_undefined_symbols`).
SealedObject seal_object(std::string_view object, const std::string& entry);

/// The runtime's functions that kernels may call, without prefix: convc_rt_<name>.
const std::vector<std::string>& runtime_entry_points();

/// Functions of libc and libm that kernels may call.
const std::vector<std::string>& libc_functions();

}  // namespace convc
