#include "generators/driver/exercise.h"

#include <algorithm>
#include <cinttypes>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>
#include <memory>

#include "generators/driver/expectation.h"
#include "generators/driver/guarded_buffer.h"

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

struct Run {
  unsigned threads = 1;
  Placement placement = Placement::at_end;
};

/// Every thread count, and every placement with the first of them.
std::vector<Run> runs_of(const ExerciseOptions& options) {
  std::vector<Run> runs;
  for (unsigned threads : options.threads) runs.push_back({threads, Placement::at_end});
  if (options.all_placements)
    for (Placement placement : {Placement::at_start, Placement::at_odd_offset})
      runs.push_back({options.threads[0], placement});
  return runs;
}

using BufferPtr = std::unique_ptr<GuardedBuffer>;

BufferPtr copy_to_buffer(const char* name, const std::vector<float>& values, Placement placement) {
  auto buffer = std::make_unique<GuardedBuffer>(name, values.size() * sizeof(float), sizeof(float),
                                                placement);
  std::copy(values.begin(), values.end(), buffer->floats());
  buffer->make_read_only();
  return buffer;
}

/// All bits set is a NaN in every float, and no value that a kernel computes.
BufferPtr nan_buffer(const char* name, std::size_t bytes, std::size_t alignment,
                     Placement placement) {
  auto buffer = std::make_unique<GuardedBuffer>(name, bytes, alignment, placement);
  std::memset(buffer->data(), 0xff, bytes);
  return buffer;
}

/// One run of the kernel: its buffers and what came out.
class KernelRun {
 public:
  KernelRun(const ExerciseSubject& subject, const TestData& data, const Run& run)
      : subject_(subject), run_(run) {
    options_.struct_bytes = sizeof(options_);
    options_.threads = run.threads;
    options_.isa = subject.isa.c_str();
    input_ = copy_to_buffer("input", data.inputs[0], run.placement);
    for (std::size_t i = 0; i < data.weights.size(); ++i) {
      const LayerSpec& layer = subject.graph->nodes[i].layer;
      if (layer.weights_are_literal()) continue;
      weights_.push_back(copy_to_buffer("kernel weights", data.weights[i].kernel, run.placement));
      if (layer.use_bias)
        weights_.push_back(copy_to_buffer("bias", data.weights[i].bias, run.placement));
    }
  }

  /// Packs and runs; empty when all went well.
  std::string execute() {
    std::string error = pack();
    if (error.empty()) error = run();
    return error;
  }

  /// Runs again into the same output, prefilled anew.
  std::string run() {
    const std::size_t workspace_bytes = convc_workspace_bytes(subject_.kernel, &options_);
    if (workspace_bytes == SIZE_MAX) return convc_last_error();
    // The workspace may have any content; its size is what the kernel may touch.
    workspace_ = nan_buffer("workspace", workspace_bytes, CONVC_ALIGNMENT, run_.placement);
    const convc_tensor& output = subject_.kernel->outputs[0];
    output_ = nan_buffer("output", output.bytes, sizeof(float), run_.placement);
    const void* io[] = {input_->data(), output_->data()};
    const convc_status status =
        convc_run(subject_.kernel, io, packed_ ? packed_->data() : nullptr,
                  packed_ ? packed_->size_bytes() : 0,
                  workspace_bytes ? workspace_->data() : nullptr, workspace_bytes, &options_);
    if (status != CONVC_OK)
      return std::string("convc_run: ") + convc_status_name(status) + ": " + convc_last_error();
    if (!output_->surroundings_intact()) return "bytes beside `output` were overwritten";
    if (!workspace_->surroundings_intact()) return "bytes beside `workspace` were overwritten";
    return "";
  }

  [[nodiscard]] const float* output() const { return output_->floats(); }
  [[nodiscard]] std::size_t output_elements() const {
    return output_->size_bytes() / sizeof(float);
  }

 private:
  std::string pack() {
    const std::size_t bytes = convc_packed_bytes(subject_.kernel, &options_);
    if (bytes == SIZE_MAX) return convc_last_error();
    if (subject_.kernel->variable_count != weights_.size())
      return "the kernel wants " + std::to_string(subject_.kernel->variable_count) +
             " variables, the graph has " + std::to_string(weights_.size());
    if (bytes == 0) return "";
    packed_ = nan_buffer("packed weights", bytes, CONVC_ALIGNMENT, run_.placement);
    std::vector<const void*> pointers;
    for (const BufferPtr& weights : weights_) pointers.push_back(weights->data());
    const convc_status status =
        convc_pack(subject_.kernel, pointers.data(), packed_->data(), bytes, &options_);
    if (status != CONVC_OK)
      return std::string("convc_pack: ") + convc_status_name(status) + ": " + convc_last_error();
    if (!packed_->surroundings_intact()) return "convc_pack wrote beside its buffer";
    packed_->make_read_only();
    return "";
  }

  const ExerciseSubject& subject_;
  Run run_;
  convc_options options_{};
  BufferPtr input_, packed_, workspace_, output_;
  std::vector<BufferPtr> weights_;
};

std::string index_text(std::size_t index, const Tensor& tensor) {
  std::string text;
  for (std::size_t d = tensor.shape.size(); d-- > 0;) {
    const auto size = static_cast<std::size_t>(tensor.shape[d].min);
    text = std::to_string(index % size) + (text.empty() ? "" : ", ") + text;
    index /= size;
  }
  return "output[" + text + "]";
}

std::string number_text(double value) {
  char text[40];
  std::snprintf(text, sizeof text, "%.9g", value);
  return text;
}

/// Compares one output with the reference; fills `result`, returns what is wrong or "".
std::string compare(const float* got, const Expectation& expected, const Tensor& tensor,
                    KindResult& result) {
  std::size_t bad = 0, first_bad = 0;
  for (std::size_t i = 0; i < expected.output.size(); ++i) {
    const double allowed = expected.allowed_error.empty() ? 0.0 : expected.allowed_error[i];
    const double error = std::fabs(static_cast<double>(got[i]) - expected.output[i]);
    // A NaN fails: it is never "at most allowed".
    if (!(error <= allowed) && bad++ == 0) first_bad = i;
    if (std::isnan(error)) continue;
    if (error > result.max_abs_error) {
      result.max_abs_error = error;
      result.allowed_at_max = allowed;
    }
    result.max_ulp = std::max(result.max_ulp, ulp_distance(expected.output[i], got[i]));
    if (allowed > 0)
      result.max_error_over_bound = std::max(result.max_error_over_bound, error / allowed);
  }
  if (bad == 0) return "";
  const double allowed = expected.allowed_error.empty() ? 0.0 : expected.allowed_error[first_bad];
  std::uint32_t bits = 0;
  std::memcpy(&bits, got + first_bad, sizeof bits);
  return index_text(first_bad, tensor) + ": expected " + number_text(expected.output[first_bad]) +
         ", got " +
         (bits == 0xffffffffu ? "nothing (it was never written)" : number_text(got[first_bad])) +
         ", allowed error " + number_text(allowed) + "; " + std::to_string(bad) + " of " +
         std::to_string(expected.output.size()) + " elements differ";
}

std::string compare_bits(const float* got, const std::vector<float>& first, const Tensor& tensor,
                         const std::string& other) {
  if (std::memcmp(got, first.data(), first.size() * sizeof(float)) == 0) return "";
  std::size_t i = 0;
  while (std::memcmp(got + i, &first[i], sizeof(float)) == 0) ++i;
  return index_text(i, tensor) + ": got " + number_text(got[i]) + ", but " + number_text(first[i]) +
         " " + other + ": results must not depend on that";
}

double zero_fraction(const Expectation& expected) {
  std::size_t zeros = 0, counted = 0;
  for (std::size_t i = 0; i < expected.output.size(); ++i) {
    if (!expected.reachable[i]) continue;
    ++counted;
    zeros += expected.output[i] == 0.0;
  }
  return counted == 0 ? 1.0 : static_cast<double>(zeros) / static_cast<double>(counted);
}

/// All runs with one kind of data; "" or what is wrong.
std::string exercise_kind(const ExerciseSubject& subject, const ExerciseOptions& options,
                          const TestData& data, const Expectation& expected, KindResult& result) {
  const Tensor& tensor =
      subject.graph->tensors[static_cast<std::size_t>(subject.graph->outputs[0])];
  std::vector<float> first;
  for (const Run& run : runs_of(options)) {
    KernelRun kernel_run(subject, data, run);
    std::string error = kernel_run.execute();
    if (error.empty() && first.empty()) {
      error = compare(kernel_run.output(), expected, tensor, result);
      first.assign(kernel_run.output(), kernel_run.output() + kernel_run.output_elements());
      if (error.empty()) error = kernel_run.run();
      if (error.empty())
        error = compare_bits(kernel_run.output(), first, tensor, "in the run before this one");
    } else if (error.empty()) {
      error = compare_bits(kernel_run.output(), first, tensor,
                           "with " + std::to_string(options.threads[0]) +
                               " thread(s) and buffers " + name_of(Placement::at_end));
    }
    if (!error.empty())
      return error + " (data " + name_of(result.kind) + ", " + std::to_string(run.threads) +
             " thread(s), buffers " + name_of(run.placement) + ", seed " +
             std::to_string(options.seed) + ")";
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
  double fewest_zeros = 1.0;
  for (DataKind kind : options.kinds) {
    const TestData data = make_test_data(*subject.graph, kind, options.seed);
    const bool exact = data.exact && keeps_integers(*subject.graph, subject.plans);
    const Expectation expected = expect(*subject.graph, subject.plans, data, exact);
    KindResult kind_result;
    kind_result.kind = kind;
    kind_result.exact = exact;
    kind_result.zero_fraction = zero_fraction(expected);
    if (kind != DataKind::extremes)
      fewest_zeros = std::min(fewest_zeros, kind_result.zero_fraction);
    result.message = exercise_kind(subject, options, data, expected, kind_result);
    result.kinds.push_back(kind_result);
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
