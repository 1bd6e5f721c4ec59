// How the output is cut into tasks. Pure.
#include "generators/plan/tasks.h"

#include <algorithm>
#include <array>
#include <vector>

#include "generators/plan/integers.h"

namespace convc {
namespace {

/// What is cut into blocks: rows of the image; columns where there is one row; all pixels in a row.
enum class Cut { rows, columns, pixels };

/// The sizes that decide, of one image (all pixels, when flat).
struct Extent {
  Cut cut = Cut::rows;
  std::int64_t total = 1;    ///< rows, columns or pixels
  std::int64_t step = 1;     ///< of them in a register tile
  std::int64_t columns = 1;  ///< of a task, when rows are cut
  std::int64_t images = 1;   ///< planes and blocks of columns count, too
  std::int64_t panels = 1;
  std::int64_t weights_bytes = 0;
};

/// Elements of an axis that `count` outputs read, halo included.
std::int64_t window(std::int64_t count, std::int64_t stride, std::int64_t kernel_size,
                    std::int64_t dilation_rate) {
  return (count - 1) * stride + (kernel_size - 1) * dilation_rate + 1;
}

/// Bytes of input that `count` outputs along the cut read.
std::int64_t input_bytes(const LayerSpec& layer, const Extent& extent, std::int64_t count) {
  switch (extent.cut) {
    case Cut::pixels:
      return count * layer.in_channels * kFloatBytes;
    case Cut::rows:
      return task_input_bytes(layer, count, extent.columns);
    case Cut::columns:
      return task_input_bytes(layer, layer.out.height, count);
  }
  return 0;
}

/// The most outputs along the cut whose input stays in `budget_bytes`, in whole tiles, at least
/// one.
std::int64_t outputs_that_fit(const LayerSpec& layer, const Extent& extent,
                              std::int64_t budget_bytes) {
  const std::int64_t first = input_bytes(layer, extent, extent.step);
  const std::int64_t more = input_bytes(layer, extent, 2 * extent.step) - first;
  const std::int64_t spare = std::max<std::int64_t>(budget_bytes - first, 0);
  return std::min((1 + spare / std::max<std::int64_t>(more, 1)) * extent.step, extent.total);
}

/// Columns of a task when even one row of tiles reads more than half of L2; 0: all columns.
std::int64_t columns_of_wide_rows(const LayerSpec& layer, const RegisterTile& tile,
                                  const Extent& rows, const Machine& machine) {
  if (input_bytes(layer, rows, rows.step) <= machine.l2_bytes / 2) return 0;
  LayerSpec strip = layer;
  strip.out.height = tile.height;
  Extent columns = rows;
  columns.cut = Cut::columns;
  columns.total = layer.out.width;
  columns.step = tile.width;
  const std::int64_t fit = outputs_that_fit(strip, columns, machine.l2_bytes / 3);
  return fit < layer.out.width ? fit : 0;
}

Extent extent_of(const LayerSpec& layer, const RegisterTile& tile, bool flat) {
  Extent extent;
  const bool one_row = layer.out.height == 1 && layer.out.width > tile.width;
  extent.cut = flat ? Cut::pixels : one_row ? Cut::columns : Cut::rows;
  extent.images = layer.batch * layer.out.depth;
  extent.columns = layer.out.width;
  extent.panels = ceil_div(layer.filters, std::int64_t{tile.vectors} * tile.lanes);
  extent.weights_bytes =
      layer.has_kernel() ? layer.taps() * layer.channels_per_group() * layer.filters * kFloatBytes
                         : 0;
  switch (extent.cut) {
    case Cut::pixels:
      extent.total = extent.images * layer.out.height * layer.out.width;
      extent.step = tile.width;
      extent.images = 1;
      break;
    case Cut::columns:
      extent.total = layer.out.width;
      extent.step = tile.width;
      break;
    case Cut::rows:
      extent.total = layer.out.height;
      extent.step = tile.height;
      break;
  }
  return extent;
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
    const double share = (3 * busy_share({total, block}, {}, images, 2) +
                          busy_share({total, block}, {}, images, 4)) /
                         4;
    constexpr double kWorthMoreBlocks = 0.01;
    if (share > best_share + kWorthMoreBlocks) {
      best = block;
      best_share = share;
    }
  }
  return best;
}

constexpr int kMostTasks = 16;

/// Sets the block of outputs along the cut. Run-time sizes need blocks, so that scratch is
/// constant.
void set_block(const LayerSpec& layer, const RegisterTile& tile, const Extent& extent,
               std::int64_t block, Tasks& tasks) {
  const bool is_cut = block < extent.total;
  switch (extent.cut) {
    case Cut::pixels:
      tasks.row_block = block;
      return;
    case Cut::rows:
      tasks.row_block = block;
      tasks.column_block = extent.columns < layer.out.width ? extent.columns : 0;
      break;
    case Cut::columns:
      tasks.row_block = layer.out.height;
      tasks.column_block = is_cut ? block : 0;
      break;
  }
  if (layer.open.width && tasks.column_block == 0) {
    tasks.column_block = round_up(layer.out.width, tile.width);
  }
}

}  // namespace

std::int64_t task_input_bytes(const LayerSpec& layer, std::int64_t rows, std::int64_t columns) {
  const std::int64_t pixel_bytes = layer.in_channels * kFloatBytes;
  if (layer.kernel_size == Size{}) {  // only the pixels it reads are copied
    return rows * columns * pixel_bytes;
  }
  const std::int64_t row_pixels = columns == layer.out.width
                                      ? layer.in.width + layer.padding.left + layer.padding.right
                                      : window(columns, layer.strides.width,
                                               layer.kernel_size.width, layer.dilation_rate.width);
  return window(rows, layer.strides.height, layer.kernel_size.height, layer.dilation_rate.height) *
         row_pixels * layer.kernel_size.depth * pixel_bytes;
}

int threads_worth(double cycles) {
  constexpr double kForTwo = 25'000, kForEachOfMore = 100'000;
  constexpr double kMost = 1024;
  const int more = static_cast<int>(std::min(cycles / kForEachOfMore, kMost));
  return std::max(more, cycles < kForTwo ? 1 : 2);
}

double busy_share(const Blocks& outputs, const Blocks& panels, std::int64_t images, int threads) {
  // So many images keep everyone busy.
  constexpr std::int64_t kEnoughImages = 64;
  images = std::min(images, kEnoughImages);
  std::vector<std::int64_t> busy_until(static_cast<std::size_t>(threads), 0);
  for (std::int64_t image = 0; image < images; ++image) {
    for (std::int64_t panel = 0; panel < panels.total; panel += panels.block) {
      for (std::int64_t begin = 0; begin < outputs.total; begin += outputs.block) {
        *std::min_element(busy_until.begin(), busy_until.end()) +=
            std::min(outputs.block, outputs.total - begin) *
            std::min(panels.block, panels.total - panel);
      }
    }
  }
  const std::int64_t end = *std::max_element(busy_until.begin(), busy_until.end());
  return real(outputs.total * panels.total * images) / real(end * threads);
}

Tasks choose_tasks(const LayerSpec& layer, const RegisterTile& tile, bool flat,
                   const Machine& machine, TaskCuts cuts) {
  Extent extent = extent_of(layer, tile, flat);
  if (extent.cut == Cut::rows) {
    const std::int64_t columns = columns_of_wide_rows(layer, tile, extent, machine);
    if (columns != 0) {
      extent.columns = columns;
      extent.images *= ceil_div(layer.out.width, columns);
    }
  }
  const std::int64_t all_input_bytes = input_bytes(layer, extent, extent.total);
  const std::int64_t wanted = std::min(threads_worth(tile.cycles), kMostTasks);

  // A block's input is read once per panel, so it should stay in a third of L2.
  const std::int64_t cached = outputs_that_fit(layer, extent, machine.l2_bytes / 3);
  const std::int64_t cached_blocks = extent.images * ceil_div(extent.total, cached);

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
  if (row_traffic > panel_traffic && extent.panels > 1 && cuts == TaskCuts::pixels_or_panels) {
    set_block(layer, tile, extent, extent.total, tasks);
    tasks.panel_block =
        panel_tasks == 1 ? 0 : balanced_block(extent.panels, 1, extent.images, 1, panel_tasks);
    tasks.text = "weights are read once, by tasks of " +
                 std::to_string(tasks.panel_block == 0 ? extent.panels : tasks.panel_block) +
                 " panels";
    return tasks;
  }
  const std::int64_t block =
      balanced_block(extent.total, extent.step, extent.images, cached_blocks, blocks);
  set_block(layer, tile, extent, block, tasks);
  constexpr std::array<const char*, 3> units = {" rows", " columns", " pixels"};
  tasks.text = std::to_string(extent.images * ceil_div(extent.total, block)) + " tasks of " +
               std::to_string(block) + units.at(static_cast<std::size_t>(extent.cut)) +
               ", whose input stays in L2";
  return tasks;
}

}  // namespace convc
