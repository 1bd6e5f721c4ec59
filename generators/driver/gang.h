// Runs one function on several threads at once and times it: what the peak and bandwidth meters
// need so that "two threads" means two at the same moment. Threads are not pinned: kernels are not
// either.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <vector>

namespace convc {

using Clock = std::chrono::steady_clock;

inline double wall_seconds() {
  return std::chrono::duration<double>(Clock::now().time_since_epoch()).count();
}

/// Seconds that this thread has spent on a processor.
double thread_cpu_seconds();

/// Times work of `threads` threads in this process: of one thread the seconds it had a processor,
/// so that a neighbour who takes turns with it does not count; of several the wall clock's.
class Stopwatch {
 public:
  explicit Stopwatch(unsigned threads) : single_(threads <= 1), start_(now()) {}
  [[nodiscard]] double seconds() const { return now() - start_; }

 private:
  [[nodiscard]] double now() const;

  bool single_;
  double start_;
};

/// Calls work(0) .. work(threads - 1), each on a thread of its own (one of them the caller's),
/// released together. Returns a Stopwatch's seconds from the release until the last one is done.
double run_together(unsigned threads, const std::function<void(unsigned index)>& work);

/// The number of repetitions for which `run(repetitions)` takes at least `seconds`; at least 1.
/// `run` returns the seconds it took.
std::size_t repetitions_for(double seconds, const std::function<double(std::size_t)>& run);

/// The middle value (the mean of the two middle ones); `values` is not empty.
double median(std::vector<double> values);

}  // namespace convc
