// Convolution of images whose columns are neighbours in memory (channels_first): vectors run over
// pixels, weights are broadcast. A task copies what its pixels read into patches, so that a tile
// may run over the ends of rows, strides and dilation are gone, and the innermost loop reads
// patches and weights in order. Patches are [tile][plane][row][column][channel][pixel of tile],
// packed weights, in panels as wide as the register tile,
// [group][panel][plane][row][column][channel][filter].
#include "generators/kernels/conv_generator.h"
#include "generators/kernels/planar_rows.h"
#include "generators/kernels/tap_loop.h"

namespace convc {
namespace {

using Halide::Expr;
using Halide::Func;
using Halide::RDom;
using Halide::TailStrategy;
using Halide::Var;

class PlanarConv : public ConvGenerator<PlanarConv> {
 public:
  /* The maths. */
  void generate() {
    columns = column_axis();
    rows = row_axis();
    planes = plane_axis();
    copy_the_input();

    taps = RDom(0, columns.kernel_size, 0, rows.kernel_size, 0, planes.kernel_size, 0,
                channels_per_group(), "taps");
    const FilterPoint weight = {filter % panel_filters(), 0,      taps.x, taps.y, taps.z, taps.w,
                                panel_of_filter(),        v.group};
    std::vector<Expr> patch = {pixel % tile_pixels(), taps.x, taps.y, taps.z, taps.w,
                               pixel / tile_pixels()};
    patch.insert(patch.end(), block_vars.begin(), block_vars.end());
    partial(sum_vars()) = 0.0f;
    partial(sum_vars()) += (*kernel)(weight.coordinates()) * patches(patch);
    sum(sum_vars()) = partial(sum_vars());

    const Expr pixel_of_task =
        v.row % rows_per_task() * columns_per_task() + v.column % columns_per_task();
    output(pure_vars(v, filter)) =
        finished(sum(pixel_of_task, filter, v.column / columns_per_task(), v.row / rows_per_task(),
                     v.plane, v.batch, v.group),
                 point_of(v, filter));
  }

  /* The schedule. Loops from the outside in:
   *   parallel task in group x batch x plane x row blocks x column blocks x panel blocks
   *     channel                                        makes the patches of its task
   *     tile, panel                                    accumulators live in registers
   *       tap_plane, tap_row, tap_column, channel
   *         filter of panel, vector of tile            unrolled: one FMA each
   *     filter, row, vector of columns                 finishes the sums */
  void schedule() {
    split_into_tasks();
    schedule_copy();
    sum.compute_at(output, pixels_outer ? task : panel_index)
        .store_in(Halide::MemoryType::Heap)
        .bound_extent(pixel, tiles() * tile_pixels())
        .bound_extent(filter, panels_at_once() * panel_filters())
        .bound_storage(block_vars[0], 1)
        .bound_storage(block_vars[1], 1)
        .bound_storage(v.plane, 1)
        .bound_storage(v.batch, 1)
        .bound_storage(v.group, 1)
        .split(pixel, tile, pixel, tile_pixels())
        .split(filter, panel_index, filter, panel_filters())
        .reorder(pixel, filter, panel_index, tile)
        .vectorize(pixel, lanes)
        .unroll(pixel)
        .unroll(filter);
    partial.compute_at(sum, panel_index)
        .store_in(Halide::MemoryType::Register)
        .vectorize(pixel, lanes)
        .unroll(pixel)
        .unroll(filter)
        .update()
        .reorder({pixel, filter, taps.x, taps.y, taps.z, taps.w})
        .vectorize(pixel, lanes)
        .unroll(pixel)
        .unroll(filter);
    const int taps_of_plane = columns.kernel_size * rows.kernel_size;
    if (taps_of_plane > 1 && has_few_taps(columns.kernel_size, rows.kernel_size)) {
      partial.update().unroll(taps.x).unroll(taps.y);
    } else if (taps_of_plane == 1 && planes.kernel_size == 1) {
      unroll_channels(partial.update(), taps.w, channels_per_group(),
                      tile_pixels() / value(lanes) * panel_filters());
    }
  }

 private:
  /* The register tile and the task. */
  int panel_filters() const { return tile_vectors; }
  int tile_pixels() const { return tile_width; }
  int filter_panels() const { return ceil_div(output_channels(), panel_filters()); }
  int panels_per_task() const {
    return value(panel_block) == 0 ? filter_panels() : value(panel_block);
  }
  /// Panels whose sums are computed before any of them is finished.
  int panels_at_once() const { return pixels_outer ? panels_per_task() : 1; }
  int tiles() const { return ceil_div(rows_per_task() * columns_per_task(), tile_pixels()); }
  /// The last task may have fewer panels than the others; it repeats the last panel.
  Expr panel_of_filter() const {
    const Expr panel = filter / panel_filters();
    return filter_panels() % panels_per_task() == 0 ? panel
                                                    : Halide::min(panel, filter_panels() - 1);
  }

  std::vector<Var> sum_vars() const {
    std::vector<Var> vars = {pixel, filter};
    vars.insert(vars.end(), block_vars.begin(), block_vars.end());
    return vars;
  }

  /* The copy, channel by channel: rows with their padding; from these, one image of the task's
   * pixels for each tap column and each row within a stride; from these, the patches. Tasks at the
   * end of the image may ask for more than there is, hence the border around it. */
  void copy_the_input() {
    padded = copies_rows() ? planar_rows(input, {columns, rows, planes}, border(), dense_columns)
                           : padded_input(/*always=*/true);
    const Expr row = block_vars[1] * rows_per_task() + pixel / columns_per_task();
    const Expr column = block_vars[0] * columns_per_task() + pixel % columns_per_task();
    std::vector<Var> image = {pixel, v.channel, tap_column, row_in_stride, tap_plane};
    image.insert(image.end(), block_vars.begin(), block_vars.end());
    shifted(image) =
        padded(v.channel, column * columns.stride + tap_column * columns.dilation,
               row * rows.stride + row_in_stride,
               v.plane * planes.stride + tap_plane * planes.dilation, v.batch, v.group);

    std::vector<Var> patch = {pixel, tap_column, tap_row, tap_plane, v.channel, tile};
    patch.insert(patch.end(), block_vars.begin(), block_vars.end());
    const Expr first_row = tap_row * rows.dilation;
    std::vector<Expr> source = {
        tile * tile_pixels() + pixel + first_row / rows.stride * columns_per_task(), v.channel,
        tap_column, first_row % rows.stride, tap_plane};
    source.insert(source.end(), block_vars.begin(), block_vars.end());
    patches(patch) = shifted(source);
  }

  void schedule_copy() {
    auto one_block = [&](Func copy) {
      copy.store_in(Halide::MemoryType::Heap)
          .bound_storage(v.plane, 1)
          .bound_storage(v.batch, 1)
          .bound_storage(v.group, 1);
    };
    auto one_task = [&](Func copy) {
      one_block(copy);
      copy.bound_storage(block_vars[0], 1).bound_storage(block_vars[1], 1);
    };
    one_task(patches);
    patches.compute_at(output, task)
        .bound_extent(pixel, tile_pixels())
        .reorder({pixel, tap_column, tap_row, tap_plane, tile, v.channel})
        .vectorize(pixel, lanes)
        .unroll(pixel);
    one_task(shifted);
    Var task_row("task_row");
    shifted.compute_at(patches, v.channel)
        .bound_storage(v.channel, 1)
        .split(pixel, task_row, pixel, columns_per_task(), TailStrategy::RoundUp)
        .vectorize(pixel, vector_of_columns(), TailStrategy::ShiftInwards);
    if (!copies_rows()) return;
    padded.compute_at(patches, v.channel)
        .store_in(Halide::MemoryType::Heap)
        .bound_storage(v.batch, 1)
        .bound_storage(v.group, 1)
        .bound_storage(v.channel, 1)
        .reorder_storage(v.column, v.row, v.plane, v.channel, v.batch, v.group)
        .vectorize(v.column, lanes, TailStrategy::RoundUp);
  }

  /// Each row is read by several taps, or not as it lies in memory.
  bool copies_rows() const {
    return columns.kernel_size * rows.kernel_size > 1 || columns.stride > 1;
  }
  int vector_of_columns() const { return std::min(value(lanes), columns_per_task()); }
  /// Where it can, the last vector of a row overlaps the one before: better than a mask.
  TailStrategy column_tail() const {
    const bool is_whole = !columns.open && columns.out % columns_per_task() == 0;
    return is_whole ? TailStrategy::ShiftInwards : TailStrategy::GuardWithIf;
  }

  void split_into_tasks() {
    bound_output(filter, v);
    Func out = output;
    out.split(filter, panel_index, filter, panel_filters(), TailStrategy::GuardWithIf)
        .split(panel_index, panel_task, panel_index, panels_per_task(), TailStrategy::GuardWithIf)
        .split(v.row, row_task, v.row, rows_per_task(), TailStrategy::GuardWithIf)
        .split(v.column, column_task, v.column, columns_per_task(), TailStrategy::GuardWithIf)
        .reorder({v.column, v.row, filter, panel_index, panel_task, column_task, row_task})
        .fuse(panel_task, column_task, task)
        .fuse(task, row_task, task);
    fuse_outer_loops(task, v).parallel(task).vectorize(v.column, vector_of_columns(),
                                                       column_tail());
  }

  ImageVars v;
  Var filter{"filter"}, pixel{"pixel"}, tile{"tile"}, tap_column{"tap_column"}, tap_row{"tap_row"},
      tap_plane{"tap_plane"}, row_in_stride{"row_in_stride"};
  // Which block of pixels: tasks along columns and rows, then as in an image.
  std::vector<Var> block_vars = {Var("column_block"), Var("row_block"), v.plane, v.batch, v.group};
  SpatialAxis columns, rows, planes;
  RDom taps;
  Func padded, shifted{"shifted"}, patches{"patches"}, partial{"partial"}, sum{"sum"};
};

}  // namespace
}  // namespace convc

HALIDE_REGISTER_GENERATOR(convc::PlanarConv, convc_planar)
