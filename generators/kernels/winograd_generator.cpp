// Winograd's minimal filtering (generators/plan/winograd.h). A task is some rows of tiles of one
// image: it transforms their inputs, multiplies each of the places of a tile as a small matrix
// product over channels with a register tile of transformed tiles x filters, and transforms back.
// Weights are packed transformed, [group][panel][place: row, column][channel][filter].
#include "generators/kernels/conv_generator.h"
#include "generators/kernels/planar_rows.h"
#include "generators/kernels/tap_loop.h"
#include "generators/kernels/transposed_stores.h"
#include "generators/kernels/winograd_tile.h"

namespace convc {
namespace {

using Halide::Expr;
using Halide::Func;
using Halide::RDom;
using Halide::TailStrategy;
using Halide::Var;

class WinogradConv : public ConvGenerator<WinogradConv> {
 public:
  Param<int> output_tile{"output_tile", 4};

  /* The maths. Tiles are numbered within their task, so that every task has the same number. */
  void generate() {
    columns = column_axis();
    rows = row_axis();
    planes = plane_axis();
    along_columns = *find_winograd_transform(columns.kernel_size, columns.stride, output_tile);
    along_rows = *find_winograd_transform(rows.kernel_size, rows.stride, output_tile);
    source = dense_input ? padded_input(overhangs())
                         : planar_rows(input, {columns, rows, planes}, border(), dense_columns);

    // Inputs: along columns, then along rows.
    std::vector<Expr> window;
    for (int i = 0; i < along_columns.inputs; ++i) {
      window.push_back(source(v.channel, step(first_column(), columns, i),
                              step(first_row(), rows, in_row), v.plane, v.batch, v.group));
    }
    half_transformed(tile_vars(v.channel, place_column, in_row)) =
        mux(place_column, transformed_input(along_columns, window));
    std::vector<Expr> column;
    for (int i = 0; i < along_rows.inputs; ++i) {
      column.push_back(half_transformed(tile_at(v.channel, place_column, i)));
    }
    transformed(tile_vars(v.channel, place_column, place_row)) =
        mux(place_row, transformed_input(along_rows, column));

    // Products. Where the last register tile exceeds the tiles, it repeats the last one.
    channels = RDom(0, input_channels(), "channels");
    const bool whole_tiles = !has_open_tiles() && most_tiles() % value(tile_width) == 0;
    const Expr existing =
        whole_tiles ? Expr(tile) : Halide::min(Halide::likely(tile), tiles_per_task() - 1);
    // So do panels, where all of a task are computed at once.
    const bool has_all_panels = !pixels_outer || panels() % panels_per_task() == 0;
    const Expr existing_panel = has_all_panels
                                    ? filter / panel()
                                    : Halide::min(Halide::likely(filter / panel()), panels() - 1);
    const FilterPoint weight = {filter % panel(), channels, place_column, place_row, 0, 0,
                                existing_panel,   v.group};
    partial(tile_vars(filter, place_column, place_row)) = 0.0F;
    partial(tile_vars(filter, place_column, place_row)) +=
        (*kernel)(weight.coordinates()) * transformed(channels, existing, place_column, place_row,
                                                      block_column, block_row, v.plane, v.batch,
                                                      v.group);
    products(tile_vars(filter, place_column, place_row)) =
        partial(tile_at(filter, place_column, place_row));

    // Outputs: along columns, then along rows.
    std::vector<Expr> places;
    for (int i = 0; i < along_columns.inputs; ++i) places.push_back(product_of_tile(i, place_row));
    half_result(image_vars(out_column, place_row)) =
        mux(out_column, transformed_output(along_columns, places));
    places.clear();
    for (int i = 0; i < along_rows.inputs; ++i) {
      places.push_back(half_result(image_at(v.column, v.row, out_column, i)));
    }
    result(image_vars(out_column, out_row)) = mux(out_row, transformed_output(along_rows, places));
    const int width = along_columns.outputs, height = along_rows.outputs;
    const Expr sum =
        result(image_at(v.column / width, v.row / height, v.column % width, v.row % height));
    output(pure_vars(v, filter)) = finished(sum, point_of(v, filter));
  }

  /* The schedule. Loops from the outside in:
   *   parallel task in group x batch x plane x row blocks x column blocks x panel blocks
   *                                                 copies its padded input, transforms its tiles
   *     panel                                       filters_outer: products of this panel
   *       place_row, place_column, tiles            accumulators live in registers
   *         channel
   *           tile, vector of panel                 unrolled: one FMA each
   *       tile_row, tile_column, vector of panel    transforms back, bias and post_ops, stores
   * pixels_outer has all products of a task at once: panels are inside of places. */
  void schedule() {
    tile_the_output();
    compute_products();
    const Var vector = filter_vector;
    for (Func stage : {half_result, result}) {
      stage.compute_at(output, dense_output ? vector : tile_column)
          .store_in(Halide::MemoryType::Stack)
          .bound_extent(filter, lanes)
          .bound_extent(v.column, 1)  // of one tile, also where the last task is a smaller one
          .bound_extent(v.row, 1)
          .vectorize(filter, lanes)
          .unroll(out_column);
    }
    half_result.reorder(filter, out_column, place_row).bound(place_row, 0, along_rows.inputs);
    half_result.bound(out_column, 0, along_columns.outputs).unroll(place_row);
    result.reorder(filter, out_row, out_column)
        .bound(out_column, 0, along_columns.outputs)
        .bound(out_row, 0, along_rows.outputs)
        .unroll(out_row);
    transform_input();
    copy_source();
  }

 private:
  /* Tasks: tiles, and what they cover. All have as many, so that of equal shares the last one
   * repeats few. */
  bool has_open_tiles() const { return columns.open || rows.open; }
  int most_tile_rows() const { return ceil_div(rows_per_task(), along_rows.outputs); }
  int most_tile_columns() const { return ceil_div(columns_per_task(), along_columns.outputs); }
  int most_tiles() const { return most_tile_rows() * most_tile_columns(); }
  Expr tile_rows_of_task() const { return equal_share(rows, along_rows.outputs, most_tile_rows()); }
  Expr tile_columns_of_task() const {
    return equal_share(columns, along_columns.outputs, most_tile_columns());
  }
  Expr tiles_per_task() const { return tile_rows_of_task() * tile_columns_of_task(); }
  Expr block_rows() const { return tile_rows_of_task() * along_rows.outputs; }
  Expr block_columns() const { return tile_columns_of_task() * along_columns.outputs; }
  int panels_per_task() const { return value(panel_block) == 0 ? panels() : value(panel_block); }

  /// Tiles of some task reach beyond the output, and then beyond the padded input.
  bool overhangs() const {
    return has_open_tiles() || columns.out % (most_tile_columns() * along_columns.outputs) != 0 ||
           rows.out % (most_tile_rows() * along_rows.outputs) != 0;
  }

  /// The first output of a tile.
  Expr first_row() const {
    return block_row * block_rows() + tile / tile_columns_of_task() * along_rows.outputs;
  }
  Expr first_column() const {
    return block_column * block_columns() + tile % tile_columns_of_task() * along_columns.outputs;
  }

  /// Variables of what there is per tile: a channel or filter, and two places in the tile.
  std::vector<Var> tile_vars(const Var& channel, const Var& column, const Var& row) const {
    return {channel, tile, column, row, block_column, block_row, v.plane, v.batch, v.group};
  }
  std::vector<Expr> tile_at(const Expr& channel, const Expr& column, const Expr& row) const {
    return {channel, tile, column, row, block_column, block_row, v.plane, v.batch, v.group};
  }

  /// Variables of what there is per tile of the image, `v.column` and `v.row` counting tiles.
  std::vector<Var> image_vars(const Var& column, const Var& row) const {
    return {filter, column, row, v.column, v.row, v.plane, v.batch, v.group};
  }
  std::vector<Expr> image_at(const Expr& tile_column_, const Expr& tile_row_, const Expr& column,
                             const Expr& row) const {
    return {filter, column, row, tile_column_, tile_row_, v.plane, v.batch, v.group};
  }
  Expr product_of_tile(const Expr& column, const Expr& row) const {
    const Expr width = tile_columns_of_task(), height = tile_rows_of_task();
    return products(filter, v.row % height * width + v.column % width, column, row,
                    v.column / width, v.row / height, v.plane, v.batch, v.group);
  }

  /* Parts of the schedule. */
  void tile_the_output() {
    bound_output(filter, v);
    Func out = output;
    out.split(filter, panel_index, filter, panel(), TailStrategy::GuardWithIf)
        .split(filter, filter_vector, filter, lanes, TailStrategy::GuardWithIf)
        .split(panel_index, panel_task, panel_index, panels_per_task(), TailStrategy::GuardWithIf)
        .split(v.row, row_task, v.row, block_rows(), TailStrategy::GuardWithIf)
        .split(v.column, column_task, v.column, block_columns(), TailStrategy::GuardWithIf)
        .split(v.row, tile_row, v.row, along_rows.outputs, TailStrategy::GuardWithIf)
        .split(v.column, tile_column, v.column, along_columns.outputs, TailStrategy::GuardWithIf)
        .reorder({filter, v.column, v.row, dense_output ? filter_vector : tile_column,
                  dense_output ? tile_column : filter_vector, tile_row, panel_index, panel_task,
                  column_task, row_task})
        .fuse(panel_task, column_task, task)
        .fuse(task, row_task, task);
    fuse_outer_loops(task, v).parallel(task);
    out.vectorize(filter);
    // What a loop indexes is in memory, which Halide gives to `partial` as well where `result` is
    // the smaller one: LLVM then keeps sums that nobody reads. Larger results have their own.
    constexpr int kFewOutputs = 6;
    const bool few_outputs = along_rows.outputs * along_columns.outputs <= kFewOutputs;
    if (few_outputs || !dense_output) out.unroll(v.column);
    if (few_outputs) out.unroll(v.row);
  }

  void compute_products() {
    const bool all_panels = pixels_outer;
    of_one_task(products);
    products.compute_at(output, all_panels ? task : panel_index)
        .store_in(Halide::MemoryType::Heap)
        .bound_extent(filter, all_panels ? panels_per_task() * panel() : panel());
    bound_places(products);
    products.split(filter, panel_index, filter, panel())
        .split(tile, tile_block, tile, tile_width, TailStrategy::GuardWithIf)
        .reorder(filter, tile, tile_block, panel_index, place_column, place_row)
        .vectorize(filter, lanes)
        .unroll(filter)
        .unroll(tile);
    partial.compute_at(products, tile_block)
        .store_in(Halide::MemoryType::Register)
        .bound_extent(filter, panel())
        .bound_extent(tile, tile_width)
        .vectorize(filter, lanes)
        .unroll(filter)
        .unroll(tile)
        .update()
        .reorder(filter, tile, channels)
        .vectorize(filter, lanes)
        .unroll(filter)
        .unroll(tile);
    unroll_channels(partial.update(), channels, input_channels(), accumulators());
  }

  void transform_input() {
    const int vector = std::min(value(lanes), input_channels());
    of_one_task(transformed);
    transformed.compute_at(output, task).store_in(Halide::MemoryType::Heap);
    transformed.bound(v.channel, 0, input_channels()).align_storage(v.channel, copied_pixel);
    bound_places(transformed);
    transformed.split(v.channel, channel_vector, v.channel, vector, TailStrategy::ShiftInwards)
        .reorder(v.channel, place_row, place_column, channel_vector, tile)
        .vectorize(v.channel)
        .unroll(place_column)
        .unroll(place_row);
    half_transformed.compute_at(transformed, channel_vector)
        .store_in(Halide::MemoryType::Stack)
        .bound_extent(v.channel, vector)
        .bound(place_column, 0, along_columns.inputs)
        .bound(in_row, 0, along_rows.inputs)
        .reorder(v.channel, place_column, in_row)
        .vectorize(v.channel)
        .unroll(place_column)
        .unroll(in_row);
  }

  void of_one_task(Func stage) {
    // The places of a tile lie an odd number of tiles apart: one tile is written to all of them in
    // turn, which at multiples of 4 KiB would be a single set of L1.
    stage.bound(tile, 0, tiles_per_task()).bound_storage(tile, most_tiles() | 1);
    for (const Var& outer : {block_column, block_row, v.plane, v.batch, v.group}) {
      stage.bound_storage(outer, 1);
    }
  }
  void bound_places(Func stage) {
    stage.bound(place_column, 0, along_columns.inputs).bound(place_row, 0, along_rows.inputs);
  }

  void copy_source() {
    if (!is_padded() && !overhangs() && dense_input) return;
    const Window of_rows = {most_tile_rows() * along_rows.outputs, rows.stride, rows.span()};
    const Window of_columns = {most_tile_columns() * along_columns.outputs, columns.stride,
                               columns.span()};
    copy_per_task(source, output, task, v, Window{}, of_rows, of_columns);
    if (dense_input) {
      source.vectorize(v.channel, std::min(value(lanes), input_channels()),
                       TailStrategy::GuardWithIf);
    } else {
      copy_transposed(source, v, lanes);
    }
    source.align_storage(v.channel, copied_pixel);
  }

  ImageVars v;
  Var filter{"filter"}, tile{"tile"};
  Var place_column{"place_column"}, place_row{"place_row"};  // of a transformed tile
  Var in_row{"in_row"}, out_column{"out_column"}, out_row{"out_row"};
  Var block_column{"block_column"}, block_row{"block_row"};  // of tasks
  SpatialAxis columns, rows, planes;
  WinogradTransform along_columns, along_rows;
  RDom channels;
  Func source, half_transformed{"half_transformed"}, transformed{"transformed"};
  Func partial{"partial"}, products{"products"}, half_result{"half_result"}, result{"result"};
  Var filter_vector{"filter_vector"}, channel_vector{"channel_vector"}, tile_block{"tile_block"};
};

}  // namespace
}  // namespace convc

HALIDE_REGISTER_GENERATOR(convc::WinogradConv, convc_winograd)
