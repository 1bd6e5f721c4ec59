// NumPy's .npy files: reading into dense row-major float32, writing float32. Knows nothing of
// layers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace convc {

/// A dense array, row-major (C order); values.size() is the product of shape. A scalar has no
/// shape.
struct NpyArray {
  std::vector<std::int64_t> shape;
  std::vector<float> values;
};

/// Reads format versions 1 to 3, either byte order, C and Fortran order. float32 as it is; float64,
/// float16, integers and bool are converted as NumPy's astype(float32) does. On failure returns
/// nullopt and sets `*error` to a sentence without the file's name: not an .npy file, another
/// element type (named), a damaged header, a truncated file (bytes expected and got).
std::optional<NpyArray> parse_npy(std::string_view bytes, std::string* error);

/// parse_npy of a file's content.
std::optional<NpyArray> read_npy(const std::string& path, std::string* error);

/// The bytes of a version 1 file of little-endian float32 in C order.
std::string to_npy(const std::vector<std::int64_t>& shape, const float* values);

/// "(3, 4)", "(3,)" and "()" as NumPy prints shapes.
std::string shape_text(const std::vector<std::int64_t>& shape);

}  // namespace convc
