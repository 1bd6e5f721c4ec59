#include "generators/driver/measurement.h"

#include <algorithm>

#include "generators/driver/gang.h"

namespace convc {
namespace {

// Long enough for the clock (20 ns a reading) and the start of threads (50 us) not to matter, short
// enough that both halves of a round see the same machine.
constexpr double kSampleSeconds = 5e-3;
constexpr unsigned kLimitSamples = 7;

}  // namespace

MachineLimits::MachineLimits(std::string isa_name, unsigned thread_count)
    : isa(std::move(isa_name)), threads(thread_count), peak(isa, threads, kSampleSeconds) {
  std::vector<double> samples;
  for (unsigned i = 0; i < kLimitSamples; ++i) samples.push_back(peak.sample_gflops());
  peak_gflops = median(samples);
  levels = measure_memory_levels(isa, threads, kLimitSamples, kSampleSeconds);
}

Measurement measure(PreparedKernel& kernel, const KernelWork& work, const MachineLimits& limits,
                    unsigned rounds) {
  const MemoryLevel& level = level_that_holds(limits.levels, work.bytes);
  const double memory_gflops = work.flops / static_cast<double>(work.bytes) * level.read_gbytes;
  const std::size_t repetitions =
      repetitions_for(kSampleSeconds, [&](std::size_t n) { return kernel.run_seconds(n); });
  std::vector<double> of_peak, of_roofline;
  for (unsigned round = 0; round < rounds; ++round) {
    const double peak_gflops = limits.peak.sample_gflops();
    const double gflops =
        work.flops * static_cast<double>(repetitions) / kernel.run_seconds(repetitions) / 1e9;
    of_peak.push_back(gflops / peak_gflops);
    of_roofline.push_back(gflops / std::min(peak_gflops, memory_gflops));
  }
  return {median(of_peak), median(of_roofline), level.name};
}

}  // namespace convc
