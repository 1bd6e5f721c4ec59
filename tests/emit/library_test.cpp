// compile_module as a whole: the same bytes every time, shared code, errors in words.
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <nlohmann/json.hpp>
#include <set>

#include "generators/emit/write_library.h"
#include "generators/plan/planner.h"
#include "tests/emit/emit_helpers.h"

namespace convc {
namespace {

using test::library_of;
using test::module_of;
using test::options_with;
using test::run_command;
using test::ScratchDirectory;
using test::targets_of;

const char* const kSpec = R"(
Conv2D(8, 3, input_shape=(6, 6, 4), name="a")
Conv2D(8, 3, input_shape=(6, 6, 4), name="twin")
Conv2D(1, 3, kernel=[[1, 0, -1], [2, 0, -2], [1, 0, -1]], use_bias=False, input_shape=(9, 9, 1), name="sobel")
Sequential(name="net", layers=[
    Input(shape=(6, 6, 4)),
    Conv2D(8, 3, name="first"),
    Conv2D(4, 1, activation="relu", name="second"),
])
)";

std::string bytes_of(const Artifact& artifact) {
  std::string bytes;
  for (const NewFile& file : library_files(artifact, "")) bytes += file.first + file.second;
  return bytes;
}

std::vector<std::string> code_members(const Artifact& artifact) {
  std::vector<std::string> names;
  for (const auto& [name, bytes] : artifact.members) {
    if (name.rfind("convc_k_", 0) == 0) names.push_back(name);
  }
  return names;
}

TEST_CASE("the same bytes whatever the workers, the cache and the environment", "[library]") {
  const ScratchDirectory cache;
  const Module module = module_of(kSpec, "edge");
  const std::vector<std::string> targets = {"avx2"};
  const std::string alone = bytes_of(library_of(module, targets, options_with(std::nullopt, 1)));
  CHECK(alone == bytes_of(library_of(module, targets, options_with(std::nullopt, 4))));
  CHECK(alone == bytes_of(library_of(module, targets, options_with(cache.path(), 2))));
  const Artifact cached = library_of(module, targets, options_with(cache.path(), 2));
  CHECK(alone == bytes_of(cached));
  for (const auto& layer : cached.layers[0][0]) CHECK(layer.object.from_cache);
  ::setenv("HL_LLVM_ARGS", "-unroll-count=7", 1);
  ::setenv("HL_DEBUG_CODEGEN", "1", 1);
  const std::string disturbed = bytes_of(library_of(module, targets, options_with(std::nullopt)));
  ::unsetenv("HL_LLVM_ARGS");
  ::unsetenv("HL_DEBUG_CODEGEN");
  CHECK(alone == disturbed);
}

TEST_CASE("innermost loops begin on a line of code", "[library]") {
  const ScratchDirectory directory;
  const Artifact artifact =
      library_of(module_of("Conv2D(64, 1, input_shape=(56, 56, 64), name='pointwise')"), {"avx2"});
  const std::string path = directory / "kernel.o";
  for (const auto& [name, bytes] : artifact.members) {
    if (name.rfind("convc_k_", 0) == 0) test::write_text_file(path, bytes);
  }
  const auto sections =
      test::run_command(std::string(CONVC_LLVM_READELF) + " --sections --wide " + path);
  REQUIRE(sections.status == 0);
  // The last column is the alignment, which a section has from what is in it.
  std::istringstream lines(sections.output);
  int aligned = 0;
  for (std::string line; std::getline(lines, line);) {
    const bool is_code = line.find(" .text") != std::string::npos;
    if (is_code && line.size() > 3 && line.substr(line.size() - 3) == " 64") ++aligned;
  }
  INFO(sections.output);
  CHECK(aligned > 0);
}

TEST_CASE("equal layers share one kernel", "[library]") {
  const Artifact artifact = library_of(module_of(kSpec, "edge"), {"avx2"});
  // a, twin and net's first are one; sobel; net's second.
  CHECK(code_members(artifact).size() == 3);
  const std::string& symbol = artifact.layers[0][0][0].object.symbol;
  CHECK(artifact.layers[1][0][0].object.symbol == symbol);
  CHECK(artifact.layers[3][0][0].object.symbol == symbol);
}

TEST_CASE("an edited layer is the only one compiled again", "[library]") {
  const ScratchDirectory cache;
  library_of(module_of(kSpec), {"avx2"}, options_with(cache.path()));
  std::string edited = kSpec;
  edited.replace(edited.find("Conv2D(4, 1"), 11, "Conv2D(5, 1");
  CompileOptions options = options_with(cache.path());
  std::size_t total = 0;
  std::vector<std::string> reported;
  options.progress = [&](std::size_t done, std::size_t of, const std::string& layer) {
    reported.push_back(layer);
    CHECK(done == reported.size());
    total = of;
  };
  const Artifact artifact = library_of(module_of(edited), {"avx2"}, options);
  CHECK(total == 3);
  CHECK(reported.size() == 3);
  std::set<std::string> compiled;
  for (const auto& graph : artifact.layers) {
    for (const CompiledLayer& layer : graph[0]) {
      if (!layer.object.from_cache) compiled.insert(layer.object.symbol);
    }
  }
  CHECK(compiled.size() == 1);
}

TEST_CASE("a damaged cache is compiled over", "[library]") {
  const ScratchDirectory cache;
  const Module module = module_of("Conv2D(8, 3, input_shape=(6, 6, 4), name='a')");
  const std::string good = bytes_of(library_of(module, {"avx2"}, options_with(cache.path())));
  for (const auto& entry : std::filesystem::recursive_directory_iterator(cache.path())) {
    if (entry.is_regular_file()) std::filesystem::resize_file(entry.path(), 100);
  }
  CHECK(good == bytes_of(library_of(module, {"avx2"}, options_with(cache.path()))));
  const Artifact again = library_of(module, {"avx2"}, options_with(cache.path()));
  CHECK(again.layers[0][0][0].object.from_cache);
}

TEST_CASE("a cache that cannot be written is a warning", "[library]") {
  const ScratchDirectory directory;
  test::write_text_file(directory / "taken", "");
  const Module module = module_of("Conv2D(8, 3, input_shape=(6, 6, 4), name='a')");
  const auto targets = targets_of({"avx2"});
  Diagnostics diagnostics;
  const CompileResult result = compile_module(module, targets, automatic_plans(module, targets),
                                              options_with(directory / "taken"), diagnostics);
  CHECK(result.artifact.has_value());
  CHECK_FALSE(diagnostics.has_errors());
  CHECK(diagnostics.warning_count() == 1);
  CHECK(diagnostics.render(false).find("kernels are not kept in the cache") != std::string::npos);
}

TEST_CASE("a kernel that breaks the compiler is told with all that repeats it", "[library]") {
  const Module module = module_of(
      "Conv2D(8, 3, input_shape=(6, 6, 4), name='a')\n"
      "Conv2D(8, 3, input_shape=(7, 7, 4), name='fine')\n"
      "Conv2D(8, 3, input_shape=(8, 8, 4), name='b')\n");
  const auto targets = targets_of({"avx2"});
  ModulePlans plans = automatic_plans(module, targets);
  plans[0][0][0].lanes = 0;
  plans[2][0][0].lanes = 0;
  Diagnostics diagnostics;
  const CompileResult result =
      compile_module(module, targets, plans, options_with(std::nullopt), diagnostics);
  CHECK_FALSE(result.artifact.has_value());
  CHECK(result.failure == Failure::internal);
  CHECK(diagnostics.error_count() == 2);
  const std::string text = diagnostics.render(false);
  INFO(text);
  for (const char* expected :
       {"internal error: layer `a` cannot be compiled for `avx2`; this is a bug in convc",
        "internal error: layer `b` cannot be compiled for `avx2`; this is a bug in convc",
        "the layer: Conv2D(filters=8, kernel_size=3, input_shape=(6, 6, 4), name=\"a\")", "lanes=0",
        "the target: x86-64-linux-avx-avx2-f16c-fma-sse41"}) {
    CHECK(text.find(expected) != std::string::npos);
  }
}

TEST_CASE("targets that cannot share a library", "[library]") {
  const Module module = module_of("Conv2D(8, 3, input_shape=(6, 6, 4))");
  auto error_of = [&](const std::vector<std::string>& texts) {
    const auto targets = targets_of(texts);
    Diagnostics diagnostics;
    const CompileResult result = compile_module(module, targets, automatic_plans(module, targets),
                                                options_with(std::nullopt), diagnostics);
    CHECK_FALSE(result.artifact.has_value());
    CHECK(result.failure == Failure::input);
    return diagnostics.render(false);
  };
  CHECK(error_of({"avx2", "x86-64-linux-avx2-fma"}).find("both variants for `avx2`") !=
        std::string::npos);
  CHECK(error_of({"avx2", "arm-64-linux"}).find("one library cannot hold code for both") !=
        std::string::npos);
}

TEST_CASE("a stop signal leaves no library and no process", "[library]") {
  const ScratchDirectory cache;
  const pid_t pid = ::fork();
  if (pid == 0) {
    const Module module = module_of(kSpec);
    const auto targets = targets_of({"avx2"});
    Diagnostics diagnostics;
    CompileOptions options = options_with(cache.path(), 1);
    const pid_t self = ::getpid();
    options.progress = [self](std::size_t, std::size_t, const std::string&) {
      ::kill(self, SIGINT);
    };
    const CompileResult result =
        compile_module(module, targets, automatic_plans(module, targets), options, diagnostics);
    const bool good = !result.artifact && result.failure == Failure::interrupted &&
                      diagnostics.empty() && ::waitpid(-1, nullptr, WNOHANG) == -1;
    ::_exit(good ? 0 : 1);
  }
  int status = -1;
  REQUIRE(::waitpid(pid, &status, 0) == pid);
  CHECK(status == 0);
  for (const auto& entry : std::filesystem::recursive_directory_iterator(cache.path())) {
    CHECK(entry.path().filename().string()[0] != '.');  // no temporary file
  }
}

TEST_CASE("a library for a foreign target holds its code", "[library]") {
  const ScratchDirectory directory;
  const Artifact artifact = library_of(module_of(kSpec, "edge"), {"arm-64-linux"});
  Diagnostics diagnostics;
  REQUIRE_FALSE(write_library(artifact, directory.path(), diagnostics));
  const auto headers = run_command(std::string(CONVC_LLVM_READELF) +
                                   " --file-headers --relocations " + (directory / "libedge.a"));
  REQUIRE(headers.status == 0);
  CHECK(headers.output.find("AArch64") != std::string::npos);
  CHECK(headers.output.find("X86-64") == std::string::npos);
  CHECK(headers.output.find("R_AARCH64_ABS64") != std::string::npos);
}

TEST_CASE("the manifest holds plans, costs, sizes and bounds", "[library]") {
  const Artifact artifact = library_of(module_of(kSpec, "edge"), {"avx2", "avx512"});
  const auto json = nlohmann::json::parse(artifact.manifest);
  CHECK(json["library"] == "edge");
  CHECK(json["targets"].size() == 2);
  REQUIRE(json["kernels"].size() == 4);
  const auto& kernel = json["kernels"][0];
  CHECK(kernel["name"] == "a");
  CHECK(kernel["cost"]["macs"] == 4 * 4 * 8 * 3 * 3 * 4);
  CHECK(kernel["cost"]["parameters"] == 8 * 3 * 3 * 4 + 8);
  CHECK(kernel["weights"][0]["shape"] == nlohmann::json({3, 3, 4, 8}));
  REQUIRE(kernel["variants"].size() == 2);
  const auto& variant = kernel["variants"][0];
  CHECK(variant["isa"] == "avx2");
  CHECK(variant["code_bytes"] > 100);
  CHECK(variant["packed_bytes"] >= 64 + 4 * (8 * 3 * 3 * 4 + 8));
  const auto& layer = variant["steps"][0];
  CHECK(layer["plan"] == to_text(artifact.layers[0][0][0].plan));
  CHECK(layer["error_bound"]["gamma_n"] == 3 * 3 * 4 + 1);
  CHECK(json["kernels"][2]["weights"].empty());
  CHECK(json["kernels"][2]["variants"][0]["packed_bytes"] == 0);
  CHECK(json["kernels"][3]["variants"][0]["steps"].size() == 2);
}

}  // namespace
}  // namespace convc
