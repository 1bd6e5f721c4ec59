// Convolution with few filters per group: vectors run over the filters of several groups, and each
// lane reads the channels of its own group. A task spreads out the channels that a block of pixels
// needs, so that they are vectors, too: [row][column][channel of the group][filter].
#include "generators/kernels/conv_generator.h"
#include "generators/kernels/tap_loop.h"

namespace convc {
namespace {

using Halide::Expr;
using Halide::Func;
using Halide::RDom;
using Halide::TailStrategy;
using Halide::Var;

class GroupedConv : public ConvGenerator<GroupedConv> {
 public:
  /* The maths. */
  void generate() {
    columns = column_axis();
    rows = row_axis();
    planes = plane_axis();
    padded = padded_input();
    // The last panel may be of more filters than there are.
    const Expr existing = output_channels() % panel() == 0
                              ? Expr(filter)
                              : Halide::min(filter, output_channels() - 1);
    spread(filter, channel, v.column, v.row, v.plane, v.batch, v.group) =
        padded(first_channel(existing) + channel, v.column, v.row, v.plane, v.batch, v.group);

    taps = RDom(0, channels_per_group(), 0, columns.kernel_size, 0, rows.kernel_size, 0,
                planes.kernel_size, "taps");
    const FilterPoint weight = {filter % panel(), taps.x, taps.y,           taps.z,
                                taps.w,           0,      filter / panel(), 0};
    sum(pure_vars(v, filter)) = 0.0f;
    sum(pure_vars(v, filter)) +=
        (*kernel)(weight.coordinates()) *
        spread(filter, taps.x,
               inside(v.column, columns, tile_width) * columns.stride + taps.y * columns.dilation,
               inside(v.row, rows, tile_height) * rows.stride + taps.z * rows.dilation,
               v.plane * planes.stride + taps.w * planes.dilation, v.batch, v.group);
    output(pure_vars(v, filter)) =
        finished(sum(point_of(v, filter).coordinates()), point_of(v, filter));
  }

  /* The schedule. Loops from the outside in:
   *   parallel task in batch x plane x row blocks x column blocks x panel blocks
   *     block_row, block_column, panel         spreads out what the block reads, which stays in L1
   *       tile_row, tile_column                sums live in registers
   *         tap_plane, tap_row, tap_column, channel
   *           pixel of tile, vector of panel   unrolled: one FMA each */
  void schedule() {
    tile_the_output();
    sum.compute_at(output, tile_column)
        .store_in(Halide::MemoryType::Register)
        .bound_extent(filter, panel())
        .bound_extent(v.column, tile_width)
        .bound_extent(v.row, tile_height)
        .vectorize(filter, lanes)
        .unroll(filter)
        .unroll(v.column)
        .unroll(v.row)
        .update()
        .reorder({filter, v.column, v.row, taps.x, taps.y, taps.z, taps.w})
        .vectorize(filter, lanes)
        .unroll(filter)
        .unroll(v.column)
        .unroll(v.row);
    const bool few_channels = channels_per_group() <= kMostUnrolledChannels;
    if (few_channels) {
      sum.update().unroll(taps.x);
    } else {
      unroll_channels(sum.update(), taps.x, channels_per_group(), accumulators());
    }
    spread.compute_at(output, panel_index)
        .store_in(Halide::MemoryType::Heap)
        .bound_extent(filter, panel())
        .bound_storage(v.group, 1)
        .bound_storage(v.batch, 1)
        .bound_storage(v.plane, planes.span())
        .bound_storage(v.row, window(block_rows() * value(tile_height), rows).extent())
        .bound_storage(v.column, window(block_columns() * value(tile_width), columns).extent())
        .vectorize(filter, lanes)
        .unroll(filter);
    if (few_channels) spread.unroll(channel);
  }

 private:
  static constexpr int kMostUnrolledChannels = 8;
  static constexpr int kBlockBytes = 20 * 1024;  // of spread input: most of the smallest usual L1

  int bytes_per_position() const {
    return channels_per_group() * panel() * static_cast<int>(sizeof(float)) * planes.span();
  }
  /// Tiles of a block along rows and columns: near square, as many as fit. Never more than a task
  /// has.
  int block_columns() const {
    int count = 1;
    while (count < tile_columns_per_task() && 2 * block_bytes(1, count + 1) <= kBlockBytes) ++count;
    return count;
  }
  int block_rows() const {
    int count = 1;
    while (count < tile_rows_per_task() && block_bytes(count + 1, block_columns()) <= kBlockBytes) {
      ++count;
    }
    return count;
  }
  int block_bytes(int row_tiles, int column_tiles) const {
    return window(row_tiles * value(tile_height), rows).extent() *
           window(column_tiles * value(tile_width), columns).extent() * bytes_per_position();
  }

  void tile_the_output() {
    const int panels_per_task = value(panel_block) == 0 ? panels() : value(panel_block);
    tile_output(filter, v, panel(), panels_per_task);
    Func(output)
        .split(tile_row, block_row, tile_row, block_rows(), TailStrategy::GuardWithIf)
        .split(tile_column, block_column, tile_column, block_columns(), TailStrategy::GuardWithIf);
    order_tiles(filter, v,
                {filter, in_tile_column, in_tile_row, tile_column, tile_row, panel_index,
                 block_column, block_row},
                filter, lanes);
  }

  ImageVars v;
  Var filter{"filter"}, channel{"channel_of_group"};
  SpatialAxis columns, rows, planes;
  RDom taps;
  Func padded, spread{"spread"}, sum{"sum"};
  Var block_row{"block_row"}, block_column{"block_column"};
};

}  // namespace
}  // namespace convc

HALIDE_REGISTER_GENERATOR(convc::GroupedConv, convc_grouped)
