// Checker: a draft to a Module. The one gate: a Module that left it is valid, so that later rooms
// never check again.
#pragma once

#include <optional>

#include "dsl/diagnostics.h"
#include "dsl/draft.h"
#include "dsl/module.h"

namespace convc {

/// Checks all functions and layers and resolves their shapes. Reports every problem; nullopt when
/// there is one, or when a part of the draft is broken (that has been reported already).
/// `draft.name` has been checked.
std::optional<Module> check_module(const ModuleDraft& draft, Diagnostics& diagnostics);

}  // namespace convc
