// Plans of layers whose output is channels_first: vectors over pixels, weights broadcast.
// Pure.
#include <algorithm>

#include "generators/plan/algorithms.h"
#include "generators/plan/register_tile.h"
#include "generators/plan/tasks.h"

namespace convc {
namespace {

/// What a task copies, as the input of a 1x1 filter: each pixel with the channels of all its taps.
LayerSpec patches_of(const LayerSpec& group) {
  LayerSpec patches = group;
  patches.in = group.out;
  patches.in_channels = group.in_channels * group.taps();
  patches.kernel_size = patches.strides = patches.dilation_rate = {};
  patches.padding = {};
  return patches;
}

/// A channel of one vector a row, all of whose taps are unrolled: its border costs nothing then,
/// and each row is read once.
bool fits_one_tile(const Plan& plan, const LayerSpec& layer, bool many_registers) {
  constexpr std::int64_t kMostRows = 7;
  return layer.out.width <= plan.lanes && layer.out.height <= kMostRows &&
         layer.taps() <= kMostPlanarTaps && (many_registers || layer.strides == Size{});
}

/// Depthwise layers: one channel after the other, vectors over columns.
Plan planar_depthwise_plan(const LayerSpec& layer, const Machine& machine) {
  Plan plan;
  plan.algorithm = Algorithm::planar;
  plan.lanes = lanes_for(layer.out.width, machine);
  // Rows of a tile share input rows, and the taps stay in registers. Of 32 registers enough are
  // left for 4 rows, in tiles that are few enough to be unrolled side by side; with strides, where
  // an output has several sums, for 3 of few taps.
  constexpr std::int64_t kFewVectors = 2, kFewTaps = 9;
  const bool many_registers = machine.vector_registers >= 32;
  const bool few_vectors = layer.out.width <= kFewVectors * plan.lanes;
  const std::int64_t rows_of_sums = layer.taps() <= kFewTaps ? 3 : 2;
  const std::int64_t most_rows = layer.strides == Size{} ? 4 : rows_of_sums;
  const std::int64_t rows = many_registers && few_vectors ? most_rows : 2;
  plan.tile_height = static_cast<int>(std::min(rows, layer.out.height));
  plan.tile_width = plan.lanes;
  constexpr std::int64_t kTasks = 16;
  const bool whole_channels = layer.groups >= kTasks && reads_rows_in_place(plan, layer);
  if (whole_channels && fits_one_tile(plan, layer, many_registers)) {
    plan.tile_height = static_cast<int>(layer.out.height);
  }
  RegisterTile tile;
  tile.height = plan.tile_height;
  tile.width = plan.tile_width;
  plan.panel_block = ceil_div(layer.groups, kTasks);
  plan.reason =
      "one channel per group, and the output's pixels lie side by side: vectors over columns, " +
      std::to_string(plan.panel_block) + " channels of a task one after the other";
  if (whole_channels) return plan;
  // Copies have no border within a vector, so two of them side by side need no more registers.
  if (layer.strides.width == 1 && layer.out.width >= 2 * plan.lanes) plan.tile_width *= 2;
  tile.width = plan.tile_width;
  // The rows of a channel that a task copies stay in L1.
  Machine copies_to_l1 = machine;
  copies_to_l1.l2_bytes = machine.l1d_bytes;
  const Tasks tasks =
      choose_tasks(one_group(layer), tile, /*flat=*/false, copies_to_l1, TaskCuts::pixels);
  plan.row_block = tasks.row_block;
  plan.column_block = tasks.column_block;
  return plan;
}

}  // namespace

bool reads_pixel_in_place(const LayerSpec& layer) {
  return layer.kernel_size == Size{} && layer.strides == Size{} && layer.padding == Padding{};
}

bool is_depthwise(const LayerSpec& layer) {
  return layer.groups > 1 && layer.channels_per_group() == 1;
}

bool reads_rows_in_place(const Plan& plan, const LayerSpec& layer) {
  constexpr std::int64_t kMostVectors = 16;
  const bool multiplies_zeros = plan.all_taps && layer.padding_mode == PaddingMode::zeros;
  return plan.algorithm == Algorithm::planar && is_depthwise(layer) &&
         fills_border(layer.padding_mode) && !multiplies_zeros && !reads_pixel_in_place(layer) &&
         has_dense_pixels(layer.input_form, layer.in_channels) && !layer.open.height &&
         !layer.open.width && plan.column_block == 0 &&
         layer.out.width <= kMostVectors * plan.lanes &&
         layer.kernel_size.width <= kMostPlanarTapColumns;
}

bool is_depthwise_kernel(const Plan& plan, const LayerSpec& layer) {
  return plan.algorithm == Algorithm::depthwise ||
         (plan.algorithm == Algorithm::planar && is_depthwise(layer));
}

std::string why_not_planar(const LayerSpec& layer) {
  const bool is_conv = layer.kind == LayerKind::conv || layer.kind == LayerKind::depthwise_conv;
  if (is_conv && has_dense_pixels(layer.output_form, layer.filters)) return {};
  return "planar needs a convolution whose output is channels_first";
}

Plan planar_plan(const LayerSpec& layer, const Machine& machine) {
  if (is_depthwise(layer)) return planar_depthwise_plan(layer, machine);
  const LayerSpec group = one_group(layer);
  const auto tile_for = [&](std::int64_t rows, std::int64_t columns) {
    return choose_register_tile({planar_domain(group, rows, columns)}, machine);
  };
  // Tasks see the tile as it lies in the image; then the tile is made to fit the pixels of a task.
  RegisterTile in_image = tile_for(group.out.height, group.out.width);
  in_image.vectors = in_image.width;
  in_image.width = in_image.lanes;
  in_image.lanes = 1;
  const Tasks tasks = choose_tasks(patches_of(group), in_image, /*flat=*/false, machine);
  const RegisterTile tile =
      reads_pixel_in_place(layer)
          ? tile_for(group.out.height, group.out.width)
          : tile_for(tasks.row_block,
                     tasks.column_block == 0 ? group.out.width : tasks.column_block);
  Plan plan;
  plan.algorithm = Algorithm::planar;
  plan.lanes = tile.lanes;
  plan.tile_vectors = tile.width;
  plan.tile_width = tile.vectors * tile.lanes;
  plan.row_block = tasks.row_block;
  plan.column_block = tasks.column_block;
  plan.panel_block = tasks.panel_block;
  plan.reason = "the output's pixels lie side by side: tile " + std::to_string(plan.tile_vectors) +
                " filters x " + std::to_string(tile.vectors) + " vectors of " +
                std::to_string(tile.lanes) + " pixels; " + tasks.text;
  return plan;
}

}  // namespace convc
