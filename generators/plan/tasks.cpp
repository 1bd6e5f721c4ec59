// How the output is cut into tasks. Pure.
#include "generators/plan/tasks.h"

#include <algorithm>
#include <vector>

namespace convc {
namespace {

constexpr std::int64_t kFloatBytes = 4;

std::int64_t ceil_div(std::int64_t a, std::int64_t b) {
  return (a + b - 1) / b;
}
std::int64_t round_up(std::int64_t a, std::int64_t b) {
  return ceil_div(a, b) * b;
}

/// The sizes that decide, of one image (all pixels, when flat).
struct Extent {
  std::int64_t rows;  ///< output rows, or pixels when flat
  std::int64_t step;  ///< rows of a register tile
  std::int64_t images;
  std::int64_t panels;
  std::int64_t weights_bytes;
};

Extent extent_of(const LayerSpec& layer, const RegisterTile& tile, bool flat) {
  Extent extent{};
  extent.rows = flat ? layer.batch * layer.out.height * layer.out.width : layer.out.height;
  extent.step = flat ? tile.width : tile.height;
  extent.images = flat ? 1 : layer.batch;
  extent.panels = ceil_div(layer.filters, std::int64_t{tile.vectors} * tile.lanes);
  extent.weights_bytes = layer.kernel_size.height * layer.kernel_size.width *
                         layer.channels_per_group() * layer.filters * kFloatBytes;
  return extent;
}

/// Bytes of input that `rows` output rows read, halo included.
std::int64_t input_bytes(const LayerSpec& layer, bool flat, std::int64_t rows) {
  if (flat) return rows * layer.in_channels * kFloatBytes;
  if (layer.kernel_size == Size2D{1, 1}) {  // only the pixels it reads are copied
    return rows * layer.out.width * layer.in_channels * kFloatBytes;
  }
  const std::int64_t span = (layer.kernel_size.height - 1) * layer.dilation_rate.height + 1;
  const std::int64_t columns = layer.in.width + layer.padding.left + layer.padding.right;
  return ((rows - 1) * layer.strides.height + span) * columns * layer.in_channels * kFloatBytes;
}

/// The most rows whose input stays in `budget_bytes`, in whole tiles, at least one tile.
std::int64_t rows_that_fit(const LayerSpec& layer, bool flat, const Extent& extent,
                           std::int64_t budget_bytes) {
  const std::int64_t first = input_bytes(layer, flat, extent.step);
  const std::int64_t more = input_bytes(layer, flat, 2 * extent.step) - first;
  const std::int64_t spare = std::max<std::int64_t>(budget_bytes - first, 0);
  return std::min((1 + spare / std::max<std::int64_t>(more, 1)) * extent.step, extent.rows);
}

/// Share of their time that `threads` are busy when they take blocks of `total` in turn, one at a
/// time: 1 when the last ones end together.
double busy_share(std::int64_t total, std::int64_t block, std::int64_t images, int threads) {
  std::vector<std::int64_t> busy_until(static_cast<std::size_t>(threads), 0);
  for (std::int64_t image = 0; image < images; ++image) {
    for (std::int64_t begin = 0; begin < total; begin += block) {
      *std::min_element(busy_until.begin(), busy_until.end()) += std::min(block, total - begin);
    }
  }
  const std::int64_t end = *std::max_element(busy_until.begin(), busy_until.end());
  return static_cast<double>(total * images) / static_cast<double>(end * threads);
}

/// The block size that keeps 2 and 4 threads busiest (2 matter more), for between half and twice
/// the `wanted` blocks in all, and at least `least_blocks`. Fewer blocks win ties: each has its own
/// loops and, with a halo, its own copies.
std::int64_t balanced_block(std::int64_t total, std::int64_t step, std::int64_t images,
                            std::int64_t least_blocks, std::int64_t wanted) {
  const std::int64_t least =
      std::max<std::int64_t>(ceil_div(std::max(least_blocks, wanted / 2), images), 1);
  const std::int64_t most = 2 * ceil_div(std::max(least_blocks, wanted), images);
  if (least_blocks <= 1 && wanted <= 1) return total;
  std::int64_t best = 0;
  double best_share = 0;
  for (std::int64_t blocks = least; blocks <= most; ++blocks) {
    const std::int64_t block = std::min(round_up(ceil_div(total, blocks), step), total);
    const double share =
        (3 * busy_share(total, block, images, 2) + busy_share(total, block, images, 4)) / 4;
    constexpr double kWorthMoreBlocks = 0.01;
    if (share > best_share + kWorthMoreBlocks) {
      best = block;
      best_share = share;
    }
  }
  return best;
}

/// Work worth a thread of its own, in predicted cycles: some 10 times a fork and join.
constexpr double kCyclesPerTask = 100'000;
constexpr std::int64_t kMostTasks = 16;

}  // namespace

Tasks choose_tasks(const LayerSpec& layer, const RegisterTile& tile, bool flat,
                   const Machine& machine) {
  const Extent extent = extent_of(layer, tile, flat);
  const std::int64_t all_input_bytes = input_bytes(layer, flat, extent.rows);
  const std::int64_t wanted = std::clamp<std::int64_t>(
      static_cast<std::int64_t>(tile.cycles / kCyclesPerTask), 1, kMostTasks);
  const char* unit = flat ? " pixels" : " rows";

  // A block's input is read once per panel, so it should stay in a third of L2.
  const std::int64_t cached_rows = rows_that_fit(layer, flat, extent, machine.l2_bytes / 3);
  const std::int64_t cached_blocks = extent.images * ceil_div(extent.rows, cached_rows);

  Tasks tasks;
  // Weights that exceed half of L2 are read anew by each block of rows, the input by each panel:
  // compare what comes from beyond L2.
  const bool weights_stay = extent.weights_bytes <= machine.l2_bytes / 2;
  constexpr std::int64_t kFewTasks = 4;
  const std::int64_t blocks =
      std::max(cached_blocks, weights_stay ? wanted : std::min(wanted, kFewTasks));
  const std::int64_t row_traffic = weights_stay ? 0 : extent.weights_bytes * blocks;
  constexpr std::int64_t kMostPanelTasks = 8;
  const std::int64_t panel_tasks =
      std::clamp<std::int64_t>(std::min(wanted, kMostPanelTasks) / extent.images, 1, extent.panels);
  const std::int64_t visits = all_input_bytes <= machine.l2_bytes / 2 ? 1 : extent.panels;
  // Every task over panels writes and reads a padded copy of the whole input.
  const std::int64_t copies = flat ? 0 : 2 * panel_tasks;
  const std::int64_t panel_traffic = extent.weights_bytes + all_input_bytes * (visits + copies);
  if (row_traffic > panel_traffic && extent.panels > 1) {
    tasks.row_block = extent.rows;
    tasks.panel_block =
        panel_tasks == 1 ? 0 : balanced_block(extent.panels, 1, extent.images, 1, panel_tasks);
    tasks.text = "weights are read once, by tasks of " +
                 std::to_string(tasks.panel_block == 0 ? extent.panels : tasks.panel_block) +
                 " panels";
    return tasks;
  }
  tasks.row_block = balanced_block(extent.rows, extent.step, extent.images, cached_blocks, blocks);
  tasks.text = std::to_string(extent.images * ceil_div(extent.rows, tasks.row_block)) +
               " tasks of " + std::to_string(tasks.row_block) + unit + ", whose input stays in L2";
  return tasks;
}

}  // namespace convc
