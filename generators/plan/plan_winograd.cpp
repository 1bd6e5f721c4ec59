// Plans of Winograd convolutions. Pure.
#include <algorithm>
#include <sstream>

#include "generators/plan/algorithms.h"
#include "generators/plan/register_tile.h"
#include "generators/plan/roofline.h"
#include "generators/plan/winograd.h"

namespace convc {
namespace {

/// One tap, or three that an output steps over one by one.
bool suits(std::int64_t kernel_size, std::int64_t stride, std::int64_t dilation) {
  return (kernel_size == 1 || kernel_size == 3) && stride == 1 &&
         (kernel_size == 1 || dilation == 1);
}

constexpr std::int64_t kFloatBytes = 4;

/// Cycles of a vector in the transforms, per place of a tile: loads, two combinations, stores that
/// lie far apart.
constexpr double kPerTransformedInput = 5, kPerTransformedProduct = 4;

std::int64_t ceil_div(std::int64_t a, std::int64_t b) {
  return (a + b - 1) / b;
}
std::int64_t round_up(std::int64_t a, std::int64_t b) {
  return ceil_div(a, b) * b;
}
double real(std::int64_t value) {
  return static_cast<double>(value);
}

/// The tasks of a plan. All are of the same size.
struct WinogradTasks {
  std::int64_t images = 1;     ///< groups and blocks of rows and columns count as images
  std::int64_t per_image = 1;  ///< blocks of panels
  std::int64_t tiles = 1;      ///< of a task
  std::int64_t places = 1;     ///< of a tile

  [[nodiscard]] std::int64_t count() const { return images * per_image; }
};

WinogradTasks tasks_of(const LayerSpec& layer, const Plan& plan) {
  const WinogradTransforms transforms = winograd_transforms(layer, plan.output_tile);
  const std::int64_t rows = plan.row_block == 0 ? layer.out.height : plan.row_block;
  const std::int64_t columns = plan.column_block == 0 ? layer.out.width : plan.column_block;
  WinogradTasks tasks;
  tasks.images = layer.batch * layer.groups * layer.out.depth * ceil_div(layer.out.height, rows) *
                 ceil_div(layer.out.width, columns);
  if (plan.panel_block != 0) {
    tasks.per_image =
        ceil_div(ceil_div(layer.filters_per_group(), plan.filter_panel()), plan.panel_block);
  }
  tasks.tiles =
      ceil_div(rows, transforms.row.outputs) * ceil_div(columns, transforms.column.outputs);
  tasks.places = std::int64_t{transforms.row.inputs} * transforms.column.inputs;
  return tasks;
}

/// Cycles that loads of an array of `bytes` wait, each time all of it is read. Weights are of one
/// use per task, so nothing hides what comes from memory.
double reading_cycles(std::int64_t bytes, const Machine& machine) {
  constexpr double kL3BytesPerCycle = 32;
  constexpr std::int64_t kSharingL3 = 4;
  if (bytes <= machine.l2_bytes / 2) return 0;
  if (bytes <= machine.l3_bytes / kSharingL3) return real(bytes) / kL3BytesPerCycle;
  return real(bytes) / machine.memory_bytes_per_cycle;
}

/// Weights, once per task; transformed tiles, once per panel.
double traffic_cycles(const LayerSpec& layer, const Plan& plan, const WinogradTasks& tasks,
                      const Machine& machine) {
  const std::int64_t panels = ceil_div(layer.filters_per_group(), plan.filter_panel());
  const std::int64_t of_channel = tasks.places * kFloatBytes;
  const std::int64_t weights =
      layer.channels_per_group() * panels * plan.filter_panel() * of_channel;
  const std::int64_t tiles =
      tasks.tiles * copied_pixel_stride(layer.channels_per_group()) * of_channel;
  return real(tasks.images) *
         (reading_cycles(weights, machine) + real(panels) * reading_cycles(tiles, machine));
}

/// What the choice of tasks makes small: the time of one thread, and of two with less weight.
double weighed_cycles(const LayerSpec& layer, const Plan& plan, const Machine& machine) {
  constexpr double kOneThread = 3;
  constexpr double kPerTask = 2000;  // loops of its own, and its turn
  const std::int64_t tasks = tasks_of(layer, plan).count();
  const double cycles = winograd_cycles(layer, plan, machine) + kPerTask * real(tasks);
  return cycles * (kOneThread + real(ceil_div(tasks, 2)) / real(tasks));
}

/// Blocks of one axis, in outputs, for 1, 2, 4 .. tiles; the last is the whole axis, as 0.
std::vector<std::int64_t> blocks_of(std::int64_t out, std::int64_t tile) {
  std::vector<std::int64_t> blocks;
  for (std::int64_t block = tile; block < out; block *= 2) blocks.push_back(block);
  blocks.push_back(0);
  return blocks;
}

/// The best register tile and tasks for a size of tile.
Plan best_of_size(const LayerSpec& layer, int output_tile, const Machine& machine) {
  const WinogradTransforms transforms = winograd_transforms(layer, output_tile);
  constexpr int kMostVectors = 4;
  Plan best;
  double least = -1;
  Plan plan;
  plan.algorithm = Algorithm::winograd;
  plan.output_tile = output_tile;
  plan.lanes = machine.f32_lanes;
  const std::int64_t filter_vectors = ceil_div(layer.filters_per_group(), plan.lanes);
  for (const std::int64_t rows : blocks_of(layer.out.height, transforms.row.outputs)) {
    for (const std::int64_t columns : blocks_of(layer.out.width, transforms.column.outputs)) {
      plan.row_block = rows;
      plan.column_block = columns;
      // Rows are cut before columns are.
      if (columns != 0 && rows != transforms.row.outputs && transforms.row.outputs != 1) continue;
      const std::int64_t tiles = tasks_of(layer, plan).tiles;
      for (plan.tile_vectors = 1;
           plan.tile_vectors <= std::min<std::int64_t>(filter_vectors, kMostVectors);
           ++plan.tile_vectors) {
        for (plan.tile_width = 1; plan.tile_width <= tiles; ++plan.tile_width) {
          if (!fits_registers(1, plan.tile_width, plan.tile_vectors, machine)) break;
          for (const std::int64_t cuts : {1, 2, 4}) {
            const std::int64_t panels = ceil_div(layer.filters_per_group(), plan.filter_panel());
            if (cuts > panels) break;
            plan.panel_block = cuts == 1 ? 0 : ceil_div(panels, cuts);
            const double cycles = weighed_cycles(layer, plan, machine);
            if (least >= 0 && cycles >= least) continue;
            least = cycles;
            best = plan;
          }
        }
      }
    }
  }
  return best;
}

std::string size_text(std::int64_t rows, std::int64_t columns) {
  return std::to_string(rows) + "x" + std::to_string(columns);
}

std::string reason_of(const LayerSpec& layer, const Plan& plan) {
  const WinogradTransforms transforms = winograd_transforms(layer, plan.output_tile);
  const WinogradTasks tasks = tasks_of(layer, plan);
  const std::int64_t outputs = std::int64_t{transforms.row.outputs} * transforms.column.outputs;
  std::ostringstream text;
  text.precision(3);
  text << "tiles of " << size_text(transforms.row.outputs, transforms.column.outputs)
       << " outputs take " << tasks.places << " products instead of " << outputs * layer.taps()
       << "; " << tasks.count() << " tasks of " << tasks.tiles << " tiles; "
       << winograd_error_text(layer, plan.output_tile);
  return text.str();
}

}  // namespace

std::string why_not_winograd(const LayerSpec& layer) {
  const Size& kernel = layer.kernel_size;
  if (layer.kind != LayerKind::conv || kernel.depth != 1 || layer.strides.depth != 1 ||
      layer.padding.front != 0 || layer.padding.back != 0 ||
      !suits(kernel.height, layer.strides.height, layer.dilation_rate.height) ||
      !suits(kernel.width, layer.strides.width, layer.dilation_rate.width) || kernel == Size{}) {
    return "winograd needs a convolution of 3 taps or one along each axis, without strides and "
           "dilation";
  }
  if (layer.kernel_view || layer.output_view) {
    return "winograd does not compute parts of transposed convolutions";
  }
  if (layer.open.any()) return "winograd needs sizes that are known";
  if (!has_dense_channels(layer.output_form, layer.filters)) {
    return "winograd needs an output that is channels_last";
  }
  return {};
}

double winograd_cycles(const LayerSpec& layer, const Plan& plan, const Machine& machine) {
  const WinogradTasks tasks = tasks_of(layer, plan);
  const LayerSpec group = one_group(layer);
  TileDomain products;
  products.images = tasks.images * tasks.places;
  // The last register tile of a task repeats a tile.
  products.out = {1, round_up(tasks.tiles, plan.tile_width)};
  products.filters = group.filters;
  products.taps = group.in_channels;
  products.pixel_stride_bytes = kFloatBytes * copied_pixel_stride(group.in_channels);
  RegisterTile tile;
  tile.width = plan.tile_width;
  tile.vectors = plan.tile_vectors;
  tile.lanes = plan.lanes;
  const double tiles = real(tasks.images * tasks.tiles * tasks.places);
  return predicted_cycles(products, tile, machine) + traffic_cycles(layer, plan, tasks, machine) +
         tiles * (kPerTransformedInput * real(tasks.per_image) *
                      vectors_of(group.in_channels, plan.lanes) +
                  kPerTransformedProduct * vectors_of(group.filters, plan.lanes));
}

std::vector<Plan> winograd_plans(const LayerSpec& layer, const Machine& machine) {
  std::vector<Plan> plans;
  for (const int output_tile : {2, 4, 6}) {
    if (!fast_admits_winograd(layer, output_tile)) continue;
    Plan plan = best_of_size(layer, output_tile, machine);
    plan.reason = reason_of(layer, plan);
    plans.push_back(std::move(plan));
  }
  return plans;
}

}  // namespace convc
