// Runs a compiled kernel on every kind of data, thread count and buffer placement, and compares it
// with the naive reference. What `convc verify` and the kernel tests do. A kernel that leaves its
// buffers makes the process fault: run this in a child process (child_process.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "convc/kernel_abi.h"
#include "dsl/module.h"
#include "generators/driver/test_data.h"
#include "generators/plan/plan.h"

namespace convc {

struct ExerciseSubject {
  const convc_kernel* kernel = nullptr;
  const Graph* written = nullptr;  ///< as the user wrote it: what the reference computes
  const Graph* lowered = nullptr;  ///< as it was compiled
  std::string isa;                 ///< the variant to run; this processor must be able to
  std::vector<Plan> plans;         ///< of that variant, in the order of lowered->nodes
};

struct ExerciseOptions {
  std::uint64_t seed = 1;
  std::vector<unsigned> threads = {1, 2, 3, 4};  ///< not empty
  std::vector<DataKind> kinds = {DataKind::integers, DataKind::reals, DataKind::extremes};
  bool all_placements = true;  ///< false: buffers end at the guard page only
};

/// The errors of one kind of data.
struct KindResult {
  DataKind kind = DataKind::integers;
  bool exact = false;  ///< every output was compared with ==
  double max_abs_error = 0;
  double max_error_over_bound = 0;  ///< 0 for exact data; above 1 is a failure
  double max_ulp = 0;               ///< in units of the last place of the expected value
  double allowed_at_max = 0;        ///< bound of the element with the largest absolute error
  double zero_fraction = 0;         ///< of the reference's outputs that can be other than zero
};

enum class Verdict {
  passed,
  failed,
  mistrusted,  ///< more than 90 % of the reference's outputs are zero: agreement proves little
};
const char* name_of(Verdict verdict);

struct ExerciseResult {
  Verdict verdict = Verdict::passed;
  std::vector<KindResult> kinds;
  /// Of a failure: what differs, with the first bad index, expected, got, allowed, the data kind,
  /// threads, placement, seed and run-time sizes. Of a mistrusted result: the fraction.
  std::string message;
};

/// For every kind of data, and with run-time sizes for several of them: packs the weights, runs the
/// kernel with every thread count and placement of its buffers, and checks that
/// - each output is within the bound of the reference (equal, where float32 rounds nothing),
/// - all runs give the same bits, and so does a repeated run,
/// - no NaN of the prefilled outputs, workspace or packed buffer, or of gaps between the rows of an
///   input, comes through,
/// - inputs and weights are only read and nothing beside a buffer, or in the gaps of an output,
///   changes,
/// - shapes and bytes of the tensors are those of the graph.
/// Outputs that no float32 can hold are only looked at for having been written. Stops at the first
/// failure.
ExerciseResult exercise_kernel(const ExerciseSubject& subject, const ExerciseOptions& options);

/// How far `got` is from `expected` in units in the last place of `expected`.
double ulp_distance(double expected, float got);

}  // namespace convc
