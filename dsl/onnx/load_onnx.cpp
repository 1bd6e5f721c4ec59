// A model file to a checked Module.
#include "dsl/onnx/load_onnx.h"

#include <cerrno>
#include <cstring>
#include <exception>
#include <filesystem>
#include <system_error>

#include "dsl/names.h"
#include "dsl/onnx/importer.h"
#include "dsl/read_bytes.h"
#include "dsl/text.h"

namespace convc {
namespace {

// The limit of protobuf's messages.
constexpr std::size_t kMaxModelBytes = (std::size_t{1} << 31) - 1;

std::optional<std::string> refuse_size(std::uintmax_t bytes, Diagnostics& diagnostics) {
  diagnostics
      .error(Code::file_too_large, {},
             cat("this model has ", bytes, " bytes; a model is smaller than 2 GiB"))
      .help("keep the weights in a file beside the model, as external data");
  return std::nullopt;
}

// A file is refused by its size, a pipe when it has given too much.
std::optional<std::string> read_model(const std::string& path, Diagnostics& diagnostics) {
  std::error_code no_size;
  const std::uintmax_t size = std::filesystem::file_size(path, no_size);
  if (!no_size && size > kMaxModelBytes) return refuse_size(size, diagnostics);
  std::optional<std::string> bytes = read_bytes(path, kMaxModelBytes);
  if (!bytes) {
    diagnostics.error(Code::unreadable_file, {},
                      cat("cannot read this file: ", std::strerror(errno)));
  } else if (bytes->size() > kMaxModelBytes) {
    return refuse_size(bytes->size(), diagnostics);
  }
  return bytes;
}

std::optional<std::string> library_name_of(const std::string& given, const std::string& stem,
                                           const std::string& path, Diagnostics& diagnostics) {
  diagnostics.set_origin(given.empty() ? path : "--name");
  const std::string name = given.empty() ? stem : given;
  const bool good = check_name(
      name, given.empty() ? "the library's name, from the file," : "the library's name",
      Code::library_name, {}, given.empty() ? "add --name " : "use --name ", diagnostics);
  diagnostics.set_origin(path);
  return good ? std::optional(name) : std::nullopt;
}

std::optional<Graph> import_model(std::string_view bytes, const std::string& path,
                                  const std::string& name, ModelDims& dims,
                                  Diagnostics& diagnostics) {
  onnx::ModelProto model;
  if (bytes.empty() || !model.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    diagnostics.error(Code::onnx_damaged, {}, "this file is not an ONNX model, or is cut off")
        .help("is this the file you meant?");
    return std::nullopt;
  }
  onnx_import::ConstantReader constants{onnx_import::ExternalData(path)};
  return onnx_import::Importer(model, constants, dims, diagnostics).run(name);
}

// Calls `load`, which may throw what a standard container or protobuf throws.
template <typename Load>
std::optional<Module> without_exceptions(const std::string& path, Diagnostics& diagnostics,
                                         Load load) {
  std::optional<Module> module;
  diagnostics.set_origin(path);
  try {
    module = load();
  } catch (const std::exception& failure) {
    diagnostics.set_origin(path);
    diagnostics.error(Code::onnx_damaged, {}, cat("this model cannot be read: ", failure.what()));
  }
  diagnostics.set_origin({});
  return module;
}

// Precondition: shorter than 2 GiB.
std::optional<Module> load_bytes(std::string_view bytes, const std::string& path,
                                 const std::string& library_name, ModelDims& dims,
                                 Diagnostics& diagnostics) {
  const std::string stem = std::filesystem::path(path).stem().string();
  const std::optional<std::string> library = library_name_of(library_name, stem, path, diagnostics);
  const std::string function = to_identifier(stem);
  std::optional<Graph> graph =
      import_model(bytes, path, function == library ? "model" : function, dims, diagnostics);
  if (!graph || !library) return std::nullopt;
  Module module;
  module.name = *library;
  module.graphs.push_back(std::move(*graph));
  return module;
}

}  // namespace

std::optional<Module> load_onnx_file(const std::string& path, const std::string& library_name,
                                     ModelDims& dims, Diagnostics& diagnostics) {
  return without_exceptions(path, diagnostics, [&]() -> std::optional<Module> {
    const std::optional<std::string> bytes = read_model(path, diagnostics);
    if (!bytes) return std::nullopt;
    return load_bytes(*bytes, path, library_name, dims, diagnostics);
  });
}

std::optional<Module> load_onnx_bytes(std::string_view bytes, const std::string& path,
                                      const std::string& library_name, ModelDims& dims,
                                      Diagnostics& diagnostics) {
  return without_exceptions(path, diagnostics, [&]() -> std::optional<Module> {
    if (bytes.size() > kMaxModelBytes) {
      refuse_size(bytes.size(), diagnostics);
      return std::nullopt;
    }
    return load_bytes(bytes, path, library_name, dims, diagnostics);
  });
}

}  // namespace convc
