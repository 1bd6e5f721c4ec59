// Direct convolution, groups = 1: a register tile of output pixels x filters, accumulated over all
// taps and channels. Weights are packed in panels, [panel][block][row][column][channel][filter], so
// that the innermost loop reads them in order.
#include "generators/kernels/conv2d_generator.h"
#include "generators/kernels/literal_text.h"

namespace convc {
namespace {

using Halide::Expr;
using Halide::Func;
using Halide::RDom;
using Halide::RVar;
using Halide::TailStrategy;
using Halide::Var;

class DirectConv2D : public Conv2DGenerator<DirectConv2D> {
 public:
  Param<std::string> tap_positions{"tap_positions", ""};  // those of a literal filter not all zero

  ImageInput input{"input"};
  PackedKernel kernel{"kernel"};
  PackedBias* bias = nullptr;
  ImageOutput output{"output"};

  void configure() {
    if (use_bias) bias = add_input<Halide::Buffer<float, 1>>("bias");
  }

  /* The maths. */
  void generate() {
    source = source_image();
    partial(filter, v.column, v.row, v.batch, block) = 0.0f;
    const std::vector<TapPosition> positions = positions_from_text(tap_positions);
    if (positions.empty()) {
      const RDom taps(0, channels_per_block(), 0, value(kernel_width), 0, value(kernel_height));
      accumulate(taps, taps.y, taps.z);
    }
    for (const TapPosition& position : positions) {
      accumulate(RDom(0, channels_per_block()), position.column, position.row);
    }

    Expr total = partial(filter, v.column, v.row, v.batch, 0);
    if (blocked()) {
      blocks = RDom(0, value(in_channels) / channels_per_block(), "blocks");
      sum(filter, v.column, v.row, v.batch) = 0.0f;
      sum(filter, v.column, v.row, v.batch) += partial(filter, v.column, v.row, v.batch, blocks);
      total = sum(filter, v.column, v.row, v.batch);
    }
    output(filter, v.column, v.row, v.batch) =
        finished(total, use_bias ? (*bias)(filter) : Expr(0.0f));
  }

  /* The schedule. Loops from the outside in (filters_outer; pixels_outer swaps panel and tile_row):
   *   parallel task in batch x row blocks x panel blocks     copies its padded input
   *     panel, tile_row, tile_column                         accumulators live in registers
   *       tap_row, tap_column, channel
   *         pixel of tile, vector of panel                   unrolled: one FMA each */
  void schedule() {
    tile_the_output();
    if (blocked()) {
      sum.compute_at(output, panel_index)
          .store_in(Halide::MemoryType::Heap)
          .bound_extent(filter, panel())
          .bound_storage(v.batch, 1)
          .bound_storage(v.row, rows_of_sums())
          .bound_storage(v.column, out_width())
          .vectorize(filter, lanes)
          .unroll(filter);
      sum.update()
          .split(v.column, tile_column, in_tile_column, tile_width, TailStrategy::GuardWithIf)
          .reorder(filter, in_tile_column, tile_column, v.row, v.batch, blocks)
          .vectorize(filter, lanes)
          .unroll(filter)
          .unroll(in_tile_column);
      keep_in_registers(sum);
    } else {
      keep_in_registers(output);
    }
    copy_source();
  }

 private:
  /// Adds the products over `taps` (channels, then any loops of `tap_column` and `tap_row`).
  void accumulate(const RDom& taps, const Expr& tap_column, const Expr& tap_row) {
    const Expr column = inside(v.column, out_width(), tile_width) * source_stride_width() +
                        tap_column * value(dilation_width);
    const Expr row = inside(v.row, out_height(), tile_height) * source_stride_height() +
                     tap_row * value(dilation_height);
    partial(filter, v.column, v.row, v.batch, block) +=
        kernel(filter % panel(), taps[0], tap_column, tap_row, block, filter / panel()) *
        source(block * channels_per_block() + taps[0], column, row, v.batch);
    loops_over_taps.push_back(taps);
  }

  /// A strided 1x1 filter reads a pixel here and there; a copy of just those is small and dense.
  bool subsampled() const {
    return value(kernel_height) * value(kernel_width) == 1 &&
           value(stride_height) * value(stride_width) > 1;
  }
  int source_stride_width() const { return subsampled() ? 1 : value(stride_width); }
  int source_stride_height() const { return subsampled() ? 1 : value(stride_height); }

  /// source(channel, column, row, batch): what the taps read.
  Func source_image() {
    Func padded = zero_padded(input, blocked());
    if (!subsampled()) return padded;
    Func picked("subsampled");
    picked(v.channel, v.column, v.row, v.batch) =
        padded(v.channel, v.column * value(stride_width), v.row * value(stride_height), v.batch);
    return picked;
  }

  bool blocked() const { return channels_per_block() != value(in_channels); }

  void tile_the_output() {
    const int panels_per_task = value(panel_block) == 0 ? panels() : value(panel_block);
    Func out = output;
    out.bound(filter, 0, value(filters))
        .bound(v.column, 0, out_width())
        .bound(v.row, 0, out_height())
        .bound(v.batch, 0, value(batch));
    out.split(filter, panel_index, filter, panel(), TailStrategy::GuardWithIf)
        .split(v.column, tile_column, in_tile_column, tile_width, TailStrategy::GuardWithIf)
        .split(v.row, tile_row, in_tile_row, tile_height, TailStrategy::GuardWithIf)
        .split(panel_index, panel_task, panel_index, panels_per_task, TailStrategy::GuardWithIf)
        .split(tile_row, row_task, tile_row, tile_rows_per_task(), TailStrategy::GuardWithIf);
    if (pixels_outer) {
      out.reorder(filter, in_tile_column, in_tile_row, tile_column, panel_index, tile_row,
                  panel_task, row_task, v.batch);
    } else {
      out.reorder(filter, in_tile_column, in_tile_row, tile_column, tile_row, panel_index,
                  panel_task, row_task, v.batch);
    }
    out.fuse(panel_task, row_task, task).fuse(task, v.batch, task).parallel(task);
    out.vectorize(filter, lanes).unroll(filter).unroll(in_tile_column).unroll(in_tile_row);
  }

  /// The accumulators of one register tile of `consumer`: computed per tile, all loops over the
  /// tile unrolled, so that each accumulator is a register across the loops over taps.
  void keep_in_registers(Func consumer) {
    partial.compute_at(consumer, tile_column)
        .store_in(Halide::MemoryType::Register)
        .bound_extent(filter, panel())
        .bound_extent(v.column, tile_width)
        .bound_extent(v.row, blocked() ? 1 : value(tile_height))
        .vectorize(filter, lanes)
        .unroll(filter)
        .unroll(v.column)
        .unroll(v.row);
    for (std::size_t i = 0; i < loops_over_taps.size(); ++i) {
      std::vector<Halide::VarOrRVar> loops = {filter, v.column, v.row};
      for (int d = 0; d < loops_over_taps[i].dimensions(); ++d) {
        loops.emplace_back(loops_over_taps[i][d]);
      }
      partial.update(static_cast<int>(i))
          .reorder(loops)
          .vectorize(filter, lanes)
          .unroll(filter)
          .unroll(v.column)
          .unroll(v.row);
    }
  }

  /// Rows of partial sums that pass through memory at a time.
  int rows_of_sums() const {
    const int rows = pixels_outer ? value(tile_height) : tile_rows_per_task() * value(tile_height);
    return std::min(rows, out_height());
  }

  void copy_source() {
    if (!is_padded() && !blocked() && !subsampled()) return;
    copy_per_task(source, output, task, v, tile_rows_per_task() * value(tile_height),
                  source_stride_height(), source_stride_width());
    if (value(in_channels) == 1) {
      source.vectorize(v.column, lanes, TailStrategy::GuardWithIf);
    } else {
      source.vectorize(v.channel, std::min(value(lanes), value(in_channels)),
                       TailStrategy::GuardWithIf);
    }
    source.align_storage(v.channel, copied_pixel);
  }

  ImageVars v;
  Var filter{"filter"}, block{"block"};
  std::vector<RDom> loops_over_taps;
  RDom blocks;
  Func source, partial{"partial"}, sum{"sum"};
  Var panel_index{"panel"}, panel_task{"panel_task"}, tile_column{"tile_column"},
      in_tile_column{"in_tile_column"}, tile_row{"tile_row"}, in_tile_row{"in_tile_row"},
      row_task{"row_task"}, task{"task"};
};

}  // namespace

}  // namespace convc

HALIDE_REGISTER_GENERATOR(convc::DirectConv2D, convc_direct_conv2d)
