// Diagnostics: collects everything convc has to say about its input and prints it sorted by
// location, as
//
//   edge.conv:3:12: error: filter 7x7 does not fit the padded input 5x5 [E041]
//       3 | Conv2D(32, 7, input_shape=(5, 5, 1))
//         |            ^
//         = note: padded height = 5 + 0 + 0 = 5
//         = help: use padding="same", or a kernel_size of at most 5
//
// Built on llvm::SourceMgr, which owns the files. No other room's types but SourceLocation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dsl/codes.h"
#include "dsl/layer_spec.h"
#include "dsl/source.h"

namespace llvm {
class SourceMgr;
}  // namespace llvm

namespace convc {

enum class Severity { error, warning, performance };

/// One thing to say. `note` tells the facts (the arithmetic, or an earlier place in the text),
/// `help` the way out, which else is that of the code; both can be called several times and return
/// *this.
class Diagnostic {
 public:
  Diagnostic& note(std::string text, SourceRange where = {});
  Diagnostic& help(std::string text);

 private:
  friend class Diagnostics;
  struct Note {
    std::string text;
    SourceRange range;
  };
  Severity severity_ = Severity::error;
  Code code_ = Code::none;
  std::string message_;
  std::string origin_;  // printed instead of a location, when there is none
  SourceRange range_;
  std::vector<Note> notes_;
  std::vector<std::string> helps_;
};

class Diagnostics {
 public:
  Diagnostics();
  ~Diagnostics();
  Diagnostics(Diagnostics&&) noexcept;
  Diagnostics& operator=(Diagnostics&&) noexcept;

  /// Keeps the text of a file, and the name that diagnostics show. Precondition: shorter than 2^32
  /// bytes. Returns the id that SourceRange::file wants.
  std::uint32_t add_file(std::string_view text, std::string_view name);
  [[nodiscard]] std::string_view file_text(std::uint32_t file) const;

  /// The returned reference is valid until the collector dies. Without a known range the
  /// diagnostic begins with the origin (see set_origin).
  Diagnostic& error(Code code, SourceRange range, std::string message);
  Diagnostic& warning(Code code, SourceRange range, std::string message);
  /// A remark about speed; never changes the exit code.
  Diagnostic& performance(SourceRange range, std::string message);

  /// What locates diagnostics without a range: a file name, or e.g. "edge.down". Empty: "convc".
  void set_origin(std::string origin);
  [[nodiscard]] const std::string& origin() const { return origin_; }

  /// Line and column (1-based; columns count code points) of the first byte of a range. Line 0
  /// when the range is not known.
  [[nodiscard]] SourceLocation locate(SourceRange range) const;
  /// The word or character at a location that came from `locate`; empty when the file is not known
  /// here.
  [[nodiscard]] SourceRange range_at(const SourceLocation& location) const;

  [[nodiscard]] bool has_errors() const { return counts_[0] != 0; }
  [[nodiscard]] bool empty() const { return counts_[0] + counts_[1] + counts_[2] == 0; }
  [[nodiscard]] std::size_t error_count() const { return counts_[0]; }
  [[nodiscard]] std::size_t warning_count() const { return counts_[1]; }
  /// The codes of all errors and warnings reported, in the order of reporting.
  [[nodiscard]] std::vector<Code> codes() const;

  /// Everything as text, sorted by file and position; at most 20 of each severity, then a line with
  /// the count of the rest.
  [[nodiscard]] std::string render(bool colors) const;
  /// render() to stderr, in colours when stderr is a terminal and NO_COLOR is unset or empty.
  void print_to_stderr() const;
  static bool stderr_has_colors();

 private:
  Diagnostic& add(Severity severity, Code code, SourceRange range, std::string message);

  std::unique_ptr<llvm::SourceMgr> sources_;
  std::deque<Diagnostic> diagnostics_;
  Diagnostic overflow_;  // what is written to when too many are stored
  std::string origin_;
  std::size_t counts_[3] = {0, 0, 0};
};

/// The origin of what is reported while this lives; then it is again what it was.
class ScopedOrigin {
 public:
  ScopedOrigin(Diagnostics& diagnostics, std::string origin);
  ~ScopedOrigin() { diagnostics_.set_origin(std::move(before_)); }
  ScopedOrigin(const ScopedOrigin&) = delete;
  ScopedOrigin& operator=(const ScopedOrigin&) = delete;

 private:
  Diagnostics& diagnostics_;
  std::string before_;
};

/// The one of `candidates` that a reader would take `word` for, or empty: at most two letters or a
/// third of them differ (one, in a word below four letters), or one begins with the other.
std::string_view nearest(std::string_view word, const std::vector<std::string_view>& candidates);

}  // namespace convc
