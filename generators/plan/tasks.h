// Choice of tasks: how the output is cut into pieces for caches and threads.
#pragma once

#include <cstdint>
#include <string>

#include "dsl/layer_spec.h"
#include "generators/plan/machine.h"
#include "generators/plan/register_tile.h"

namespace convc {

/// A task is of one image, plane and group; it has these blocks of the others.
struct Tasks {
  std::int64_t row_block = 0;     ///< rows (pixels, when flat) of a task
  std::int64_t column_block = 0;  ///< columns of a task; 0: all
  std::int64_t panel_block = 0;   ///< weights panels of a task; 0: all
  std::string text;               ///< the reason
};

/// What may be cut. Tasks over panels each read (and copy) the whole input.
enum class TaskCuts { pixels, pixels_or_panels };

/// Precondition: groups = 1 (one_group of algorithms.h), unless panels hold filters of all groups.
Tasks choose_tasks(const LayerSpec& layer, const RegisterTile& tile, bool flat,
                   const Machine& machine, TaskCuts cuts = TaskCuts::pixels_or_panels);

/// Bytes of input that `rows` times `columns` outputs of a plane read, halo included.
std::int64_t task_input_bytes(const LayerSpec& layer, std::int64_t rows, std::int64_t columns);

/// Threads that some work, in predicted cycles of one, is enough for: two from some 30 times a fork
/// and join of threads that are awake on (decision 0002: 0.3 us), more when each has about
/// twice the price of waking it (15 us).
int threads_worth(double cycles);

/// An axis cut into blocks, of which the last has what is left.
struct Blocks {
  std::int64_t total = 1;
  std::int64_t block = 1;
};

/// Share of their time that `threads` are busy when they take tasks in turn, one at a time, each of
/// a block of outputs and a block of panels of an image: 1 when the last ones end together.
double busy_share(const Blocks& outputs, const Blocks& panels, std::int64_t images, int threads);

}  // namespace convc
