// The text of diagnostics: the spec files in tests/diagnostics against the text beside them, and
// the rules of the layout.
#include "dsl/diagnostics.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <set>

#include "dsl/snippet.h"
#include "tests/dsl/load_helpers.h"
#include "tests/support/golden.h"

namespace convc::test {
namespace {

namespace fs = std::filesystem;

TEST_CASE("spec files with errors", "[diagnostics]") {
  std::set<fs::path> specs;
  std::set<fs::path> expected;
  for (const auto& entry : fs::directory_iterator(CONVC_REPOSITORY "/tests/diagnostics")) {
    if (entry.path().extension() == ".conv") specs.insert(entry.path());
    if (entry.path().extension() == ".expected") expected.insert(entry.path());
  }
  REQUIRE(specs.size() >= 10);
  for (fs::path path : specs) {
    const Loaded loaded = load(read_text(path.string()), path.filename().string());
    expected.erase(path.replace_extension(".expected"));
    check_golden(path.string(), loaded.text);
  }
  CHECK(expected.empty());  // expectations without a spec
}

Diagnostics with_file(const std::string& text, std::uint32_t* file) {
  Diagnostics diagnostics;
  *file = diagnostics.add_file(text, "f.conv");
  return diagnostics;
}

TEST_CASE("diagnostics are sorted by place and capped", "[diagnostics]") {
  std::uint32_t file = 0;
  Diagnostics diagnostics = with_file("0123456789012345678901234567890123456789\n", &file);
  for (std::uint32_t i = 30; i > 0; --i) diagnostics.error(Code::syntax, {file, i, i + 1}, "e");
  diagnostics.warning(Code::unused_value, {file, 5, 6}, "w");
  diagnostics.performance({file, 6, 7}, "p");
  const std::string text = diagnostics.render(false);
  CHECK(text.find("f.conv:1:2: error: e [E013]\n") == 0);
  CHECK(text.find("f.conv:1:21: error") != std::string::npos);
  CHECK(text.find("f.conv:1:22: error") == std::string::npos);
  CHECK(text.find("f.conv:1:6: warning: w [W002]\n") != std::string::npos);
  CHECK(text.find("f.conv:1:7: performance: p\n") != std::string::npos);
  CHECK(text.find("... and 10 more errors\n") != std::string::npos);
  CHECK(diagnostics.error_count() == 30);
}

TEST_CASE("colours are escape sequences around the same text", "[diagnostics]") {
  std::uint32_t file = 0;
  Diagnostics diagnostics = with_file("abc\n", &file);
  diagnostics.error(Code::syntax, {file, 1, 2}, "e").note("n").help("h");
  std::string text = diagnostics.render(true);
  CHECK(text.find("\033[1;31merror:\033[0m e") != std::string::npos);
  for (std::size_t at; (at = text.find('\033')) != std::string::npos;) {
    text.erase(at, text.find('m', at) - at + 1);
  }
  CHECK(text == diagnostics.render(false));
}

TEST_CASE("places and locations are inverse", "[diagnostics]") {
  std::uint32_t file = 0;
  const Diagnostics diagnostics = with_file(
      "ab\nc\xC3\xA9"
      "d\r\nx",
      &file);
  for (const std::uint32_t offset : {0U, 1U, 3U, 4U, 6U, 9U}) {
    const SourceLocation location = diagnostics.locate({file, offset, offset + 1});
    INFO("offset " << offset << " line " << location.line << " column " << location.column);
    CHECK(diagnostics.range_at(location).begin == offset);
  }
  CHECK(diagnostics.locate({file, 6, 7}).line == 2);
  CHECK(diagnostics.locate({file, 6, 7}).column == 3);
  CHECK(diagnostics.locate({}).line == 0);
  CHECK_FALSE(diagnostics.range_at({"other.conv", 1, 1}).known());
  CHECK_FALSE(diagnostics.range_at({"f.conv", 99, 1}).known());
}

// Caret and text must line up, and the line must fit, wherever the range is.
TEST_CASE("snippets of long lines keep the caret under its text", "[diagnostics]") {
  std::string line;
  for (int i = 0; i < 60; ++i) line += i % 7 == 0 ? "\t" : i % 5 == 0 ? "\xE6\x97\xA5" : "abcdef";
  const std::string marker = "@@@";
  for (std::size_t at = 0; at <= line.size(); ++at) {
    if (at < line.size() && (static_cast<unsigned char>(line[at]) & 0xC0) == 0x80) continue;
    const std::string marked = line.substr(0, at) + marker + line.substr(at);
    const Snippet snippet = make_snippet(marked, at, at + marker.size());
    const std::size_t found = snippet.source.find(marker);
    INFO(at << "\n" << snippet.source << "\n" << snippet.carets);
    REQUIRE(found != std::string::npos);
    REQUIRE(snippet.carets.find_first_not_of(' ') != std::string::npos);
    // Every wide character before the marker is 3 bytes in 2 columns.
    std::size_t columns = 0;
    for (std::size_t i = 0; i < found; ++i) {
      const auto byte = static_cast<unsigned char>(snippet.source[i]);
      if (byte < 0x80) columns += 1;
      if (byte >= 0xC0) columns += 2;
    }
    REQUIRE(snippet.carets == std::string(columns, ' ') + "^^^");
    REQUIRE(code_points(snippet.source) <= 100);
  }
}

TEST_CASE("nearest words", "[diagnostics]") {
  const std::vector<std::string_view> words = {"filters", "kernel_size",   "strides",
                                               "padding", "dilation_rate", "True"};
  CHECK(nearest("filter", words) == "filters");
  CHECK(nearest("fliters", words) == "filters");
  CHECK(nearest("kernelsize", words) == "kernel_size");
  CHECK(nearest("dilation", words) == "dilation_rate");
  CHECK(nearest("pad", words) == "padding");
  CHECK(nearest("true", words) == "True");
  CHECK(nearest("zzz", words).empty());
  CHECK(nearest("", words).empty());
  CHECK(nearest(std::string(100000, 'f'), words).empty());
}

}  // namespace
}  // namespace convc::test
