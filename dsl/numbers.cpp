// Number literals. A decimal goes to double first and to float32 after, as in Python with NumPy.
#include "dsl/numbers.h"

#include <cctype>
#include <charconv>
#include <cmath>
#include <limits>

#include "llvm/ADT/APFloat.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

namespace convc {
namespace {

// Underscores may stand between digits only (and after a base prefix).
bool underscores_ok(std::string_view text, bool has_prefix) {
  for (std::size_t i = has_prefix ? 1 : 0; i < text.size(); ++i) {
    if (text[i] != '_') continue;
    const bool after = i > 0 && (std::isxdigit(static_cast<unsigned char>(text[i - 1])) != 0 ||
                                 (has_prefix && i == 2));
    const bool before =
        i + 1 < text.size() && std::isxdigit(static_cast<unsigned char>(text[i + 1])) != 0;
    if (!after || !before) return false;
  }
  return true;
}

std::string without_underscores(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c != '_') out += c;
  }
  return out;
}

// A decimal as double; infinity or zero when out of range, as Python does it.
std::optional<double> decimal_value(const std::string& digits) {
  double value = 0;
  const char* end = digits.data() + digits.size();
  const auto [stop, status] = std::from_chars(digits.data(), end, value);
  if (status == std::errc::invalid_argument || stop != end) return std::nullopt;
  if (status == std::errc::result_out_of_range) {
    llvm::APFloat wide(llvm::APFloat::IEEEdouble());
    llvm::Expected<llvm::APFloat::opStatus> read =
        wide.convertFromString(digits, llvm::APFloat::rmNearestTiesToEven);
    if (!read) {
      llvm::consumeError(read.takeError());
      return std::nullopt;
    }
    value = wide.convertToDouble();
  }
  return value;
}

std::optional<Number> based_integer(const std::string& digits, int base, std::string* error) {
  Number number;
  number.is_integer = true;
  const char* begin = digits.data() + 2;
  const char* end = digits.data() + digits.size();
  const auto [stop, status] = std::from_chars(begin, end, number.integer, base);
  if (begin == end || stop != end || *begin == '-') {
    *error = base == 16  ? "bad hexadecimal number"
             : base == 8 ? "bad octal number"
                         : "bad binary number";
    return std::nullopt;
  }
  number.fits_int64 = status == std::errc();
  number.value = number.fits_int64 ? static_cast<double>(number.integer)
                                   : std::numeric_limits<double>::infinity();
  return number;
}

}  // namespace

std::optional<Number> parse_number(std::string_view text, std::string* error) {
  const char second = text.size() > 1 ? text[1] : ' ';
  const int base = text[0] != '0'                   ? 10
                   : second == 'x' || second == 'X' ? 16
                   : second == 'o' || second == 'O' ? 8
                   : second == 'b' || second == 'B' ? 2
                                                    : 10;
  if (!underscores_ok(text, base != 10)) {
    *error = "underscores may stand only between digits";
    return std::nullopt;
  }
  const std::string digits = without_underscores(text);
  if (base != 10) return based_integer(digits, base, error);

  Number number;
  number.is_integer = digits.find_first_not_of("0123456789") == std::string::npos;
  if (number.is_integer && digits.size() > 1 && digits[0] == '0' &&
      digits.find_first_not_of('0') != std::string::npos) {
    *error = "an integer cannot begin with 0";
    return std::nullopt;
  }
  const std::optional<double> value = decimal_value(digits);
  if (!value) {
    const bool imaginary = digits.back() == 'j' || digits.back() == 'J';
    *error = imaginary ? "complex numbers have no meaning here" : "not a number";
    return std::nullopt;
  }
  number.value = *value;
  if (number.is_integer) {
    const auto status =
        std::from_chars(digits.data(), digits.data() + digits.size(), number.integer).ec;
    number.fits_int64 = status == std::errc();
  }
  return number;
}

std::string float_text(float value) {
  char buffer[64];
  auto end = std::to_chars(buffer, buffer + sizeof buffer, value).ptr;
  double back = 0;
  std::from_chars(buffer, end, back);
  // Rounding twice could give a neighbour; the double's own digits cannot.
  if (static_cast<float>(back) != value) {
    end = std::to_chars(buffer, buffer + sizeof buffer, static_cast<double>(value)).ptr;
  }
  const std::string text(buffer, end);
  return text == "-0" ? "-0.0" : text;  // "-0" is an integer, and those have one zero
}

}  // namespace convc
