// The cache: what goes in comes out, and nothing that goes wrong on disk is more than a miss.
#include "generators/emit/kernel_cache.h"

#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "generators/emit/kernel_record.h"
#include "tests/emit/emit_helpers.h"

namespace convc {
namespace {

using test::ScratchDirectory;

KernelObject kernel_of(const std::string& number, std::size_t bytes = 1000) {
  KernelObject kernel;
  kernel.symbol = "convc_k_" + std::string(32 - number.size(), '0') + number;
  kernel.object = std::string(bytes, 'o') + number;
  kernel.scratch_bytes = 128;
  kernel.thread_scratch_bytes = 1 << 20;
  kernel.max_tasks = 7;
  kernel.code_bytes = 900;
  kernel.compile_seconds = 1.5;
  return kernel;
}

std::string only_file(const ScratchDirectory& directory) {
  std::string found;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory.path())) {
    if (entry.is_regular_file()) found = entry.path().string();
  }
  REQUIRE_FALSE(found.empty());
  return found;
}

TEST_CASE("a kernel comes back as it was", "[cache]") {
  const ScratchDirectory directory;
  KernelCache cache(directory / "deep/down");
  const KernelObject kernel = kernel_of("1");
  CHECK_FALSE(cache.load(kernel.symbol).has_value());
  cache.store(kernel);
  const auto loaded = cache.load(kernel.symbol);
  REQUIRE(loaded.has_value());
  CHECK(loaded->symbol == kernel.symbol);
  CHECK(loaded->object == kernel.object);
  CHECK(loaded->scratch_bytes == 128);
  CHECK(loaded->thread_scratch_bytes == 1 << 20);
  CHECK(loaded->max_tasks == 7);
  CHECK(loaded->code_bytes == 900);
  CHECK(loaded->compile_seconds == 0);
  CHECK(loaded->from_cache);
  CHECK(cache.warning().empty());
}

TEST_CASE("every damaged byte and every cut is found", "[cache]") {
  const std::string record = to_record(kernel_of("2", 50));
  REQUIRE(parse_record(record).has_value());
  for (std::size_t i = 0; i < record.size(); ++i) {
    std::string damaged = record;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x10);
    CHECK_FALSE(parse_record(damaged).has_value());
    CHECK_FALSE(parse_record(std::string_view(record).substr(0, i)).has_value());
  }
  CHECK_FALSE(parse_record(record + "x").has_value());
}

TEST_CASE("a damaged entry is a miss and can be replaced", "[cache]") {
  const ScratchDirectory directory;
  KernelCache cache(directory.path());
  const KernelObject kernel = kernel_of("3");
  cache.store(kernel);
  test::write_text_file(only_file(directory), "garbage");
  CHECK_FALSE(cache.load(kernel.symbol).has_value());
  CHECK(cache.damaged_entries() == 1);
  cache.store(kernel);
  CHECK(cache.load(kernel.symbol).has_value());
}

TEST_CASE("an entry under another name is a miss", "[cache]") {
  const ScratchDirectory directory;
  KernelCache cache(directory.path());
  cache.store(kernel_of("14"));
  const std::string file = only_file(directory);
  std::filesystem::rename(file, file.substr(0, file.size() - 3) + "214");
  CHECK_FALSE(cache.load(kernel_of("214").symbol).has_value());
}

TEST_CASE("a directory that cannot be written is one warning", "[cache]") {
  const ScratchDirectory directory;
  // A file where the directory should be fails for root, too.
  test::write_text_file(directory / "taken", "");
  KernelCache cache(directory / "taken");
  cache.store(kernel_of("4"));
  CHECK(cache.warning() ==
        "kernels are not kept in the cache `" + (directory / "taken") + "`: Not a directory");
  cache.store(kernel_of("5"));
  CHECK_FALSE(cache.load(kernel_of("4").symbol).has_value());
  cache.trim();
}

TEST_CASE("the cap removes what was used longest ago", "[cache]") {
  const ScratchDirectory directory;
  KernelCache cache(directory.path(), 50'000);
  const auto an_hour_ago = std::filesystem::file_time_type::clock::now() - std::chrono::hours(1);
  for (int i = 10; i < 16; ++i) {
    const KernelObject kernel = kernel_of(std::to_string(i), 10'000);
    cache.store(kernel);
    std::filesystem::last_write_time(directory / (std::to_string(i) + "/" + kernel.symbol),
                                     an_hour_ago + std::chrono::minutes(i));
  }
  REQUIRE(cache.load(kernel_of("10").symbol).has_value());  // now used last
  cache.trim();
  CHECK(cache.load(kernel_of("10").symbol).has_value());
  CHECK_FALSE(cache.load(kernel_of("11").symbol).has_value());
  CHECK_FALSE(cache.load(kernel_of("12").symbol).has_value());
  CHECK(cache.load(kernel_of("13").symbol).has_value());
  CHECK(cache.load(kernel_of("15").symbol).has_value());
}

TEST_CASE("what a killed writer left is removed after a while, strangers are not", "[cache]") {
  const ScratchDirectory directory;
  KernelCache cache(directory.path());
  test::write_text_file(directory / ".new.1.1", "old");
  test::write_text_file(directory / ".new.2.1", "fresh");
  test::write_text_file(directory / "README", "not ours");
  std::filesystem::last_write_time(
      directory / ".new.1.1",
      std::filesystem::file_time_type::clock::now() - std::chrono::hours(2));
  cache.store(kernel_of("6"));
  cache.trim();
  CHECK_FALSE(std::filesystem::exists(directory / ".new.1.1"));
  CHECK(std::filesystem::exists(directory / ".new.2.1"));
  CHECK(std::filesystem::exists(directory / "README"));
}

TEST_CASE("processes that share a directory never see half an entry", "[cache]") {
  const ScratchDirectory directory;
  const KernelObject kernel = kernel_of("7", 200'000);
  std::vector<pid_t> children;
  for (int child = 0; child < 4; ++child) {
    const pid_t pid = ::fork();
    if (pid == 0) {
      KernelCache cache(directory.path(), 100'000);
      for (int i = 0; i < 50; ++i) {
        cache.store(kernel);
        const auto loaded = cache.load(kernel.symbol);
        if (loaded && loaded->object != kernel.object) ::_exit(1);
        if (cache.damaged_entries() != 0 || !cache.warning().empty()) ::_exit(2);
        if (i % 10 == 0) cache.trim();
      }
      ::_exit(0);
    }
    children.push_back(pid);
  }
  for (pid_t pid : children) {
    int status = -1;
    REQUIRE(::waitpid(pid, &status, 0) == pid);
    CHECK(status == 0);
  }
}

TEST_CASE("the default place follows the XDG rules", "[cache]") {
  const char* old_cache = std::getenv("XDG_CACHE_HOME");
  const std::string saved = old_cache == nullptr ? "" : old_cache;
  ::setenv("XDG_CACHE_HOME", "/some/where", 1);
  CHECK(default_cache_directory() == "/some/where/convc");
  ::setenv("XDG_CACHE_HOME", "relative", 1);  // must be ignored
  const char* home = std::getenv("HOME");
  if (home != nullptr && home[0] == '/') {
    CHECK(default_cache_directory() == std::string(home) + "/.cache/convc");
  }
  if (old_cache == nullptr) ::unsetenv("XDG_CACHE_HOME");
  if (old_cache != nullptr) ::setenv("XDG_CACHE_HOME", saved.c_str(), 1);
}

}  // namespace
}  // namespace convc
