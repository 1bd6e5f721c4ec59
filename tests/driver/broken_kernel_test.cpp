// exercise_kernel must catch every way in which a kernel can be wrong. The kernels are those
// of broken_kernel.h.
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdio>
#include <cstring>
#include <limits>

#include "generators/driver/exercise.h"
#include "generators/driver/fault_report.h"
#include "tests/driver/broken_kernel.h"

using namespace convc;
using namespace convc::test;

namespace {

struct Outcome {
  ExerciseResult result;  ///< where the kernel did not crash
  bool crashed = false;
  std::string log;  ///< what the crash said
};

/// Exercises the kernel with one defect in a child process, as convc verify does.
Outcome exercise(Defect which) {
  int out[2];
  REQUIRE(pipe(out) == 0);
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    dup2(out[1], STDERR_FILENO);
    report_faults();
    defect = which;
    const Graph graph = make_graph();
    const ExerciseSubject subject{descriptor(), &graph, &graph, "any", std::vector<Plan>(1)};
    const ExerciseResult result = exercise_kernel(subject, {});
    dprintf(out[1], "%s", result.message.c_str());
    _exit(static_cast<int>(result.verdict));
  }
  close(out[1]);
  Outcome outcome;
  char buffer[512];
  for (ssize_t got = 0; (got = read(out[0], buffer, sizeof buffer)) > 0;)
    outcome.log.append(buffer, static_cast<std::size_t>(got));
  close(out[0]);
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  outcome.crashed = WIFSIGNALED(status);
  if (WIFEXITED(status)) outcome.result.verdict = static_cast<Verdict>(WEXITSTATUS(status));
  return outcome;
}

}  // namespace

TEST_CASE("a right kernel passes, exactly and within its bound") {
  pitched = GENERATE(false, true);
  const Graph graph = make_graph();
  const ExerciseSubject subject{descriptor(), &graph, &graph, "any", std::vector<Plan>(1)};
  defect = Defect::none;
  const ExerciseResult result = exercise_kernel(subject, {});
  INFO(result.message);
  CHECK(result.verdict == Verdict::passed);
  REQUIRE(result.kinds.size() == 3);
  CHECK(result.kinds[0].exact);
  CHECK(result.kinds[0].max_abs_error == 0);
  CHECK(result.kinds[0].zero_fraction > 0.1);  // relu
  CHECK(result.kinds[0].zero_fraction < 0.9);
  CHECK(result.kinds[1].max_error_over_bound > 0);
  CHECK(result.kinds[1].max_error_over_bound <= 1);
  CHECK(result.kinds[1].max_ulp > 0);
  CHECK(result.kinds[2].max_error_over_bound <= 1);
}

TEST_CASE("what lies between rows is neither read nor written") {
  pitched = true;
  CHECK_THAT(exercise(Defect::writes_gaps).log,
             Catch::Contains("the gaps between the rows of `output` were overwritten, first at "
                             "element 15 of its memory"));
  CHECK_THAT(exercise(Defect::reads_gaps).log, Catch::Contains("output[0, 0, 0, 0]: expected"));
  pitched = false;
}

TEST_CASE("a descriptor of other tensors than the graph's is caught") {
  pitched = false;
  Graph graph = make_graph();
  convc_kernel kernel = *descriptor();
  std::string text;
  SECTION("another shape") {
    graph.tensors[1].shape[2] = {4, 4};
    text = "the descriptor is wrong: dimension 2 of `output`: expected 4, got 5";
  }
  SECTION("another pitch") {
    graph.tensors[0].form.row_pitch = 11;
    text = "the descriptor is wrong: bytes of `input`: expected 524, got 480";
  }
  SECTION("a variable less") {
    kernel.variable_count = 1;
    text = "variable 1 of the kernel should be `bias` of layer";
  }
  SECTION("an output more") {
    graph.outputs.push_back(1);
    text = "another number of inputs or outputs";
  }
  const ExerciseSubject subject{&kernel, &graph, &graph, "any", std::vector<Plan>(1)};
  const ExerciseResult result = exercise_kernel(subject, {});
  CHECK(result.verdict == Verdict::failed);
  CHECK_THAT(result.message, Catch::Contains(text));
}

TEST_CASE("every broken kernel is caught, in words that say how") {
  pitched = false;
  struct Case {
    Defect defect;
    const char* message;
  };
  const Case tried = GENERATE(values<Case>({
      {Defect::wrong_border, "output[0, 0, "},
      {Defect::forgets_channel, ", 2]: expected"},
      {Defect::forgets_bias, "expected"},
      {Defect::no_relu, "expected 0, got -"},
      {Defect::flipped_filter, "expected"},
      {Defect::leaves_out_image_row, "output[0, 5, "},
      {Defect::keeps_border_taps, "output[0, 1, "},
      {Defect::skips_last, "output[1, 5, 4, 2]: expected"},
      {Defect::keeps_state, "in the run before this one"},
      {Defect::rounds_to_half, "expected"},
      {Defect::returns_error, "convc_run: CONVC_INTERNAL"},
  }));
  const Outcome outcome = exercise(tried.defect);
  INFO(outcome.log);
  CHECK_FALSE(outcome.crashed);
  CHECK(outcome.result.verdict == Verdict::failed);
  CHECK_THAT(outcome.log, Catch::Contains(tried.message));
}

TEST_CASE("what was never written is called that") {
  CHECK_THAT(exercise(Defect::skips_last).log,
             Catch::Contains("got nothing (it was never written)"));
}

TEST_CASE("a kernel that leaves its buffers is caught at the access") {
  struct Case {
    Defect defect;
    const char* message;
  };
  const Case tried = GENERATE(values<Case>({
      {Defect::reads_beyond, "an access 0 bytes past the end of `input`"},
      {Defect::reads_before, "an access 4 bytes before the start of `input`"},
      {Defect::writes_beyond, "an access 0 bytes past the end of `output`"},
      {Defect::changes_input, "a write to `input`, which is only for reading"},
  }));
  const Outcome outcome = exercise(tried.defect);
  INFO(outcome.log);
  CHECK(outcome.crashed);
  CHECK_THAT(outcome.log, Catch::Contains(tried.message));
}

TEST_CASE("outputs that are nearly all zero are mistrusted") {
  pitched = false;
  Graph graph = make_graph();
  // A literal kernel of ones and a bias that drowns it: relu gives zeros only. (The kernel under
  // test is never asked for these numbers; it is right for them all the same.)
  LayerSpec& layer = graph.nodes[0].layer;
  layer.kernel = std::make_shared<const Literal>(
      Literal{{3, 3, kChannels, kFilters}, std::vector<float>(9 * kChannels * kFilters, 1.0F)});
  layer.bias =
      std::make_shared<const Literal>(Literal{{kFilters}, std::vector<float>(kFilters, -1e12F)});
  convc_kernel kernel = *descriptor();
  static const auto zeros = [](void** argv) -> std::int32_t {
    std::memset(floats(argv, 1), 0, kBatch * kHeight * kWidth * kFilters * sizeof(float));
    return 0;
  };
  static constexpr convc_dim dims[] = {{1, 1}};
  static constexpr convc_argument output = {
      CONVC_SOURCE_OUTPUT, 0, 0, nullptr, dims, nullptr, {}, 1, CONVC_DTYPE_F32};
  const convc_step step = {zeros, &output, 1, 1, "layer"};
  convc_variant variant{};
  variant.isa = "any";
  variant.steps = &step;
  variant.step_count = 1;
  kernel.variants = &variant;
  kernel.variable_count = 0;
  const ExerciseSubject subject{&kernel, &graph, &graph, "any", std::vector<Plan>(1)};
  const ExerciseResult result = exercise_kernel(subject, {});
  INFO(result.message);
  CHECK(result.verdict == Verdict::mistrusted);
  CHECK_THAT(result.message, Catch::Contains("100 % of the reference's outputs are zero"));
}

TEST_CASE("ulp distance") {
  CHECK(ulp_distance(1.0F, 1.0F) == 0);
  CHECK(ulp_distance(1.0F, std::nextafter(1.0F, 2.0F)) == 1);
  CHECK(ulp_distance(0.0F, std::numeric_limits<float>::denorm_min()) == 1);
  CHECK(ulp_distance(-3.0F, -3.0F - 0x1p-21F) == 2);
}
