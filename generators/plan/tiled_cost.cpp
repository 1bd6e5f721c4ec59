// The cost of the register-tiled algorithms, visit by visit and task by task. Pure.
#include "generators/plan/tiled_cost.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <sstream>

#include "generators/plan/integers.h"
#include "generators/plan/register_tile.h"
#include "generators/plan/roofline.h"
#include "generators/plan/tasks.h"
#include "generators/plan/tile_cost.h"

namespace convc {
namespace {

std::int64_t block_or_all(std::int64_t block, std::int64_t total) {
  return block == 0 ? total : std::min(block, total);
}

/// What tiles of the plan walk over.
TileDomain domain_of(const LayerSpec& layer, const Plan& plan) {
  TileDomain domain = tile_domain(layer, plan.is_flat());
  if (!plan.inside_taps) return domain;
  leave_out_padding(layer, domain);
  if (!copies_input(layer, plan))
    domain.pixel_stride_bytes = kFloatBytes * layer.in_channels * layer.strides.width;
  return domain;
}

/// Tasks of `rows` by `columns` output pixels.
struct TaskShape {
  std::int64_t count = 0;
  std::int64_t rows = 1, columns = 1;
  std::int64_t input_bytes = 0;
  /// Ragged tiles are computed whole: which of their pixels are stored is known when they run, not
  /// to the compiler, which then deletes nothing (decision 0010). So it is of a row of pixels of
  /// which several tasks take parts, and of rows where tasks are several and of several tiles.
  /// Panels of filters are treated likewise: those of tasks of panels are computed whole.
  bool whole_columns = false, whole_rows = false;
};

/// Of the input, once.
double elements_read(const LayerSpec& layer) {
  const bool picks = layer.kernel_size == Size{};  // the other pixels are other cache lines
  const Size& read = picks ? layer.out : layer.in;
  return real(layer.batch * read.depth * read.height) * real(read.width * layer.in_channels);
}

/// A share of L3 does not hold so many numbers.
bool streams(double elements, const Machine& machine) {
  constexpr double kCoresOfL3 = 8;
  return elements * kFloatBytes > real(machine.l3_bytes) / kCoresOfL3;
}

class Model {
 public:
  Model(const LayerSpec& layer, const Plan& plan, const Machine& machine)
      : layer_(layer),
        plan_(plan),
        machine_(machine),
        domain_(domain_of(layer, plan)),
        flat_(plan.is_flat()),
        copies_(copies_input(layer, plan)),
        by_pixels_(plan.loop_order == LoopOrder::pixels_outer),
        channels_(plan.channel_block == 0 ? layer.in_channels : plan.channel_block),
        blocks_(layer.in_channels / channels_),
        panels_(ceil_div(layer.filters, plan.filter_panel())),
        panels_per_task_(block_or_all(plan.panel_block, panels_)) {}

  TiledCost cost() {
    const std::int64_t row_block = flat_ ? 1 : block_or_all(plan_.row_block, domain_.out.height);
    const std::int64_t column_block =
        block_or_all(flat_ ? plan_.row_block : plan_.column_block, domain_.out.width);
    for (const TileRun& rows : tile_runs(domain_.out.height, row_block)) {
      for (const TileRun& columns : tile_runs(domain_.out.width, column_block)) {
        if (rows.count * columns.count == 0) continue;
        TaskShape task = {rows.count * columns.count * domain_.images, rows.size, columns.size, 0};
        task.whole_columns = domain_.whole_columns || (flat_ && column_block < domain_.out.width);
        task.whole_rows =
            domain_.whole_rows || (row_block < domain_.out.height && row_block > plan_.tile_height);
        task.input_bytes = flat_ ? columns.size * layer_.in_channels * kFloatBytes
                                 : task_input_bytes(layer_, rows.size, columns.size);
        add_visits(task);
        add_task(task);
      }
    }
    const double ideal = real(domain_.images * domain_.out.height * domain_.out.width) *
                         real(layer_.filters * domain_.taps_of_tile(plan_.tile_height)) /
                         (machine_.f32_lanes * machine_.fma_pipes);
    cost_.tails = cost_.multiply_adds - ideal;
    cost_.multiply_adds = ideal;
    cost_.beyond_l2 += compulsory_cycles() + written_in_parts_cycles();
    return cost_;
  }

 private:
  [[nodiscard]] double tasks_over_panels() const {
    return real(ceil_div(panels_, panels_per_task_));
  }
  [[nodiscard]] std::int64_t panel_bytes(std::int64_t vectors) const {
    return vectors * plan_.lanes * kFloatBytes * domain_.taps / blocks_;
  }

  /// Input that a tile reads, and the part of it that the tile before it did not.
  [[nodiscard]] double tile_input_bytes(std::int64_t height, std::int64_t width) const {
    if (flat_) return real(width * channels_ * kFloatBytes);
    const auto span = [](std::int64_t count, std::int64_t stride, std::int64_t kernel) {
      return (count - 1) * stride + kernel;
    };
    return real(span(height, layer_.strides.height, layer_.kernel_size.height) *
                span(width, layer_.strides.width, layer_.kernel_size.width) *
                layer_.kernel_size.depth * channels_ * kFloatBytes);
  }
  [[nodiscard]] double new_input_bytes(std::int64_t height, std::int64_t width) const {
    const bool picks = flat_ || layer_.kernel_size == Size{};
    const std::int64_t read = picks ? 1 : layer_.strides.height * layer_.strides.width;
    return real(height * width * read * channels_ * kFloatBytes);
  }

  /// Which bytes of a visit come from L2. filters_outer: tile after tile uses the same panel, and
  /// the task's input again with the next one. pixels_outer: the tile's input meets panel after
  /// panel.
  void add_traffic(const TaskShape& task, std::int64_t height, std::int64_t width,
                   TileVisit& visit) const {
    const double share = real(l1_share_bytes(machine_));
    const double panel = real(panel_bytes(visit.vectors));
    const double input = tile_input_bytes(height, width);
    if (by_pixels_) {
      const bool all_panels_stay = panel * real(panels_per_task_) + input <= share;
      const bool input_stays = panel + input <= share;
      visit.panel_bytes_from_l2 = all_panels_stay ? 0 : panel;
      visit.input_bytes_from_l2 =
          new_input_bytes(height, width) / (input_stays ? real(panels_per_task_) : 1);
      return;
    }
    const bool task_stays = panel + real(task.input_bytes / blocks_) <= share;
    visit.panel_bytes_from_l2 = panel + input <= share ? 0 : panel;
    visit.input_bytes_from_l2 = task_stays ? 0 : new_input_bytes(height, width);
  }

  void add_visits(const TaskShape& task) {
    const std::int64_t vectors = ceil_div(layer_.filters, plan_.lanes);
    for (const TileRun& panel : tile_runs(vectors, plan_.tile_vectors)) {
      for (const TileRun& rows : tile_runs(task.rows, plan_.tile_height)) {
        for (const TileRun& columns : tile_runs(task.columns, plan_.tile_width)) {
          const std::int64_t count =
              task.count * panel.count * rows.count * columns.count * blocks_;
          if (count == 0) continue;
          TileVisit visit;
          visit.pixels = (task.whole_rows ? plan_.tile_height : rows.size) *
                         (task.whole_columns ? plan_.tile_width : columns.size);
          visit.vectors = panels_per_task_ < panels_ ? plan_.tile_vectors : panel.size;
          visit.lanes = plan_.lanes;
          visit.partial_sums = plan_.parts_of_sum();
          visit.taps = domain_.taps_of_tile(plan_.tile_height) / blocks_;
          visit.pixel_stride_bytes = domain_.pixel_stride_bytes;
          add_traffic(task, rows.size, columns.size, visit);
          add(visit_cycles(visit, machine_), real(count));
        }
      }
    }
  }

  void add(const VisitCycles& visit, double count) {
    // Blocks of channels pass their sums through memory.
    constexpr double kPassedThrough = 2;
    cost_.multiply_adds += count * visit.multiply_adds;
    cost_.registers += count * visit.registers;
    cost_.l1_and_l2 += count * visit.caches;
    cost_.stores += count * visit.stores * (blocks_ > 1 ? kPassedThrough : 1);
  }

  void add_task(const TaskShape& task) {
    const double count = real(task.count) * tasks_over_panels();
    cost_.tasks += count * (machine_.costs.cycles_per_task +
                            machine_.costs.cycles_per_panel * real(panels_per_task_ * blocks_));
    cost_.beyond_l2 += count * read_again_bytes(task) * machine_.costs.exposed_again /
                       machine_.costs.l3_bytes_per_cycle;
    if (copies_) {
      const double vectors = real(task.input_bytes) / real(plan_.lanes * kFloatBytes);
      // Copies that pick pixels out of all rows were measured slower; decision 0023.
      const double picks = plan_.algorithm == Algorithm::subsampled ? 2 : 1;
      cost_.copies += count * vectors * picks * machine_.costs.cycles_per_copied_vector;
    }
  }

  /// Bytes of a task that come from beyond L2 although they came before: its weights, as the task
  /// before it read them, too; by_pixels, for each tile; otherwise the input, for each panel; and
  /// the planes that the task before it, of the plane before, read.
  [[nodiscard]] double read_again_bytes(const TaskShape& task) const {
    const double share = machine_.costs.l2_share * real(machine_.l2_bytes);
    const double weights = real(panels_per_task_ * blocks_ * panel_bytes(plan_.tile_vectors));
    const double tiles =
        real(ceil_div(task.rows, plan_.tile_height) * ceil_div(task.columns, plan_.tile_width));
    const double input = real(task.input_bytes);
    double bytes = weights > share ? weights : 0;
    if (by_pixels_ && weights > share) bytes += weights * (tiles - 1);
    if (!by_pixels_ && input > share) bytes += input * real(panels_per_task_ - 1);
    const double planes = real(layer_.kernel_size.depth);
    if (layer_.out.depth > 1 && input > share) bytes += input * (planes - 1) / planes;
    return bytes;
  }

  /// All inputs, once for each block of panels, and all weights come from beyond L2 once.
  [[nodiscard]] double compulsory_cycles() const {
    const double input = elements_read(layer_);
    const double weights = real(domain_.taps * layer_.filters);
    const double reads_of_input = input * tasks_over_panels();
    // What a task copies is not read by tiles.
    const bool tiles_read = !copies_ && streams_input(layer_, machine_);
    const double side_by_side =
        tiles_read ? machine_.costs.exposed_side_by_side * std::log2(plan_.tile_width) : 0;
    return ((reads_of_input + weights) * machine_.costs.exposed_once +
            reads_of_input * side_by_side) *
           kFloatBytes / machine_.costs.l3_bytes_per_cycle;
  }

  /// Pixels that stream to memory, each panel's part by itself.
  [[nodiscard]] double written_in_parts_cycles() const {
    const std::int64_t elements =
        domain_.images * domain_.out.height * domain_.out.width * layer_.filters;
    if (panels_ == 1 || !streams(real(elements), machine_)) return 0;
    return machine_.costs.exposed_parts * memory_cycles(elements * kFloatBytes, machine_);
  }

  const LayerSpec& layer_;
  const Plan& plan_;
  const Machine& machine_;
  const TileDomain domain_;
  const bool flat_, copies_, by_pixels_;
  const std::int64_t channels_, blocks_, panels_, panels_per_task_;
  TiledCost cost_;
};

}  // namespace

bool streams_input(const LayerSpec& layer, const Machine& machine) {
  return streams(elements_read(layer), machine);
}

TiledCost tiled_cost(const LayerSpec& layer, const Plan& plan, const Machine& machine) {
  return Model(layer, plan, machine).cost();
}

std::string to_text(const TiledCost& cost) {
  struct Term {
    const char* name;
    double cycles;
  };
  std::array<Term, 8> terms = {{{"multiply-adds", cost.multiply_adds},
                                {"idle lanes", cost.tails},
                                {"registers", cost.registers},
                                {"L1 and L2", cost.l1_and_l2},
                                {"beyond L2", cost.beyond_l2},
                                {"stores", cost.stores},
                                {"copies", cost.copies},
                                {"tasks", cost.tasks}}};
  std::stable_sort(terms.begin(), terms.end(),
                   [](const Term& a, const Term& b) { return a.cycles > b.cycles; });
  std::ostringstream text;
  text << "cycles";
  const char* separator = " ";
  for (const Term& term : terms) {
    const auto percent = std::lround(100 * term.cycles / cost.total());
    if (percent < 1) continue;
    text << separator << term.name << ' ' << percent << " %";
    separator = ", ";
  }
  return text.str();
}

}  // namespace convc
