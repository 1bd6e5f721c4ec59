// Where text stands in a spec: a half-open byte range of a file known to a Diagnostics collector.
// Plain data.
#pragma once

#include <cstdint>

namespace convc {

/// `file` is what Diagnostics::add_file returned; 0 means "not from a file" (C++ builder).
struct SourceRange {
  std::uint32_t file = 0;
  std::uint32_t begin = 0;  ///< byte offset
  std::uint32_t end = 0;    ///< byte offset, one past the last
  [[nodiscard]] bool known() const { return file != 0; }
};

}  // namespace convc
