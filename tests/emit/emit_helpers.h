// What the tests of this room share: directories that vanish, specs to libraries, commands.
#pragma once

#include <catch2/catch.hpp>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "dsl/load.h"
#include "generators/emit/compile.h"

namespace convc::test {

/// An empty directory that is removed with all it holds.
class ScratchDirectory {
 public:
  ScratchDirectory() {
    std::string name = (std::filesystem::temp_directory_path() / "convc_emit_XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~ScratchDirectory() {
    std::error_code ignored;
    std::filesystem::permissions(path_, std::filesystem::perms::owner_all, ignored);
    std::filesystem::remove_all(path_, ignored);
  }
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;

  [[nodiscard]] std::string operator/(const std::string& name) const {
    return (path_ / name).string();
  }
  [[nodiscard]] std::string path() const { return path_.string(); }
  [[nodiscard]] std::size_t file_count() const {
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(path_)) {
      count += entry.is_regular_file() ? 1 : 0;
    }
    return count;
  }

 private:
  std::filesystem::path path_;
};

/// Kernels that several tests need are compiled once per run of the test program.
inline std::string shared_cache() {
  static const ScratchDirectory directory;
  return directory.path();
}

inline Module module_of(const std::string& spec, const std::string& library = "lib") {
  Diagnostics diagnostics;
  std::optional<Module> module = load_spec_text(spec, "test.conv", library, diagnostics);
  INFO(diagnostics.render(false));
  REQUIRE(module.has_value());
  return *module;
}

inline TargetInfo target_of(const std::string& text) {
  std::string error;
  const std::optional<TargetInfo> target = describe_target(text, &error);
  INFO(error);
  REQUIRE(target.has_value());
  return *target;
}

inline std::vector<TargetInfo> targets_of(const std::vector<std::string>& texts) {
  std::vector<TargetInfo> targets;
  for (const std::string& text : texts) targets.push_back(target_of(text));
  return targets;
}

inline CompileOptions options_with(const std::optional<std::string>& cache, unsigned jobs = 2) {
  CompileOptions options;
  options.workers.jobs = jobs;
  options.cache_directory = cache;
  return options;
}

/// A library that must compile without a word.
inline Artifact library_of(const Module& module, const std::vector<std::string>& target_texts,
                           const CompileOptions& options = options_with(shared_cache())) {
  const std::vector<TargetInfo> targets = targets_of(target_texts);
  Diagnostics diagnostics;
  CompileResult result =
      compile_module(module, targets, automatic_plans(module, targets), options, diagnostics);
  INFO(diagnostics.render(false));
  REQUIRE(result.artifact.has_value());
  REQUIRE(diagnostics.empty());
  return std::move(*result.artifact);
}

struct CommandResult {
  int status = 0;  ///< exit code
  std::string output;
};

/// Runs a shell command; its standard output and errors together.
inline CommandResult run_command(const std::string& command) {
  CommandResult result;
  std::FILE* pipe = ::popen(("( " + command + " ) 2>&1").c_str(), "r");
  REQUIRE(pipe != nullptr);
  char buffer[4096];
  for (std::size_t count; (count = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;) {
    result.output.append(buffer, count);
  }
  const int status = ::pclose(pipe);
  result.status = WIFEXITED(status) ? WEXITSTATUS(status) : 255;
  return result;
}

inline void write_text_file(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  REQUIRE(file.good());
}

inline std::string text_of_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  REQUIRE(file.good());
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

/// The targets among `texts` that this processor can run.
inline std::vector<std::string> runnable(const std::vector<std::string>& texts) {
  std::vector<std::string> here;
  for (const std::string& text : texts) {
    const std::string reason = why_target_cannot_run_here(target_of(text));
    if (reason.empty()) here.push_back(text);
    if (!reason.empty()) WARN("skipped: " << reason);
  }
  return here;
}

}  // namespace convc::test
