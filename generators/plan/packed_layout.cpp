// What kernels read beside the image: the layout of packed weights and vectors. Pure.
#include "generators/plan/algorithms.h"
#include "generators/plan/integers.h"
#include "generators/plan/lowering.h"
#include "generators/plan/plan.h"
#include "generators/plan/winograd.h"

namespace convc {
namespace {

/// These run over the filters of all groups in one go; 1x1 filters of separable layers have no
/// groups.
bool runs_over_groups(Algorithm algorithm) {
  return algorithm == Algorithm::depthwise || algorithm == Algorithm::grouped ||
         algorithm == Algorithm::naive || algorithm == Algorithm::depthwise_pointwise;
}

/// Unrolled literal numbers are constants in the code.
bool compiles_filters_in(Algorithm algorithm) {
  return algorithm == Algorithm::taps || algorithm == Algorithm::separable;
}

/// The filters of the main kernel, as packed.
struct MainKernel {
  std::int64_t groups = 1;
  std::int64_t filters = 1;   ///< of a group
  std::int64_t channels = 1;  ///< that a filter reads
  Size window;                ///< taps, or places of a transformed tile
};

MainKernel main_kernel(const LayerSpec& layer, const Plan& plan, bool merges_groups) {
  MainKernel kernel;
  const bool separable = layer.kind == LayerKind::separable_conv;
  const bool one_group = merges_groups || !layer.has_kernel();
  kernel.groups = one_group ? 1 : layer.groups;
  kernel.filters = layer.filters / kernel.groups;
  kernel.channels =
      separable ? layer.in_channels * layer.depth_multiplier : layer.channels_per_group();
  if (!separable) kernel.window = layer.kernel_size;
  if (plan.algorithm == Algorithm::winograd) {
    const WinogradTransforms transforms = winograd_transforms(layer, plan.output_tile);
    kernel.window.height = transforms.row.inputs;
    kernel.window.width = transforms.column.inputs;
  }
  return kernel;
}

/// Depthwise kernels take all filters as one panel, whose taps must not compete for the same few
/// sets of L1.
std::int64_t filter_panel(const LayerSpec& layer, const Plan& plan) {
  if (plan.algorithm != Algorithm::depthwise) return plan.filter_panel();
  return copied_pixel_stride(round_up(layer.filters, plan.lanes));
}

/// Planar kernels read all taps of a channel before the next channel.
std::int64_t channel_block(const MainKernel& kernel, const Plan& plan) {
  if (plan.algorithm == Algorithm::planar) return 1;
  return plan.channel_block == 0 ? kernel.channels : plan.channel_block;
}

/// Pixels of the copy of an input are not neighbours in the input.
bool picks_or_gathers(const LayerSpec& layer) {
  const bool picks = layer.kernel_size == Size{} && layer.strides != Size{};
  return picks || !has_dense_channels(layer.input_form, layer.in_channels);
}

/// Parts one after the other, each from the start of a cache line.
class Parts {
 public:
  std::int64_t place(std::int64_t bytes) {
    const std::int64_t offset_bytes = end_bytes_;
    end_bytes_ = round_up(end_bytes_ + bytes, kCacheLineBytes);
    return offset_bytes;
  }
  [[nodiscard]] std::int64_t end_bytes() const { return end_bytes_; }

 private:
  std::int64_t end_bytes_ = 0;
};

bool is_same(PaddingRule rule) {
  return rule == PaddingRule::same || rule == PaddingRule::same_lower;
}

}  // namespace

LayerSpec fold_channels(const LayerSpec& layer) {
  LayerSpec folded = layer;
  folded.in.width *= layer.in_channels;
  folded.kernel_size.width *= layer.in_channels;
  folded.strides.width *= layer.in_channels;
  folded.padding.left *= layer.in_channels;
  folded.padding.right *= layer.in_channels;
  folded.in_channels = 1;
  return folded;
}

bool may_be_padded(const LayerSpec& layer) {
  return layer.padding.any() ||
         (layer.open.any() && is_same(layer.padding_rule) && layer.kernel_size != Size{});
}

bool pads_planes_only(const LayerSpec& layer) {
  LayerSpec plane = layer;
  plane.kernel_size.depth = 1;
  plane.padding.front = plane.padding.back = 0;
  return has_dense_channels(layer.input_form, layer.in_channels) &&
         layer.padding_mode == PaddingMode::zeros && layer.padding.any() &&
         layer.kernel_size.depth > 1 && !may_be_padded(plane);
}

bool copies_input(const LayerSpec& layer) {
  if (pads_planes_only(layer)) return false;
  return may_be_padded(layer) || picks_or_gathers(layer);
}

bool copies_input(const LayerSpec& layer, const Plan& plan) {
  if (plan.channel_block != 0 || !plan.inside_taps)
    return plan.channel_block != 0 || copies_input(layer);
  const Padding& padding = layer.padding;
  const bool reads_rows = plan.tile_height > 1 && (padding.top > 0 || padding.bottom > 0);
  return padding.left > 0 || padding.right > 0 || reads_rows || picks_or_gathers(layer);
}

std::int64_t copied_pixel_stride(std::int64_t in_channels) {
  constexpr std::int64_t kConflictingFloats = 1024 / kFloatBytes;
  constexpr std::int64_t kLineFloats = kCacheLineBytes / kFloatBytes;
  return in_channels % kConflictingFloats == 0 ? in_channels + kLineFloats : in_channels;
}

std::vector<ChannelVector> channel_vectors(const LayerSpec& layer) {
  const int folded = folded_normalization(layer);
  std::vector<ChannelVector> vectors;
  const bool has_bias = layer.kind != LayerKind::elementwise && layer.use_bias;
  if (has_bias || folded >= 0) vectors.push_back({VectorRole::bias, -1});
  for (int i = 0; i < static_cast<int>(layer.post_ops.size()); ++i) {
    const PostOpKind kind = layer.post_ops[static_cast<std::size_t>(i)].kind;
    if (kind == PostOpKind::prelu) vectors.push_back({VectorRole::slope, i});
    if (kind != PostOpKind::batch_normalization || i == folded) continue;
    vectors.push_back({VectorRole::scale, i});
    vectors.push_back({VectorRole::offset, i});
  }
  return vectors;
}

PackedLayout packed_layout(const LayerSpec& layer, const Plan& plan) {
  PackedLayout layout;
  layout.merges_groups = layer.has_kernel() && layer.groups > 1 && runs_over_groups(plan.algorithm);
  const MainKernel kernel = main_kernel(layer, plan, layout.merges_groups);
  layout.groups = kernel.groups;
  layout.filter_panel = filter_panel(layer, plan);
  layout.channel_block = channel_block(kernel, plan);
  layout.window = kernel.window;
  const std::int64_t packed_filters = layout.groups * round_up(kernel.filters, layout.filter_panel);
  const bool packs_filters = layer.has_kernel() && !compiles_filters_in(plan.algorithm);
  Parts parts;
  if (packs_filters) {
    layout.kernel_bytes = packed_filters * kernel.channels * kernel.window.depth *
                          kernel.window.height * kernel.window.width * kFloatBytes;
    parts.place(layout.kernel_bytes);
  }
  if (packs_filters && layer.kind == LayerKind::separable_conv) {
    layout.depthwise_panel = plan.lanes;
    layout.depthwise_bytes =
        layer.taps() * round_up(kernel.channels, layout.depthwise_panel) * kFloatBytes;
    layout.depthwise_offset_bytes = parts.place(layout.depthwise_bytes);
  }
  layout.vector_bytes = packed_filters * kFloatBytes;
  for (std::size_t i = 0; i < channel_vectors(layer).size(); ++i) {
    layout.vector_offset_bytes.push_back(parts.place(layout.vector_bytes));
  }
  layout.total_bytes = parts.end_bytes();
  return layout;
}

}  // namespace convc
