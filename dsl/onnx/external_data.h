// External data: tensors that a model keeps in files beside it. Only files in the model's own
// folder are read. Standard library only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace convc::onnx_import {

struct ExternalRange {
  std::string location;  ///< as the model gives it
  std::uint64_t offset = 0;
  std::optional<std::uint64_t> length;  ///< absent: to the end of the file
};

class ExternalData {
 public:
  /// `model_path` names the model; its folder is what may be read.
  explicit ExternalData(const std::string& model_path);

  /// The bytes, of which there must be `expected`. Nullopt and a sentence in `*error` when they
  /// cannot or may not be read.
  std::optional<std::string> read(const ExternalRange& range, std::uint64_t expected,
                                  std::string* error) const;

 private:
  std::string folder_;
};

}  // namespace convc::onnx_import
