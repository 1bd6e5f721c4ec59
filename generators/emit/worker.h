// Workers: each job runs in a forked child of its own, so that a crash, an abort, endless work or
// endless memory of one job is a sentence in this process and nothing worse. POSIX only; knows
// nothing of kernels.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "generators/emit/failure.h"

namespace convc {

struct WorkerLimits {
  unsigned jobs = 1;  ///< children at a time; at least 1
  /// Address space that a child may add to what it inherits. A large kernel takes 0.3 GiB.
  std::uint64_t memory_bytes = std::uint64_t{4} << 30;
  double seconds = 600;  ///< wall clock time of one child
};

/// What to do about Failure::environment.
inline constexpr const char* kTooManyProcesses =
    "end other processes, or allow more of them and more open files (ulimit -u, -n)";

/// How one job ended.
struct WorkerResult {
  bool done = false;
  std::string bytes;  ///< what the job returned, when done
  std::string error;  ///< otherwise a sentence: the exception's text, the signal or the limit
  std::string log;    ///< what the child printed (at most 64 KiB)
};

/// Runs `work(index)` for each index in [0, count) in a child process each, at most limits.jobs at
/// a time, and calls `finished(index, result)` in this process as each ends (in any order).
/// Children see the memory of this process as it was when they started, have no standard input, and
/// vanish when this process dies. SIGINT, SIGTERM and SIGHUP (unless ignored) are caught while this
/// runs: the children are killed and the result is Failure::interrupted. Failure::environment with
/// `*error` set when no process or pipe can be made. nullopt: all jobs were run, though some may
/// have failed. Precondition: no other thread of this process waits for children.
std::optional<Failure> run_workers(
    std::size_t count, const WorkerLimits& limits,
    const std::function<std::string(std::size_t index)>& work,
    const std::function<void(std::size_t index, WorkerResult result)>& finished,
    std::string* error);

}  // namespace convc
