// Golden files: expected text beside the tests. A missing one is a failure; with
// CONVC_UPDATE_GOLDEN=1 in the environment the tests write them instead of comparing.
#pragma once

#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

namespace convc::test {

inline bool updates_goldens() {
  const char* update = std::getenv("CONVC_UPDATE_GOLDEN");
  return update != nullptr && std::string(update) == "1";
}

inline std::string read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  INFO("reading " << path);
  REQUIRE(file.good());
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

inline void write_text(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary);
  file << text;
  INFO("writing " << path);
  REQUIRE(file.good());
}

inline void check_golden(const std::string& path, const std::string& actual) {
  if (updates_goldens()) write_text(path, actual);
  INFO("golden file " << path);
  CHECK(actual == read_text(path));
}

}  // namespace convc::test
