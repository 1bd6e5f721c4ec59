// Depthwise convolution of images whose columns are neighbours in memory (channels_first): one
// channel after the other, vectors run over columns, weights are broadcast. A task copies the rows
// of a channel with their padding, which stay in L1.
#include "generators/kernels/conv_generator.h"
#include "generators/kernels/planar_rows.h"

namespace convc {
namespace {

using Halide::Expr;
using Halide::Func;
using Halide::RDom;
using Halide::TailStrategy;
using Halide::Var;

class PlanarDepthwiseConv : public ConvGenerator<PlanarDepthwiseConv> {
 public:
  /* The maths. A group is one channel. */
  void generate() {
    columns = column_axis();
    rows = row_axis();
    planes = plane_axis();
    padded = PlanarRows(input, {columns, rows, planes}, border(), value(column_block) == 0,
                        value(lanes));
    taps = RDom(0, columns.kernel_size, 0, rows.kernel_size, 0, planes.kernel_size, "taps");
    const FilterPoint weight = {filter % value(tile_vectors), 0,      taps.x, taps.y, taps.z, 0,
                                filter / value(tile_vectors), v.group};
    const ImagePoint at = {0,
                           v.column * columns.stride + taps.x * columns.dilation,
                           inside(v.row, rows, tile_height) * rows.stride + taps.y * rows.dilation,
                           v.plane * planes.stride + taps.z * planes.dilation,
                           v.batch,
                           v.group};
    sum(pure_vars(v, filter)) = 0.0f;
    sum(pure_vars(v, filter)) += (*kernel)(weight.coordinates()) * padded.func()(at.coordinates());
    output(pure_vars(v, filter)) =
        finished(sum(point_of(v, filter).coordinates()), point_of(v, filter));
  }

  /* The schedule. Loops from the outside in:
   *   parallel task in blocks of channels x batch x plane x row blocks x column blocks
   *     channel                                    copies its padded rows
   *       filter, tile_row, tile_column            sums live in registers
   *         tap_plane, tap_row, tap_column         unrolled for small filters
   *           row of tile, vector of columns       unrolled: one FMA each */
  void schedule() {
    tile_the_output();
    sum.compute_at(output, tile_column)
        .store_in(Halide::MemoryType::Register)
        .bound_extent(v.column, tile_width)
        .bound_extent(v.row, tile_height)
        .vectorize(v.column, lanes)
        .unroll(v.column)
        .unroll(v.row)
        .update()
        .reorder(v.column, v.row, taps.x, taps.y, taps.z)
        .vectorize(v.column, lanes)
        .unroll(v.column)
        .unroll(v.row);
    constexpr int kMostUnrolledTaps = 9, kMostUnrolledColumns = 7;
    if (columns.kernel_size <= kMostUnrolledColumns) sum.update().unroll(taps.x);
    if (columns.kernel_size * rows.kernel_size <= kMostUnrolledTaps) sum.update().unroll(taps.y);

    Func copy = padded.func();
    copy_per_task(copy, output, v.group, v, window(1, planes),
                  window(tile_rows_per_task() * value(tile_height), rows), copied_columns());
    copy.align_storage(v.column, lanes)
        .bound_storage(v.channel, 1)
        .reorder_storage(v.column, v.row, v.plane, v.channel, v.batch, v.group);
    padded.vectorize();
  }

 private:
  /// Whole vectors of columns are computed, and copied.
  Window copied_columns() const {
    Window columns_of_task = {tile_columns_per_task() * value(tile_width), columns.stride,
                              columns.span()};
    columns_of_task.span += value(lanes) - 1;
    return columns_of_task;
  }

  void tile_the_output() {
    bound_output(filter, v);
    Func out = output;
    out.split(v.column, tile_column, v.column, tile_width, column_tail())
        .split(v.row, tile_row, v.row, tile_height, TailStrategy::GuardWithIf)
        .split(tile_row, row_task, tile_row, tile_rows_per_task(), TailStrategy::GuardWithIf)
        .split(tile_column, column_task, tile_column, tile_columns_per_task(),
               TailStrategy::GuardWithIf)
        .split(v.group, group_task, v.group, groups_per_task(), TailStrategy::GuardWithIf)
        .reorder({v.column, v.row, tile_column, tile_row, filter, v.group, column_task, row_task})
        .fuse(column_task, row_task, task);
    ImageVars blocks = v;
    blocks.group = group_task;
    fuse_outer_loops(task, blocks)
        .parallel(task)
        .vectorize(v.column, lanes)
        .unroll(v.column)
        .unroll(v.row);
  }

  /// Where it can, the last tile overlaps the one before: better than a mask.
  TailStrategy column_tail() const {
    const bool overlaps =
        !columns.open && value(column_block) == 0 && columns.out >= value(tile_width);
    return overlaps ? TailStrategy::ShiftInwards : TailStrategy::GuardWithIf;
  }

  int groups_per_task() const {
    return value(panel_block) == 0 ? image_groups() : value(panel_block);
  }

  ImageVars v;
  Var filter{"filter"};
  SpatialAxis columns, rows, planes;
  RDom taps;
  PlanarRows padded;
  Func sum{"sum"};
  Var tile_column{"tile_column"}, tile_row{"tile_row"}, row_task{"row_task"},
      column_task{"column_task"}, group_task{"group_task"}, task{"task"};
};

}  // namespace
}  // namespace convc

HALIDE_REGISTER_GENERATOR(convc::PlanarDepthwiseConv, convc_planar_depthwise)
