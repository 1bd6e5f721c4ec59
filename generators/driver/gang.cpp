#include "generators/driver/gang.h"

#include <time.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <thread>
#include <vector>

namespace convc {

double thread_cpu_seconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

double Stopwatch::now() const {
  return single_ ? thread_cpu_seconds() : wall_seconds();
}

double run_together(unsigned threads, const std::function<void(unsigned)>& work) {
  if (threads <= 1) {
    const Stopwatch stopwatch(threads);
    work(0);
    return stopwatch.seconds();
  }
  std::atomic<unsigned> ready{0};
  std::atomic<bool> go{false};
  std::vector<double> ends(threads);
  std::vector<std::thread> others;
  for (unsigned i = 1; i < threads; ++i) {
    others.emplace_back([&, i] {
      ++ready;
      while (!go.load(std::memory_order_acquire)) std::this_thread::yield();
      work(i);
      ends[i] = wall_seconds();
    });
  }
  while (ready.load() != threads - 1) std::this_thread::yield();
  const double start = wall_seconds();
  go.store(true, std::memory_order_release);
  work(0);
  ends[0] = wall_seconds();
  for (std::thread& other : others) other.join();  // takes its time, so that it is not timed
  return *std::max_element(ends.begin(), ends.end()) - start;
}

std::size_t repetitions_for(double seconds, const std::function<double(std::size_t)>& run) {
  constexpr std::size_t kMost = std::size_t{1} << 40;
  std::size_t repetitions = 1;
  for (double took = run(1); took < seconds && repetitions < kMost; took = run(repetitions)) {
    // Aim a fifth past the goal, but trust a very short run no further than a factor of ten.
    const double factor = std::clamp(1.2 * seconds / std::max(took, 1e-9), 1.5, 10.0);
    repetitions = static_cast<std::size_t>(static_cast<double>(repetitions) * factor) + 1;
  }
  return repetitions;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

}  // namespace convc
