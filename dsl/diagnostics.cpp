// Collecting and ordering diagnostics; the text of one place is made by snippet.cpp.
#include "dsl/diagnostics.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "dsl/snippet.h"
#include "dsl/text.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/raw_ostream.h"

namespace convc {
namespace {

constexpr std::size_t kMaxShown = 20;    // of each severity
constexpr std::size_t kMaxStored = 500;  // a garbage file must not fill the memory
constexpr std::size_t kMaxWord = 60;     // nobody mistypes a longer one

struct Style {
  const char* label;
  const char* color;
};

Style style_of(Severity severity) {
  switch (severity) {
    case Severity::error:
      return {"error", "\033[1;31m"};
    case Severity::warning:
      return {"warning", "\033[1;35m"};
    case Severity::performance:
      return {"performance", "\033[1;34m"};
  }
  return {"error", ""};
}

constexpr Style kNote = {"note", "\033[1;36m"};
constexpr Style kHelp = {"help", "\033[1;32m"};

std::string paint(const std::string& text, const char* color, bool colors) {
  return colors ? color + text + "\033[0m" : text;
}

// The line that holds `offset`, and where it begins.
struct Line {
  std::string_view text;
  std::size_t begin;
};

Line line_around(std::string_view file, std::size_t offset) {
  offset = std::min(offset, file.size());
  const std::size_t before = offset == 0 ? std::string_view::npos : file.rfind('\n', offset - 1);
  const std::size_t begin = before == std::string_view::npos ? 0 : before + 1;
  std::string_view text = file.substr(begin, file.find('\n', offset) - begin);
  if (!text.empty() && text.back() == '\r') text.remove_suffix(1);
  return {text, begin};
}

// "    3 | source" and "      |   ^^^".
std::string render_snippet(std::string_view file, SourceRange range, int line_number, bool colors) {
  const Line line = line_around(file, range.begin);
  const Snippet snippet = make_snippet(line.text, range.begin - line.begin, range.end - line.begin);
  const std::string number = std::to_string(line_number);
  const std::string gutter(std::max<std::size_t>(number.size(), 5), ' ');
  return gutter.substr(number.size()) + number + " | " + snippet.source + "\n" + gutter + " | " +
         paint(snippet.carets, "\033[1;32m", colors) + "\n";
}

}  // namespace

Diagnostic& Diagnostic::note(std::string text, SourceRange where) {
  notes_.push_back({std::move(text), where});
  return *this;
}

Diagnostic& Diagnostic::help(std::string text) {
  helps_.push_back(std::move(text));
  return *this;
}

Diagnostics::Diagnostics() : sources_(std::make_unique<llvm::SourceMgr>()) {}
Diagnostics::~Diagnostics() = default;
Diagnostics::Diagnostics(Diagnostics&&) noexcept = default;
Diagnostics& Diagnostics::operator=(Diagnostics&&) noexcept = default;

std::uint32_t Diagnostics::add_file(std::string_view text, std::string_view name) {
  return sources_->AddNewSourceBuffer(llvm::MemoryBuffer::getMemBufferCopy(text, name),
                                      llvm::SMLoc());
}

std::string_view Diagnostics::file_text(std::uint32_t file) const {
  const llvm::StringRef text = sources_->getMemoryBuffer(file)->getBuffer();
  return {text.data(), text.size()};
}

void Diagnostics::set_origin(std::string origin) {
  origin_ = std::move(origin);
}

ScopedOrigin::ScopedOrigin(Diagnostics& diagnostics, std::string origin)
    : diagnostics_(diagnostics), before_(diagnostics.origin()) {
  diagnostics.set_origin(std::move(origin));
}

Diagnostic& Diagnostics::add(Severity severity, Code code, SourceRange range, std::string message) {
  ++counts_[static_cast<int>(severity)];
  const bool room = diagnostics_.size() < kMaxStored;
  Diagnostic& added = room ? diagnostics_.emplace_back() : (overflow_ = Diagnostic());
  added.severity_ = severity;
  added.code_ = code;
  added.message_ = std::move(message);
  added.range_ = range;
  if (!range.known()) added.origin_ = origin_.empty() ? "convc" : origin_;
  return added;
}

Diagnostic& Diagnostics::error(Code code, SourceRange range, std::string message) {
  return add(Severity::error, code, range, std::move(message));
}

Diagnostic& Diagnostics::warning(Code code, SourceRange range, std::string message) {
  return add(Severity::warning, code, range, std::move(message));
}

Diagnostic& Diagnostics::performance(SourceRange range, std::string message) {
  return add(Severity::performance, Code::none, range, std::move(message));
}

std::vector<Code> Diagnostics::codes() const {
  std::vector<Code> codes;
  for (const Diagnostic& diagnostic : diagnostics_) {
    if (diagnostic.code_ != Code::none) codes.push_back(diagnostic.code_);
  }
  return codes;
}

SourceLocation Diagnostics::locate(SourceRange range) const {
  if (!range.known()) return {};
  const llvm::MemoryBuffer* buffer = sources_->getMemoryBuffer(range.file);
  const std::string_view text = file_text(range.file);
  const std::size_t offset = std::min<std::size_t>(range.begin, text.size());
  const auto position =
      sources_->getLineAndColumn(llvm::SMLoc::getFromPointer(text.data() + offset), range.file);
  const std::size_t line_begin = line_around(text, offset).begin;
  SourceLocation location;
  location.file = buffer->getBufferIdentifier().str();
  location.line = static_cast<int>(position.first);
  location.column = static_cast<int>(code_points(text.substr(line_begin, offset - line_begin))) + 1;
  return location;
}

SourceRange Diagnostics::range_at(const SourceLocation& location) const {
  if (location.line <= 0) return {};
  for (std::uint32_t file = 1; file <= sources_->getNumBuffers(); ++file) {
    if (sources_->getMemoryBuffer(file)->getBufferIdentifier() != location.file) continue;
    const llvm::SMLoc start =
        sources_->FindLocForLineAndColumn(file, static_cast<unsigned>(location.line), 1);
    if (!start.isValid()) return {};
    const std::string_view text = file_text(file);
    std::size_t offset = static_cast<std::size_t>(start.getPointer() - text.data());
    for (int column = 1; column < location.column && offset < text.size(); ++column) {
      do ++offset;
      while (offset < text.size() && (static_cast<unsigned char>(text[offset]) & 0xC0) == 0x80);
    }
    std::size_t end = offset;
    while (end < text.size() && (llvm::isAlnum(text[end]) || text[end] == '_')) ++end;
    return {file, static_cast<std::uint32_t>(offset),
            static_cast<std::uint32_t>(std::max(end, offset + 1))};
  }
  return {};
}

std::string Diagnostics::render(bool colors) const {
  std::vector<const Diagnostic*> order;
  for (const Diagnostic& diagnostic : diagnostics_) order.push_back(&diagnostic);
  std::stable_sort(order.begin(), order.end(), [](const Diagnostic* a, const Diagnostic* b) {
    if (a->range_.known() && b->range_.known() && a->range_.file == b->range_.file) {
      return a->range_.begin < b->range_.begin;
    }
    return a->range_.file < b->range_.file;
  });

  std::string out;
  const auto place = [&](SourceRange range, const std::string& origin) {
    if (!range.known()) return printable(origin);
    const SourceLocation at = locate(range);
    return cat(printable(at.file), ":", at.line, ":", at.column);
  };
  const auto headline = [&](SourceRange range, const std::string& origin, Style style,
                            const std::string& text) {
    out += place(range, origin) + ": " + paint(cat(style.label, ":"), style.color, colors) + " " +
           text + "\n";
    if (range.known()) {
      out += render_snippet(file_text(range.file), range, locate(range).line, colors);
    }
  };
  const auto detail = [&](Style style, const std::string& text) {
    out += "      = " + paint(cat(style.label, ":"), style.color, colors) + " " + text + "\n";
  };

  std::size_t shown[3] = {0, 0, 0};
  for (const Diagnostic* diagnostic : order) {
    if (++shown[static_cast<int>(diagnostic->severity_)] > kMaxShown) continue;
    std::string text = diagnostic->message_;
    if (diagnostic->code_ != Code::none) text += cat(" [", id_of(diagnostic->code_), "]");
    headline(diagnostic->range_, diagnostic->origin_, style_of(diagnostic->severity_), text);
    for (const Diagnostic::Note& note : diagnostic->notes_) {
      if (!note.range.known()) detail(kNote, note.text);
    }
    for (const std::string& help : diagnostic->helps_) detail(kHelp, help);
    if (diagnostic->helps_.empty() && diagnostic->code_ != Code::none) {
      detail(kHelp, std::string(info_of(diagnostic->code_).help));
    }
    for (const Diagnostic::Note& note : diagnostic->notes_) {
      if (note.range.known()) headline(note.range, {}, kNote, note.text);
    }
  }
  for (const Severity severity : {Severity::error, Severity::warning, Severity::performance}) {
    const std::size_t count = counts_[static_cast<int>(severity)];
    if (count <= kMaxShown) continue;
    const std::string noun =
        severity == Severity::performance ? "performance note" : style_of(severity).label;
    out += cat("... and ", count_of(count - kMaxShown, "more " + noun), "\n");
  }
  return out;
}

bool Diagnostics::stderr_has_colors() {
  const char* no_color = std::getenv("NO_COLOR");
  const bool refused = no_color != nullptr && std::strlen(no_color) != 0;
  return !refused && llvm::sys::Process::StandardErrHasColors();
}

void Diagnostics::print_to_stderr() const {
  llvm::errs() << render(stderr_has_colors());
  llvm::errs().flush();
}

std::string_view nearest(std::string_view word, const std::vector<std::string_view>& candidates) {
  const llvm::StringRef given(word.data(), word.size());
  std::string_view best;
  if (word.size() > kMaxWord) return best;
  const unsigned third = static_cast<unsigned>(word.size()) / 3;
  unsigned best_distance = (word.size() < 4 ? 1 : std::max(2U, third)) + 1;
  for (const std::string_view candidate : candidates) {
    const llvm::StringRef name(candidate.data(), candidate.size());
    const std::string lower = name.lower();
    const unsigned distance =
        llvm::StringRef(given.lower()).edit_distance(lower, true, best_distance);
    if (distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  if (!best.empty() || word.size() < 3) return best;
  for (const std::string_view candidate : candidates) {
    const std::size_t shared = std::min(word.size(), candidate.size());
    if (shared >= 3 && candidate.substr(0, shared) == word.substr(0, shared)) return candidate;
  }
  return best;
}

}  // namespace convc
