// Files out: whole or not at all.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dsl/diagnostics.h"
#include "generators/emit/artifact.h"
#include "generators/emit/failure.h"

namespace convc {

/// A file to be: path and content.
using NewFile = std::pair<std::string, std::string>;

/// Writes all files or none: each aside (in its own directory, which is created when missing), then
/// all renamed into place. A signal to stop waits until that is done. nullopt when all is written;
/// Failure::environment, with an error that names the path and the system's reason, otherwise.
std::optional<Failure> write_files(const std::vector<NewFile>& files, Diagnostics& diagnostics);

/// libNAME.a, NAME.h and NAME.json in `directory`. Throws InternalError.
std::vector<NewFile> library_files(const Artifact& artifact, const std::string& directory);

/// What write_files makes of library_files.
std::optional<Failure> write_library(const Artifact& artifact, const std::string& directory,
                                     Diagnostics& diagnostics);

/// A rule for Make and Ninja: each of `outputs` depends on each of `inputs`.
std::string depfile_text(const std::vector<std::string>& outputs,
                         const std::vector<std::string>& inputs);

}  // namespace convc
