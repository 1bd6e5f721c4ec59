// Loading files of any kind: specs (.conv) and models (.onnx).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "dsl/diagnostics.h"
#include "dsl/module.h"

namespace convc {

/// Reads and checks files that together make one library, called `library_name`, or when that is
/// empty as the stem of the one file; several files need the name. The functions of the specs come
/// first, then those of the models, each in the order of `paths`. Reports everything that is wrong;
/// nullopt when anything is.
std::optional<Module> load_files(const std::vector<std::string>& paths,
                                 const std::string& library_name, Diagnostics& diagnostics);

}  // namespace convc
