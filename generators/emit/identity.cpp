// SHA-256, cut to 128 bits.
#include "generators/emit/identity.h"

#include <HalideRuntime.h>
#include <llvm/ADT/ArrayRef.h>
#include <llvm/ADT/StringExtras.h>
#include <llvm/Support/SHA256.h>

#include "dsl/canonical.h"
#include "generators/emit/build_id.h"

namespace convc {
namespace {

constexpr std::size_t kHashBytes = 16;

std::array<std::uint8_t, 32> sha256(const std::string& text) {
  return llvm::SHA256::hash(llvm::ArrayRef<std::uint8_t>(
      reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
}

/// The parts with their lengths, so that no two lists of parts give the same text.
std::string framed(std::initializer_list<std::string> parts) {
  std::string text;
  for (const std::string& part : parts) text += std::to_string(part.size()) + ":" + part;
  return text;
}

std::string digits_of(const std::array<std::uint8_t, 32>& hash) {
  return llvm::toHex(llvm::ArrayRef<std::uint8_t>(hash.data(), kHashBytes), /*LowerCase=*/true);
}

}  // namespace

std::string halide_version() {
  return std::to_string(HALIDE_VERSION_MAJOR) + "." + std::to_string(HALIDE_VERSION_MINOR) + "." +
         std::to_string(HALIDE_VERSION_PATCH);
}

std::string build_id() {
  return CONVC_BUILD_ID;
}

std::string kernel_symbol(const LayerSpec& layer, const Plan& plan, const std::string& target) {
  const auto hash = sha256(framed({"convc kernel", canonical_layer_text(layer), to_text(plan),
                                   target, build_id(), halide_version()}));
  return "convc_k_" + digits_of(hash);
}

std::string data_symbol(const std::string& bytes) {
  return "convc_d_" + digits_of(sha256(framed({"convc data", bytes})));
}

std::array<std::uint64_t, 2> packing_identity(const std::string& text) {
  const auto hash = sha256(framed({"convc packing", text}));
  std::array<std::uint64_t, 2> identity{};
  for (std::size_t i = 0; i < kHashBytes; ++i) {
    identity[i / 8] = identity[i / 8] << 8 | hash[i];
  }
  if (identity[0] == 0 && identity[1] == 0) identity[1] = 1;
  return identity;
}

std::string to_hex(const std::array<std::uint64_t, 2>& identity) {
  std::string text;
  for (std::uint64_t word : identity) {
    const std::string digits = llvm::utohexstr(word, /*LowerCase=*/true);
    text += std::string(16 - digits.size(), '0') + digits;
  }
  return text;
}

}  // namespace convc
