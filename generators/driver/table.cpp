#include "generators/driver/table.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace convc {
namespace {

/// Display columns of UTF-8 text: bytes that do not continue a character. Names are identifiers or
/// quoted text, so wide characters are not worth a table of them.
std::size_t display_width(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

}  // namespace

std::string Table::to_text() const {
  std::vector<std::size_t> widths;
  for (std::size_t c = 0; c < columns_.size(); ++c) {
    widths.push_back(display_width(columns_[c].title));
    for (const auto& row : rows_) widths[c] = std::max(widths[c], display_width(row[c]));
  }
  std::size_t total = 2 * (columns_.size() - 1);
  for (std::size_t width : widths) total += width;

  std::string text;
  const auto add_cell = [&](const std::string& cell, std::size_t c) {
    const std::string space(widths[c] - display_width(cell), ' ');
    text += columns_[c].align == Align::left ? cell + space : space + cell;
    text += "  ";
  };
  const auto end_line = [&] {
    text.erase(text.find_last_not_of(' ') + 1);
    text += '\n';
  };
  for (std::size_t c = 0; c < columns_.size(); ++c) add_cell(columns_[c].title, c);
  end_line();
  text += std::string(total, '=') + '\n';
  for (const auto& row : rows_) {
    for (std::size_t c = 0; c < columns_.size(); ++c) add_cell(row[c], c);
    end_line();
  }
  return text + std::string(total, '=') + '\n';
}

std::string with_separators(std::int64_t value) {
  std::string text = std::to_string(value);
  const std::size_t first = text[0] == '-' ? 1 : 0;
  for (std::size_t at = text.size(); at > first + 3;) text.insert(at -= 3, ",");
  return text;
}

std::string significant(double value, int digits) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*g", digits, value);
  return text;
}

std::string with_prefix(double value) {
  constexpr const char* kPrefixes[] = {"", " k", " M", " G", " T", " P", " E"};
  std::size_t step = 0;
  // 999.5 would print as 1e+03.
  while (std::fabs(value) >= 999.5 && step + 1 < std::size(kPrefixes)) {
    value /= 1000;
    ++step;
  }
  return significant(value, 3) + kPrefixes[step];
}

std::string bytes_text(std::int64_t bytes) {
  constexpr const char* kUnits[] = {" B", " KB", " MB", " GB", " TB", " PB", " EB"};
  auto value = static_cast<double>(bytes);
  std::size_t step = 0;
  while (value >= 1024 && step + 1 < std::size(kUnits)) {
    value /= 1024;
    ++step;
  }
  char text[64];
  std::snprintf(text, sizeof text, step == 0 ? "%.0f%s" : "%.2f%s", value, kUnits[step]);
  return text;
}

}  // namespace convc
