// Small helpers to build the sentences of diagnostics. Standard library only.
#pragma once

#include <sstream>
#include <string>
#include <string_view>

namespace convc {

/// All arguments as operator<< prints them, one after the other.
template <typename... Parts>
std::string cat(const Parts&... parts) {
  std::ostringstream out;
  (out << ... << parts);
  return out.str();
}

/// "1 error", "3 errors".
inline std::string count_of(std::size_t count, const std::string& noun) {
  return cat(count, " ", noun, count == 1 ? "" : "s");
}

/// ASCII letters in lower case.
std::string lower_case(std::string_view text);

}  // namespace convc
