// The two lines that show a place in a source file: the line, and carets under it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace convc {

struct Snippet {
  std::string source;  ///< valid UTF-8, no tabs, no control characters, at most 100 columns
  std::string carets;  ///< spaces, then one '^' per column of the range
};

/// `line` without its line break, any bytes; [begin, end) are byte offsets in it (end may exceed
/// the line: a range over several lines is marked up to the end of its first one).
Snippet make_snippet(std::string_view line, std::size_t begin, std::size_t end);

/// Code points in `text`, counted as an editor does; a byte that is not UTF-8 counts as one.
std::size_t code_points(std::string_view text);

/// `text` with control characters and bytes that are not UTF-8 shown as <XX>.
std::string printable(std::string_view text);

}  // namespace convc
