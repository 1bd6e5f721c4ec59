// .npy files. The header is a Python dictionary literal with three known keys; the reader accepts
// any order, spacing and quotes, as files not written by NumPy itself have them.
#include "generators/driver/npy.h"

#include <llvm/Support/MemoryBuffer.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

namespace convc {
namespace {

static_assert(std::endian::native == std::endian::little, "to_npy writes '<f4' as it is in memory");

constexpr std::string_view kMagic = "\x93NUMPY";

struct Header {
  std::string descr;
  bool fortran_order = false;
  std::vector<std::int64_t> shape;
  std::size_t data_offset_bytes = 0;
};

/// A reader of the dictionary; every function returns false where the text is not what it expects.
class HeaderScanner {
 public:
  explicit HeaderScanner(std::string_view text) : text_(text) {}

  bool dictionary(Header& header) {
    bool has_descr = false, has_order = false, has_shape = false;
    if (!take('{')) return false;
    while (!take('}')) {
      std::string key;
      if (!quoted(key) || !take(':')) return false;
      if (key == "descr") {
        has_descr = quoted(header.descr);
        // A list of fields: a structured type, which the caller refuses by this name.
        if (!has_descr && peek() == '[') {
          header.descr = "a structured type";
          return true;
        }
        if (!has_descr) return false;
      } else if (key == "fortran_order") {
        if (!(has_order = boolean(header.fortran_order))) return false;
      } else if (key == "shape") {
        if (!(has_shape = tuple(header.shape))) return false;
      } else {
        return false;
      }
      if (!take(',') && peek() != '}') return false;
    }
    return has_descr && has_order && has_shape;
  }

 private:
  char peek() {
    while (at_ < text_.size() && std::strchr(" \t\n\r", text_[at_])) ++at_;
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool take(char c) {
    if (peek() != c || c == '\0') return false;
    ++at_;
    return true;
  }
  bool word(std::string_view expected) {
    peek();
    if (text_.substr(at_, expected.size()) != expected) return false;
    at_ += expected.size();
    return true;
  }
  bool quoted(std::string& out) {
    const char quote = peek();
    if (quote != '\'' && quote != '"') return false;
    const std::size_t end = text_.find(quote, at_ + 1);
    if (end == std::string_view::npos) return false;
    out = text_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
    return true;
  }
  bool boolean(bool& out) {
    if (word("True")) return out = true;
    out = false;
    return word("False");
  }
  bool tuple(std::vector<std::int64_t>& out) {
    if (!take('(')) return false;
    while (!take(')')) {
      std::int64_t value = 0;
      if (peek() < '0' || peek() > '9') return false;
      for (; at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_) {
        if (value > (std::numeric_limits<std::int64_t>::max() - 9) / 10) return false;
        value = value * 10 + (text_[at_] - '0');
      }
      take('L');  // Python 2 wrote long integers so
      out.push_back(value);
      if (!take(',') && peek() != ')') return false;
    }
    return true;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

bool read_header(std::string_view bytes, Header& header, std::string* error) {
  if (bytes.substr(0, kMagic.size()) != kMagic || bytes.size() < kMagic.size() + 2) {
    *error = "not an .npy file (it does not begin with \\x93NUMPY)";
    return false;
  }
  const unsigned major = static_cast<unsigned char>(bytes[kMagic.size()]);
  if (major < 1 || major > 3) {
    *error = "format version " + std::to_string(major) + " of .npy is not known (1 to 3 are)";
    return false;
  }
  const std::size_t length_bytes = major == 1 ? 2 : 4;
  const std::size_t text_at = kMagic.size() + 2 + length_bytes;
  std::size_t length = 0;
  for (std::size_t i = 0; i < length_bytes && text_at <= bytes.size(); ++i)
    length |= std::size_t{static_cast<unsigned char>(bytes[kMagic.size() + 2 + i])} << (8 * i);
  if (text_at > bytes.size() || length > bytes.size() - text_at) {
    *error = "truncated: the file ends inside its header";
    return false;
  }
  header.data_offset_bytes = text_at + length;
  if (!HeaderScanner(bytes.substr(text_at, length)).dictionary(header)) {
    *error =
        "damaged header: " + std::string(bytes.substr(text_at, std::min<std::size_t>(length, 80)));
    return false;
  }
  return true;
}

float half_to_float(std::uint16_t bits) {
  const int exponent = (bits >> 10) & 31;
  const int fraction = bits & 1023;
  float magnitude = 0;
  if (exponent == 31)
    magnitude =
        fraction ? std::numeric_limits<float>::quiet_NaN() : std::numeric_limits<float>::infinity();
  else if (exponent == 0)
    magnitude = std::ldexp(static_cast<float>(fraction), -24);
  else
    magnitude = std::ldexp(static_cast<float>(fraction + 1024), exponent - 25);
  return bits & 0x8000 ? -magnitude : magnitude;
}

template <typename T>
float load_as_float(const char* bytes, bool swap) {
  std::array<char, sizeof(T)> raw;
  std::memcpy(raw.data(), bytes, sizeof(T));
  if (swap) std::reverse(raw.begin(), raw.end());
  T value;
  std::memcpy(&value, raw.data(), sizeof(T));
  return static_cast<float>(value);
}

float load_half(const char* bytes, bool swap) {
  std::uint16_t bits = 0;
  std::memcpy(&bits, bytes, 2);
  if (swap) bits = static_cast<std::uint16_t>((bits >> 8) | (bits << 8));
  return half_to_float(bits);
}

struct ElementType {
  std::string_view code;
  std::size_t bytes;
  float (*load)(const char* bytes, bool swap);
};

constexpr ElementType kElementTypes[] = {
    {"f4", 4, load_as_float<float>},
    {"f8", 8, load_as_float<double>},
    {"f2", 2, load_half},
    {"i1", 1, load_as_float<std::int8_t>},
    {"i2", 2, load_as_float<std::int16_t>},
    {"i4", 4, load_as_float<std::int32_t>},
    {"i8", 8, load_as_float<std::int64_t>},
    {"u1", 1, load_as_float<std::uint8_t>},
    {"u2", 2, load_as_float<std::uint16_t>},
    {"u4", 4, load_as_float<std::uint32_t>},
    {"u8", 8, load_as_float<std::uint64_t>},
    {"b1", 1, load_as_float<std::uint8_t>},
};

const ElementType* find_element_type(const std::string& descr) {
  if (descr.size() < 3 || !std::strchr("<>|=", descr[0])) return nullptr;
  for (const ElementType& type : kElementTypes)
    if (std::string_view(descr).substr(1) == type.code) return &type;
  return nullptr;
}

/// Number of elements, or nullopt when it or its bytes do not fit 64 bits.
std::optional<std::size_t> element_count(const std::vector<std::int64_t>& shape,
                                         std::size_t element_bytes) {
  std::int64_t count = 1, bytes = 0;
  for (std::int64_t size : shape)
    if (size == 0) return 0;
  for (std::int64_t size : shape)
    if (__builtin_mul_overflow(count, size, &count)) return std::nullopt;
  if (__builtin_mul_overflow(count, static_cast<std::int64_t>(element_bytes), &bytes))
    return std::nullopt;
  return static_cast<std::size_t>(count);
}

/// Fortran order has the first index innermost; `values` come in that order and leave row-major.
std::vector<float> fortran_to_c(const std::vector<float>& values,
                                const std::vector<std::int64_t>& shape) {
  std::vector<float> out(values.size());
  std::vector<std::int64_t> index(shape.size(), 0);
  for (float value : values) {
    std::size_t at = 0;
    for (std::size_t d = 0; d < shape.size(); ++d)
      at = at * static_cast<std::size_t>(shape[d]) + static_cast<std::size_t>(index[d]);
    out[at] = value;
    for (std::size_t d = 0; d < shape.size() && ++index[d] == shape[d]; ++d) index[d] = 0;
  }
  return out;
}

}  // namespace

std::optional<NpyArray> parse_npy(std::string_view bytes, std::string* error) {
  Header header;
  if (!read_header(bytes, header, error)) return std::nullopt;
  const ElementType* type = find_element_type(header.descr);
  if (!type) {
    *error =
        "element type `" + header.descr +
        "` is not supported; expected float32 (`<f4`), or float64, float16, an integer type or "
        "bool, which are converted";
    return std::nullopt;
  }
  const std::optional<std::size_t> count = element_count(header.shape, type->bytes);
  const std::size_t have_bytes = bytes.size() - header.data_offset_bytes;
  if (!count || *count * type->bytes > have_bytes) {
    *error = "truncated: shape " + shape_text(header.shape) + " of `" + header.descr + "` needs " +
             (count ? std::to_string(*count * type->bytes) : "more than 2^63") +
             " bytes, the file has " + std::to_string(have_bytes);
    return std::nullopt;
  }

  NpyArray array;
  array.shape = header.shape;
  array.values.resize(*count);
  const char* data = bytes.data() + header.data_offset_bytes;
  const bool swap = header.descr[0] == '>';
  for (std::size_t i = 0; i < *count; ++i)
    array.values[i] = type->load(data + i * type->bytes, swap);
  if (header.fortran_order) array.values = fortran_to_c(array.values, array.shape);
  return array;
}

std::optional<NpyArray> read_npy(const std::string& path, std::string* error) {
  const auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/false,
                                                  /*RequiresNullTerminator=*/false);
  if (!buffer) {
    *error = "cannot read this file: " + buffer.getError().message();
    return std::nullopt;
  }
  const std::string_view bytes((*buffer)->getBufferStart(), (*buffer)->getBufferSize());
  return parse_npy(bytes, error);
}

std::string to_npy(const std::vector<std::int64_t>& shape, const float* values) {
  std::string text =
      "{'descr': '<f4', 'fortran_order': False, 'shape': " + shape_text(shape) + ", }";
  // The data begins at a multiple of 64 bytes, and the header's text ends with a newline.
  const std::size_t before = kMagic.size() + 4;
  text.append(63 - (before + text.size()) % 64, ' ');
  text += '\n';
  std::string bytes(kMagic);
  bytes +=
      {'\x01', '\x00', static_cast<char>(text.size() & 255), static_cast<char>(text.size() >> 8)};
  bytes += text;
  std::size_t count = 1;
  for (std::int64_t size : shape) count *= static_cast<std::size_t>(size);
  bytes.append(reinterpret_cast<const char*>(values), count * sizeof(float));
  return bytes;
}

std::string shape_text(const std::vector<std::int64_t>& shape) {
  std::string text = "(";
  for (std::size_t d = 0; d < shape.size(); ++d) text += (d ? ", " : "") + std::to_string(shape[d]);
  return text + (shape.size() == 1 ? ",)" : ")");
}

}  // namespace convc
