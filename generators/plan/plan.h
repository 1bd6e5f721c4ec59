// Plan: every choice the compiler makes for one layer on one machine. A plain value that prints as
// one line and parses back. No Halide.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dsl/layer_spec.h"
#include "generators/plan/machine.h"

namespace convc {

enum class Algorithm {
  direct,               ///< register-tiled loops over the (padded) image; groups are an outer loop
  few_channels,         ///< direct, on channels folded into columns: gray, RGB and RGBA images
  pointwise,            ///< 1x1, stride 1: pixels flattened into one dimension, a matrix product
  subsampled,           ///< 1x1, strided: the same, on a task's copy of the pixels that are read
  split_channels,       ///< direct, each sum in several parts: few pixels, many channels
  depthwise_pointwise,  ///< SeparableConv: a task's depthwise result stays in cache
  depthwise,            ///< one channel per group: vectors over channels, no reduction over them
  grouped,              ///< few channels per group: vectors over the filters of several groups
  planar,               ///< channels_first: vectors over pixels, weights broadcast
  elementwise,          ///< no filter: copies the (padded) input through the post_ops
  channelwise,          ///< softmax and its kin: all channels of a pixel at a time
  taps,                 ///< few literal numbers: every non-zero tap is a constant in the code
  winograd,             ///< 3, 5 or 7 taps: fewer products, of transformed tiles (winograd.h)
  separable,            ///< a rank-1 literal filter: a vertical pass, then a horizontal one
  naive,                ///< plain loops, no tiling: the yardstick of --schedule naive
};

/// Which rounding errors an algorithm may have: see generators/plan/winograd.h.
enum class Accuracy {
  fast,    ///< at most 100 times the bound of the plain sum; a NaN may spread to neighbours, or be
           ///< left out where a literal filter or the padding is 0
  strict,  ///< sums in another order, no more; NaN and infinities as the definition has them
};

/// Order of the two outer loops of a tiled convolution.
enum class LoopOrder {
  filters_outer,  ///< one weights panel stays in cache while all its pixels are visited
  pixels_outer,   ///< one block of pixels stays in cache while all panels are visited
};

/// Output pixels of all rows are one row, which tiles and tasks cut.
constexpr bool is_flat(Algorithm algorithm) {
  return algorithm == Algorithm::pointwise || algorithm == Algorithm::subsampled;
}

/// Register tiles of pixels times vectors of filters, accumulated over channels.
constexpr bool is_tiled(Algorithm algorithm) {
  return is_flat(algorithm) || algorithm == Algorithm::direct ||
         algorithm == Algorithm::few_channels || algorithm == Algorithm::split_channels;
}

/// Vectors run over filters; literal filters, pixels and transformed tiles have others.
constexpr bool has_vectors_of_filters(Algorithm algorithm) {
  return is_tiled(algorithm) || algorithm == Algorithm::depthwise_pointwise ||
         algorithm == Algorithm::depthwise || algorithm == Algorithm::grouped;
}

struct Plan {
  Algorithm algorithm = Algorithm::direct;
  int lanes = 4;         ///< f32 elements per vector
  int tile_vectors = 1;  ///< register tile: filter vectors; panel = tile_vectors * lanes
  int tile_height = 1;   ///< register tile: output rows
  int tile_width = 1;    ///< register tile: output columns (pixels, where is_flat; transformed
                         ///< tiles, for winograd)
  std::int64_t channel_block = 0;  ///< input channels per pass; 0: all at once
  std::int64_t row_block = 0;      ///< output rows (pixels, where is_flat) of a task; 0: all
  std::int64_t column_block = 0;   ///< output columns of a task; 0: all. Wide and open images
  std::int64_t panel_block = 0;    ///< weights panels of a task; 0: all
  LoopOrder loop_order = LoopOrder::filters_outer;
  int output_tile = 0;    ///< winograd: outputs of a transformed tile along an axis, 2, 4 or 6
  int partial_sums = 0;   ///< split_channels: parts of each sum, in registers of their own; part p
                          ///< sums channels p, p + partial_sums, ...
  bool all_taps = false;  ///< direct, few_channels: taps of a literal filter that are 0 count, too;
                          ///< there and in depthwise layers: zeros of the padding are multiplied
  bool inside_taps = false;  ///< direct, few_channels, split_channels: taps in planes of zeros of
                             ///< the padding are left out; in rows, too, where tile_height is 1
  std::string reason;        ///< in words; not part of a plan's identity

  /// Filters of a panel of weights. Planar kernels fill vectors with pixels: their tile is
  /// tile_vectors filters times tile_width pixels, whole vectors.
  [[nodiscard]] std::int64_t filter_panel() const {
    return algorithm == Algorithm::planar ? tile_vectors : std::int64_t{tile_vectors} * lanes;
  }

  [[nodiscard]] bool is_flat() const { return convc::is_flat(algorithm); }

  /// Accumulators of each vector of sums.
  [[nodiscard]] int parts_of_sum() const { return partial_sums == 0 ? 1 : partial_sums; }
};

std::string_view name_of(Algorithm algorithm);
std::string_view name_of(Accuracy accuracy);

/// The same computation as a layer of one channel: a row of pixels of C channels is a row of
/// width*C numbers, a filter of width S has S*C columns and steps by strides.width*C. The packed
/// weights and all memory layouts are unchanged. Precondition: groups=1, dilation_rate.width=1.
LayerSpec fold_channels(const LayerSpec& layer);

/// True when something may stand around the input. With run-time sizes, "same" may pad although it
/// does not at the representative size.
bool may_be_padded(const LayerSpec& layer);

/// True when the only padding is planes of zeros, and the channels of a pixel lie side by side.
bool pads_planes_only(const LayerSpec& layer);

/// True when kernels read a copy of the input: padded, or the pixels that a strided 1x1 filter
/// reads.
bool copies_input(const LayerSpec& layer);
/// The same of a plan that may leave out padding, or takes channels by blocks.
bool copies_input(const LayerSpec& layer, const Plan& plan);

/// What softmax and its kin go over, where a layer begins with them: a channelwise kernel has that
/// axis in the place of the channels.
TensorAxis channelwise_axis(const LayerSpec& layer);
/// The layer with that axis and the channels exchanged, as such a kernel sees its sizes. Its forms
/// stay what they were.
LayerSpec exchange_channels(const LayerSpec& layer);

/// Numbers from one pixel of such a copy to the next: in_channels, and one cache line more when
/// pixels would lie a multiple of 1 KiB apart and compete for the same few sets of L1.
std::int64_t copied_pixel_stride(std::int64_t in_channels);

/// One readable line, e.g. "direct lanes=16 tile=1x14x2 channel_block=0 row_block=4 column_block=0
/// panel_block=0 order=filters_outer", then " output_tile=4" for winograd, " partial_sums=8" for
/// split_channels, " all_taps=1" and " inside_taps=1" where set. Does not contain the reason.
std::string to_text(const Plan& plan);

/// The inverse of to_text. On failure returns nullopt and sets `*error` to a sentence.
std::optional<Plan> parse_plan(std::string_view text, std::string* error);

/// A per-channel vector that a kernel reads beside its filters: element k belongs to filter k.
enum class VectorRole { bias, scale, offset, slope };

struct ChannelVector {
  VectorRole role = VectorRole::bias;
  int post_op = -1;  ///< index into post_ops; -1: the layer's bias
};

/// The vectors of a layer, in the order in which kernels take them: bias (when use_bias, or when a
/// folded normalization makes one), then for each post_op in order that is not folded: prelu:
/// slope; batch_normalization: scale, offset (y * scale + offset).
std::vector<ChannelVector> channel_vectors(const LayerSpec& layer);

/// How packed weights lie in memory: the layout portable code can execute (runtime/src/pack.c).
/// Filters of the main kernel: [groups][ceil(filters_per_group / filter_panel)]
/// [channels_per_group / channel_block][kernel_depth][kernel_height][kernel_width][channel_block]
/// [filter_panel], zeros where the last panel exceeds filters_per_group. Where `merges_groups`, it
/// is [1][ceil(filters / filter_panel)][channels_per_group]..: one run of panels over all filters.
/// separable_conv: first the 1x1 filters as such a kernel (of one group; channels: in_channels *
/// depth_multiplier), then the depthwise ones, [kernel..][in_channels * depth_multiplier rounded up
/// to depthwise_panel]. Each part begins at a multiple of 64 bytes. Then the channel_vectors, each
/// [groups][ceil(filters_per_group / filter_panel) * filter_panel] (or as one group), zero-filled.
struct PackedLayout {
  std::int64_t groups = 1;  ///< as packed
  std::int64_t filter_panel = 1;
  std::int64_t channel_block = 1;
  bool merges_groups = false;
  Size window;  ///< what stands for [kernel..]: winograd packs whole transformed tiles
  std::int64_t kernel_bytes = 0;
  std::int64_t depthwise_panel = 0;  ///< separable_conv only
  std::int64_t depthwise_offset_bytes = 0, depthwise_bytes = 0;
  std::int64_t vector_bytes = 0;                  ///< of each
  std::vector<std::int64_t> vector_offset_bytes;  ///< in the order of channel_vectors
  std::int64_t total_bytes = 0;                   ///< a multiple of 64
};
PackedLayout packed_layout(const LayerSpec& layer, const Plan& plan);

}  // namespace convc
