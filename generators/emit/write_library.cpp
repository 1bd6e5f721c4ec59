// Aside, then renamed. See write_library.h.
#include "generators/emit/write_library.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "generators/emit/archive.h"
#include "generators/emit/file_io.h"
#include "generators/emit/signal_guard.h"

namespace convc {
namespace {

std::string directory_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

bool is_directory(const std::string& path) {
  struct stat status = {};
  return ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

/// Files written aside; whatever was not renamed is removed by the destructor.
class StagedFiles {
 public:
  ~StagedFiles() {
    for (const auto& [temporary, path] : staged_) ::unlink(temporary.c_str());
  }

  /// False with errno set.
  bool stage(const NewFile& file) {
    const std::string& path = file.first;
    const std::string directory = directory_of(path);
    if (!make_directories(directory)) return false;
    if (is_directory(path)) {
      errno = EISDIR;
      return false;
    }
    const std::string name = "." + path.substr(path.rfind('/') + 1) + ".";
    const auto temporary = write_temporary(directory, name, file.second);
    if (!temporary) return false;
    staged_.emplace_back(*temporary, path);
    return true;
  }

  /// Renames all. On failure removes those in place again, as half a library is worse than none,
  /// and returns the path at fault, with errno set; else an empty string.
  std::string publish() {
    for (std::size_t i = 0; i < staged_.size(); ++i) {
      if (std::rename(staged_[i].first.c_str(), staged_[i].second.c_str()) == 0) continue;
      const int error = errno;
      const std::string at_fault = staged_[i].second;
      for (std::size_t j = 0; j < i; ++j) ::unlink(staged_[j].second.c_str());
      errno = error;
      return at_fault;
    }
    staged_.clear();
    return {};
  }

 private:
  std::vector<std::pair<std::string, std::string>> staged_;  // temporary, final path
};

/// While it lives, other processes that want the same wait: of two that write one library at a
/// time, all files are of the later one. A file system without locks goes without.
class FolderLock {
 public:
  explicit FolderLock(const std::string& directory)
      : folder_(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
    if (folder_ >= 0) ::flock(folder_, LOCK_EX);
  }
  ~FolderLock() {
    if (folder_ >= 0) ::close(folder_);
  }
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  int folder_;
};

Failure cannot_write(const std::string& path, int error, Diagnostics& diagnostics) {
  diagnostics.error(Code::none, {}, "cannot write `" + path + "`: " + std::strerror(error))
      .help(error == ENOSPC
                ? "make room on the disk, or write to another folder; nothing was written"
                : "write to another folder, or change its permissions; nothing was written");
  return Failure::environment;
}

/// As Make wants it in a rule.
std::string escaped(const std::string& path) {
  std::string text;
  for (char c : path) {
    if (c == ' ' || c == '#') text += '\\';
    if (c == '$') text += '$';
    text += c;
  }
  return text;
}

}  // namespace

std::optional<Failure> write_files(const std::vector<NewFile>& files, Diagnostics& diagnostics) {
  const SignalGuard no_interruption;
  StagedFiles staged;
  for (const NewFile& file : files) {
    if (!staged.stage(file)) return cannot_write(file.first, errno, diagnostics);
  }
  const FolderLock lock(files.empty() ? "." : directory_of(files.front().first));
  const std::string at_fault = staged.publish();
  if (!at_fault.empty()) return cannot_write(at_fault, errno, diagnostics);
  return std::nullopt;
}

std::vector<NewFile> library_files(const Artifact& artifact, const std::string& directory) {
  const std::string& name = artifact.library_name;
  const std::string folder = directory.empty() ? "" : directory + "/";
  return {{folder + name + ".h", artifact.header},
          {folder + name + ".json", artifact.manifest},
          {folder + "lib" + name + ".a", archive(artifact.members)}};
}

std::optional<Failure> write_library(const Artifact& artifact, const std::string& directory,
                                     Diagnostics& diagnostics) {
  return write_files(library_files(artifact, directory), diagnostics);
}

std::string depfile_text(const std::vector<std::string>& outputs,
                         const std::vector<std::string>& inputs) {
  std::string text;
  for (const std::string& output : outputs) text += (text.empty() ? "" : " ") + escaped(output);
  text += ":";
  for (const std::string& input : inputs) text += " \\\n  " + escaped(input);
  return text + "\n";
}

}  // namespace convc
