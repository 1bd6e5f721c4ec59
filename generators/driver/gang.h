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

inline double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// Calls work(0) .. work(threads - 1), each on a thread of its own (one of them the caller's),
/// released together. Returns the seconds from the release until the last one is done.
double run_together(unsigned threads, const std::function<void(unsigned index)>& work);

/// The number of repetitions for which `run(repetitions)` takes at least `seconds`; at least 1.
/// `run` returns the seconds it took.
std::size_t repetitions_for(double seconds, const std::function<double(std::size_t)>& run);

/// The middle value (the mean of the two middle ones); `values` is not empty.
double median(std::vector<double> values);

}  // namespace convc
