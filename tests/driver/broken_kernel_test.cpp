// exercise_kernel must catch every way in which a kernel can be wrong. The kernels here are written
// by hand, one right and the others each broken in one way; they have the descriptor of real ones.
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdio>
#include <cstring>
#include <limits>

#include "generators/driver/exercise.h"
#include "generators/driver/fault_report.h"
#include "runtime/src/halide_buffer.h"

using namespace convc;

namespace {

// 3x3, padding "same", 2 channels to 3 filters, on 6x5 pixels, batch 2.
constexpr std::int64_t kBatch = 2, kHeight = 6, kWidth = 5, kChannels = 2, kFilters = 3;
constexpr std::int64_t kPanel = 4;  // filters, padded

enum class Defect {
  none,
  wrong_border,     // takes the nearest pixel instead of a zero
  forgets_channel,  // the last one, of the last filter
  forgets_bias,
  no_relu,
  flipped_filter,
  skips_last,    // never writes the last element
  reads_beyond,  // one element past the input
  reads_before,
  writes_beyond,  // one element past the output
  changes_input,
  keeps_state,     // the second call gives other results than the first
  rounds_to_half,  // as float16 would
  returns_error,
};

Defect defect = Defect::none;
int calls = 0;

float* floats(void** argv, int index) {
  return static_cast<float*>(
      static_cast<void*>(static_cast<convc_impl_halide_buffer*>(argv[index])->host));
}

float padded_input(const float* input, std::int64_t n, std::int64_t y, std::int64_t x,
                   std::int64_t c) {
  if (defect == Defect::wrong_border) {
    y = std::clamp<std::int64_t>(y, 0, kHeight - 1);
    x = std::clamp<std::int64_t>(x, 0, kWidth - 1);
  }
  if (y < 0 || y >= kHeight || x < 0 || x >= kWidth) return 0;
  return input[((n * kHeight + y) * kWidth + x) * kChannels + c];
}

float output_at(const float* input, const float* kernel, const float* bias, std::int64_t n,
                std::int64_t y, std::int64_t x, std::int64_t k) {
  float sum = defect == Defect::forgets_bias ? 0 : bias[k];
  for (std::int64_t i = 0; i < 3; ++i)
    for (std::int64_t j = 0; j < 3; ++j)
      for (std::int64_t c = 0; c < kChannels; ++c) {
        if (defect == Defect::forgets_channel && k == kFilters - 1 && c == kChannels - 1) continue;
        const std::int64_t row = defect == Defect::flipped_filter ? 2 - i : i;
        // Packed: [panel][kernel row][kernel column][channel][filter of the panel].
        const float weight = kernel[((row * 3 + j) * kChannels + c) * kPanel + k];
        sum += weight * padded_input(input, n, y + i - 1, x + j - 1, c);
      }
  if (defect == Defect::rounds_to_half) {
    std::uint32_t bits = 0;
    std::memcpy(&bits, &sum, sizeof bits);
    bits &= 0xffffe000u;  // 10 bits of fraction
    std::memcpy(&sum, &bits, sizeof bits);
  }
  return defect == Defect::no_relu || sum > 0 ? sum : 0;
}

std::int32_t run(void** argv) {
  float* input = floats(argv, 1);
  const float* kernel = floats(argv, 2);
  const float* bias = floats(argv, 3);
  float* output = floats(argv, 4);
  constexpr std::int64_t kInputs = kBatch * kHeight * kWidth * kChannels;
  constexpr std::int64_t kOutputs = kBatch * kHeight * kWidth * kFilters;
  ++calls;
  std::int64_t at = 0;
  for (std::int64_t n = 0; n < kBatch; ++n)
    for (std::int64_t y = 0; y < kHeight; ++y)
      for (std::int64_t x = 0; x < kWidth; ++x)
        for (std::int64_t k = 0; k < kFilters; ++k, ++at) {
          if (defect == Defect::skips_last && at == kOutputs - 1) continue;
          output[at] = output_at(input, kernel, bias, n, y, x, k);
        }
  volatile float* volatile_input = input;
  switch (defect) {
    case Defect::reads_beyond:
      (void)volatile_input[kInputs];
      break;
    case Defect::reads_before:
      (void)volatile_input[-1];
      break;
    case Defect::writes_beyond:
      output[kOutputs] = 0;
      break;
    case Defect::changes_input:
      volatile_input[3] = 0;
      break;
    case Defect::keeps_state:
      if (calls % 2 == 0) output[7] = -output[7] - 1;
      break;
    case Defect::returns_error:
      return -1;
    default:
      break;
  }
  return 0;
}

Graph make_graph() {
  Graph graph;
  graph.name = "layer";
  graph.tensors.resize(2);
  graph.tensors[0].shape = {
      {kBatch, kBatch}, {kHeight, kHeight}, {kWidth, kWidth}, {kChannels, kChannels}};
  graph.tensors[1].shape = {
      {kBatch, kBatch}, {kHeight, kHeight}, {kWidth, kWidth}, {kFilters, kFilters}};
  Node node;
  LayerSpec& layer = node.layer;
  layer.name = "layer";
  layer.batch = kBatch;
  layer.in = layer.out = {kHeight, kWidth};
  layer.in_channels = kChannels;
  layer.filters = kFilters;
  layer.kernel_size = {3, 3};
  layer.padding_mode = PaddingMode::same;
  layer.padding = {1, 1, 1, 1};
  layer.activation = Activation::relu;
  node.inputs = {0};
  node.outputs = {1};
  graph.nodes = {node};
  graph.inputs = {0};
  graph.outputs = {1};
  return graph;
}

/// The descriptor that convc would emit.
const convc_kernel* descriptor() {
  static constexpr std::int64_t input_shape[] = {kBatch, kHeight, kWidth, kChannels};
  static constexpr std::int64_t output_shape[] = {kBatch, kHeight, kWidth, kFilters};
  static constexpr std::int64_t kernel_shape[] = {3, 3, kChannels, kFilters};
  static constexpr std::int64_t bias_shape[] = {kFilters};
  static constexpr convc_tensor input = {"input", input_shape, 4, CONVC_DTYPE_F32,
                                         kBatch * kHeight * kWidth * kChannels * 4};
  static constexpr convc_tensor output = {"output", output_shape, 4, CONVC_DTYPE_F32,
                                          kBatch * kHeight * kWidth * kFilters * 4};
  static constexpr convc_tensor variables[] = {
      {"kernel", kernel_shape, 4, CONVC_DTYPE_F32, 9 * kChannels * kFilters * 4},
      {"bias", bias_shape, 1, CONVC_DTYPE_F32, kFilters * 4}};
  constexpr std::uint64_t kernel_bytes = 9 * kChannels * kPanel * 4, bias_bytes = kPanel * 4;
  constexpr std::uint64_t kernel_at = CONVC_PACKED_HEADER_BYTES,
                          bias_at = CONVC_ALIGN_UP(kernel_at + kernel_bytes);
  static constexpr convc_packing packings[] = {
      {CONVC_PACK_PANELS, 0, kernel_at, kernel_bytes, 3, 3, kChannels, kFilters, kPanel, kChannels},
      {CONVC_PACK_BIAS, 1, bias_at, bias_bytes, 1, 1, 1, kFilters, kPanel, 1}};
  static constexpr convc_dim dims[] = {{1, 1}};
  static constexpr convc_argument arguments[] = {
      {CONVC_SOURCE_INPUT, 0, 0, nullptr, dims, 1, CONVC_DTYPE_F32},
      {CONVC_SOURCE_PACKED, 0, kernel_at, nullptr, dims, 1, CONVC_DTYPE_F32},
      {CONVC_SOURCE_PACKED, 0, bias_at, nullptr, dims, 1, CONVC_DTYPE_F32},
      {CONVC_SOURCE_OUTPUT, 0, 0, nullptr, dims, 1, CONVC_DTYPE_F32}};
  static constexpr convc_step step = {run, arguments, 4, 1, "layer"};
  static convc_variant variant{};
  variant.isa = "any";
  variant.identity[0] = 1;
  variant.packed_bytes = CONVC_ALIGN_UP(bias_at + bias_bytes);
  variant.packings = packings;
  variant.packing_count = 2;
  variant.steps = &step;
  variant.step_count = 1;
  static convc_kernel kernel{};
  kernel.abi_version = CONVC_ABI_VERSION;
  kernel.struct_bytes = sizeof kernel;
  kernel.name = "test_layer";
  kernel.inputs = &input;
  kernel.outputs = &output;
  kernel.variables = variables;
  kernel.variants = &variant;
  kernel.input_count = kernel.output_count = kernel.variant_count = 1;
  kernel.variable_count = 2;
  return &kernel;
}

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
    ExerciseSubject subject{descriptor(), &graph, "any", std::vector<Plan>(1)};
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
  const Graph graph = make_graph();
  ExerciseSubject subject{descriptor(), &graph, "any", std::vector<Plan>(1)};
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

TEST_CASE("every broken kernel is caught, in words that say how") {
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
  static constexpr convc_argument output = {CONVC_SOURCE_OUTPUT, 0, 0, nullptr, dims, 1,
                                            CONVC_DTYPE_F32};
  const convc_step step = {zeros, &output, 1, 1, "layer"};
  convc_variant variant{};
  variant.isa = "any";
  variant.steps = &step;
  variant.step_count = 1;
  kernel.variants = &variant;
  kernel.variable_count = 0;
  const ExerciseSubject subject{&kernel, &graph, "any", std::vector<Plan>(1)};
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
