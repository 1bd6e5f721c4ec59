// Layout: DIRECTORY/SYMBOL[last two digits]/SYMBOL, one record (kernel_record.h) each. The time of
// last use is the file's modification time.
#include "generators/emit/kernel_cache.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "generators/emit/file_io.h"
#include "generators/emit/kernel_record.h"

namespace convc {
namespace {

namespace fs = std::filesystem;

constexpr const char* kTemporaryPrefix = ".new.";
/// Writing an entry takes milliseconds, so one this old has no writer any more.
constexpr std::chrono::hours kTemporaryLife{1};

struct Entry {
  fs::path path;
  fs::file_time_type last_use;
  std::uint64_t bytes = 0;
};

/// All entries; files that vanish meanwhile are skipped, stale temporaries removed.
std::vector<Entry> scan(const std::string& directory) {
  std::vector<Entry> entries;
  std::error_code error;
  const auto now = fs::file_time_type::clock::now();
  fs::recursive_directory_iterator it(directory, fs::directory_options::skip_permission_denied,
                                      error);
  for (; !error && it != fs::recursive_directory_iterator(); it.increment(error)) {
    std::error_code gone;
    if (!it->is_regular_file(gone) || gone) continue;
    Entry entry{it->path(), it->last_write_time(gone), it->file_size(gone)};
    if (gone) continue;
    const std::string name = entry.path.filename().string();
    if (name.rfind(kTemporaryPrefix, 0) == 0) {
      if (now - entry.last_use > kTemporaryLife) fs::remove(entry.path, gone);
    } else if (name.rfind("convc_k_", 0) == 0) {
      entries.push_back(std::move(entry));
    }
  }
  return entries;
}

}  // namespace

std::optional<std::string> default_cache_directory() {
  const char* cache_home = std::getenv("XDG_CACHE_HOME");
  if (cache_home != nullptr && cache_home[0] == '/') return std::string(cache_home) + "/convc";
  const char* home = std::getenv("HOME");
  if (home != nullptr && home[0] == '/') return std::string(home) + "/.cache/convc";
  return std::nullopt;
}

KernelCache::KernelCache(std::string directory, std::uint64_t max_bytes)
    : directory_(std::move(directory)), max_bytes_(max_bytes) {}

std::string KernelCache::path_of(const std::string& symbol) const {
  return directory_ + "/" + symbol.substr(symbol.size() - 2) + "/" + symbol;
}

std::optional<KernelObject> KernelCache::load(const std::string& symbol) {
  const std::string path = path_of(symbol);
  const std::optional<std::string> record = read_file(path);
  if (!record) return std::nullopt;
  std::optional<KernelObject> kernel = parse_record(*record);
  if (!kernel || kernel->symbol != symbol) {
    ++damaged_entries_;
    return std::nullopt;
  }
  ::utimensat(AT_FDCWD, path.c_str(), nullptr, 0);
  kernel->from_cache = true;
  kernel->compile_seconds = 0;
  return kernel;
}

void KernelCache::store(const KernelObject& kernel) {
  if (!warning_.empty()) return;
  const std::string path = path_of(kernel.symbol);
  const std::string folder = path.substr(0, path.rfind('/'));
  std::optional<std::string> temporary;
  if (make_directories(folder)) {
    temporary = write_temporary(folder, kTemporaryPrefix, to_record(kernel));
  }
  if (temporary && std::rename(temporary->c_str(), path.c_str()) == 0) {
    stored_ = true;
    return;
  }
  const int error = errno;
  if (temporary) ::unlink(temporary->c_str());
  warning_ = "kernels are not kept in the cache `" + directory_ + "`: " + std::strerror(error);
}

void KernelCache::trim() {
  if (!stored_) return;
  stored_ = false;
  std::vector<Entry> entries = scan(directory_);
  std::uint64_t total = 0;
  for (const Entry& entry : entries) total += entry.bytes;
  if (total <= max_bytes_) return;
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return a.last_use < b.last_use; });
  const std::uint64_t goal = max_bytes_ - max_bytes_ / 10;
  for (const Entry& entry : entries) {
    if (total <= goal) break;
    std::error_code error;
    if (fs::remove(entry.path, error)) total -= entry.bytes;
  }
}

}  // namespace convc
