// The seed of random tests: CONVC_SEED, or a fixed one, so that a run can be repeated.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string>

namespace convc::test {

/// Prints the seed, because a failure is worth nothing without it.
inline std::uint64_t seed_of(const std::string& test) {
  const char* given = std::getenv("CONVC_SEED");
  const std::uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 0) : 20240607;
  std::cout << test << ": CONVC_SEED=" << seed << '\n';
  return seed;
}

}  // namespace convc::test
