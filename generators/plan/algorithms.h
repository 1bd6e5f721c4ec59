// One entry per algorithm: whether it can compute a layer, and the plan it takes for it. Of the
// planner only; each algorithm has a file of its own. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dsl/layer_spec.h"
#include "generators/plan/integers.h"
#include "generators/plan/machine.h"
#include "generators/plan/plan.h"
#include "generators/plan/tiled_cost.h"

namespace convc {

/* Views of a layer that cost models and plans share. */

/// Each group of each image as an image of its own, of a layer without groups.
LayerSpec one_group(const LayerSpec& layer);

/// Each output pixel is made of the input pixel at its place, so that rows are of no matter.
bool reads_pixel_in_place(const LayerSpec& layer);

/// As far as caches are concerned: a task copies no more of the input than its taps need at a time.
LayerSpec read_in_place(const LayerSpec& layer);

/// The depthwise half of a separable layer.
LayerSpec depthwise_part(const LayerSpec& layer);
/// The 1x1 half, which reads what the other computes.
LayerSpec pointwise_part(const LayerSpec& layer);

/// Channels of a pixel lie side by side; true for one channel in either layout.
bool has_dense_channels(const TensorForm& form, std::int64_t channels);
/// Pixels of a channel's row lie side by side; true for one channel in either layout.
bool has_dense_pixels(const TensorForm& form, std::int64_t channels);

/// Where a layer pads planes only, kernels of direct and few_channels plans read the image itself,
/// and leave out the taps that lie in the planes of zeros before and after it.
bool leaves_out_planes(const Plan& plan, const LayerSpec& layer);

/* Empty when the algorithm can compute the layer; otherwise a sentence. */

std::string why_not_direct(const LayerSpec& layer);
std::string why_not_few_channels(const LayerSpec& layer);
std::string why_not_pointwise(const LayerSpec& layer);
std::string why_not_subsampled(const LayerSpec& layer);
std::string why_not_split_channels(const LayerSpec& layer);
/// Why a plan of direct, few_channels or split_channels with tiles of so many rows cannot have
/// Plan::inside_taps.
std::string why_not_inside_taps(const LayerSpec& layer, std::int64_t tile_height);
std::string why_not_depthwise_pointwise(const LayerSpec& layer);
std::string why_not_depthwise(const LayerSpec& layer);
std::string why_not_grouped(const LayerSpec& layer);
std::string why_not_planar(const LayerSpec& layer);
/// Planar kernels of such layers compute one channel after the other.
bool is_depthwise(const LayerSpec& layer);
/// Such kernels unroll the taps of filters of at most so many columns.
inline constexpr int kMostPlanarTapColumns = 7;
/// Those that read the image itself unroll all taps of filters of at most so many.
inline constexpr int kMostPlanarTaps = 25;
/// Taps of a planar kernel of a depthwise layer read the image itself: the vectors of a row can be
/// unrolled, the border is not read from the image, and no product with its zeros is asked for (of
/// a zero that LLVM sees it makes none; of one in a copy it does). 1x1 filters see one long row.
bool reads_rows_in_place(const Plan& plan, const LayerSpec& layer);
/// Pixels that neighbouring outputs read lie a multiple of 4 KiB apart, all in one set of L1, or,
/// without strides, of 2 KiB, in two: tasks of some panels read a copy that spreads them out.
constexpr bool copies_competing_pixels(std::int64_t channels, std::int64_t stride,
                                       std::int64_t kernel_width) {
  const std::int64_t apart = stride > 1 ? kL1WayBytes : kL1WayBytes / 2;
  return kernel_width > 1 && channels * stride * kFloatBytes % apart == 0;
}
/// The plan is of one of the two kernels for depthwise layers.
bool is_depthwise_kernel(const Plan& plan, const LayerSpec& layer);
std::string why_not_elementwise(const LayerSpec& layer);
std::string why_not_channelwise(const LayerSpec& layer);
std::string why_not_taps(const LayerSpec& layer);
std::string why_not_winograd(const LayerSpec& layer);
std::string why_not_separable(const LayerSpec& layer);
std::string why_not_naive(const LayerSpec& layer);
/// Of any of them.
std::string why_not(Algorithm algorithm, const LayerSpec& layer);

/* Plans. Precondition: the algorithm can compute the layer. */

/// Of the register-tiled algorithms whose vectors run over filters (direct, few_channels,
/// pointwise, subsampled, split_channels), those that may be best.
std::vector<Algorithm> promising_tiled_algorithms(const LayerSpec& layer, const Machine& machine);
/// `algorithm` is one of these five. Strict ones multiply the zeros of the padding.
Plan tiled_plan(const LayerSpec& layer, const Machine& machine, Algorithm algorithm,
                Accuracy accuracy);
/// taps or separable.
Plan literal_plan(const LayerSpec& layer, const Machine& machine);
Plan depthwise_pointwise_plan(const LayerSpec& layer, const Machine& machine);
Plan depthwise_plan(const LayerSpec& layer, const Machine& machine);
Plan grouped_plan(const LayerSpec& layer, const Machine& machine);
Plan planar_plan(const LayerSpec& layer, const Machine& machine);
/// Those that may be best: one per size of tile that the accuracy admits; may be empty.
std::vector<Plan> winograd_plans(const LayerSpec& layer, const Machine& machine);
Plan elementwise_plan(const LayerSpec& layer, const Machine& machine);
Plan channelwise_plan(const LayerSpec& layer, const Machine& machine);

/* Cost models that are no part of roofline.cpp. By one thread. */

/// Of a plan of tiled_plan, without the gathering and scattering of other layouts.
TiledCost tiled_layer_cost(const LayerSpec& layer, const Plan& plan, const Machine& machine);

/// Transforms and products, without the copy of the input.
double winograd_cycles(const LayerSpec& layer, const Plan& plan, const Machine& machine);

}  // namespace convc
