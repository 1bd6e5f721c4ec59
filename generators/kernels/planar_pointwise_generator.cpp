// 1x1 convolution of images whose columns are neighbours in memory (channels_first): the mirror
// image of the pointwise direct kernel. Vectors run over pixels, weights are broadcast. Where
// memory allows, all pixels come as one row. What the pixels of a task read is copied into tiles,
// [row][tile][channel][pixel of tile], which the innermost loop reads in order, as it does the
// weights, [group][panel][channel][filter of panel].
#include "generators/kernels/conv_generator.h"
#include "generators/kernels/tap_loop.h"

namespace convc {
namespace {

using Halide::Expr;
using Halide::Func;
using Halide::RDom;
using Halide::TailStrategy;
using Halide::Var;

class PlanarPointwiseConv : public ConvGenerator<PlanarPointwiseConv> {
 public:
  /* The maths. */
  void generate() {
    columns = column_axis();
    rows = row_axis();
    planes = plane_axis();
    const Func padded = padded_input();
    // The part of the last tile that lies outside the image repeats the last column.
    const Expr column = tile_column * value(tile_width) + v.column;
    const Expr last = columns.out_extent - 1;
    tiles(v.column, v.channel, tile_column, v.row, v.plane, v.batch, v.group) =
        padded(v.channel, Halide::min(Halide::likely(column), last) * columns.stride,
               v.row * rows.stride, v.plane * planes.stride, v.batch, v.group);

    channels = RDom(0, channels_per_group(), "channels");
    const FilterPoint weight = {filter % panel_filters(), channels, 0, 0, 0, 0,
                                filter / panel_filters(), v.group};
    sum(pure_vars(v, filter)) = 0.0f;
    sum(pure_vars(v, filter)) +=
        (*kernel)(weight.coordinates()) * tiles(v.column % value(tile_width), channels,
                                                v.column / value(tile_width), v.row, v.plane,
                                                v.batch, v.group);
    output(pure_vars(v, filter)) =
        finished(sum(point_of(v, filter).coordinates()), point_of(v, filter));
  }

  /* The schedule. Loops from the outside in (filters_outer; pixels_outer swaps panel and row):
   *   parallel task in group x batch x plane x row blocks x column blocks x panel blocks
   *                                                makes its tiles (pixels_outer: a tile makes it)
   *     panel, row, tile                           sums live in registers
   *       channel
   *         filter of panel, vector of tile        unrolled: one FMA each */
  void schedule() {
    const int panels_per_task =
        value(panel_block) == 0 ? ceil_div(output_channels(), panel_filters()) : value(panel_block);
    tile_output(filter, v, panel_filters(), panels_per_task);
    std::vector<Halide::VarOrRVar> loops = {in_tile_column, filter, in_tile_row};
    if (pixels_outer) {
      loops.insert(loops.end(), {panel_index, tile_column, tile_row});
    } else {
      loops.insert(loops.end(), {tile_column, tile_row, panel_index});
    }
    order_tiles(filter, v, loops, in_tile_column, lanes);
    sum.compute_at(output, pixels_outer ? panel_index : tile_column)
        .store_in(Halide::MemoryType::Register)
        .bound_extent(filter, panel_filters())
        .bound_extent(v.column, tile_width)
        .reorder_storage(v.column, filter, v.row, v.plane, v.batch, v.group)
        .vectorize(v.column, lanes)
        .unroll(v.column)
        .unroll(filter)
        .update()
        .reorder(v.column, filter, channels)
        .vectorize(v.column, lanes)
        .unroll(v.column)
        .unroll(filter);
    unroll_channels(sum.update(), channels, channels_per_group(),
                    value(tile_width) / value(lanes) * panel_filters());
    tiles.compute_at(output, pixels_outer ? tile_column : task)
        .store_in(Halide::MemoryType::Heap)
        .bound_extent(v.column, tile_width)
        .bound_storage(tile_column, pixels_outer ? 1 : tile_columns_per_task())
        .bound_storage(v.row, pixels_outer ? 1 : rows_per_task())
        .bound_storage(v.plane, 1)
        .bound_storage(v.batch, 1)
        .bound_storage(v.group, 1)
        .reorder({v.column, tile_column, v.row, v.channel})
        .vectorize(v.column, lanes)
        .unroll(v.column);
  }

 private:
  int panel_filters() const { return tile_vectors; }

  ImageVars v;
  Var filter{"filter"};
  SpatialAxis columns, rows, planes;
  RDom channels;
  Func tiles{"tiles"}, sum{"sum"};
};

}  // namespace
}  // namespace convc

HALIDE_REGISTER_GENERATOR(convc::PlanarPointwiseConv, convc_planar_pointwise)
