// Reads Python's number literals and prints floats so that they read back the same. Standard
// library and LLVM's APFloat only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace convc {

struct Number {
  bool is_integer = false;
  std::int64_t integer = 0;
  double value = 0;        ///< also for integers; infinite when out of double's range, as in Python
  bool fits_int64 = true;  ///< integers only
};

/// A number literal without sign, as in Python: 32, 1_000, 0x1F, 0o17, 0b11, 1., .5, 1e-3. On
/// failure returns nullopt and sets `*error` to what is wrong.
std::optional<Number> parse_number(std::string_view text, std::string* error);

/// The shortest decimal text that Python (a double) and then a conversion to float32 read back as
/// exactly `value`, sign of zero included. Precondition: finite.
std::string float_text(float value);

}  // namespace convc
