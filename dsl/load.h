// Loading: spec files to a checked Module. The entry to this room.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "dsl/diagnostics.h"
#include "dsl/module.h"

namespace convc {

/// A larger spec is refused; literal filter banks stay far below.
inline constexpr std::size_t kMaxFileBytes = std::size_t{64} << 20;

/// Reads, parses and checks spec files that together make one library. It is called
/// `library_name`, or when that is empty as the stem of the one file; several files need the name.
/// Reports everything that is wrong in all of them; nullopt when anything is.
std::optional<Module> load_spec_files(const std::vector<std::string>& paths,
                                      const std::string& library_name, Diagnostics& diagnostics);

/// The same for one text that diagnostics call `filename`.
std::optional<Module> load_spec_text(std::string text, const std::string& filename,
                                     const std::string& library_name, Diagnostics& diagnostics);

}  // namespace convc
