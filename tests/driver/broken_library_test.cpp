// The whole road of `convc verify` with a library that is deliberately wrong: real kernels,
// compiled for a spec whose numbers are changed behind their back.
#include <catch2/catch.hpp>

#include "dsl/load.h"
#include "generators/driver/exit_codes.h"
#include "generators/driver/verification.h"

using namespace convc;

namespace {

constexpr const char* kSpec =
    "Conv2D(1, 3, kernel=[[1, 0, -1], [1, 0, -1], [1, 0, -1]], use_bias=False,\n"
    "       input_shape=(5, 5, 1), name=\"edges\")\n"
    "Conv2D(3, 3, padding=\"same\", input_shape=(6, 5, 2), name=\"same\")\n";

struct Library {
  explicit Library(const char* spec = kSpec) {
    options.files = {"broken.conv"};
    session.module = *load_spec_text(spec, "broken.conv", "broken", session.diagnostics);
    std::string error;
    session.targets = {*describe_target("host", &error)};
    const ModulePlans plans = automatic_plans(session.module, session.targets);
    CompileResult result =
        compile_module(session.module, session.targets, plans, {}, session.diagnostics);
    REQUIRE(result.artifact);
    artifact = std::move(*result.artifact);
  }

  /// Verifies, and returns the verdict of each graph.
  std::vector<Verdict> verify(int expected_exit_code) {
    std::vector<Verdict> verdicts;
    const int code = verify_artifact(
        session, artifact, "auto", {},
        [&](const VerifiedKernel& verified) { verdicts.push_back(verified.result.verdict); });
    CHECK(code == expected_exit_code);
    return verdicts;
  }

  /// As it was written: what the reference computes. The kernels stay.
  LayerSpec& layer(std::size_t graph) { return artifact.module.graphs[graph].nodes[0].layer; }

  Options options;
  Session session{options};
  Artifact artifact;
};

using Verdicts = std::vector<Verdict>;

}  // namespace

TEST_CASE("the library as it is passes") {
  Library library;
  CHECK(library.verify(exit_done) == Verdicts{Verdict::passed, Verdict::passed});
  CHECK(library.session.diagnostics.empty());
}

TEST_CASE("one wrong number of a literal filter is found, and only there") {
  Library library;
  Literal changed = *library.layer(0).kernel;
  changed.values[4] = 1;  // the middle, which the code leaves out as a zero
  library.layer(0).kernel = std::make_shared<const Literal>(changed);
  CHECK(library.verify(exit_verification_failed) == Verdicts{Verdict::failed, Verdict::passed});
  const std::string text = library.session.diagnostics.render(/*colors=*/false);
  CHECK_THAT(text, Catch::Contains("broken.conv:1:1: error: the "));
  CHECK_THAT(text, Catch::Contains("kernel of `edges` disagrees with the naive reference"));
  CHECK_THAT(text, Catch::Contains("output[0, 0, 0, 0]: expected "));
  CHECK_THAT(text,
             Catch::Contains("repeat with: convc verify broken.conv --layer edges --target "));
  CHECK_THAT(text, Catch::Contains("--seed 1"));
}

TEST_CASE("padding on the wrong side is found") {
  Library library;
  library.layer(1).padding = {2, 0, 1, 1};
  CHECK(library.verify(exit_verification_failed) == Verdicts{Verdict::passed, Verdict::failed});
}

TEST_CASE("a forgotten activation is found") {
  Library library;
  PostOp relu;
  relu.activation = default_activation(ActivationFunction::relu);
  library.layer(1).post_ops = {relu};
  CHECK(library.verify(exit_verification_failed) == Verdicts{Verdict::passed, Verdict::failed});
}

TEST_CASE("one coefficient of a winograd kernel that is off by its last bit is found") {
  Library library("Conv2D(64, 3, padding=\"same\", input_shape=(18, 17, 64), name=\"w\")\n");
  const CompiledLayer& layer = library.artifact.layers[0][0][0];
  if (layer.plan.output_tile < 4) {
    WARN("[SKIP] planned otherwise on this machine: " << to_text(layer.plan));
    return;
  }
  CHECK(library.verify(exit_done) == Verdicts{Verdict::passed});
  // B^T of F(4, 3) and F(6, 3) has 4 1/4 or its negative, in the object's constants.
  std::size_t patched = 0;
  for (auto& [name, bytes] : library.artifact.members) {
    if (bytes != layer.object.object) continue;
    for (const std::string& number :
         {std::string("\0\0\x88\x40", 4), std::string("\0\0\x88\xc0", 4)}) {
      for (std::size_t at = 0; (at = bytes.find(number, at)) != std::string::npos; at += 4) {
        bytes[at] = 1;
        ++patched;
      }
    }
    break;
  }
  REQUIRE(patched > 0);
  CHECK(library.verify(exit_verification_failed) == Verdicts{Verdict::failed});
  const std::string text = library.session.diagnostics.render(false);
  CHECK_THAT(text, Catch::Contains("allowed error 0; "));
  CHECK_THAT(text, Catch::Contains("(data integers, "));
}

TEST_CASE("code that crashes is a failure of that kernel, not of convc") {
  Library library;
  // ud2, in place of every instruction of the first kernel.
  const std::string& object = library.artifact.layers[0][0][0].object.object;
  bool patched = false;
  for (auto& [name, bytes] : library.artifact.members) {
    if (bytes != object) continue;
    patched = true;
    // The text section begins after the ELF header (64 bytes) and is code_bytes long.
    const auto code = static_cast<std::size_t>(library.artifact.layers[0][0][0].object.code_bytes);
    for (std::size_t at = 64; at + 1 < 64 + code; at += 2) bytes.replace(at, 2, "\x0f\x0b");
  }
  if (!patched) {
    WARN("[SKIP] the archive does not hold the kernel's object as it is");
    return;
  }
  CHECK(library.verify(exit_verification_failed) == Verdicts{Verdict::failed, Verdict::passed});
  CHECK_THAT(library.session.diagnostics.render(false), Catch::Contains("the kernel stopped"));
}
