// Depthwise convolution: every filter reads one channel, so vectors run over filters and nothing is
// summed over channels. Weights are one panel of all filters, [plane][row][column][filter]. The
// taps read the input itself, zero padding included, wherever its channels lie side by side: there
// is little arithmetic for each element, so that even a copy that stays in cache costs too much.
#include "generators/kernels/conv_generator.h"
#include "generators/kernels/tap_loop.h"
#include "generators/plan/algorithms.h"

namespace convc {
namespace {

using Halide::Expr;
using Halide::Func;
using Halide::RDom;
using Halide::TailStrategy;
using Halide::Var;

class DepthwiseConv : public ConvGenerator<DepthwiseConv> {
 public:
  Param<bool> all_taps{"all_taps", false};

  /* The maths. */
  void generate() {
    columns = column_axis();
    rows = row_axis();
    planes = plane_axis();
    Border around = border();
    around.apart = has_run_time_border();
    padded = convc::padded_input(input, {columns, rows, planes}, around);
    source = source_image();
    taps = RDom(0, columns.kernel_size, 0, rows.kernel_size, 0, planes.kernel_size, "taps");
    const FilterPoint weight = {filter, 0, taps.x, taps.y, taps.z, 0, 0, 0};
    const ImagePoint at = {
        filter,
        to_read(v.column, columns, tile_width) * columns.stride + taps.x * columns.dilation,
        to_read(v.row, rows, tile_height) * rows.stride + taps.y * rows.dilation,
        v.plane * planes.stride + taps.z * planes.dilation,
        v.batch,
        v.group};
    sum(pure_vars(v, filter)) = 0.0f;
    sum(pure_vars(v, filter)) += (*kernel)(weight.coordinates()) * source(at.coordinates());
    output(pure_vars(v, filter)) =
        finished(sum(point_of(v, filter).coordinates()), point_of(v, filter));
  }

  /* The schedule. Loops from the outside in (pixels_outer; filters_outer has panel outside of
   * tile_row). With pixels_outer all channels of a pixel are visited before the next, so memory is
   * read in order; with filters_outer the weights of a panel stay in registers:
   *   parallel task in batch x plane x panel blocks x row blocks x column blocks
   *                                          copies its input, where the taps cannot read it
   *     tile_row, tile_column, panel         sums live in registers
   *       tap_plane, tap_row, tap_column     unrolled for small filters
   *         pixel of tile, vector of panel   unrolled: one FMA each */
  void schedule() {
    tile_the_output();
    sum.compute_at(output, pixels_outer ? panel_index : tile_column)
        .store_in(Halide::MemoryType::Register)
        .bound_extent(filter, panel_filters())
        .bound_extent(v.column, tile_width)
        .bound_extent(v.row, tile_height)
        .vectorize(filter, vector())
        .unroll(filter)
        .unroll(v.column)
        .unroll(v.row)
        .update()
        .reorder(filter, v.column, v.row, taps.x, taps.y, taps.z)
        .vectorize(filter, vector())
        .unroll(filter)
        .unroll(v.column)
        .unroll(v.row);
    unroll_taps();
    if (!reads_directly()) copy_source();
  }

 private:
  static constexpr int kMostUnrolledColumns = 7;

  /* Vectors end where the filters do: the last one overlaps the one before. */
  int vector() const { return std::min(value(lanes), output_channels()); }
  int panel_filters() const {
    return std::min(value(tile_vectors), output_channels() / vector()) * vector();
  }
  int filter_panels() const { return ceil_div(output_channels(), panel_filters()); }
  bool panels_overlap() const { return output_channels() % panel_filters() != 0; }

  /// An overlap must not be written by two tasks.
  bool splits_panels() const { return value(panel_block) > 0 && !panels_overlap() && !expands(); }

  bool expands() const { return filters_per_group() > 1; }
  bool reads_directly() const {
    return dense_input && !expands() && !planes.bordered && !asks_at_each_tap() &&
           (fills_border(padding_mode) || !is_padded()) && !pixels_compete() &&
           !(is_padded() && multiplies_zeros());
  }

  /// Loops over taps of a row ask whether they lie in the image each time; a copy asks once per
  /// element. 9x9, 64 channels, 28 to 112 pixels: 1.7, 1.3, 1.0 times as long without a copy.
  bool asks_at_each_tap() const {
    return columns.open && is_padded() && columns.kernel_size > kMostUnrolledColumns;
  }

  /// Taps ask whether they lie in the image, and where it ends is known at run time.
  bool has_run_time_border() const {
    return reads_directly() && is_padded() && (columns.open || rows.open);
  }

  /// LLVM makes no product of a zero that it sees; of one in a copy it does.
  bool multiplies_zeros() const { return all_taps && padding_mode == PaddingMode::zeros; }

  /// Where taps ask whether they lie in the image, along an axis, they may lie anywhere. (With a
  /// run-time size, Halide's simplifier takes the interior of `inside` for empty, and every tap
  /// would ask.)
  Expr to_read(const Var& coordinate, const SpatialAxis& axis, int tile) const {
    return reads_directly() && axis.bordered ? Expr(coordinate) : inside(coordinate, axis, tile);
  }

  /// With filters_outer a line is seldom needed again before its pixel's turn is over.
  bool pixels_compete() const {
    return pixels_outer && splits_panels() &&
           copies_competing_pixels(output_channels(), columns.stride, columns.kernel_size);
  }
  int copied_channels() const {
    return splits_panels() ? value(panel_block) * panel_filters() : output_channels();
  }

  /// source(filter, column, row, plane, batch, group): the channel that the filter reads.
  Func source_image() {
    if (!expands()) return padded;
    Func expanded("expanded");
    expanded(pure_vars(v)) =
        padded(v.channel / filters_per_group(), v.column, v.row, v.plane, v.batch, v.group);
    return expanded;
  }

  void tile_the_output() {
    bound_output(filter, v);
    if (has_run_time_border()) {
      Halide::Stage whole_tiles =
          Func(output).specialize(tiles_overlap(columns, tile_width, columns_of_task()) &&
                                  tiles_overlap(rows, tile_height, rows_of_task()));
      tile_and_order(whole_tiles, tail_of(columns), tail_of(rows));
      // At all borders, also where two of them meet.
      whole_tiles.always_partition(tile_column, tile_row);
    }
    tile_and_order(Func(output), TailStrategy::GuardWithIf, TailStrategy::GuardWithIf);
  }
  void tile_and_order(const Halide::Stage& out, TailStrategy column_tail, TailStrategy row_tail) {
    Tiling tiling;
    tiling.panels_per_task = splits_panels() ? value(panel_block) : filter_panels();
    tiling.tile_columns_per_task = columns_of_task();
    tiling.tile_rows_per_task = rows_of_task();
    tiling.panel = TailStrategy::ShiftInwards;
    tiling.column = column_tail;
    tiling.row = row_tail;
    tile(out, filter, v, panel_filters(), tiling);
    std::vector<Halide::VarOrRVar> loops = {filter, in_tile_column, in_tile_row};
    if (pixels_outer) {
      loops.insert(loops.end(), {panel_index, tile_column, tile_row});
    } else {
      loops.insert(loops.end(), {tile_column, tile_row, panel_index});
    }
    // Threads take tasks in turn: where the rows of a block of panels follow each other, each keeps
    // to rows of its own.
    order_tiles(out, filter, v, loops, {column_task, row_task, panel_task}, filter, vector());
  }

  /// Tiles of a task along an axis.
  Expr columns_of_task() const { return equal_share(columns, tile_width, tile_columns_per_task()); }
  Expr rows_of_task() const { return equal_share(rows, tile_height, tile_rows_per_task()); }

  /// With run-time sizes, tiles that end beyond the image are guarded store by store, in the same
  /// loops that ask where the image ends. Whole tiles need no guards: the last one overlaps the one
  /// before. No two tasks write the same element, so it must not be the first of a task.
  static TailStrategy tail_of(const SpatialAxis& axis) {
    return axis.open ? TailStrategy::ShiftInwards : TailStrategy::GuardWithIf;
  }
  static Expr tiles_overlap(const SpatialAxis& axis, int tile, const Expr& tiles_per_task) {
    if (!axis.open) return Halide::Internal::const_true();
    const Expr last_tile = (axis.out_extent - 1) / tile;
    return axis.out_extent >= tile &&
           (axis.out_extent % tile == 0 || last_tile % tiles_per_task != 0);
  }

  void unroll_taps() {
    if (columns.kernel_size <= kMostUnrolledColumns) sum.update().unroll(taps.x);
    if (has_few_taps(columns.kernel_size, rows.kernel_size)) sum.update().unroll(taps.y);
  }

  /// The copy of what a task reads: padded by other than a constant, its channels side by side,
  /// each as often as filters read it.
  void copy_source() {
    copy_per_task(source, output, task, v, window(1, planes),
                  window(tile_rows_per_task() * value(tile_height), rows),
                  window(tile_columns_per_task() * value(tile_width), columns));
    source.align_storage(v.channel, static_cast<int>(copied_pixel_stride(copied_channels())));
    if (expands()) {
      const int copies = filters_per_group();
      source.split(v.channel, v.channel, copy_of_channel, copies);
      if (copies >= value(lanes)) {
        source.vectorize(copy_of_channel, lanes, TailStrategy::GuardWithIf);
        return;
      }
      source.unroll(copy_of_channel);
    }
    if (dense_input && input_channels() >= value(lanes)) {
      source.vectorize(v.channel, lanes, TailStrategy::GuardWithIf);
      constexpr int kVectors = 8;  // the loop over them costs as much as they do
      if (copied_channels() % (kVectors * value(lanes)) == 0) {
        source.unroll(v.channel, kVectors, TailStrategy::GuardWithIf);
      }
    } else {
      source.vectorize(v.column, lanes, TailStrategy::GuardWithIf);
    }
  }

  ImageVars v;
  Var filter{"filter"};
  SpatialAxis columns, rows, planes;
  RDom taps;
  Func padded, source, sum{"sum"};
  Var copy_of_channel{"copy_of_channel"};
};

}  // namespace
}  // namespace convc

HALIDE_REGISTER_GENERATOR(convc::DepthwiseConv, convc_depthwise)
