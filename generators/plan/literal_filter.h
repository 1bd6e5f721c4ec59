// What is special about the numbers of a literal filter: zeros that need no work, and rank-1
// filters that split into a vertical and a horizontal pass. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "dsl/layer_spec.h"

namespace convc {

/// The number that filter `filter` has at a tap, for channel `channel` of its group: through the
/// layer's kernel_layout and kernel_view. Precondition: the kernel is literal; not a
/// separable_conv.
float literal_number(const LayerSpec& layer, const Size& tap, std::int64_t channel,
                     std::int64_t filter);

/// One non-zero number of a literal kernel. `channel` counts within the filter's group.
struct Tap {
  int row, column, channel, filter;
  float value;
};

/// The non-zero numbers, in the order row, column, channel, filter. Precondition: the layer's
/// kernel is literal and has one plane.
std::vector<Tap> nonzero_taps(const LayerSpec& layer);

/// A position of the filter at which some number is not zero.
struct TapPosition {
  int row, column;
};

/// The positions of a literal filter that need work, when some do not and the others are few enough
/// for code of their own; empty otherwise. `folded`: as fold_channels has it, every channel is a
/// column.
std::vector<TapPosition> sparse_positions(const LayerSpec& layer, bool folded);

/// kernel[i, j] = vertical[i] * horizontal[j] for one input channel of one filter.
struct SeparableSlice {
  int channel, filter;
  std::vector<float> vertical, horizontal;
};

/// The factors of every non-zero slice, when each is of rank 1 and the products give back exactly
/// the numbers of the spec; otherwise nullopt. (Exactly, so that results keep their bound.)
/// Precondition: as of nonzero_taps.
std::optional<std::vector<SeparableSlice>> separate(const LayerSpec& layer);

}  // namespace convc
