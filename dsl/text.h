// Small helpers to build the sentences of diagnostics. Standard library only.
#pragma once

#include <sstream>
#include <string>
#include <string_view>
#include <type_traits>

namespace convc {

/// Appends `part` as operator<< prints it. Text and whole numbers, which nearly all parts are,
/// without a stream: making one takes longer than all else about a sentence.
template <typename Part>
void append_part(std::string& text, const Part& part) {
  if constexpr (std::is_convertible_v<const Part&, std::string_view>) {
    text += std::string_view(part);
  } else if constexpr (std::is_same_v<Part, char>) {
    text += part;
  } else if constexpr (std::is_integral_v<Part> && sizeof(Part) > 1) {
    text += std::to_string(part);
  } else {
    std::ostringstream out;
    out << part;
    text += out.str();
  }
}

/// All arguments as operator<< prints them, one after the other.
template <typename... Parts>
std::string cat(const Parts&... parts) {
  std::string text;
  (append_part(text, parts), ...);
  return text;
}

/// "1 error", "3 errors".
inline std::string count_of(std::size_t count, const std::string& noun) {
  return cat(count, " ", noun, count == 1 ? "" : "s");
}

/// ASCII letters in lower case.
std::string lower_case(std::string_view text);

}  // namespace convc
