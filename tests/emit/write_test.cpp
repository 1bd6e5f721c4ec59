// Files: whole or not at all.
#include "generators/emit/write_library.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "tests/emit/emit_helpers.h"

namespace convc {
namespace {

using test::ScratchDirectory;
using test::text_of_file;

TEST_CASE("all files appear, directories are made, old files replaced", "[write]") {
  const ScratchDirectory directory;
  test::write_text_file(directory / "old", "before");
  Diagnostics diagnostics;
  const std::string big(1 << 20, 'b');
  REQUIRE_FALSE(
      write_files({{directory / "a/b/new", big}, {directory / "old", "after"}}, diagnostics));
  CHECK(diagnostics.empty());
  CHECK(text_of_file(directory / "a/b/new") == big);
  CHECK(text_of_file(directory / "old") == "after");
  CHECK(directory.file_count() == 2);
}

TEST_CASE("files get the permissions of the user's mask", "[write]") {
  const ScratchDirectory directory;
  Diagnostics diagnostics;
  const mode_t old_mask = ::umask(027);
  const auto failure = write_files({{directory / "file", "x"}}, diagnostics);
  ::umask(old_mask);
  REQUIRE_FALSE(failure);
  struct stat status = {};
  REQUIRE(::stat((directory / "file").c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0640);
}

TEST_CASE("one file that cannot be written keeps all away", "[write]") {
  const ScratchDirectory directory;
  std::filesystem::create_directory(directory / "taken");
  Diagnostics diagnostics;
  const auto failure =
      write_files({{directory / "first", "1"}, {directory / "taken", "2"}}, diagnostics);
  CHECK(failure == Failure::environment);
  CHECK(directory.file_count() == 0);
  CHECK(diagnostics.render(false).find("error: cannot write `" + (directory / "taken") +
                                       "`: Is a directory") != std::string::npos);
}

TEST_CASE("a directory that cannot be made is named", "[write]") {
  const ScratchDirectory directory;
  test::write_text_file(directory / "file", "");
  Diagnostics diagnostics;
  CHECK(write_files({{directory / "file/below", "x"}}, diagnostics) == Failure::environment);
  CHECK(diagnostics.render(false).find("cannot write `" + (directory / "file/below") +
                                       "`: Not a directory") != std::string::npos);
}

TEST_CASE("a directory without write permission", "[write]") {
  if (::geteuid() == 0) {
    WARN("skipped: root may write everywhere");
    return;
  }
  const ScratchDirectory directory;
  ::chmod(directory.path().c_str(), 0500);
  Diagnostics diagnostics;
  CHECK(write_files({{directory / "x", "x"}}, diagnostics) == Failure::environment);
  CHECK(diagnostics.render(false).find("Permission denied") != std::string::npos);
}

/// For a while no file can grow beyond `bytes`, as on a disk that is full.
class FullDisk {
 public:
  explicit FullDisk(rlim_t bytes) {
    ::getrlimit(RLIMIT_FSIZE, &old_);
    rlimit limit = old_;
    limit.rlim_cur = bytes;
    ::setrlimit(RLIMIT_FSIZE, &limit);
    old_handler_ = std::signal(SIGXFSZ, SIG_IGN);
  }
  ~FullDisk() {
    ::setrlimit(RLIMIT_FSIZE, &old_);
    std::signal(SIGXFSZ, old_handler_);
  }

 private:
  rlimit old_{};
  void (*old_handler_)(int) = nullptr;
};

TEST_CASE("a disk that fills up leaves what was there", "[write]") {
  const ScratchDirectory directory;
  test::write_text_file(directory / "lib.a", "old library");
  Diagnostics diagnostics;
  std::optional<Failure> failure;
  {
    const FullDisk full(1000);
    failure =
        write_files({{directory / "lib.h", "small"}, {directory / "lib.a", std::string(5000, 'x')}},
                    diagnostics);
  }
  CHECK(failure == Failure::environment);
  CHECK(directory.file_count() == 1);
  CHECK(text_of_file(directory / "lib.a") == "old library");
  CHECK(diagnostics.render(false).find("cannot write `" + (directory / "lib.a")) !=
        std::string::npos);
}

TEST_CASE("of processes that write the same files, one is the last", "[write]") {
  const ScratchDirectory directory;
  std::vector<pid_t> writers;
  for (const char* content : {"a", "b", "c"}) {
    const pid_t pid = ::fork();
    if (pid == 0) {
      bool ok = true;
      Diagnostics diagnostics;
      for (int i = 0; i < 100; ++i) {
        std::vector<NewFile> files;
        for (const char* name : {"1", "2", "3", "4"}) files.emplace_back(directory / name, content);
        ok = ok && !write_files(files, diagnostics);
      }
      ::_exit(ok ? 0 : 1);
    }
    writers.push_back(pid);
  }
  for (const pid_t writer : writers) {
    int status = -1;
    REQUIRE(::waitpid(writer, &status, 0) == writer);
    CHECK(status == 0);
  }
  CHECK(directory.file_count() == 4);
  for (const char* name : {"2", "3", "4"}) {
    CHECK(text_of_file(directory / name) == text_of_file(directory / "1"));
  }
}

TEST_CASE("the handlers of signals are back afterwards", "[write]") {
  const ScratchDirectory directory;
  static volatile std::sig_atomic_t seen = 0;
  const auto before = std::signal(SIGINT, [](int) { seen = 1; });
  Diagnostics diagnostics;
  REQUIRE_FALSE(write_files({{directory / "x", "x"}}, diagnostics));
  ::raise(SIGINT);  // the old handler is back
  CHECK(seen == 1);
  std::signal(SIGINT, before);
}

TEST_CASE("dependency files are read by Make as written", "[write]") {
  CHECK(depfile_text({"out/lib a.a", "out/x.h"}, {"a.conv", "b#$1.conv"}) ==
        "out/lib\\ a.a out/x.h: \\\n  a.conv \\\n  b\\#$$1.conv\n");
}

}  // namespace
}  // namespace convc
