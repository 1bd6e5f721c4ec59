#include "generators/driver/exercise.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>
#include <utility>

#include "generators/driver/expectation.h"
#include "generators/driver/kernel_run.h"
#include "generators/driver/size_cases.h"
#include "generators/driver/tensor_layout.h"

namespace convc {
namespace {

constexpr double kMistrustedZeroFraction = 0.9;

const char* name_of(Placement placement) {
  switch (placement) {
    case Placement::at_end:
      return "ending at a guard page";
    case Placement::at_start:
      return "starting at a guard page";
    case Placement::at_odd_offset:
      return "at an odd offset";
  }
  return "?";
}

/// Every thread count, and every placement with the first of them.
std::vector<RunSetting> runs_of(const ExerciseSubject& subject, const ExerciseOptions& options,
                                bool all_placements) {
  std::vector<RunSetting> runs;
  for (unsigned threads : options.threads)
    runs.push_back({subject.isa, threads, Placement::at_end});
  if (all_placements)
    for (Placement placement : {Placement::at_start, Placement::at_odd_offset})
      runs.push_back({subject.isa, options.threads[0], placement});
  return runs;
}

std::string number_text(double value) {
  char text[40];
  std::snprintf(text, sizeof text, "%.9g", value);
  return text;
}

/// An output of the kernel: its place in memory and what it should hold.
struct Output {
  std::string name;
  TensorLayout layout;
  Bounded expected;
};

std::vector<Output> outputs_of(const convc_kernel& kernel, const Graph& graph,
                               std::vector<Bounded> expected) {
  std::vector<Output> outputs;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const Tensor& tensor = graph.tensors[static_cast<std::size_t>(graph.outputs[i])];
    outputs.push_back({kernel.outputs[i].name, layout_of(tensor), std::move(expected[i])});
  }
  return outputs;
}

bool was_written(float got) {
  std::uint32_t bits = 0;
  std::memcpy(&bits, &got, sizeof bits);
  return bits != 0xffffffffu;
}

/// Compares one output with the reference; fills `result`, returns what is wrong or "".
std::string compare(const float* got, const Output& output, KindResult& result) {
  std::size_t bad = 0, first_bad = 0, first_bad_place = 0;
  output.layout.for_each([&](std::size_t i, std::size_t place) {
    const double expected = output.expected.value[i], allowed = output.expected.error[i];
    const double error = std::fabs(static_cast<double>(got[place]) - expected);
    const bool comparable = can_be_held(expected, allowed);
    // A NaN fails: it is never "at most allowed".
    const bool is_right = comparable ? error <= allowed : was_written(got[place]);
    if (!is_right && bad++ == 0) {
      first_bad = i;
      first_bad_place = place;
    }
    if (!comparable || std::isnan(error)) return;
    if (allowed > 0) result.exact = false;
    if (error > result.max_abs_error) {
      result.max_abs_error = error;
      result.allowed_at_max = allowed;
    }
    result.max_ulp = std::max(result.max_ulp, ulp_distance(expected, got[place]));
    if (allowed > 0)
      result.max_error_over_bound = std::max(result.max_error_over_bound, error / allowed);
  });
  if (bad == 0) return "";
  const float value = got[first_bad_place];
  return output.name + output.layout.index_text(first_bad) + ": expected " +
         number_text(output.expected.value[first_bad]) + ", got " +
         (was_written(value) ? number_text(static_cast<double>(value))
                             : "nothing (it was never written)") +
         ", allowed error " + number_text(output.expected.error[first_bad]) + "; " +
         std::to_string(bad) + " of " + std::to_string(output.expected.value.size()) +
         " elements differ";
}

std::string compare_bits(const float* got, const std::vector<float>& first, const Output& output,
                         const std::string& other) {
  std::string text;
  output.layout.for_each([&](std::size_t i, std::size_t place) {
    if (!text.empty() || std::memcmp(got + place, &first[place], sizeof(float)) == 0) return;
    text = output.name + output.layout.index_text(i) + ": got " +
           number_text(static_cast<double>(got[place])) + ", but " +
           number_text(static_cast<double>(first[place])) + " " + other +
           ": results must not depend on that";
  });
  return text;
}

/// Of all outputs; what float32 cannot hold proves no more than a zero.
double zero_fraction(const std::vector<Output>& outputs) {
  std::size_t zeros = 0, counted = 0;
  for (const Output& output : outputs) {
    const Bounded& expected = output.expected;
    for (std::size_t i = 0; i < expected.value.size(); ++i) {
      if (!expected.reachable[i]) continue;
      ++counted;
      zeros += expected.value[i] == 0.0 || !can_be_held(expected.value[i], expected.error[i]);
    }
  }
  return counted == 0 ? 1.0 : static_cast<double>(zeros) / static_cast<double>(counted);
}

/// The memory of each output after the first run, for comparison with others.
using Memories = std::vector<std::vector<float>>;

std::string check_first(KernelRun& run, const std::vector<Output>& outputs, Memories& first,
                        KindResult& result) {
  std::string error;
  for (std::size_t o = 0; o < outputs.size() && error.empty(); ++o) {
    error = compare(run.output(o), outputs[o], result);
    first.emplace_back(run.output(o), run.output(o) + run.output_bytes(o) / sizeof(float));
  }
  return error;
}

std::string check_same(const KernelRun& run, const std::vector<Output>& outputs,
                       const Memories& first, const std::string& other) {
  std::string error;
  for (std::size_t o = 0; o < outputs.size() && error.empty(); ++o)
    error = compare_bits(run.output(o), first[o], outputs[o], other);
  return error;
}

/// All runs with one kind of data and one choice of sizes; "" or what is wrong.
std::string exercise_kind(const ExerciseSubject& subject, const ExerciseOptions& options,
                          const SizeCase& sizes, const TestData& data,
                          const std::vector<Output>& outputs, bool all_placements,
                          KindResult& result) {
  Memories first;
  for (const RunSetting& setting : runs_of(subject, options, all_placements)) {
    KernelRun run(*subject.kernel, sizes, data, setting);
    std::string error = run.execute();
    if (error.empty() && first.empty()) {
      error = check_first(run, outputs, first, result);
      if (error.empty()) error = run.run();
      if (error.empty()) error = check_same(run, outputs, first, "in the run before this one");
    } else if (error.empty()) {
      error = check_same(run, outputs, first,
                         "with " + std::to_string(options.threads[0]) + " thread(s) and buffers " +
                             name_of(Placement::at_end));
    }
    if (!error.empty())
      return error + " (data " + name_of(result.kind) + ", " + std::to_string(setting.threads) +
             " thread(s), buffers " + name_of(setting.placement) + sizes.text + ", seed " +
             std::to_string(options.seed) + ")";
  }
  return "";
}

/// One kind of data with all sizes; extremes with the first only.
std::string exercise_sizes(const ExerciseSubject& subject, const ExerciseOptions& options,
                           const std::vector<SizeCase>& cases, const SumRules& rules,
                           KindResult& result) {
  result.exact = true;
  result.zero_fraction = 1;
  for (const SizeCase& sizes : cases) {
    const bool is_first = &sizes == &cases.front();
    if (!is_first && result.kind == DataKind::extremes) break;
    const TestData data =
        make_test_data(sizes.graph, result.kind, options.seed, rules.output_tiles);
    const std::vector<Output> outputs =
        outputs_of(*subject.kernel, sizes.graph, expect(sizes.graph, data, rules));
    result.zero_fraction = std::min(result.zero_fraction, zero_fraction(outputs));
    const std::string error = exercise_kind(subject, options, sizes, data, outputs,
                                            is_first && options.all_placements, result);
    if (!error.empty()) return error;
  }
  return "";
}

}  // namespace

const char* name_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::passed:
      return "passed";
    case Verdict::failed:
      return "FAILED";
    case Verdict::mistrusted:
      return "MISTRUSTED";
  }
  return "?";
}

double ulp_distance(double expected, float got) {
  const double error = std::fabs(got - expected);
  int exponent = -125;  // of the smallest normal number; frexp gives 0 for 0
  if (expected != 0) std::frexp(expected, &exponent);
  // 24 bits of fraction; the smallest unit is that of the denormals.
  return error / std::ldexp(1.0, std::max(exponent - 24, -149));
}

ExerciseResult exercise_kernel(const ExerciseSubject& subject, const ExerciseOptions& options) {
  ExerciseResult result;
  const std::vector<SizeCase> cases =
      size_cases(*subject.kernel, *subject.written, &result.message);
  if (cases.empty()) {
    result.verdict = Verdict::failed;
    return result;
  }
  const SumRules rules = sum_rules(*subject.lowered, subject.plans);
  double fewest_zeros = 1.0;
  for (DataKind kind : options.kinds) {
    KindResult& of_kind = result.kinds.emplace_back();
    of_kind.kind = kind;
    result.message = exercise_sizes(subject, options, cases, rules, of_kind);
    if (kind != DataKind::extremes) fewest_zeros = std::min(fewest_zeros, of_kind.zero_fraction);
    if (!result.message.empty()) {
      result.verdict = Verdict::failed;
      return result;
    }
  }
  if (fewest_zeros > kMistrustedZeroFraction) {
    result.verdict = Verdict::mistrusted;
    result.message = number_text(100 * fewest_zeros) +
                     " % of the reference's outputs are zero: agreement proves little";
  }
  return result;
}

}  // namespace convc
