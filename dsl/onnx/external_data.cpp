// Reads ranges of files in the model's folder, and refuses all others.
#include "dsl/onnx/external_data.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "dsl/onnx/node.h"
#include "dsl/text.h"

namespace convc::onnx_import {
namespace {

namespace fs = std::filesystem;

// The file a location names, or nullopt and the reason. Symbolic links are followed first, so that
// none leads out of the folder.
std::optional<fs::path> resolve(const fs::path& folder, const std::string& location,
                                std::string* error) {
  const fs::path relative(location);
  const auto refuse = [&](const std::string& why) {
    *error = cat("has its data in \"", shown(location), "\", ", why);
    return std::nullopt;
  };
  if (location.empty() || location.find('\0') != std::string::npos) {
    return refuse("which is not a file name");
  }
  if (relative.is_absolute()) {
    return refuse("an absolute path; only files in the model's folder are read");
  }
  if (std::any_of(relative.begin(), relative.end(),
                  [](const fs::path& part) { return part == ".."; })) {
    return refuse("a path out of the model's folder; only files in it are read");
  }
  std::error_code code;
  const fs::path root = fs::canonical(folder, code);
  if (code) return refuse(cat("whose folder cannot be read: ", code.message()));
  fs::path file = fs::canonical(root / relative, code);
  if (code) return refuse(cat("which cannot be read: ", code.message()));
  const auto [end, unused] = std::mismatch(root.begin(), root.end(), file.begin(), file.end());
  if (end != root.end()) {
    return refuse("a link out of the model's folder; only files in it are read");
  }
  if (!fs::is_regular_file(file, code)) return refuse("which is not a file");
  return file;
}

}  // namespace

ExternalData::ExternalData(const std::string& model_path)
    : folder_(fs::path(model_path).parent_path().string()) {
  if (folder_.empty()) folder_ = ".";
}

std::optional<std::string> ExternalData::read(const ExternalRange& range, std::uint64_t expected,
                                              std::string* error) const {
  const std::optional<fs::path> path = resolve(folder_, range.location, error);
  if (!path) return std::nullopt;
  std::error_code code;
  const std::uint64_t size = fs::file_size(*path, code);
  if (code) {
    *error = cat("has its data in \"", shown(range.location), "\": ", code.message());
    return std::nullopt;
  }
  if (range.offset > size || range.length.value_or(0) > size - range.offset) {
    *error = cat("has its data beyond the end of \"", shown(range.location), "\", which has ", size,
                 " bytes");
    return std::nullopt;
  }
  const std::uint64_t length = range.length.value_or(size - range.offset);
  if (length != expected) {
    *error = cat("has ", length, " bytes of data in \"", shown(range.location), "\" instead of ",
                 expected);
    return std::nullopt;
  }
  std::string bytes(length, '\0');
  std::ifstream file(*path, std::ios::binary);
  file.seekg(static_cast<std::streamoff>(range.offset));
  file.read(bytes.data(), static_cast<std::streamsize>(length));
  if (!file) {
    *error = cat("has its data in \"", shown(range.location), "\", which cannot be read");
    return std::nullopt;
  }
  return bytes;
}

}  // namespace convc::onnx_import
