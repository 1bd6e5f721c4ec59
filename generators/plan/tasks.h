// Choice of tasks: how the output is cut into pieces for caches and threads.
#pragma once

#include <cstdint>
#include <string>

#include "dsl/layer_spec.h"
#include "generators/plan/machine.h"
#include "generators/plan/register_tile.h"

namespace convc {

struct Tasks {
  std::int64_t row_block = 0;    ///< rows (pixels, when flat) of a task
  std::int64_t panel_block = 0;  ///< weights panels of a task; 0: all
  std::string text;              ///< the reason
};

Tasks choose_tasks(const LayerSpec& layer, const RegisterTile& tile, bool flat,
                   const Machine& machine);

}  // namespace convc
