#include "generators/driver/measurement.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include "generators/driver/gang.h"

namespace convc {
namespace {

// A round is some pairs of samples, first the peak and then the kernel, whose times are added up. A
// sample is long enough for clock (0.2 us a reading) and wake-up (50 us) not to matter, and short
// enough that both halves of a pair see the same machine.
constexpr double kSampleSeconds = 2e-3;
constexpr unsigned kPairs = 4;
constexpr unsigned kLimitSamples = 7;

// A pool of threads looks for work before it sleeps: pthreadpool (XNNPACK's) for 1,000,000 pauses
// of 65 cycles, 22 ms at 3 GHz, libgomp (oneDNN's) for 300,000. Whoever is timed next lacks that
// processor.
constexpr std::chrono::milliseconds kUntilThreadsSleep{30};

/// Calls that take a sample's time.
std::size_t repetitions_of(PreparedKernel& kernel) {
  return repetitions_for(kSampleSeconds, [&](std::size_t n) { return kernel.run_seconds(n); });
}

void wait_for_idle_processors(unsigned threads) {
  if (threads > 1) std::this_thread::sleep_for(kUntilThreadsSleep);
}

/// Seconds of a call as peers are timed: warm after its own calls, then all of a round at once.
double seconds_as_a_peer(PreparedKernel& kernel, std::size_t repetitions) {
  kernel.run_seconds(repetitions);
  const std::size_t calls = kPairs * repetitions;
  return kernel.run_seconds(calls) / static_cast<double>(calls);
}

using RatiosByForm = std::map<std::string, std::vector<double>>;

/// Precondition: there is a form.
PeerRatio peer_ratio(const std::string& peer, const RatiosByForm& forms) {
  PeerRatio result = {peer, forms.begin()->first, {}};
  for (const auto& [form, ratios] : forms) {
    result.forms[form] = median(ratios);
    if (result.forms[form] < result.ratio()) result.fastest = form;
  }
  return result;
}

}  // namespace

MachineLimits::MachineLimits(std::string isa_name, unsigned thread_count)
    : isa(std::move(isa_name)), threads(thread_count), peak(isa, threads, kSampleSeconds) {
  std::vector<double> samples;
  for (unsigned i = 0; i < kLimitSamples; ++i) samples.push_back(peak.sample_gflops());
  peak_gflops = median(samples);
  levels = measure_memory_levels(isa, threads, kLimitSamples, kSampleSeconds);
}

Measurement measure(PreparedKernel& kernel, const KernelWork& work, const MachineLimits& limits,
                    unsigned rounds, const std::vector<Peer*>& peers) {
  const MemoryLevel& level = level_that_holds(limits.levels, work.bytes);
  const double memory_gflops = work.flops / static_cast<double>(work.bytes) * level.read_gbytes;
  const std::size_t repetitions = repetitions_of(kernel);
  std::vector<double> call_seconds, of_peak, of_roofline;
  std::vector<RatiosByForm> ratios(peers.size());
  for (unsigned round = 0; round < rounds; ++round) {
    if (!peers.empty()) {
      wait_for_idle_processors(limits.threads);
      kernel.run_seconds(repetitions);  // peers leave caches to themselves
    }
    double peak_seconds = 0, kernel_seconds = 0;
    for (unsigned pair = 0; pair < kPairs; ++pair) {
      peak_seconds += limits.peak.sample_seconds();
      kernel_seconds += kernel.run_seconds(repetitions);
    }
    call_seconds.push_back(kernel_seconds / static_cast<double>(kPairs * repetitions));
    const double peak_gflops = kPairs * limits.peak.sample_flops() / peak_seconds / 1e9;
    const double gflops = work.flops / call_seconds.back() / 1e9;
    of_peak.push_back(gflops / peak_gflops);
    of_roofline.push_back(gflops / std::min(peak_gflops, memory_gflops));
    for (std::size_t p = 0; p < peers.size(); ++p) {
      wait_for_idle_processors(limits.threads);
      const double per_call = seconds_as_a_peer(kernel, repetitions);
      wait_for_idle_processors(limits.threads);
      for (const auto& [form, seconds] : peers[p]->sample(kPairs * kSampleSeconds))
        ratios[p][form].push_back(seconds / per_call);
    }
  }
  if (!peers.empty()) wait_for_idle_processors(limits.threads);  // the caller goes on with timing
  Measurement result = {median(call_seconds), median(of_peak), median(of_roofline), level.name, {}};
  for (std::size_t p = 0; p < peers.size(); ++p) {
    if (!ratios[p].empty()) result.peers.push_back(peer_ratio(peers[p]->name(), ratios[p]));
  }
  return result;
}

double time_ratio(PreparedKernel& kernel, PreparedKernel& other, unsigned rounds) {
  const std::size_t repetitions = std::min(repetitions_of(kernel), repetitions_of(other));
  std::vector<double> ratios;
  for (unsigned round = 0; round < rounds; ++round) {
    double seconds = 0, other_seconds = 0;
    for (unsigned pair = 0; pair < kPairs; ++pair) {
      seconds += kernel.run_seconds(repetitions);
      other_seconds += other.run_seconds(repetitions);
    }
    ratios.push_back(seconds / other_seconds);
  }
  return median(ratios);
}

}  // namespace convc
