// The innermost loop of a register tile: over channels, or whatever taps are left. Some iterations
// of it are unrolled, because each one's address arithmetic and branch pass the front end like the
// multiply-adds do. Two hardware threads of a core share it: on Zen 3 a thread then issues 3
// instructions a cycle, and 12 multiply-adds of a 6x2 tile with 8 loads and 2 to 3 instructions of
// the loop take 7.7 cycles instead of 6. A kernel knows nothing of its neighbour.
#pragma once

#include <Halide.h>

#include "generators/plan/integers.h"

namespace convc {

inline constexpr int kFewIterations = 4;

/// Of a plane of a filter: unrolled taps share what they read; of more, code costs more than that
/// gains.
inline bool has_few_taps(int columns, int rows) {
  constexpr int kMostUnrolledTaps = 9;
  return columns * rows <= kMostUnrolledTaps;
}

/// How many channels the loop takes at a time: all of few, else the smallest divisor from 4 to 8,
/// else the largest below 4, so that nothing is left over.
inline int unrolled_channels(int channels) {
  constexpr int kMost = 8;
  if (channels <= kFewIterations) return channels;
  for (int factor = kFewIterations; factor <= kMost; ++factor) {
    if (channels % factor == 0) return factor;
  }
  return static_cast<int>(largest_divisor(channels, kFewIterations - 1));
}

/// Unrolls the loop over `channels`, innermost after a register tile of `accumulators` vectors.
/// Sums keep their order. A larger tile hides what the loop costs, and of 27 accumulators that LLVM
/// schedules across iterations it spills some.
inline void unroll_channels(Halide::Stage update, const Halide::RVar& channel, int channels,
                            int accumulators) {
  constexpr int kMostAccumulators = 12;
  const int factor = unrolled_channels(channels);
  if (factor > 1 && accumulators <= kMostAccumulators) update.unroll(channel, factor);
}

}  // namespace convc
