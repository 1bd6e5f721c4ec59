// How fast this machine reads each level of its memory, with the vector width of an ISA and a
// number of threads. The yardstick of `roofline_fraction` where a layer is bound by memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace convc {

/// One cache, or the memory behind the last one.
struct MemoryLevel {
  std::string name;        ///< "L1", "L2", "L3", "memory"
  std::int64_t bytes = 0;  ///< what all `threads` caches of this level hold; INT64_MAX: memory
  double read_gbytes = 0;  ///< measured, 1e9 bytes per second of all threads together
};

/// The levels of the processor this runs on (as the operating system describes them), smallest
/// first, each measured with data that fills half of it. L1 and L2 count once per thread, L3 once.
/// Median of `rounds` samples of `sample_seconds` each. The ISA names are those of FmaPeakMeter.
std::vector<MemoryLevel> measure_memory_levels(const std::string& isa, unsigned threads,
                                               unsigned rounds, double sample_seconds);

/// The first level whose size is at least `bytes`.
const MemoryLevel& level_that_holds(const std::vector<MemoryLevel>& levels, std::int64_t bytes);

}  // namespace convc
