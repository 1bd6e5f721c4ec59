// Constants: numbers of a model that are known when compiling, from initializers, Constant nodes
// and the folding of shape arithmetic. Sees ONNX' schema.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dsl/onnx/external_data.h"
#include "dsl/post_op.h"
#include "onnx-ml.pb.h"

namespace convc::onnx_import {

/// Beside each element of a constant: null where it is known. Otherwise it is known only when the
/// model runs, and this is the name of an open size of the input that it depends on (ModelDims).
/// Empty where all are known. The names are those of Images, which outlive constants.
using OpenElements = std::vector<const std::string*>;

/// What stands beside element `index`.
inline const std::string* open_size(const OpenElements& open, std::size_t index) {
  return open.empty() ? nullptr : open[index];
}

/// A tensor of numbers. float32 is exact; other float types are held as float32.
struct Constant {
  int type = onnx::TensorProto::FLOAT;  ///< onnx::TensorProto::DataType
  LiteralRef floats;                    ///< of float types; null for integers and booleans
  std::vector<std::int64_t> shape;      ///< also of `floats`
  std::vector<std::int64_t> integers;
  OpenElements open;  ///< what stands at these in `floats` or `integers` means nothing

  [[nodiscard]] bool is_float() const { return floats != nullptr; }
};
using ConstantRef = std::shared_ptr<const Constant>;

/// Every NaN becomes the one that specs have: what is printed reads back the same.
ConstantRef make_floats(std::vector<std::int64_t> shape, std::vector<float> values,
                        int type = onnx::TensorProto::FLOAT, OpenElements open = {});
ConstantRef make_integers(std::vector<std::int64_t> shape, std::vector<std::int64_t> values,
                          int type = onnx::TensorProto::INT64, OpenElements open = {});
bool is_float_type(int type);
bool is_integer_type(int type);

/// The product of the sizes; nullopt when one is negative or the product exceeds the elements of
/// the largest tensor.
std::optional<std::int64_t> element_count(const std::vector<std::int64_t>& shape);

/// "float16", as the schema spells it in types; for messages.
std::string type_name(int type);
/// "(1, 3, 224, 224)".
std::string shape_text(const std::vector<std::int64_t>& shape);

/// What all tensors of a model may have together, and what folding may make of them: a small
/// hostile file cannot ask for all memory.
inline constexpr std::size_t kMaxDataBytes = (std::size_t{1} << 31) - 1;
inline constexpr std::int64_t kMaxFoldedElements = std::int64_t{1} << 26;

/// Reads tensors of a model, those in other files too.
class ConstantReader {
 public:
  explicit ConstantReader(ExternalData external) : external_(std::move(external)) {}

  /// Null and a sentence in `*error` ("has 3 elements of data for ...") when the tensor is damaged.
  ConstantRef read(const onnx::TensorProto& proto, std::string* error);
  /// Counts elements that folding makes; false when they are too many.
  bool reserve(std::int64_t elements);

 private:
  ExternalData external_;
  std::size_t data_bytes_ = 0;
  std::int64_t folded_elements_ = 0;
};

}  // namespace convc::onnx_import
