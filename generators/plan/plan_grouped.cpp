// Plans of layers with few channels per group: vectors over the filters of several groups. Pure.
#include <algorithm>

#include "generators/plan/algorithms.h"
#include "generators/plan/integers.h"
#include "generators/plan/register_tile.h"
#include "generators/plan/tasks.h"

namespace convc {

std::string why_not_grouped(const LayerSpec& layer) {
  const bool is_conv = layer.kind == LayerKind::conv || layer.kind == LayerKind::depthwise_conv;
  return is_conv && layer.groups > 1 ? "" : "grouped needs more than one group";
}

Plan grouped_plan(const LayerSpec& layer, const Machine& machine) {
  Plan plan;
  plan.algorithm = Algorithm::grouped;
  plan.lanes = lanes_for(layer.filters, machine);
  // Beside the sums stand the weights of one tap; its input comes from memory.
  constexpr int kSpareRegisters = 2;
  plan.tile_height = layer.out.height > 1 ? 2 : 1;
  plan.tile_width = static_cast<int>(
      equal_blocks(layer.out.width, (machine.vector_registers - kSpareRegisters) / plan.tile_height,
                   /*unit=*/1));
  // Rows of a task share what they spread out.
  constexpr int kTileRows = 4;
  RegisterTile tile;
  tile.height = kTileRows * plan.tile_height;
  tile.width = plan.tile_width;
  tile.lanes = plan.lanes;
  tile.cycles =
      static_cast<double>(layer.batch * layer.out.depth * layer.out.height * layer.out.width *
                          layer.filters * layer.channels_per_group() * layer.taps()) /
      machine.f32_lanes;
  const Tasks tasks =
      choose_tasks(read_in_place(layer), tile, /*flat=*/false, machine, TaskCuts::pixels);
  plan.row_block = tasks.row_block;
  plan.column_block = tasks.column_block;
  plan.reason = "groups=" + std::to_string(layer.groups) +
                ": vectors over filters, each reading its own group's channels; " + tasks.text;
  return plan;
}

}  // namespace convc
