// Reads TensorProtos, in each of the ways in which they hold their numbers.
#include "dsl/onnx/constant.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>

#include "dsl/resolve.h"
#include "dsl/text.h"

namespace convc::onnx_import {
namespace {

using Proto = onnx::TensorProto;

std::optional<std::size_t> bytes_of(int type) {
  switch (type) {
    case Proto::DOUBLE:
    case Proto::INT64:
    case Proto::UINT64:
      return 8;
    case Proto::FLOAT:
    case Proto::INT32:
    case Proto::UINT32:
      return 4;
    case Proto::FLOAT16:
    case Proto::BFLOAT16:
    case Proto::INT16:
    case Proto::UINT16:
      return 2;
    case Proto::INT8:
    case Proto::UINT8:
    case Proto::BOOL:
      return 1;
    default:
      return std::nullopt;
  }
}

float from_bfloat16(std::uint16_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

float from_float16(std::uint16_t bits) {
  const std::uint32_t sign = static_cast<std::uint32_t>(bits & 0x8000u) << 16;
  const std::uint32_t exponent = (bits >> 10) & 0x1Fu;
  const std::uint32_t mantissa = bits & 0x3FFu;
  if (exponent == 0) {  // zero and subnormal numbers: mantissa * 2^-24
    const float magnitude = static_cast<float>(mantissa) * 0x1p-24F;
    return sign != 0 ? -magnitude : magnitude;
  }
  const std::uint32_t wide = exponent == 31 ? 255 : exponent + 127 - 15;
  return std::bit_cast<float>(sign | wide << 23 | mantissa << 13);
}

// Elements of raw bytes, little-endian as the schema says and all targets are.
template <typename T>
T element(const std::string& bytes, std::size_t index) {
  T value;
  std::memcpy(&value, bytes.data() + index * sizeof(T), sizeof(T));
  return value;
}

float float_at(const std::string& bytes, int type, std::size_t index) {
  switch (type) {
    case Proto::DOUBLE:
      return static_cast<float>(element<double>(bytes, index));
    case Proto::FLOAT16:
      return from_float16(element<std::uint16_t>(bytes, index));
    case Proto::BFLOAT16:
      return from_bfloat16(element<std::uint16_t>(bytes, index));
    default:
      return element<float>(bytes, index);
  }
}

std::int64_t integer_at(const std::string& bytes, int type, std::size_t index) {
  switch (type) {
    case Proto::INT32:
      return element<std::int32_t>(bytes, index);
    case Proto::UINT32:
      return element<std::uint32_t>(bytes, index);
    case Proto::INT16:
      return element<std::int16_t>(bytes, index);
    case Proto::UINT16:
      return element<std::uint16_t>(bytes, index);
    case Proto::INT8:
      return element<std::int8_t>(bytes, index);
    case Proto::UINT8:
    case Proto::BOOL:
      return element<std::uint8_t>(bytes, index);
    default:
      return element<std::int64_t>(bytes, index);
  }
}

// The numbers of the field that the schema names for the type.
std::vector<float> float_field(const Proto& proto) {
  switch (proto.data_type()) {
    case Proto::DOUBLE:
      return {proto.double_data().begin(), proto.double_data().end()};
    case Proto::FLOAT:
      return {proto.float_data().begin(), proto.float_data().end()};
    default:
      break;
  }
  const bool brain = proto.data_type() == Proto::BFLOAT16;
  std::vector<float> values;
  for (const std::int32_t bits : proto.int32_data()) {
    const auto half = static_cast<std::uint16_t>(bits);
    values.push_back(brain ? from_bfloat16(half) : from_float16(half));
  }
  return values;
}

std::vector<std::int64_t> integer_field(const Proto& proto) {
  switch (proto.data_type()) {
    case Proto::INT64:
      return {proto.int64_data().begin(), proto.int64_data().end()};
    case Proto::UINT32:
    case Proto::UINT64:
      return {proto.uint64_data().begin(), proto.uint64_data().end()};
    default:
      return {proto.int32_data().begin(), proto.int32_data().end()};
  }
}

std::optional<std::uint64_t> parse_count(const std::string& text) {
  std::uint64_t value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<ExternalRange> external_range(const Proto& proto, std::string* error) {
  ExternalRange range;
  for (const onnx::StringStringEntryProto& entry : proto.external_data()) {
    if (entry.key() == "location") {
      range.location = entry.value();
      continue;
    }
    if (entry.key() != "offset" && entry.key() != "length") continue;  // a checksum, a note
    const std::optional<std::uint64_t> count = parse_count(entry.value());
    if (!count) {
      *error = cat("has external data whose ", entry.key(), " is not a number");
      return std::nullopt;
    }
    if (entry.key() == "offset") {
      range.offset = *count;
    } else {
      range.length = *count;
    }
  }
  return range;
}

// The data as bytes, when the tensor has them in that form; nullopt without an error when it has
// its numbers in a field of their type.
std::optional<std::string> raw_bytes(const Proto& proto, std::uint64_t expected,
                                     const ExternalData& external, std::string* error) {
  if (proto.data_location() == Proto::EXTERNAL) {
    const std::optional<ExternalRange> range = external_range(proto, error);
    return range ? external.read(*range, expected, error) : std::nullopt;
  }
  if (!proto.has_raw_data()) return std::nullopt;
  if (proto.raw_data().size() != expected) {
    *error = cat("has ", proto.raw_data().size(), " bytes of data instead of ", expected);
    return std::nullopt;
  }
  return proto.raw_data();
}

}  // namespace

bool is_float_type(int type) {
  return type == Proto::FLOAT || type == Proto::DOUBLE || type == Proto::FLOAT16 ||
         type == Proto::BFLOAT16;
}

bool is_integer_type(int type) {
  return bytes_of(type) && !is_float_type(type);
}

ConstantRef make_floats(std::vector<std::int64_t> shape, std::vector<float> values, int type,
                        OpenElements open) {
  for (float& value : values) {
    if (std::isnan(value)) value = std::numeric_limits<float>::quiet_NaN();
  }
  auto constant = std::make_shared<Constant>();
  constant->type = type;
  constant->shape = shape;
  constant->floats = std::make_shared<const Literal>(Literal{std::move(shape), std::move(values)});
  constant->open = std::move(open);
  return constant;
}

ConstantRef make_integers(std::vector<std::int64_t> shape, std::vector<std::int64_t> values,
                          int type, OpenElements open) {
  auto constant = std::make_shared<Constant>();
  constant->type = type;
  constant->shape = std::move(shape);
  constant->integers = std::move(values);
  constant->open = std::move(open);
  return constant;
}

std::optional<std::int64_t> element_count(const std::vector<std::int64_t>& shape) {
  if (std::any_of(shape.begin(), shape.end(), [](std::int64_t size) { return size < 0; })) {
    return std::nullopt;
  }
  if (std::find(shape.begin(), shape.end(), 0) != shape.end()) return 0;
  std::int64_t count = 1;
  for (const std::int64_t size : shape) {
    if (size > kMaxElements / count) return std::nullopt;
    count *= size;
  }
  return count;
}

std::string type_name(int type) {
  if (!Proto::DataType_IsValid(type)) return cat("type ", type);
  std::string name = Proto::DataType_Name(static_cast<Proto::DataType>(type));
  for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return name;
}

std::string shape_text(const std::vector<std::int64_t>& shape) {
  std::string text = "(";
  for (std::size_t i = 0; i < shape.size(); ++i) text += cat(i == 0 ? "" : ", ", shape[i]);
  return text + (shape.size() == 1 ? ",)" : ")");
}

bool ConstantReader::reserve(std::int64_t elements) {
  if (elements > kMaxFoldedElements - folded_elements_) return false;
  folded_elements_ += elements;
  return true;
}

ConstantRef ConstantReader::read(const Proto& proto, std::string* error) {
  error->clear();
  const int type = proto.data_type();
  const std::optional<std::size_t> element_bytes = bytes_of(type);
  if (!element_bytes) {
    *error = cat("has elements of ", type_name(type), ", which is not supported");
    return nullptr;
  }
  if (proto.has_segment()) {
    *error = "is a segment of a tensor, which is not supported";
    return nullptr;
  }
  std::vector<std::int64_t> shape(proto.dims().begin(), proto.dims().end());
  const std::optional<std::int64_t> count = element_count(shape);
  const std::size_t elements = static_cast<std::size_t>(count.value_or(0));
  if (!count || elements * *element_bytes > kMaxDataBytes - data_bytes_) {
    const bool negative =
        std::any_of(shape.begin(), shape.end(), [](auto size) { return size < 0; });
    *error = cat("has the shape ", shape_text(shape),
                 negative ? ", with a negative size"
                          : ", which is too large: a model may have 2 GiB of numbers");
    return nullptr;
  }
  data_bytes_ += elements * *element_bytes;
  const std::optional<std::string> bytes =
      raw_bytes(proto, elements * *element_bytes, external_, error);
  if (!error->empty()) return nullptr;
  std::vector<float> floats;
  std::vector<std::int64_t> integers;
  if (is_float_type(type)) {
    if (bytes) {
      floats.resize(elements);
      for (std::size_t i = 0; i < elements; ++i) floats[i] = float_at(*bytes, type, i);
    } else {
      floats = float_field(proto);
    }
  } else if (bytes) {
    integers.resize(elements);
    for (std::size_t i = 0; i < elements; ++i) integers[i] = integer_at(*bytes, type, i);
  } else {
    integers = integer_field(proto);
  }
  const std::size_t found = is_float_type(type) ? floats.size() : integers.size();
  if (found != elements) {
    *error = cat("has ", found, " elements of data for the shape ", shape_text(shape));
    return nullptr;
  }
  return is_float_type(type) ? make_floats(std::move(shape), std::move(floats), type)
                             : make_integers(std::move(shape), std::move(integers), type);
}

}  // namespace convc::onnx_import
