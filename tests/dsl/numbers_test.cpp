// Number literals, and floats that must read back the same.
#include "dsl/numbers.h"

#include <bit>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>

#include "tests/support/random_spec.h"
#include "tests/support/seed.h"

namespace convc::test {
namespace {

TEST_CASE("integers as in Python") {
  const auto [text, value] =
      GENERATE(table<std::string, std::int64_t>({{"0", 0},
                                                 {"00", 0},
                                                 {"7", 7},
                                                 {"1_000", 1000},
                                                 {"0x1F", 31},
                                                 {"0X_ff", 255},
                                                 {"0o17", 15},
                                                 {"0b101", 5},
                                                 {"9223372036854775807", INT64_MAX},
                                                 {"0x7fffffffffffffff", INT64_MAX}}));
  std::string error;
  const std::optional<Number> number = parse_number(text, &error);
  INFO(text);
  REQUIRE(number.has_value());
  CHECK(number->is_integer);
  CHECK(number->fits_int64);
  CHECK(number->integer == value);
  CHECK(number->value == static_cast<double>(value));
}

TEST_CASE("floats as in Python") {
  const auto [text, value] = GENERATE(table<std::string, double>({{"1.", 1.0},
                                                                  {".5", 0.5},
                                                                  {"1e3", 1000.0},
                                                                  {"1_0.5_0e-1", 1.05},
                                                                  {"0.0", 0.0},
                                                                  {"007.5", 7.5},
                                                                  {"1e400", HUGE_VAL},
                                                                  {"1e-400", 0.0},
                                                                  {"0e9999999999", 0.0}}));
  std::string error;
  const std::optional<Number> number = parse_number(text, &error);
  INFO(text << ": " << error);
  REQUIRE(number.has_value());
  CHECK_FALSE(number->is_integer);
  CHECK(number->value == value);
}

TEST_CASE("integers beyond 64 bits keep their value as a number") {
  std::string error;
  const std::optional<Number> number = parse_number("9223372036854775808", &error);
  REQUIRE(number.has_value());
  CHECK_FALSE(number->fits_int64);
  CHECK(number->value == 9223372036854775808.0);
  CHECK_FALSE(parse_number("0xffffffffffffffffff", &error)->fits_int64);
}

TEST_CASE("what is no number in Python is none here") {
  const auto text = GENERATE(as<std::string>{}, "007", "1__0", "1_", "0x", "0x_", "0b12", "0o8",
                             "1e", "1e+", "12abc", "1.2.3", "3j", "1_.5", "0xg", "1e5_", "1.0f");
  std::string error;
  INFO(text);
  CHECK_FALSE(parse_number(text, &error).has_value());
  CHECK_FALSE(error.empty());
}

TEST_CASE("printed floats read back bit for bit") {
  const std::uint64_t seed = seed_of("printed floats read back bit for bit");
  Random random(seed);
  for (int i = 0; i < 200000; ++i) {
    const auto bits = static_cast<std::uint32_t>(random());
    const auto value = std::bit_cast<float>(bits);
    if (!std::isfinite(value)) continue;
    const std::string text = float_text(std::fabs(value));
    std::string error;
    const std::optional<Number> number = parse_number(text, &error);
    INFO("CONVC_SEED=" << seed << " bits " << bits << " text " << text);
    REQUIRE(number.has_value());
    REQUIRE(std::bit_cast<std::uint32_t>(static_cast<float>(number->value)) ==
            (bits & 0x7fffffffU));
  }
}

TEST_CASE("floats print short") {
  CHECK(float_text(1.0F) == "1");
  CHECK(float_text(-0.0F) == "-0.0");
  CHECK(float_text(0.1F) == "0.1");
  CHECK(float_text(-3.5e-20F) == "-3.5e-20");
}

}  // namespace
}  // namespace convc::test
