// Direct convolution: a register tile of output pixels x filters, accumulated over all taps and
// channels. Weights are packed in panels,
// [group][panel][block][plane][row][column][channel][filter], so that the innermost loop reads them
// in order. Pointwise layers come as one row of pixels, strided ones as one row of output pixels,
// few channels folded into columns; of separable layers this is the 1x1 part, whose input is
// computed per task. A sum may be split into parts, each of every n-th channel.
#include "generators/kernels/conv_generator.h"
#include "generators/kernels/literal_text.h"
#include "generators/kernels/planar_rows.h"
#include "generators/kernels/tap_loop.h"
#include "generators/kernels/transposed_stores.h"

namespace convc {
namespace {

using Halide::Expr;
using Halide::Func;
using Halide::RDom;
using Halide::TailStrategy;
using Halide::Var;

class DirectConv : public ConvGenerator<DirectConv> {
 public:
  Param<std::string> tap_positions{"tap_positions", ""};  // those of a literal filter not all zero
  // Channels are folded into columns: this many, or 1. (folded_channels: the buffer is, too.)
  Param<int> columns_per_pixel{"columns_per_pixel", 1};
  // subsampled: the output pixels that are one row here, and the steps between the pixels of the
  // input that they are made of. picked_width=0: not so.
  Param<int> picked_depth{"picked_depth", 0}, picked_height{"picked_height", 0},
      picked_width{"picked_width", 0};
  Param<int> planes_per_pick{"planes_per_pick", 1}, rows_per_pick{"rows_per_pick", 1},
      columns_per_pick{"columns_per_pick", 1};
  Param<int> partial_sums{"partial_sums", 1};  // of each output element
  // Taps in rows and planes of the padding are left out, of rows where tiles are of one row.
  Param<bool> inside_taps{"inside_taps", false};

  /* The maths. */
  void generate() {
    columns = folded_columns();
    rows = row_axis();
    planes = plane_axis();
    source = source_image();
    partial(tile_vars(block)) = 0.0f;
    const std::vector<TapPosition> positions = positions_from_text(tap_positions);
    if (positions.empty()) {
      const RDom taps(0, channels_per_part(), 0, window_columns().kernel_size, 0,
                      window_rows().kernel_size, 0, window_planes().kernel_size, "taps");
      accumulate(taps, taps.y, taps.z, taps.w);
    }
    for (const TapPosition& position : positions) {
      accumulate(RDom(0, channels_per_part(), "taps"), position.column, position.row, 0);
    }

    std::vector<Expr> at = point_of(v, filter).coordinates();
    Expr total;
    if (blocked()) {
      blocks = RDom(0, channels() / channels_per_block(), "blocks");
      sum(pure_vars(v, filter)) = 0.0f;
      sum(pure_vars(v, filter)) += partial(with_block(blocks, 0));
      total = sum(at);
    } else {
      total = sum_of_parts(0, partial_sums);
    }
    output(pure_vars(v, filter)) = finished(total, point_of(v, filter));
  }

  /* The schedule. Loops from the outside in (filters_outer; pixels_outer swaps panel and tile_row):
   *   parallel task in group x batch x plane x row blocks x column blocks x panel blocks
   *                                          copies its padded input, or makes its depthwise result
   *     panel, tile_row, tile_column                         accumulators live in registers
   *       tap_plane, tap_row, tap_column, channel
   *         part of sum, pixel of tile, vector of panel      unrolled: one FMA each */
  void schedule() {
    tile_the_output();
    if (blocked()) {
      sum.compute_at(output, panel_index)
          .store_in(Halide::MemoryType::Heap)
          .bound_extent(filter, panel())
          .bound_storage(v.group, 1)
          .bound_storage(v.batch, 1)
          .bound_storage(v.plane, 1)
          .bound_storage(v.row,
                         window(pixels_outer ? value(tile_height) : rows_of_task(), rows).elements)
          .bound_storage(v.column,
                         window(tile_columns_per_task() * value(tile_width), columns).elements)
          .vectorize(filter, lanes)
          .unroll(filter);
      sum.update()
          .split(v.column, tile_column, in_tile_column, tile_width, TailStrategy::GuardWithIf)
          .reorder(filter, in_tile_column, tile_column, v.row, v.plane, v.batch, v.group, blocks)
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
  static constexpr int kDepthwiseColumns = 4;

  /* What the taps of the filters in `kernel` step over: for separable layers that is 1x1 of the
   * depthwise result, else the (folded) input. */
  bool separable() const { return packed_depthwise; }
  SpatialAxis window_columns() const { return steps_one() ? without_window(columns) : columns; }
  SpatialAxis window_rows() const { return steps_one() ? without_window(rows) : rows; }
  SpatialAxis window_planes() const { return steps_one() ? without_window(planes) : planes; }
  bool steps_one() const { return separable() || skips_pixels(); }

  /// A strided 1x1 filter reads a pixel here and there; a copy of just those is small and dense.
  /// Folded, each channel of the filter is a column of its own.
  bool skips_pixels() const {
    return value(columns_per_pixel) == 1 &&
           value(kernel_depth) * value(kernel_height) * value(kernel_width) == 1 &&
           value(stride_depth) * value(stride_height) * value(stride_width) > 1;
  }

  bool picks_pixels() const { return value(picked_width) > 0; }

  bool skips_rows() const { return inside_taps && value(tile_height) == 1 && rows.bordered; }
  bool skips_planes() const { return inside_taps && planes.bordered; }

  int channels() const {
    if (separable()) return value(in_channels) * value(depth_multiplier);
    return value(columns_per_pixel) > 1 ? 1 : channels_per_group();
  }
  int channels_per_block() const {
    return value(channel_block) == 0 ? channels() : value(channel_block);
  }
  bool blocked() const { return channels_per_block() != channels(); }
  int channels_per_part() const { return channels_per_block() / value(partial_sums); }

  std::vector<Var> tile_vars(const Var& last) const {
    std::vector<Var> vars = pure_vars(v, filter);
    vars.push_back(last);
    vars.push_back(part);
    return vars;
  }
  std::vector<Expr> with_block(const Expr& index, const Expr& of_sum) const {
    std::vector<Expr> at = point_of(v, filter).coordinates();
    at.push_back(index);
    at.push_back(of_sum);
    return at;
  }
  /// Parts from `begin` to before `end`, half by half: no rounding error is larger than in a sum of
  /// all channels one after the other.
  Expr sum_of_parts(int begin, int end) const {
    if (end - begin == 1) return partial(with_block(0, begin));
    const int middle = begin + (end - begin) / 2;
    return sum_of_parts(begin, middle) + sum_of_parts(middle, end);
  }

  /// Adds the products over `taps` (channels, then any loops of the other three).
  void accumulate(RDom taps, const Expr& tap_column, const Expr& tap_row, const Expr& tap_plane) {
    const Expr channel = taps[0] * value(partial_sums) + part;  // of the block
    ImagePoint at = {block * channels_per_block() + channel,
                     step(inside(v.column, columns, tile_width), window_columns(), tap_column),
                     step(inside(v.row, rows, tile_height), window_rows(), tap_row),
                     step(v.plane, window_planes(), tap_plane),
                     v.batch,
                     v.group};
    if (skips_rows()) at.row = of_image(at.row, rows, taps);
    if (skips_planes()) at.plane = of_image(at.plane, planes, taps);
    const FilterPoint weight = {filter % panel(), channel, tap_column,       tap_row,
                                tap_plane,        block,   filter / panel(), v.group};
    partial(tile_vars(block)) += (*kernel)(weight.coordinates()) * source(at.coordinates());
    loops_over_taps.push_back(taps);
  }

  /* The input. */
  SpatialAxis folded_columns() const {
    SpatialAxis axis = column_axis();
    const int factor = value(columns_per_pixel);
    if (factor == 1) return axis;
    for (int* number :
         {&axis.kernel_size, &axis.stride, &axis.pad_before, &axis.pad_after, &axis.in}) {
      *number *= factor;
    }
    axis.in_extent *= factor;
    axis.before *= factor;
    return axis;
  }

  /// source(channel, column, row, plane, batch, group): what the taps read.
  Func source_image() {
    if (separable()) return depthwise_result();
    if (picks_pixels()) return picked_pixels();
    const bool unfolds = value(columns_per_pixel) > value(folded_channels);
    if (copies_rows()) {
      return planar_rows(input, {columns, rows, planes}, border(), dense_columns);
    }
    padded =
        padded_input({unfolds ? column_axis() : columns, skips_rows() ? without_border(rows) : rows,
                      skips_planes() ? without_border(planes) : planes},
                     blocked());
    Func picked("picked");
    if (unfolds) {
      picked(pure_vars(v)) =
          padded(v.column % value(columns_per_pixel), v.column / value(columns_per_pixel), v.row,
                 v.plane, v.batch, v.group);
    } else if (skips_pixels()) {
      picked(pure_vars(v)) = padded(v.channel, v.column * columns.stride, v.row * rows.stride,
                                    v.plane * planes.stride, v.batch, v.group);
    } else {
      return padded;
    }
    return picked;
  }

  /// The pixels of the input that the output's are made of, as one row: also of all images, where
  /// these are not kept apart.
  Func picked_pixels() {
    const Expr pixel = v.column, row = pixel / value(picked_width);
    const Expr plane = row / value(picked_height);
    const ImagePoint at = {v.channel,
                           pixel % value(picked_width) * value(columns_per_pick),
                           row % value(picked_height) * value(rows_per_pick),
                           plane % value(picked_depth) * value(planes_per_pick),
                           v.batch + plane / value(picked_depth),
                           v.group};
    Func picked("picked");
    picked(pure_vars(v)) = input(at.coordinates());
    return picked;
  }

  /// The depthwise part of a separable layer.
  Func depthwise_result() {
    padded = padded_input();
    taps_of_window =
        RDom(0, columns.kernel_size, 0, rows.kernel_size, 0, planes.kernel_size, "window");
    const RDom& taps = taps_of_window;
    const FilterPoint weight = {v.channel, 0, taps.x, taps.y, taps.z, 0, 0, 0};
    const ImagePoint at = {v.channel / value(depth_multiplier),
                           step(inside(v.column, columns, kDepthwiseColumns), columns, taps.x),
                           step(v.row, rows, taps.y),
                           step(v.plane, planes, taps.z),
                           v.batch,
                           v.group};
    window_sum(pure_vars(v)) = 0.0f;
    window_sum(pure_vars(v)) += (*depthwise)(weight.coordinates()) * padded(at.coordinates());
    Func result("depthwise_result");
    result(pure_vars(v)) = window_sum(pure_vars(v));
    return result;
  }

  /* Parts of the schedule. */
  void tile_the_output() {
    const int panels_per_task = value(panel_block) == 0 ? panels() : value(panel_block);
    tile_output(filter, v, panel(), panels_per_task);
    std::vector<Halide::VarOrRVar> loops = {filter, in_tile_column, in_tile_row, tile_column};
    if (pixels_outer) {
      loops.insert(loops.end(), {panel_index, tile_row});
    } else {
      loops.insert(loops.end(), {tile_row, panel_index});
    }
    order_tiles(filter, v, loops, filter, lanes);
  }

  /// The accumulators of one register tile of `consumer`: computed per tile, all loops over the
  /// tile unrolled, so that each accumulator is a register across the loops over taps.
  void keep_in_registers(Func consumer) {
    partial.compute_at(consumer, tile_column)
        .store_in(Halide::MemoryType::Register)
        .bound_extent(filter, panel())
        .bound_extent(v.column, tile_width)
        .bound_extent(v.row, blocked() ? 1 : value(tile_height))
        .bound_extent(v.plane, 1)
        .bound_extent(v.batch, 1)
        .bound_extent(v.group, 1)
        .bound_extent(block, 1)
        .bound_extent(part, partial_sums)
        .vectorize(filter, lanes)
        .unroll(filter)
        .unroll(v.column)
        .unroll(v.row)
        .unroll(part);
    for (std::size_t i = 0; i < loops_over_taps.size(); ++i) {
      std::vector<Halide::VarOrRVar> loops = {filter, v.column, v.row, part};
      for (int d = 0; d < loops_over_taps[i].dimensions(); ++d) {
        loops.emplace_back(loops_over_taps[i][d]);
      }
      partial.update(static_cast<int>(i))
          .reorder(loops)
          .vectorize(filter, lanes)
          .unroll(filter)
          .unroll(v.column)
          .unroll(v.row)
          .unroll(part);
      unroll_taps(partial.update(static_cast<int>(i)), loops_over_taps[i]);
    }
  }

  void unroll_taps(Halide::Stage update, const RDom& taps) const {
    if (channels_per_part() > 1) {
      unroll_channels(update, taps[0], channels_per_part(), accumulators() * value(partial_sums));
    } else if (taps.dimensions() > 1 && window_columns().kernel_size <= kFewIterations) {
      update.unroll(taps[1]);
    }
  }

  int rows_of_task() const { return tile_rows_per_task() * value(tile_height); }
  int columns_of_task() const { return tile_columns_per_task() * value(tile_width); }

  void copy_source() {
    if (separable()) {
      compute_depthwise();
    } else if (reads_padding() || blocked() || skips_pixels() || picks_pixels() ||
               copies_to_gather()) {
      copy_per_task(
          source, output, task, v,
          skips_planes() ? part_of_image(window(1, planes), planes) : window(1, window_planes()),
          skips_rows() ? part_of_image(window(rows_of_task(), rows), rows)
                       : window(rows_of_task(), window_rows()),
          window(columns_of_task(), window_columns()));
      vectorize_copy(source);
      source.align_storage(v.channel, copied_pixel);
    }
  }

  bool reads_padding() const {
    return columns.bordered || (rows.bordered && !skips_rows()) ||
           (planes.bordered && !skips_planes());
  }
  static Window part_of_image(const Window& window, const SpatialAxis& axis) {
    return {1, 1, std::min(window.extent(), axis.in)};
  }

  /// The copy transposes vectors of columns to channels.
  bool copies_rows() const {
    return !dense_input && dense_columns && !separable() && !inside_taps && !skips_pixels() &&
           !picks_pixels() && value(columns_per_pixel) == 1;
  }

  /// The taps want the channels of a pixel side by side.
  bool copies_to_gather() const {
    return !dense_input || value(columns_per_pixel) > value(folded_channels);
  }

  void vectorize_copy(Func copy) {
    if (copies_rows()) {
      copy_transposed(copy, v, lanes);
    } else if (channels() == 1 || !dense_input) {
      copy.vectorize(v.column, lanes, TailStrategy::GuardWithIf);
    } else {
      copy.vectorize(v.channel, std::min(value(lanes), input_channels()),
                     TailStrategy::GuardWithIf);
    }
  }

  /// The depthwise result of a task stays in its cache. Vectors over channels; a few columns at a
  /// time share the loads of the weights.
  void compute_depthwise() {
    constexpr int kMostUnrolled = 25;
    copy_per_task(source, output, task, v, Window{}, window(rows_of_task(), window_rows()),
                  window(columns_of_task(), window_columns()));
    const int vector = std::min(value(lanes), channels());
    source.align_storage(v.channel, copied_pixel)
        .split(v.channel, channel_vector, v.channel, vector, TailStrategy::GuardWithIf)
        .split(v.column, tile_column, v.column, kDepthwiseColumns, TailStrategy::GuardWithIf)
        .reorder(v.channel, v.column, tile_column, channel_vector, v.row)
        .vectorize(v.channel)
        .unroll(v.column);
    window_sum.compute_at(source, tile_column)
        .store_in(Halide::MemoryType::Register)
        .bound_extent(v.column, kDepthwiseColumns)
        .vectorize(v.channel)
        .unroll(v.column)
        .update()
        .reorder(v.channel, v.column, taps_of_window.x, taps_of_window.y, taps_of_window.z)
        .vectorize(v.channel)
        .unroll(v.column);
    if (columns.kernel_size * rows.kernel_size <= kMostUnrolled) {
      window_sum.update().unroll(taps_of_window.x).unroll(taps_of_window.y);
    }
    if (!is_padded() && dense_input) return;
    const int copied_columns = round_up(columns_of_task(), kDepthwiseColumns);
    copy_per_task(padded, output, task, v, window(1, planes), window(rows_of_task(), rows),
                  window(copied_columns, columns));
    vectorize_copy(padded);
  }

  ImageVars v;
  Var filter{"filter"}, block{"block"}, part{"part"};
  SpatialAxis columns, rows, planes;
  std::vector<RDom> loops_over_taps;
  RDom blocks, taps_of_window;
  Func source, padded, partial{"partial"}, sum{"sum"}, window_sum{"window_sum"};
  Var channel_vector{"channel_vector"};
};

}  // namespace
}  // namespace convc

HALIDE_REGISTER_GENERATOR(convc::DirectConv, convc_direct)
