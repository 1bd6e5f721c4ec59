// Fixed-width fields in the order of KernelObject, then the strings, then SHA-256.
#include "generators/emit/kernel_record.h"

#include <llvm/ADT/ArrayRef.h>
#include <llvm/Support/SHA256.h>

#include <array>
#include <cstring>

namespace convc {
namespace {

constexpr std::string_view kMagic = "convc kernel\n";
constexpr std::size_t kChecksumBytes = 32;

std::array<std::uint8_t, kChecksumBytes> checksum(std::string_view bytes) {
  return llvm::SHA256::hash(llvm::ArrayRef<std::uint8_t>(
      reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()));
}

template <typename T>
void put(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

void put_string(std::string& out, const std::string& text) {
  put<std::uint64_t>(out, text.size());
  out += text;
}

/// Takes values off the front of `rest`; any shortage sets `ok` to false.
struct Reader {
  std::string_view rest;
  bool ok = true;

  template <typename T>
  T take() {
    T value{};
    if (rest.size() < sizeof value) {
      ok = false;
      return value;
    }
    std::memcpy(&value, rest.data(), sizeof value);
    rest.remove_prefix(sizeof value);
    return value;
  }

  std::string take_string() {
    const auto size = take<std::uint64_t>();
    if (!ok || rest.size() < size) {
      ok = false;
      return {};
    }
    std::string text(rest.substr(0, size));
    rest.remove_prefix(size);
    return text;
  }
};

}  // namespace

std::string to_record(const KernelObject& kernel) {
  std::string out(kMagic);
  out.reserve(kMagic.size() + 128 + kernel.symbol.size() + kernel.object.size());
  put(out, kernel.scratch_bytes);
  put(out, kernel.thread_scratch_bytes);
  put(out, kernel.max_tasks);
  put(out, kernel.code_bytes);
  put(out, kernel.compile_seconds);
  put_string(out, kernel.symbol);
  put_string(out, kernel.object);
  const auto sum = checksum(out);
  out.append(reinterpret_cast<const char*>(sum.data()), sum.size());
  return out;
}

std::optional<KernelObject> parse_record(std::string_view record) {
  if (record.size() < kMagic.size() + kChecksumBytes || record.substr(0, kMagic.size()) != kMagic) {
    return std::nullopt;
  }
  const std::string_view body = record.substr(0, record.size() - kChecksumBytes);
  const auto sum = checksum(body);
  if (std::memcmp(sum.data(), record.data() + body.size(), kChecksumBytes) != 0) {
    return std::nullopt;
  }
  Reader reader{body.substr(kMagic.size())};
  KernelObject kernel;
  kernel.scratch_bytes = reader.take<std::int64_t>();
  kernel.thread_scratch_bytes = reader.take<std::int64_t>();
  kernel.max_tasks = reader.take<std::int32_t>();
  kernel.code_bytes = reader.take<std::int64_t>();
  kernel.compile_seconds = reader.take<double>();
  kernel.symbol = reader.take_string();
  kernel.object = reader.take_string();
  if (!reader.ok || !reader.rest.empty()) return std::nullopt;
  return kernel;
}

}  // namespace convc
