// How fast a kernel is beside what the machine can do, measured in rounds that take turns, so that
// a busy or throttled machine slows both sides of the fraction.
//
// Threads are not pinned, clocks are not set; use taskset and the like around convc for that.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "generators/driver/fma_peak.h"
#include "generators/driver/peer.h"
#include "generators/driver/prepared_kernel.h"
#include "generators/driver/read_bandwidth.h"

namespace convc {

/// What the machine can do with one ISA and thread count.
struct MachineLimits {
  std::string isa;
  unsigned threads = 1;
  FmaPeakMeter peak;
  double peak_gflops = 0;  ///< median of some samples
  std::vector<MemoryLevel> levels;

  MachineLimits(std::string isa_name, unsigned thread_count);
};

/// What a kernel does, counted for the direct algorithm.
struct KernelWork {
  double flops = 0;        ///< 2 per multiply-add
  std::int64_t bytes = 0;  ///< that must be moved at least once: inputs, weights, outputs
};

/// A peer's time for the same layer over the kernel's: above 1 the kernel is faster. Medians over
/// the rounds.
struct PeerRatio {
  std::string peer;     ///< its name
  std::string fastest;  ///< of its forms
  std::map<std::string, double> forms;

  [[nodiscard]] double ratio() const { return forms.at(fastest); }
};

struct Measurement {
  double seconds = 0;            ///< of a call: median over the rounds
  double peak_fraction = 0;      ///< kernel rate over FMA peak: median over the rounds
  double roofline_fraction = 0;  ///< over the smaller of peak and flops/byte * bandwidth: median
  std::string level;             ///< the smallest memory level that holds the kernel's bytes
  std::vector<PeerRatio> peers;  ///< in the order given, without those that failed
};

/// Measures FMA peak, kernel and peers in turn, `rounds` times, some milliseconds each.
/// Precondition: `kernel` was prepared with the ISA and the threads of `limits`, `peers` for the
/// same layer and threads.
Measurement measure(PreparedKernel& kernel, const KernelWork& work, const MachineLimits& limits,
                    unsigned rounds, const std::vector<Peer*>& peers);

/// Seconds of a call of `kernel` over those of one of `other`, measured in turn, `rounds` times:
/// the median.
double time_ratio(PreparedKernel& kernel, PreparedKernel& other, unsigned rounds);

}  // namespace convc
