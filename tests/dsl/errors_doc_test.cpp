// docs/errors.md: every code of dsl/codes.h is there, under its title, with an example that gives
// exactly the text shown. CONVC_UPDATE_GOLDEN=1 rewrites the shown texts.
#include <catch2/catch.hpp>
#include <functional>
#include <map>
#include <sstream>

#include "dsl/codes.h"
#include "dsl/onnx/load_files.h"
#include "tests/dsl/load_helpers.h"
#include "tests/dsl/onnx_examples.h"
#include "tests/support/golden.h"

namespace convc::test {
namespace {

const char* const kDocument = CONVC_REPOSITORY "/docs/errors.md";

Loaded load_paths(const std::vector<std::string>& paths, const std::string& name) {
  Diagnostics diagnostics;
  Loaded loaded;
  loaded.module = load_spec_files(paths, name, diagnostics);
  loaded.text = diagnostics.render(false);
  loaded.codes = diagnostics.codes();
  return loaded;
}

// A model; the folder of the tests is no part of what is shown.
Loaded load_model(const std::string& bytes, const std::map<std::string, Dim>& dims = {}) {
  const std::string folder = CONVC_SCRATCH "/";
  write_text(folder + "model.onnx", bytes);
  Diagnostics diagnostics;
  Loaded loaded;
  loaded.module = load_files({folder + "model.onnx"}, "net", ModelDims(dims), diagnostics);
  loaded.text = diagnostics.render(false);
  loaded.codes = diagnostics.codes();
  for (std::size_t at; (at = loaded.text.find(folder)) != std::string::npos;) {
    loaded.text.erase(at, folder.size());
  }
  return loaded;
}

// Codes whose example is a command, not a text.
const std::map<std::string, std::function<Loaded()>>& command_examples() {
  const std::string layer = "Conv2D(1, 1, input_shape=(4, 4, 1))\n";
  static const std::map<std::string, std::function<Loaded()>> examples = {
      {"E001", [] { return load_paths({"missing.conv"}, ""); }},
      {"E002", [] { return load(std::string(kMaxFileBytes + 1, '#'), "huge.conv"); }},
      {"E003", [layer] { return load("# caf\xE9\n" + layer, "latin1.conv"); }},
      {"E004", [] { return load("# nothing yet\n", "empty.conv"); }},
      {"E005",
       [layer] {
         const std::string file = CONVC_SCRATCH "/errors_doc_test.conv";
         const std::string other = CONVC_SCRATCH "/errors_doc_test_2.conv";
         write_text(file, layer);
         write_text(other, "Conv2D(1, 1, input_shape=(4, 4, 1), name='other')\n");
         return load_paths({file, other}, "");
       }},
      {"E006", [layer] { return load(layer, "my-filters.conv"); }},
      {"E080", [] { return load_model("not a model"); }},
      {"E081", [] { return load_model(OnnxExample{"MaxPool"}.bytes()); }},
      {"E082",
       [] {
         return load_model(OnnxExample{.open_batch = true}.bytes(), {{"bach", Dim{1, 8}}});
       }},
      {"W004",
       [] {
         return load_model(OnnxExample{"Relu", 99}.bytes());
       }},
      {"W005",
       [] {
         return load_model(OnnxExample{"Relu", 17, true}.bytes());
       }},
      {"E014", [] { return load("x = " + std::string(101, '['), "deep.conv"); }},
  };
  return examples;
}

// The first fenced block of `kind` in a section: where its content begins and ends.
struct Block {
  std::size_t begin;
  std::size_t end;
};

std::optional<Block> find_block(const std::string& section, const std::string& kind) {
  const std::size_t fence = section.find("```" + kind + "\n");
  if (fence == std::string::npos) return std::nullopt;
  const std::size_t begin = fence + 3 + kind.size() + 1;
  return Block{begin, section.find("```", begin)};
}

// Checks one section and gives it back with its example's text up to date.
std::string check_section(const CodeInfo& info, std::string section) {
  const std::string id(info.id);
  INFO(section);
  const auto command = command_examples().find(id);
  const bool is_command = command != command_examples().end();
  const std::optional<Block> example = find_block(section, is_command ? "console" : "conv");
  const std::optional<Block> shown = find_block(section, "text");
  REQUIRE(example.has_value());
  REQUIRE(shown.has_value());
  const std::string spec = section.substr(example->begin, example->end - example->begin);
  const Loaded loaded = is_command ? command->second() : load(spec, "example.conv");
  CHECK(has(loaded, info.code));
  CHECK(loaded.codes.size() == 1);  // an example shows one thing
  section.replace(shown->begin, shown->end - shown->begin, loaded.text);
  return section;
}

TEST_CASE("docs/errors.md has every code with a working example", "[diagnostics]") {
  const std::string document = read_text(kDocument);
  std::string updated = document.substr(0, document.find("\n## ") + 1);
  std::size_t at = updated.size();
  for (const CodeInfo& info : kCodes) {
    const std::size_t end = document.find("\n## ", at);
    std::string section = document.substr(at, end == std::string::npos ? end : end + 1 - at);
    const std::string heading =
        "## " + std::string(info.id) + ": " + std::string(info.title) + "\n";
    INFO("the section must begin with: " << heading);
    REQUIRE(section.substr(0, heading.size()) == heading);
    at += section.size();
    updated += check_section(info, std::move(section));
  }
  CHECK(at == document.size());  // no section of a code that does not exist
  check_golden(kDocument, updated);
}

TEST_CASE("the examples in docs/spec-language.md are valid specs", "[diagnostics]") {
  std::string document = read_text(CONVC_REPOSITORY "/docs/spec-language.md");
  int examples = 0;
  while (const std::optional<Block> block = find_block(document, "conv")) {
    load_valid(document.substr(block->begin, block->end - block->begin));
    document.erase(0, block->end + 3);
    ++examples;
  }
  CHECK(examples >= 3);
}

TEST_CASE("codes are unique and in the order of the enumerators") {
  std::map<std::string_view, int> ids;
  int position = 1;
  for (const CodeInfo& info : kCodes) {
    CHECK(static_cast<int>(info.code) == position++);
    CHECK(++ids[info.id] == 1);
    CHECK(id_of(info.code) == info.id);
  }
  CHECK(id_of(Code::none).empty());
}

}  // namespace
}  // namespace convc::test
