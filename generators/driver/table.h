// Plain-text tables and numbers for people. Knows nothing of layers.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace convc {

enum class Align { left, right };

/// A table whose columns are as wide as their widest cell, two spaces apart.
class Table {
 public:
  struct Column {
    std::string title;
    Align align = Align::left;
  };

  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  /// Precondition: as many cells as columns.
  void add_row(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }

  /// Title line, a rule, the rows, a rule; each line indented by nothing and ended by a newline,
  /// without trailing spaces.
  [[nodiscard]] std::string to_text() const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

/// 1234567 -> "1,234,567".
std::string with_separators(std::int64_t value);

/// Three significant digits and a decimal prefix: 115605504 -> "116 M".
std::string with_prefix(double value);

/// Binary prefixes, as Keras shows sizes: 1280 -> "1.25 KB", 12 -> "12 B".
std::string bytes_text(std::int64_t bytes);

/// printf's "%.*g" of a number.
std::string significant(double value, int digits);

}  // namespace convc
