// KernelCache: compiled kernels on disk, by the hash of everything their code depends on. Several
// processes may use one directory at once: entries appear by rename and are never changed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "generators/emit/artifact.h"

namespace convc {

/// $XDG_CACHE_HOME/convc, else $HOME/.cache/convc; nullopt when neither variable holds an absolute
/// path.
std::optional<std::string> default_cache_directory();

class KernelCache {
 public:
  static constexpr std::uint64_t kDefaultMaxBytes = std::uint64_t{1} << 30;

  /// Nothing is touched before the first use.
  explicit KernelCache(std::string directory, std::uint64_t max_bytes = kDefaultMaxBytes);

  /// The entry of `symbol` (a kernel's symbol is its key), marked as just used; nullopt when there
  /// is none or it is damaged.
  std::optional<KernelObject> load(const std::string& symbol);

  /// Keeps `kernel` under its symbol. After the first failure later calls do nothing.
  void store(const KernelObject& kernel);

  /// Removes the entries used longest ago until the rest is within the cap (with a tenth to spare),
  /// and what killed processes left behind. Does nothing when nothing was stored.
  void trim();

  /// A sentence when entries could not be kept (directory not writable, disk full); else empty.
  [[nodiscard]] const std::string& warning() const { return warning_; }
  /// Entries found damaged by `load`.
  [[nodiscard]] int damaged_entries() const { return damaged_entries_; }

 private:
  [[nodiscard]] std::string path_of(const std::string& symbol) const;

  std::string directory_;
  std::uint64_t max_bytes_;
  std::string warning_;
  int damaged_entries_ = 0;
  bool stored_ = false;
};

}  // namespace convc
