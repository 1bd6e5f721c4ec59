// Loading files of any kind: specs (.conv) and models (.onnx).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "dsl/diagnostics.h"
#include "dsl/module.h"
#include "dsl/onnx/model_dims.h"

namespace convc {

/// A file that holds a model, by its name.
bool is_model_path(const std::string& path);

/// Reads and checks files that together make one library, called `library_name`, or when that is
/// empty as the stem of the one file; several files need the name. The functions of the specs come
/// first, then those of the models, each in the order of `paths`. `dims` are sizes of the models.
/// Reports everything that is wrong; nullopt when anything is.
std::optional<Module> load_files(const std::vector<std::string>& paths,
                                 const std::string& library_name, ModelDims dims,
                                 Diagnostics& diagnostics);

}  // namespace convc
