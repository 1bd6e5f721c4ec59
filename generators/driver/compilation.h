// The step from plans to machine code that compile, verify, run and bench share.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "generators/driver/session.h"
#include "generators/emit/artifact.h"
#include "generators/emit/failure.h"
#include "generators/emit/loaded_library.h"

namespace convc {

/// Compiles session.module for session.targets with `plans`, with progress on a terminal. Prints
/// session.diagnostics and sets `*exit_code` when that fails.
std::optional<Artifact> compile_session(Session& session, const ModulePlans& plans, int* exit_code);

/// The exit code of a failure that has been told.
int exit_code_of(Failure failure);

/// Links `artifact` into this process. Throws InternalError with the linker's words.
std::unique_ptr<LoadedLibrary> load_in_child(const Artifact& artifact);

/// The algorithms of a kernel's layers, each once: "direct", or "direct, pointwise".
std::string algorithms_of(const std::vector<CompiledLayer>& layers);

}  // namespace convc
