// The ONNX front end: a model file to a checked Module. The entry to this folder, whose other
// headers alone see protobuf.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "dsl/diagnostics.h"
#include "dsl/module.h"
#include "dsl/onnx/model_dims.h"

namespace convc {

/// Reads an .onnx model; its graph becomes the one function of the library. The library is called
/// `library_name`, or when that is empty as the file's stem. The function is called as the file's
/// stem, or "model" where that is the library's name too. Weights are those of the model; weights
/// that are inputs of the graph are variables. Sizes that `dims` has are as it says. Reports
/// everything that is wrong in one run, every node that is not supported by index, type and name;
/// nullopt when anything is. Throws nothing, whatever is in the file.
std::optional<Module> load_onnx_file(const std::string& path, const std::string& library_name,
                                     ModelDims& dims, Diagnostics& diagnostics);

/// The same for the bytes of a model. `path` stands in messages, and its folder is where external
/// data is.
std::optional<Module> load_onnx_bytes(std::string_view bytes, const std::string& path,
                                      const std::string& library_name, ModelDims& dims,
                                      Diagnostics& diagnostics);

}  // namespace convc
