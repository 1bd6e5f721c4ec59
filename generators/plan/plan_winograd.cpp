// Plans of Winograd convolutions. Pure.
#include <algorithm>
#include <sstream>

#include "generators/plan/algorithms.h"
#include "generators/plan/integers.h"
#include "generators/plan/planned_sizes.h"
#include "generators/plan/register_tile.h"
#include "generators/plan/roofline.h"
#include "generators/plan/tile_cost.h"
#include "generators/plan/winograd.h"

namespace convc {
namespace {

/// Every form has one with tiles of two outputs.
constexpr int kLeastTile = 2;

bool suits(std::int64_t kernel_size, std::int64_t stride, std::int64_t dilation) {
  return find_winograd_transform(kernel_size, stride, kLeastTile) != nullptr &&
         (kernel_size == 1 || dilation == 1);
}

/// The tasks of a plan. All are of the same size.
struct WinogradTasks {
  std::int64_t images = 1;     ///< groups and blocks of rows and columns count as images
  std::int64_t per_image = 1;  ///< blocks of panels
  std::int64_t tiles = 1;      ///< of a task
  std::int64_t places = 1;     ///< of a tile

  [[nodiscard]] std::int64_t count() const { return images * per_image; }
};

/// Outputs of a task along an axis. Along an open one, tasks are as equal as whole tiles allow.
std::int64_t task_outputs(std::int64_t out, std::int64_t block, std::int64_t tile, bool open) {
  if (block == 0) return out;
  return open ? equal_blocks(out, block, tile) : block;
}

WinogradTasks tasks_of(const LayerSpec& layer, const Plan& plan) {
  const WinogradTransforms transforms = winograd_transforms(layer, plan.output_tile);
  const std::int64_t rows = task_outputs(layer.out.height, plan.row_block, transforms.row.outputs,
                                         layer.open.height.has_value());
  const std::int64_t columns = task_outputs(
      layer.out.width, plan.column_block, transforms.column.outputs, layer.open.width.has_value());
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

/// What a task waits for weights of so many bytes, which it reads in order and once. Those of a
/// panel come beside the multiply-adds of the first register tile that takes it, `first_tiles`
/// cycles for all panels: nobody fetches the next panel while later tiles take this one from L2.
/// `l3_share` of L3 holds them.
double weights_cycles(const Plan& plan, double bytes, double first_tiles, double l3_share,
                      const Machine& machine) {
  constexpr double kExposedOfMemory = 0.5;
  constexpr double kOneVector = 2;  // panels of one vector come at half the rate
  const MeasuredCosts& costs = machine.costs;
  if (bytes <= real(machine.l2_bytes) / 2) return 0;
  const bool from_l3 = bytes <= l3_share * real(machine.l3_bytes);
  const double reading = (plan.tile_vectors == 1 ? kOneVector : 1) * bytes /
                         (from_l3 ? costs.l3_bytes_per_cycle : machine.memory_bytes_per_cycle);
  const double exposed = from_l3 ? costs.exposed_in_order : kExposedOfMemory;
  return std::max(reading - first_tiles, 0.0) + exposed * std::min(reading, first_tiles);
}

/// What a task waits for its transformed tiles and products, where they do not stay in L2:
/// filters_outer reads all tiles for each panel, pixels_outer keeps all products.
double spill_cycles(const LayerSpec& layer, const Plan& plan, const WinogradTasks& tasks,
                    const Machine& machine) {
  // What is not in the cache is fetched to be written, written back and read.
  constexpr double kMoves = 3;
  const std::int64_t panels =
      ceil_div(ceil_div(layer.filters_per_group(), plan.filter_panel()), tasks.per_image);
  const bool by_panels = plan.loop_order == LoopOrder::filters_outer;
  const double per_number = real(tasks.tiles * tasks.places * kFloatBytes);
  const double tiles = per_number * real(copied_pixel_stride(layer.channels_per_group()));
  const double products = per_number * real((by_panels ? 1 : panels) * plan.filter_panel());
  if (tiles + products <= machine.costs.tiles_share * real(machine.l2_bytes)) return 0;
  // Transforms read a tile's products far from each other, where nobody fetches them in advance.
  // They write its places so, too, which counts for as much as measured (decision 0021).
  constexpr double kScatteredWrites = 0.3, kScatteredProducts = 6;
  const double scattered =
      kScatteredWrites * tiles + (by_panels ? 0 : kScatteredProducts * products);
  const double in_order = (kMoves - kScatteredWrites + (by_panels ? real(panels - 1) : 0)) * tiles;
  // Prefetchers follow so many streams, the tiles and weights that a register tile reads.
  constexpr int kMostStreams = 15;
  const bool fetched_in_advance = plan.tile_width + plan.tile_vectors <= kMostStreams;
  const double exposed = fetched_in_advance ? machine.costs.exposed_again : 1;
  return (in_order * exposed + scattered) / machine.costs.l3_bytes_per_cycle;
}

/// What the choice of tasks makes small: the time of one thread, and of two with less weight.
double weighed_cycles(const LayerSpec& layer, const Plan& plan, const Machine& machine) {
  constexpr double kOneThread = 2;
  constexpr double kPerTask = 1000;  // loops of its own, and its turn
  const std::int64_t tasks = tasks_of(layer, plan).count();
  const double cycles = winograd_cycles(layer, plan, machine) + kPerTask * real(tasks);
  return cycles * (kOneThread + real(ceil_div(tasks, 2)) / real(tasks));
}

/// Blocks of one axis, in outputs: of 1, 2, 4 .. tiles, and the whole axis, as 0. Of an open axis
/// all are numbers, so that scratch is constant, in finer steps: of 1, 2, 3, 4, 6, 9 .. tiles.
std::vector<std::int64_t> blocks_of(std::int64_t out, std::int64_t tile, bool open) {
  std::vector<std::int64_t> blocks;
  const auto step = [open](std::int64_t n) { return open ? std::max<std::int64_t>(n / 2, 1) : n; };
  for (std::int64_t tiles = 1; tiles * tile < out; tiles += step(tiles)) {
    blocks.push_back(tiles * tile);
  }
  blocks.push_back(open ? round_up(out, tile) : 0);
  return blocks;
}

/// Groups of few filters fill vectors of half the width.
int lanes_of(const LayerSpec& layer, const Machine& machine) {
  const bool few = layer.filters_per_group() < machine.f32_lanes;
  return few ? machine.f32_lanes / 2 : machine.f32_lanes;
}

/// The best register tile and tasks for a size of tile.
class WinogradSearch {
 public:
  /// `sizes` are those that the plan is for (planned_sizes.h).
  WinogradSearch(const std::vector<LayerSpec>& sizes, int output_tile, const Machine& machine)
      : layer_(sizes[0]), sizes_(sizes), machine_(machine) {
    plan_.algorithm = Algorithm::winograd;
    plan_.output_tile = output_tile;
    plan_.lanes = lanes_of(layer_, machine);
  }

  Plan best() {
    const WinogradTransforms transforms = winograd_transforms(layer_, plan_.output_tile);
    for (const std::int64_t rows :
         blocks_of(layer_.out.height, transforms.row.outputs, layer_.open.height.has_value())) {
      for (const std::int64_t columns :
           blocks_of(layer_.out.width, transforms.column.outputs, layer_.open.width.has_value())) {
        // Columns are cut where rows can be cut no further.
        if (columns < layer_.out.width && columns != 0 && rows != 0 &&
            rows != transforms.row.outputs)
          continue;
        plan_.row_block = rows;
        plan_.column_block = columns;
        try_tiles();
      }
    }
    return best_;
  }

 private:
  void try_tiles() {
    constexpr std::int64_t kMostVectors = 4;
    const std::int64_t vectors = ceil_div(layer_.filters_per_group(), plan_.lanes);
    const std::int64_t tiles = tasks_of(layer_, plan_).tiles;
    for (plan_.tile_vectors = 1; plan_.tile_vectors <= std::min(vectors, kMostVectors);
         ++plan_.tile_vectors) {
      for (plan_.tile_width = 1; plan_.tile_width <= tiles; ++plan_.tile_width) {
        if (!fits_registers(1, plan_.tile_width, plan_.tile_vectors, machine_)) break;
        try_loops();
      }
    }
  }

  void try_loops() {
    const std::int64_t panels = ceil_div(layer_.filters_per_group(), plan_.filter_panel());
    // Tasks of some panels transform the same inputs again, which takes longer than predicted; of
    // an open axis the larger sizes have several blocks for threads.
    const std::int64_t most_cuts = sizes_.size() > 1 ? 1 : panels;
    for (const std::int64_t cuts : {1, 2, 4}) {
      if (cuts > most_cuts) break;
      plan_.panel_block = cuts == 1 ? 0 : ceil_div(panels, cuts);
      for (const LoopOrder order : {LoopOrder::filters_outer, LoopOrder::pixels_outer}) {
        // pixels_outer computes as many panels in the last task as in others.
        if (order == LoopOrder::pixels_outer && cuts != 1 && panels % plan_.panel_block != 0)
          continue;
        plan_.loop_order = order;
        const double cycles = mean_cost(
            sizes_, [&](const LayerSpec& sized) { return weighed_cycles(sized, plan_, machine_); });
        if (least_ >= 0 && cycles >= least_) continue;
        least_ = cycles;
        best_ = plan_;
      }
    }
    plan_.panel_block = 0;
  }

  const LayerSpec& layer_;
  const std::vector<LayerSpec>& sizes_;
  const Machine& machine_;
  Plan plan_, best_;
  double least_ = -1;
};

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

/// Whether a larger tile is so much faster than the next smaller one that its larger errors are
/// worth it: typical ones of up to twice direct's do not count. At any of the `sizes`, as a fixed
/// kernel of that size would then have them.
bool is_worth_errors(const std::vector<LayerSpec>& sizes, const Plan& larger, const Plan& smaller,
                     const Machine& machine) {
  constexpr double kWorthErrors = 1.15;
  const double gain = winograd_relative_rms(sizes[0], larger.output_tile) > 2 ? kWorthErrors : 1;
  return std::any_of(sizes.begin(), sizes.end(), [&](const LayerSpec& sized) {
    return winograd_cycles(sized, smaller, machine) >=
           gain * winograd_cycles(sized, larger, machine);
  });
}

}  // namespace

std::string why_not_winograd(const LayerSpec& layer) {
  const Size& kernel = layer.kernel_size;
  if (layer.kind != LayerKind::conv || kernel.depth != 1 || layer.strides.depth != 1 ||
      layer.padding.front != 0 || layer.padding.back != 0 ||
      !suits(kernel.height, layer.strides.height, layer.dilation_rate.height) ||
      !suits(kernel.width, layer.strides.width, layer.dilation_rate.width) || kernel == Size{}) {
    return "winograd needs a convolution of 1, 3, 5 or 7 taps along each axis, without dilation, "
           "and with strides of 2 only for 3 taps";
  }
  if (layer.kernel_view || layer.output_view) {
    return "winograd does not compute parts of transposed convolutions";
  }
  return {};
}

double winograd_cycles(const LayerSpec& layer, const Plan& plan, const Machine& machine) {
  const WinogradTasks tasks = tasks_of(layer, plan);
  const LayerSpec group = one_group(layer);
  TileDomain products;
  products.images = tasks.images * tasks.places;
  // Of a number of tiles that is known when the kernel runs, the last register tile is computed
  // whole, and so is the last panel.
  const bool is_open = layer.open.height || layer.open.width;
  products.out = {1, is_open ? round_up(tasks.tiles, plan.tile_width) : tasks.tiles};
  products.filters = round_up(group.filters, plan.filter_panel());
  products.taps = group.in_channels;
  products.pixel_stride_bytes = kFloatBytes * copied_pixel_stride(group.in_channels);
  RegisterTile tile;
  tile.width = plan.tile_width;
  tile.vectors = plan.tile_vectors;
  tile.lanes = plan.lanes;
  // Fewer register tiles take a panel of a place's weights than take one of a direct layer's.
  Machine of_places = machine;
  of_places.costs.exposed_panel = machine.costs.exposed_place_panel;
  const double computing = predicted_cycles(products, tile, of_places) / real(tasks.images);
  const double weights = real(products.taps * products.filters * tasks.places * kFloatBytes);
  const double first_tiles =
      computing * real(std::min<std::int64_t>(plan.tile_width, tasks.tiles)) / real(tasks.tiles);
  const double transforms =
      real(tasks.tiles * tasks.places) * vector_turns(plan.lanes, machine) /
      vector_turns(machine.f32_lanes, machine) *
      (machine.costs.cycles_per_transformed_input * real(tasks.per_image) *
           vectors_of(group.in_channels, plan.lanes) +
       machine.costs.cycles_per_transformed_product * vectors_of(group.filters, plan.lanes));
  // The layers before leave nothing of the weights in L3 but a share; later tasks find what the
  // first one read.
  constexpr double kShareOfRead = 2.0 / 3;
  const double first_reading =
      weights_cycles(plan, weights, first_tiles, machine.costs.l3_share, machine);
  const double later_reading = weights_cycles(plan, weights, first_tiles, kShareOfRead, machine);
  return first_reading + real(tasks.images - 1) * later_reading +
         real(tasks.images) * (computing + transforms +
                               real(tasks.per_image) * spill_cycles(layer, plan, tasks, machine));
}

std::vector<Plan> winograd_plans(const LayerSpec& layer, const Machine& machine) {
  std::vector<Plan> plans;
  const int lanes = lanes_of(layer, machine);
  if (lanes < 4 || layer.filters_per_group() < lanes) return plans;  // mostly idle vectors
  const std::vector<LayerSpec> sizes = planned_sizes(layer);
  for (const int output_tile : {kLeastTile, 4, 6}) {
    if (!has_winograd_transforms(layer, output_tile) || !fast_admits_winograd(layer, output_tile)) {
      continue;
    }
    Plan plan = WinogradSearch(sizes, output_tile, machine).best();
    if (!plans.empty() && !is_worth_errors(sizes, plan, plans.back(), machine)) continue;
    plan.reason = reason_of(layer, plan);
    plans.push_back(std::move(plan));
  }
  return plans;
}

}  // namespace convc
