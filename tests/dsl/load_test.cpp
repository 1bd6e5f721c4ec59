// Files: several of them, and those that cannot be read.
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>

#include "tests/dsl/load_helpers.h"
#include "tests/support/golden.h"

namespace convc::test {
namespace {

namespace fs = std::filesystem;

// A fresh folder with files, removed at the end.
class Folder {
 public:
  Folder() : path_(fs::path(CONVC_SCRATCH) / ("load_test." + std::to_string(getpid()))) {
    fs::remove_all(path_);
    fs::create_directories(path_);
  }
  ~Folder() { fs::remove_all(path_); }
  std::string add(const std::string& name, const std::string& text) const {
    const std::string file = path(name);
    write_text(file, text);
    return file;
  }
  std::string path(const std::string& name) const { return (path_ / name).string(); }

 private:
  fs::path path_;
};

struct FilesLoaded {
  std::optional<Module> module;
  std::string text;
};

// Loads files; the folder's name in messages becomes DIR.
FilesLoaded load_files(const Folder& folder, const std::vector<std::string>& paths,
                       const std::string& name) {
  Diagnostics diagnostics;
  FilesLoaded loaded;
  loaded.module = load_spec_files(paths, name, diagnostics);
  loaded.text = diagnostics.render(false);
  const std::string prefix = folder.path("");
  for (std::size_t at; (at = loaded.text.find(prefix)) != std::string::npos;) {
    loaded.text.replace(at, prefix.size(), "DIR/");
  }
  return loaded;
}

const std::string kA = "Conv2D(1, 1, input_shape=(4, 4, 1), name=\"a\")\n";
const std::string kB =
    "Conv2D(1, 1, input_shape=(4, 4, 1), name=\"b\")\nConv2D(2, 1, input_shape=(4, 4, 1))\n";

TEST_CASE("one file names the library, several need a name") {
  const Folder folder;
  const std::string a = folder.add("first.conv", kA);
  const std::string b = folder.add("second.conv", kB);
  const FilesLoaded one = load_files(folder, {a}, "");
  REQUIRE(one.module.has_value());
  CHECK(one.module->name == "first");
  const FilesLoaded two = load_files(folder, {a, b}, "both");
  REQUIRE(two.module.has_value());
  CHECK(two.module->name == "both");
  REQUIRE(two.module->graphs.size() == 3);
  CHECK(two.module->graphs[2].name == "conv2d");
  CHECK(load_files(folder, {a, b}, "").text ==
        "convc: error: several files make one library, which needs a name [E005]\n"
        "      = help: add --name NAME\n");
  CHECK(load_files(folder, {a}, "my-lib").text ==
        "--name: error: the library's name \"my-lib\" is not a C identifier [E006]\n"
        "      = note: letters, digits and _, not beginning with a digit\n"
        "      = help: use --name my_lib\n");
}

TEST_CASE("names are unique over files; errors of all files are reported", "[diagnostics]") {
  const Folder folder;
  const std::string a = folder.add("first.conv", kA);
  const std::string b = folder.add("second.conv", "Conv2D(1, filtrs=1)\n" + kA);
  CHECK(load_files(folder, {a, b, folder.path("third.conv")}, "lib").text ==
        "DIR/third.conv: error: cannot read this file: No such file or directory [E001]\n"
        "      = help: check the path, and that you may read the file\n"
        "DIR/second.conv:1:11: error: unknown argument `filtrs` of Conv2D [E021]\n"
        "    1 | Conv2D(1, filtrs=1)\n"
        "      |           ^^^^^^\n"
        "      = help: did you mean `filters`?\n"
        "DIR/second.conv:2:42: error: the name \"a\" is used twice in this library [E060]\n"
        "    2 | Conv2D(1, 1, input_shape=(4, 4, 1), name=\"a\")\n"
        "      |                                          ^^^\n"
        "      = help: give one of them another name with name=\"...\"\n"
        "DIR/first.conv:1:42: note: it is first used here\n"
        "    1 | Conv2D(1, 1, input_shape=(4, 4, 1), name=\"a\")\n"
        "      |                                          ^^^\n");
}

TEST_CASE("files that are no files", "[diagnostics]") {
  const Folder folder;
  CHECK(load_files(folder, {folder.path("none.conv")}, "").text ==
        "DIR/none.conv: error: cannot read this file: No such file or directory [E001]\n"
        "      = help: check the path, and that you may read the file\n");
  fs::create_directories(folder.path("dir.conv"));
  CHECK(load_files(folder, {folder.path("dir.conv")}, "").text ==
        "DIR/dir.conv: error: cannot read this file: Is a directory [E001]\n"
        "      = help: check the path, and that you may read the file\n");
  const std::string locked = folder.add("locked.conv", kA);
  chmod(locked.c_str(), 0);
  const uid_t self = geteuid();
  // Root reads everything, so it becomes somebody else for a moment.
  if (self == 0 && seteuid(65534) != 0) {
    WARN("[SKIP] root reads every file and cannot become another user here");
    return;
  }
  const FilesLoaded loaded = load_files(folder, {locked}, "");
  REQUIRE(seteuid(self) == 0);
  CHECK(loaded.text ==
        "DIR/locked.conv: error: cannot read this file: Permission denied [E001]\n"
        "      = help: check the path, and that you may read the file\n");
}

TEST_CASE("files without layers", "[diagnostics]") {
  const auto text =
      GENERATE(as<std::string>{}, "", "\n\n", "# only a comment", "'''text'''\n", "\xEF\xBB\xBF");
  CHECK(load(text).text ==
        "test.conv: error: this file holds no layers [E004]\n"
        "      = help: a layer is e.g. Conv2D(32, 3, input_shape=(28, 28, 1), name=\"first\")\n");
}

TEST_CASE("a file without end is cut off at the limit") {
  Diagnostics diagnostics;
  CHECK_FALSE(load_spec_files({"/dev/zero"}, "zero", diagnostics).has_value());
  CHECK(diagnostics.codes() == std::vector<Code>{Code::file_too_large});
}

}  // namespace
}  // namespace convc::test
