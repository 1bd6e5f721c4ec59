// How the output is cut into tasks. Pure.
#include "generators/plan/tasks.h"

#include <algorithm>

namespace convc {
namespace {

constexpr std::int64_t kFloatBytes = 4;

std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }
std::int64_t round_up(std::int64_t a, std::int64_t b) { return ceil_div(a, b) * b; }

/// Bytes of input a task of `rows` output rows reads (pixels, when flat), halo included.
std::int64_t input_bytes(const LayerSpec& layer, bool flat, std::int64_t rows) {
  if (flat) return rows * layer.in_channels * kFloatBytes;
  const std::int64_t span = (layer.kernel_size.height - 1) * layer.dilation_rate.height + 1;
  const std::int64_t columns = layer.in.width + layer.padding.left + layer.padding.right;
  return ((rows - 1) * layer.strides.height + span) * columns * layer.in_channels * kFloatBytes;
}

/// The most rows whose input stays in `budget_bytes`, in whole tiles, at least one.
std::int64_t rows_that_fit(const LayerSpec& layer, const RegisterTile& tile, bool flat,
                           std::int64_t total, std::int64_t budget_bytes) {
  const std::int64_t step = flat ? tile.width : tile.height;
  const std::int64_t per_step =
      input_bytes(layer, flat, 2 * step) - input_bytes(layer, flat, step);
  const std::int64_t spare = budget_bytes - input_bytes(layer, flat, step);
  const std::int64_t steps = 1 + (spare <= 0 ? 0 : spare / std::max<std::int64_t>(per_step, 1));
  return std::min(steps * step, total);
}

/// Work worth a thread of its own, in predicted cycles: some 10 times a fork and join.
constexpr double kCyclesPerTask = 100'000;
constexpr std::int64_t kMostTasks = 16;

}  // namespace

Tasks choose_tasks(const LayerSpec& layer, const RegisterTile& tile, bool flat,
                   const Machine& machine) {
  const std::int64_t total = flat ? layer.batch * layer.out.height * layer.out.width
                                  : layer.out.height;
  const std::int64_t images = flat ? 1 : layer.batch;
  const std::int64_t step = flat ? tile.width : tile.height;
  const std::int64_t panels = ceil_div(layer.filters, std::int64_t{tile.vectors} * tile.lanes);
  const std::int64_t weights_bytes = layer.kernel_size.height * layer.kernel_size.width *
                                     layer.channels_per_group() * layer.filters * kFloatBytes;
  const std::int64_t wanted = std::clamp<std::int64_t>(
      static_cast<std::int64_t>(tile.cycles / kCyclesPerTask), 1, kMostTasks);

  Tasks tasks;
  // Input rows are visited once per panel: keep them in a third of L2, beside a panel.
  tasks.row_block = rows_that_fit(layer, tile, flat, total, machine.l2_bytes / 3);
  tasks.text = "tasks of " + std::to_string(tasks.row_block) + (flat ? " pixels" : " rows") +
               " keep their input in L2";

  // All weights are read once per block of rows: when they exceed L2 and the input, blocks of rows
  // are dear, and threads take panels instead.
  const bool weights_dominate = weights_bytes > std::max(machine.l2_bytes, input_bytes(layer, flat, total));
  if (weights_dominate) tasks.row_block = total;
  const std::int64_t row_tasks = images * ceil_div(total, tasks.row_block);
  if (weights_dominate) {
    const std::int64_t panel_tasks = std::min(panels, ceil_div(std::min<std::int64_t>(wanted, 8), row_tasks));
    if (panel_tasks > 1) {
      tasks.panel_block = ceil_div(panels, panel_tasks);
      tasks.text = "weights exceed L2 and input: tasks of " + std::to_string(tasks.panel_block) +
                   " panels";
    } else {
      tasks.text = "one task";
    }
    return tasks;
  }
  const std::int64_t blocks = std::max(row_tasks, std::min(wanted, images * ceil_div(total, step)));
  // An even number of equal blocks per image suits an even number of threads.
  std::int64_t per_image = ceil_div(blocks, images);
  if (per_image > 1) per_image = round_up(per_image, 2);
  const std::int64_t even = round_up(ceil_div(total, per_image), step);
  if (even < tasks.row_block) {
    tasks.row_block = even;
    tasks.text = std::to_string(images * ceil_div(total, even)) + " equal tasks of " +
                 std::to_string(even) + (flat ? " pixels" : " rows") + " for threads";
  }
  return tasks;
}

}  // namespace convc
