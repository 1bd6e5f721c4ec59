// Plans of depthwise layers: one channel per group, vectors over channels, no reduction over them.
// Pure.
#include <algorithm>

#include "generators/plan/algorithms.h"
#include "generators/plan/integers.h"
#include "generators/plan/register_tile.h"
#include "generators/plan/tasks.h"

namespace convc {
namespace {

/// Rows and columns of a register tile.
struct TileShape {
  int height = 1;
  int width = 1;
};

/// Pixels lie so far apart that those of a tile share a few sets of L1: the fewer a tile reads, the
/// more of them stay until they are read again.
bool pixels_compete(const LayerSpec& layer, std::int64_t bytes) {
  return layer.in_channels * kFloatBytes % bytes == 0;
}

/// Measured on Zen 3 and Zen 4. Outputs of two rows share the input rows between them; an image of
/// a few columns is best taken by whole rows.
TileShape tile_shape(const LayerSpec& layer) {
  constexpr std::int64_t kNarrow = 7;
  const int rows = layer.out.height > 1 ? 2 : 1;
  const auto columns = [&](std::int64_t most) {
    return static_cast<int>(std::min(most, layer.out.width));
  };
  const bool steps = layer.strides.width > 1 || layer.strides.height > 1;
  if (steps && pixels_compete(layer, 2048)) return {1, columns(2)};
  if (layer.out.width <= kNarrow) return {1, columns(kNarrow)};
  if (steps || pixels_compete(layer, 1024)) return {rows, columns(2)};
  if (layer.out.width % 4 == 0 || layer.out.width % kNarrow != 0) return {rows, columns(4)};
  return {1, columns(kNarrow)};
}

/// Tiles of a row of 7 pixels go well with a panel's weights in registers: faster by 1.2 (AVX2) to
/// 2.2 (AVX-512, Zen 5) than all panels of a tile in turn, which load 9 weights for 63
/// multiply-adds of 3x3 taps. Where pixels compete for sets of L1, a line must not be needed by the
/// next panel again: a vector takes all of it.
bool keeps_weights(const LayerSpec& layer, const TileShape& shape, const Machine& machine) {
  constexpr int kWholeRow = 7;
  const bool vector_takes_line = machine.f32_lanes * kFloatBytes == kCacheLineBytes;
  return !layer.open.any() && shape.height == 1 && shape.width == kWholeRow &&
         (vector_takes_line || !pixels_compete(layer, 1024));
}

/// Taps cannot read the input itself.
bool copies_rows(const LayerSpec& layer) {
  return !has_dense_channels(layer.input_form, layer.in_channels) ||
         (may_be_padded(layer) && !fills_border(layer.padding_mode));
}

}  // namespace

LayerSpec read_in_place(const LayerSpec& layer) {
  LayerSpec read = layer;
  read.in_channels = read.groups = 1;
  return read;
}

std::string why_not_depthwise(const LayerSpec& layer) {
  const bool is_conv = layer.kind == LayerKind::conv || layer.kind == LayerKind::depthwise_conv;
  if (is_conv && layer.channels_per_group() == 1) return {};
  return "depthwise needs one channel per group";
}

Plan depthwise_plan(const LayerSpec& layer, const Machine& machine) {
  Plan plan;
  plan.algorithm = Algorithm::depthwise;
  // With few channels a narrower vector wastes fewer lanes.
  plan.lanes = machine.f32_lanes;
  while (plan.lanes > 4 && plan.lanes / 2 >= layer.filters) plan.lanes /= 2;
  const TileShape shape = tile_shape(layer);
  plan.tile_height = shape.height;
  plan.tile_width = shape.width;
  const bool keeps = keeps_weights(layer, shape, machine);
  plan.loop_order = keeps ? LoopOrder::filters_outer : LoopOrder::pixels_outer;
  RegisterTile tile;
  tile.height = plan.tile_height;
  tile.width = plan.tile_width;
  tile.lanes = plan.lanes;
  tile.cycles = static_cast<double>(layer.batch * layer.out.depth * layer.out.height *
                                    layer.out.width * layer.filters * layer.taps()) /
                machine.f32_lanes;
  const LayerSpec read = copies_rows(layer) ? layer : read_in_place(layer);
  const Tasks tasks = choose_tasks(read, tile, /*flat=*/false, machine, TaskCuts::pixels);
  plan.row_block = tasks.row_block;
  plan.column_block = tasks.column_block;
  plan.reason = "one channel per group: vectors over channels, " +
                std::to_string(plan.tile_height) + "x" + std::to_string(plan.tile_width) +
                " pixels at a time" + (keeps ? ", a panel's weights kept in registers" : "") +
                "; " + tasks.text;
  return plan;
}

}  // namespace convc
