// What the generators without a filter share: the schedule of one pass over the output image.
#pragma once

#include <algorithm>
#include <vector>

#include "generators/kernels/conv_generator.h"

namespace convc {

template <typename Derived>
class ImagePass : public ConvGenerator<Derived> {
 protected:
  using Base = ConvGenerator<Derived>;
  using Base::value;

  /* Loops from the outside in:
   *   parallel task in batch x planes x row blocks x column blocks
   *     row, then pixels and channels as they lie in the output, the inner one in vectors */
  void schedule_pass() {
    const int channels = this->output_channels();
    if (!this->dense_output || channels == 1) {
      make_tasks({v.column, v.row, v.channel});
      vectorize(v.column);
    } else if (channels < value(this->lanes) && this->dense_input && !this->is_padded()) {
      // Few channels: those of several pixels make a vector.
      make_tasks({v.column, v.row}, channels);
      vectorize(v.column);
    } else {
      make_tasks({v.channel, v.column, v.row});
      Halide::Func(this->output)
          .vectorize(v.channel, std::min(channels, value(this->lanes)),
                     Halide::TailStrategy::ShiftInwards);
    }
  }

  /// Splits rows and columns into tasks; inside of them, `loops` from the inside out. The channels
  /// of a pixel become as many columns where `channels_of_column` is more than 1.
  void make_tasks(std::vector<Halide::VarOrRVar> loops, int channels_of_column = 1) {
    constexpr auto kGuard = Halide::TailStrategy::GuardWithIf;
    this->bound_output(v.channel, v);
    Halide::Func out = this->output;
    if (channels_of_column > 1) out.fuse(v.channel, v.column, v.column);
    out.split(v.row, row_task, v.row, this->rows_per_task(), kGuard)
        .split(v.column, column_task, v.column, this->columns_per_task() * channels_of_column,
               kGuard);
    loops.insert(loops.end(), {column_task, row_task});
    out.reorder(loops).fuse(column_task, row_task, task);
    this->fuse_outer_loops(task, v).parallel(task);
  }

  ImageVars v;
  Halide::Var task{"task"};

 private:
  void vectorize(const Halide::Var& loop) {
    Halide::Func(this->output).vectorize(loop, this->lanes, Halide::TailStrategy::GuardWithIf);
  }

  Halide::Var row_task{"row_task"}, column_task{"column_task"};
};

}  // namespace convc
