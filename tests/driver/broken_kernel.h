// A plain kernel written by hand that is right or broken in one way.
#pragma once

#include <cstdint>

#include "convc/kernel_abi.h"
#include "dsl/module.h"
#include "tests/driver/handwritten_kernel.h"

namespace convc::test {

// 3x3, padding "same", 2 channels to 3 filters, on 6x5 pixels, batch 2.
inline constexpr std::int64_t kBatch = 2, kHeight = 6, kWidth = 5, kChannels = 2, kFilters = 3;
inline constexpr std::int64_t kPanel = 4;  // filters, padded

enum class Defect {
  none,
  wrong_border,     // takes the nearest pixel instead of a zero
  forgets_channel,  // the last one, of the last filter
  forgets_bias,
  no_relu,
  flipped_filter,
  // Of kernels that leave out rows of padding (inside_taps).
  leaves_out_image_row,  // in the last row, one tap too many
  keeps_border_taps,     // the row after the first one has the taps of the first
  skips_last,            // never writes the last element
  reads_beyond,          // one element past the input
  reads_before,
  writes_beyond,  // one element past the output
  changes_input,
  keeps_state,     // the second call gives other results than the first
  rounds_to_half,  // as float16 would
  returns_error,
  // With rows that have a pitch.
  writes_gaps,
  reads_gaps,  // adds what lies after each row of the input
};

/// What the kernel does from now on.
extern Defect defect;
/// Rows have a pitch, of input and output. Before descriptor() and make_graph().
extern bool pitched;

// Elements from row to row.
inline constexpr std::int64_t kInRow = kWidth * kChannels, kOutRow = kWidth * kFilters;
inline constexpr std::int64_t kInPitch = kInRow + 3, kOutPitch = kOutRow + 2;

/// What the kernel computes.
Graph make_graph();

/// The descriptor that convc would emit.
const convc_kernel* descriptor();

}  // namespace convc::test
