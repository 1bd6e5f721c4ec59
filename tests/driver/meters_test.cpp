// The yardsticks of the benchmarks: loose checks, since the machine may be busy.
#include <algorithm>
#include <catch2/catch.hpp>

#include "convc/kernel_abi.h"
#include "generators/driver/fma_peak.h"
#include "generators/driver/gang.h"
#include "generators/driver/read_bandwidth.h"

using namespace convc;

TEST_CASE("median") {
  CHECK(median({3}) == 3);
  CHECK(median({3, 1, 2}) == 2);
  CHECK(median({4, 1, 2, 3}) == 2.5);
}

TEST_CASE("run_together runs each index once") {
  std::vector<int> calls(4, 0);
  CHECK(run_together(4, [&](unsigned index) { ++calls[index]; }) > 0);
  CHECK(calls == std::vector<int>{1, 1, 1, 1});
}

TEST_CASE("repetitions_for reaches the time asked for") {
  // One repetition takes a microsecond.
  const auto run = [](std::size_t n) { return 1e-6 * static_cast<double>(n); };
  const std::size_t n = repetitions_for(1e-3, run);
  CHECK(n >= 1000);
  CHECK(n < 15000);
  CHECK(repetitions_for(1e-9, run) == 1);
}

TEST_CASE("the FMA peak is plausible, and wider vectors are no slower") {
  const auto best = [](const char* isa) {
    const FmaPeakMeter meter(isa, 1, 0.005);
    double gflops = 0;
    for (int i = 0; i < 7; ++i) gflops = std::max(gflops, meter.sample_gflops());
    return gflops;
  };
  const double base = best("sse41");
  // A core does at least one 128-bit multiply or add a cycle at 0.5 GHz, at most 2 x 64 flop at 8
  // GHz.
  CHECK(base > 1);
  CHECK(base < 1024);
  const std::uint64_t features = convc_cpu_features();
  if (features & CONVC_CPU_AVX2) CHECK(best("avx2") > base);
  if (features & CONVC_CPU_AVX512F) CHECK(best("avx512") > base);
}

TEST_CASE("memory levels are found, ordered and measured") {
  const std::vector<MemoryLevel> levels = measure_memory_levels("sse41", 1, 3, 0.001);
  REQUIRE(levels.size() >= 3);
  CHECK(levels.front().name == "L1");
  CHECK(levels.back().name == "memory");
  for (std::size_t i = 1; i < levels.size(); ++i) CHECK(levels[i - 1].bytes < levels[i].bytes);
  for (const MemoryLevel& level : levels) CHECK(level.read_gbytes > 0.1);
  CHECK(level_that_holds(levels, 1).name == "L1");
  CHECK(level_that_holds(levels, levels[0].bytes + 1).name == "L2");
  CHECK(level_that_holds(levels, INT64_MAX).name == "memory");
}
