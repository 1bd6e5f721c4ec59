// .npy files: what NumPy writes, what it may write, and what is damaged.
#include "generators/driver/npy.h"

#include <catch2/catch.hpp>
#include <cstring>

using convc::NpyArray;
using convc::parse_npy;

namespace {

/// A version 1 file with the given header text and data.
std::string file(const std::string& header, const std::string& data, char major = 1) {
  std::string bytes = "\x93NUMPY";
  bytes += {major, '\0', static_cast<char>(header.size()), '\0'};
  if (major > 1) bytes += {'\0', '\0'};
  return bytes + header + data;
}

template <typename T>
std::string raw(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

std::string header(const std::string& descr, const std::string& shape, bool fortran = false) {
  return "{'descr': '" + descr + "', 'fortran_order': " + (fortran ? "True" : "False") +
         ", 'shape': " + shape + ", }\n";
}

std::string error_of(const std::string& bytes) {
  std::string error;
  CHECK_FALSE(parse_npy(bytes, &error).has_value());
  return error;
}

}  // namespace

TEST_CASE("float32 in C order is read as it is") {
  std::string error;
  const auto array =
      parse_npy(file(header("<f4", "(2, 3)"), raw<float>({1, 2, 3, 4, 5, 6})), &error);
  REQUIRE(array);
  CHECK(array->shape == std::vector<std::int64_t>{2, 3});
  CHECK(array->values == std::vector<float>{1, 2, 3, 4, 5, 6});
}

TEST_CASE("Fortran order is reordered to row-major") {
  std::string error;
  // The matrix [[1, 2, 3], [4, 5, 6]], stored column by column.
  const auto array =
      parse_npy(file(header("<f4", "(2, 3)", true), raw<float>({1, 4, 2, 5, 3, 6})), &error);
  REQUIRE(array);
  CHECK(array->values == std::vector<float>{1, 2, 3, 4, 5, 6});
}

TEST_CASE("other number types are converted") {
  std::string error;
  const auto check = [&](const std::string& descr, const std::string& data,
                         const std::vector<float>& expected) {
    const auto array = parse_npy(file(header(descr, "(2,)"), data), &error);
    INFO(descr << " " << error);
    REQUIRE(array);
    CHECK(array->values == expected);
  };
  check("<f8", raw<double>({0.5, -1e10}), {0.5f, -1e10f});
  check("<f2", raw<std::uint16_t>({0x3c00, 0xc000}), {1, -2});
  check("<f2", raw<std::uint16_t>({0x0001, 0x7bff}), {0x1p-24f, 65504});
  check("|u1", raw<std::uint8_t>({0, 255}), {0, 255});
  check("|i1", raw<std::int8_t>({-128, 127}), {-128, 127});
  check("<i8", raw<std::int64_t>({-5, 1}), {-5, 1});
  check("<u8", raw<std::uint64_t>({1ull << 63, 0}), {0x1p63f, 0});
  check("|b1", std::string("\x01\x00", 2), {1, 0});
  check(">f4", std::string("\x3f\x80\x00\x00\x40\x00\x00\x00", 8), {1, 2});
  check(">i2", std::string("\x01\x00\xff\xff", 4), {256, -1});
}

TEST_CASE("scalars, empty arrays, later versions and foreign spelling are read") {
  std::string error;
  auto array = parse_npy(file(header("<f4", "()"), raw<float>({7})), &error);
  REQUIRE(array);
  CHECK(array->shape.empty());
  CHECK(array->values == std::vector<float>{7});

  array = parse_npy(file(header("<f4", "(0, 5)"), ""), &error);
  REQUIRE(array);
  CHECK(array->values.empty());

  array = parse_npy(file(header("<f4", "(1,)"), raw<float>({3}), 3), &error);
  REQUIRE(array);
  CHECK(array->values == std::vector<float>{3});

  array = parse_npy(
      file("{\"shape\":(1L,),\"fortran_order\":False,\"descr\":\"<f4\"}", raw<float>({3})), &error);
  REQUIRE(array);
  CHECK(array->values == std::vector<float>{3});
}

TEST_CASE("damaged files are refused with what is wrong") {
  using Catch::Contains;
  CHECK_THAT(error_of(""), Contains("not an .npy file"));
  CHECK_THAT(error_of("PK\x03\x04 something else"), Contains("not an .npy file"));
  CHECK_THAT(error_of("\x93NUMPY\x01"), Contains("not an .npy file"));
  CHECK_THAT(error_of(std::string("\x93NUMPY\x01\x00\xff\xff{", 11)), Contains("truncated"));
  CHECK_THAT(error_of(std::string("\x93NUMPY\x09\x00\x01\x00{", 11)), Contains("version 9"));
  CHECK_THAT(error_of(file(header("<f4", "(2, 3)"), raw<float>({1, 2}))),
             Contains("needs 24 bytes, the file has 8"));
  CHECK_THAT(error_of(file(header("<f4", "(2, -3)"), "")), Contains("damaged header"));
  CHECK_THAT(error_of(file(header("<f4", "(2, 3"), "")), Contains("damaged header"));
  CHECK_THAT(error_of(file("{'descr': '<f4'}", "")), Contains("damaged header"));
  CHECK_THAT(error_of(file("{'descr': '<f4', 'surprise': 1}", "")), Contains("damaged header"));
  CHECK_THAT(error_of(file(header("<f4", "(9999999999999999999999,)"), "")), Contains("damaged"));
  CHECK_THAT(error_of(file(header("<f4", "(4294967296, 4294967296)"), "")), Contains("truncated"));
  CHECK_THAT(error_of(file(header("<c8", "(1,)"), raw<double>({1}))), Contains("`<c8`"));
  CHECK_THAT(error_of(file(header("|O", "(1,)"), raw<double>({1}))), Contains("`|O`"));
  CHECK_THAT(error_of(file("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}", "")),
             Contains("structured"));
}

TEST_CASE("a path that cannot be read") {
  std::string error;
  CHECK_FALSE(convc::read_npy("/nonexistent/x.npy", &error));
  CHECK_THAT(error, Catch::Contains("cannot read this file: No such file"));
  CHECK_FALSE(convc::read_npy("/", &error));
  CHECK_THAT(error, Catch::Contains("cannot read this file: Is a directory"));
}

TEST_CASE("what is written is read back, and aligned as NumPy aligns it") {
  const std::vector<float> values = {1, 2, 3, 4, 5, 6};
  for (const auto& shape : std::vector<std::vector<std::int64_t>>{{6}, {2, 3}, {1, 2, 3, 1}, {}}) {
    const std::string bytes = convc::to_npy(shape, values.data());
    const std::size_t count = shape.empty() ? 1 : 6;
    CHECK((bytes.size() - count * sizeof(float)) % 64 == 0);
    std::string error;
    const auto array = parse_npy(bytes, &error);
    REQUIRE(array);
    CHECK(array->shape == shape);
    CHECK(array->values ==
          std::vector<float>(values.begin(), values.begin() + static_cast<long>(count)));
  }
}
