// The benchmarks themselves, registered with and run by Google Benchmark in this very process.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "dsl/module.h"
#include "generators/driver/measurement.h"
#include "generators/driver/sized_graph.h"
#include "generators/emit/loaded_library.h"

namespace convc {

/// One benchmark: a kernel, one of its variants, a thread count.
struct BenchCase {
  std::string name;
  std::size_t library = 0;  ///< index into the loaded libraries
  std::size_t graph = 0;
  const Graph* written = nullptr;
  std::string isa;
  unsigned threads = 1;
  std::string label;
  KernelWork work;
  std::vector<InputSize> sizes;  ///< of the inputs
  /// Library and graph of a kernel for these sizes only, where this one has run-time sizes.
  std::optional<std::pair<std::size_t, std::size_t>> fixed_kernel;
  std::string peer_request;  ///< empty: peers cannot compute it
};

struct BenchSettings {
  bool json = false;  ///< Google Benchmark's JSON on stdout, else its console table
  double min_time_seconds = 0.5;
  unsigned rounds = 7;
  std::vector<std::string> peers;  ///< names
  std::string accuracy;            ///< that plans were chosen with
};

/// Measures the machine's limits for every ISA and thread count in `cases`, then runs them in
/// order. Packing, allocation and the first call are outside of every timing; times are wall clock.
/// Counters: gflops, peak_fraction, roofline_fraction, bytes_per_second; with run-time sizes also
/// time_over_fixed. Context: fma_peak_gflops
/// and bandwidth_LEVEL_gbytes of the first ISA and thread count, and of every one with
/// /ISA/threads:N after the name, and peer_NAME with its version; the processor and the accuracy.
/// Each peer that can compute the layer adds the counter over_NAME, its time over the kernel's
/// (PeerRatio); whoever cannot is told on stderr with the reason.
void run_benchmarks(const std::vector<BenchCase>& cases,
                    const std::vector<std::unique_ptr<LoadedLibrary>>& libraries,
                    const BenchSettings& settings);

}  // namespace convc
