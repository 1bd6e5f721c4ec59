// Cuts a source line to what fits on a screen and puts carets under it. Columns are display columns
// (wide characters take two), so carets stand right under tabs and UTF-8 too.
#include "dsl/snippet.h"

#include <algorithm>
#include <vector>

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/ConvertUTF.h"
#include "llvm/Support/Unicode.h"

namespace convc {
namespace {

constexpr std::size_t kMaxColumns = 100;
constexpr std::size_t kTabStop = 4;
// Bytes looked at on each side of the range: a column has at most 4 bytes, so this is enough.
constexpr std::size_t kReach = 4 * kMaxColumns;

// One code point (or stray byte) as it is displayed.
struct Cell {
  std::string text;
  std::size_t columns;
  std::size_t offset;  // in the line
};

// Bytes of the code point that begins at `text`, or 0 when it is not legal UTF-8.
std::size_t legal_length(std::string_view text) {
  const auto* begin = reinterpret_cast<const llvm::UTF8*>(text.data());
  const std::size_t length = llvm::getNumBytesForUTF8(*begin);
  if (length > text.size() || !llvm::isLegalUTF8Sequence(begin, begin + length)) return 0;
  return length;
}

Cell next_cell(std::string_view line, std::size_t offset, std::size_t column) {
  const char byte = line[offset];
  if (byte == '\t') {
    const std::size_t columns = kTabStop - column % kTabStop;
    return {std::string(columns, ' '), columns, offset};
  }
  const std::size_t length = legal_length(line.substr(offset));
  if (length != 0) {
    const std::string_view text = line.substr(offset, length);
    const int columns = llvm::sys::unicode::columnWidthUTF8({text.data(), text.size()});
    if (columns > 0) return {std::string(text), static_cast<std::size_t>(columns), offset};
  }
  const auto bits = static_cast<unsigned char>(byte);
  const std::string hex = {'<', llvm::hexdigit(bits >> 4U), llvm::hexdigit(bits & 15U), '>'};
  return {hex, hex.size(), offset};
}

std::size_t byte_length(std::string_view line, std::size_t offset, const Cell& cell) {
  if (line[offset] == '\t' || (cell.columns > 1 && cell.text.front() == '<')) return 1;
  return cell.text.size();
}

// The first byte of a code point at or after `offset`.
std::size_t next_boundary(std::string_view line, std::size_t offset) {
  while (offset < line.size() && (static_cast<unsigned char>(line[offset]) & 0xC0) == 0x80)
    ++offset;
  return offset;
}

std::vector<Cell> cells_around(std::string_view line, std::size_t begin) {
  std::size_t offset = begin > kReach ? next_boundary(line, begin - kReach) : 0;
  const std::size_t stop = std::min(line.size(), begin + kReach);
  std::vector<Cell> cells;
  std::size_t column = 0;
  while (offset < stop) {
    cells.push_back(next_cell(line, offset, column));
    column += cells.back().columns;
    offset += byte_length(line, offset, cells.back());
  }
  return cells;
}

}  // namespace

std::size_t code_points(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char byte) {
    return (static_cast<unsigned char>(byte) & 0xC0) != 0x80;
  }));
}

std::string printable(std::string_view text) {
  std::string out;
  for (std::size_t offset = 0; offset < text.size();) {
    const Cell cell = next_cell(text, offset, 0);
    out += cell.text;
    offset += byte_length(text, offset, cell);
  }
  return out;
}

Snippet make_snippet(std::string_view line, std::size_t begin, std::size_t end) {
  begin = std::min(begin, line.size());
  const std::vector<Cell> cells = cells_around(line, begin);
  const auto is_before = [](const Cell& cell, std::size_t offset) { return cell.offset < offset; };
  const auto caret = std::lower_bound(cells.begin(), cells.end(), begin, is_before);
  std::size_t total = 0;
  for (const Cell& cell : cells) total += cell.columns;

  // The window: everything when it fits, else up to a third of it before the caret.
  auto first = cells.begin();
  const bool fits = total <= kMaxColumns && (cells.empty() || cells.front().offset == 0);
  if (!fits) {
    first = caret;
    for (std::size_t used = 0; first != cells.begin(); --first) {
      used += std::prev(first)->columns;
      if (used > kMaxColumns / 3) break;
    }
  }
  const bool cut_left = first != cells.end() ? first->offset != 0 : !line.empty() && !fits;
  Snippet snippet;
  if (cut_left) snippet.source = snippet.carets = "...";
  if (cut_left) snippet.carets.assign(3, ' ');
  std::size_t columns = snippet.source.size();
  auto last = first;
  for (; last != cells.end() && columns + last->columns <= kMaxColumns - 3; ++last) {
    columns += last->columns;
  }
  std::size_t rest = 0;
  for (auto cell = last; cell != cells.end(); ++cell) rest += cell->columns;
  const bool reaches_end = cells.empty() || cells.back().offset + 4 >= line.size();
  if (columns + rest <= kMaxColumns && reaches_end) last = cells.end();

  std::size_t marked = 0;
  for (auto cell = first; cell != last; ++cell) {
    snippet.source += cell->text;
    if (cell->offset < begin) snippet.carets.append(cell->columns, ' ');
    if (cell->offset >= begin && cell->offset < end) marked += cell->columns;
  }
  if (last != cells.end() || !reaches_end) snippet.source += "...";
  snippet.carets.append(std::max<std::size_t>(marked, 1), '^');
  return snippet;
}

}  // namespace convc
