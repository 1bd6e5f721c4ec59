#include "dsl/read_bytes.h"

#include <cstdio>
#include <memory>

namespace convc {
namespace {

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

}  // namespace

std::optional<std::string> read_bytes(const std::string& path, std::size_t most) {
  const std::unique_ptr<std::FILE, CloseFile> file(std::fopen(path.c_str(), "rb"));
  if (!file) return std::nullopt;
  std::string bytes;
  std::string chunk(std::size_t{1} << 20, '\0');
  while (bytes.size() <= most) {
    const std::size_t count = std::fread(chunk.data(), 1, chunk.size(), file.get());
    if (count == 0) break;
    bytes.append(chunk, 0, count);
  }
  if (std::ferror(file.get()) != 0) return std::nullopt;
  if (bytes.size() > most) bytes.resize(most + 1);
  return bytes;
}

}  // namespace convc
