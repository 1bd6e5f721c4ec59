// open, read, write, close; errno is the error.
#include "generators/emit/file_io.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <filesystem>
#include <system_error>

namespace convc {
namespace {

/// Writes everything and closes `fd`. False with errno set.
bool write_and_close(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(fd, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      const int error = errno;
      ::close(fd);
      errno = error;
      return false;
    }
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  // Network file systems report a full disk here.
  return ::close(fd) == 0;
}

/// Opens a file that did not exist before; its name is left in `path`. -1 with errno set.
int open_new(std::string& path) {
  static std::atomic<unsigned> counter = 0;
  const std::string stem = path + std::to_string(::getpid()) + ".";
  for (;;) {
    path = stem + std::to_string(counter++);
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd >= 0 || errno != EEXIST) return fd;
  }
}

}  // namespace

std::optional<std::string> read_file(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return std::nullopt;
  std::string bytes;
  char buffer[65536];
  for (;;) {
    const ssize_t count = ::read(fd, buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      const int error = errno;
      ::close(fd);
      errno = error;
      return std::nullopt;
    }
    if (count == 0) break;
    bytes.append(buffer, static_cast<std::size_t>(count));
  }
  ::close(fd);
  return bytes;
}

std::optional<std::string> write_temporary(const std::string& directory, const std::string& prefix,
                                           std::string_view bytes) {
  std::string path = directory + "/" + prefix;
  const int fd = open_new(path);
  if (fd < 0) return std::nullopt;
  if (write_and_close(fd, bytes)) return path;
  const int error = errno;
  ::unlink(path.c_str());
  errno = error;
  return std::nullopt;
}

bool make_directories(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) errno = error.value();
  return !error;
}

}  // namespace convc
