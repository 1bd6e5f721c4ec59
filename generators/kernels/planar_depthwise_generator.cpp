// Depthwise convolution of images whose columns are neighbours in memory (channels_first): vectors
// run over columns, weights are broadcast. Where the vectors of a row can be unrolled, the taps
// read the image in place, and what lies beyond the border is blended away. Else a task copies the
// rows of a few channels with their padding into L1: so a vector beside the border is like any
// other, and what was just written is not read before it has left the store queue. With strides,
// columns are taken apart in registers (strided_vectors.h), or sums are (`pairs`).
#include "generators/kernels/conv_generator.h"
#include "generators/kernels/planar_rows.h"
#include "generators/kernels/strided_vectors.h"
#include "generators/kernels/tap_loop.h"
#include "generators/plan/algorithms.h"

namespace convc {
namespace {

using Halide::Expr;
using Halide::Func;
using Halide::RDom;
using Halide::TailStrategy;
using Halide::Var;

class PlanarDepthwiseConv : public ConvGenerator<PlanarDepthwiseConv> {
 public:
  // reads_rows_in_place: the vectors of a row are unrolled, so that those beside the border are
  // known.
  Param<bool> in_place{"in_place", false};

  /* The maths. A group is one channel. */
  void generate() {
    columns = column_axis();
    rows = row_axis();
    planes = plane_axis();
    if (!in_place) padded = planar_rows(input, axes(), border(), dense_columns);
    taps = tap_domain(pairs() ? columns.kernel_size / 2 : columns.kernel_size, "taps");
    odd_taps = tap_domain(1, "odd_taps");
    sum(pure_vars(v, filter)) = first_sum();
    sum(pure_vars(v, filter)) +=
        pairs() ? product_of_pair() : product(taps.x, taps, columns.stride);
    odd_sum(pure_vars(v, filter)) = first_odd_sum();
    odd_sum(pure_vars(v, filter)) += product(odd_tap(), odd_taps, odd_step());
    ordered(pure_vars(v, filter)) = sum_in_order();
    const Func& sums = steps() ? ordered : sum;
    const ImagePoint at = point_of(v, filter);
    const Expr all_taps = sums(at.coordinates());
    output(pure_vars(v, filter)) =
        begins_with_bias() ? post_processed(all_taps, at) : finished(all_taps, at);
  }

  /* The schedule. Loops from the outside in:
   *   parallel task in blocks of channels x batch x plane x row blocks x column blocks
   *     channels that are copied at once               where the taps do not read in place
   *       channel, filter
   *         tile_row, tile_column                      goes_down_columns: swapped
   *           tap_plane, tap_row, tap_column           unrolled for small filters
   *             row of tile, vector of columns         unrolled: an FMA each; sums: registers */
  void schedule() {
    tile_the_output();
    compute_tile(sum, (pairs() ? 2 : 1) * value(tile_width), pair_lanes());
    add_taps(sum.update(), taps, pair_lanes());
    if (columns.kernel_size <= kMostPlanarTapColumns) sum.update().unroll(taps.x);
    // Column by column, a vector of the input is used up before the next is loaded.
    if (unrolls_taps()) sum.update().reorder(taps.y, taps.x);
    if (has_odd_tap()) {
      compute_tile(odd_sum, 2 / odd_step() * value(tile_width), pair_lanes());
      add_taps(odd_sum.update(), odd_taps, pair_lanes());
    }
    if (steps()) compute_tile(ordered, tile_width, lanes);
    if (in_place) {
      Func(output).unroll(tile_column);
    } else {
      copy_rows();
    }
  }

 private:
  bool unrolls_vectors() const {
    constexpr int kMostUnrolledVectors = 16;
    return !columns.open && !rows.open && value(column_block) == 0 &&
           copied_columns() <= kMostUnrolledVectors * value(lanes);
  }

  SpatialAxes axes() const { return {columns, rows, planes}; }

  /* The products of one column of taps, for an output element. */
  RDom tap_domain(int tap_columns, const std::string& name) const {
    return {0, tap_columns, 0, rows.kernel_size, 0, planes.kernel_size, name};
  }
  Expr weight(const Expr& tap, const RDom& of) const {
    const FilterPoint at = {filter % value(tile_vectors), 0,      tap, of.y, of.z, 0,
                            filter / value(tile_vectors), v.group};
    return (*kernel)(at.coordinates());
  }
  /// What tap `tap` takes of the window that begins at padded column `first`.
  Expr element(const Expr& first, const Expr& tap, const RDom& of) const {
    const ImagePoint at = {0,
                           first + tap * columns.dilation,
                           inside(v.row, rows, tile_height) * rows.stride + of.y * rows.dilation,
                           v.plane * planes.stride + of.z * planes.dilation,
                           v.batch,
                           v.group};
    if (!in_place) return padded(at.coordinates());
    // Windows of outputs from `columns.out` on are of lanes that are not stored.
    const Expr end =
        sums_where_it_exists() ? Expr(0) : columns.out * columns.stride + tap * columns.dilation;
    return element_in_place(input, axes(), border(), at, end);
  }
  Expr product(const Expr& tap, const RDom& of, int step) const {
    const Expr value = element(v.column * step, tap, of);
    const bool copies_with_stride = step > 1 && !in_place;
    return weight(tap, of) * (copies_with_stride ? strided(value) : value);
  }

  /// For a stride of 2, sums are taken apart instead of columns: `sum` has two elements for an
  /// output, the products of two neighbouring taps with dense vectors. A tap that is left over is
  /// summed alone. Fewer shuffles, and 6 vectors of weights for 3x3, where 9 spill.
  bool pairs() const {
    return columns.stride == 2 && columns.dilation == 1 && columns.kernel_size > 1;
  }
  /// With AVX-512 the pairs of a short row are one vector.
  bool pairs_fill_a_register() const {
    return pairs() && in_place && columns.out <= value(lanes) &&
           2 * value(lanes) <= get_target().template natural_vector_size<float>();
  }
  int pair_lanes() const { return pairs_fill_a_register() ? 2 * value(lanes) : value(lanes); }
  bool has_odd_tap() const { return pairs() && columns.kernel_size % 2 == 1; }
  /// The first or the last, so that the vectors of the pairs begin at even columns of the image;
  /// where it is all the same, the last.
  int odd_tap() const {
    const bool first = columns.pad_before % 2 == 1 && !sums_where_it_exists();
    return first ? 0 : columns.kernel_size - 1;
  }
  int first_of_pair() const { return has_odd_tap() && odd_tap() == 0 ? 1 : 0; }

  /// Where a vector's sum is of taps of one column, or pair of columns, what lies beside zeros is
  /// taken out of the sum, not of all that is read: with a mask of the last multiply-add.
  bool sums_where_it_exists() const {
    return pairs_fill_a_register() && columns.kernel_size <= 3 && fill_of(border()) == 0;
  }
  /// The lanes of a row's sums of `taps_of_sum` columns of taps, the first of which is `tap`. Those
  /// of outputs that do not exist count for nothing.
  Lanes existing(int tap, int taps_of_sum) const {
    Lanes all = {0, pair_lanes() - 1};
    if (!sums_where_it_exists()) return all;
    const int column = tap - columns.pad_before;
    const int last = columns.in - 1 - column, needed = 2 * (columns.out - 1) + taps_of_sum - 1;
    return {std::max(0, -column), last >= needed ? all.last : last};
  }
  Lanes pairs_existing() const { return existing(first_of_pair(), 2); }
  Expr product_of_pair() const {
    const Expr tap = 2 * taps.x + first_of_pair();
    return alternating(v.column, weight(tap, taps), weight(tap + 1, taps)) *
           element(v.column, tap, taps);
  }
  /// Where the pairs of a row are one vector, the odd tap is one more product of that, of which
  /// every second element counts.
  int odd_step() const { return pairs_fill_a_register() ? 1 : 2; }
  Expr sum_in_order() const {
    const ImagePoint at = point_of(v, filter);
    if (!pairs()) return in_order(sum(at.coordinates()), columns.stride);
    ImagePoint first = at, second = at;
    first.column = 2 * v.column;
    if (pairs_fill_a_register()) {
      const Expr pairs = sum(first.coordinates());
      if (!has_odd_tap()) return pair_sums(pairs, pairs_existing());
      return pair_sums(pairs, pairs_existing(), odd_sum(first.coordinates()),
                       existing(odd_tap(), 1));
    }
    second.column = 2 * v.column + 1;
    Expr sums = strided(sum(first.coordinates())) + strided(sum(second.coordinates()));
    if (has_odd_tap()) {
      sums += odd_step() == 1 ? strided(odd_sum(first.coordinates())) : odd_sum(at.coordinates());
    }
    return in_order(sums, columns.stride);
  }
  /// Sums of pairs have two lanes for an output, but only one bias: in the second lane, or in the
  /// sum of the odd tap.
  bool begins_with_bias() const {
    if (!pairs_fill_a_register()) return use_bias && has_odd_tap();
    const Lanes kept = pairs_existing();
    return use_bias && kept.first <= 1 && kept.last == pair_lanes() - 1;
  }
  Expr first_sum() const {
    if (!begins_with_bias() || !pairs_fill_a_register()) return 0.0f;
    return alternating(v.column, 0.0f, bias(point_of(v, filter)));
  }
  Expr first_odd_sum() const {
    if (!begins_with_bias() || pairs_fill_a_register()) return 0.0f;
    return bias(point_of(v, filter));
  }

  bool steps() const { return columns.stride > 1; }
  bool shuffles() const { return shuffles_all_lanes(get_target()); }

  void compute_tile(Func& func, int width, int vector) {
    func.compute_at(output, inner_tile())
        .store_in(Halide::MemoryType::Register)
        .bound_extent(v.column, width)
        .bound_extent(v.row, tile_height)
        .vectorize(v.column, vector)
        .unroll(v.column)
        .unroll(v.row);
  }

  void add_taps(Halide::Stage update, const RDom& domain, int vector) {
    update.reorder(v.column, v.row, domain.x, domain.y, domain.z)
        .vectorize(v.column, vector)
        .unroll(v.column)
        .unroll(v.row);
    if (unrolls_taps()) update.unroll(domain.y);
  }

  /// A loop over rows of taps waits for each sum in turn.
  bool unrolls_taps() const {
    if (!in_place) return has_few_taps(columns.kernel_size, rows.kernel_size);
    return columns.kernel_size * rows.kernel_size <= kMostPlanarTaps;
  }

  void copy_rows() {
    padded.compute_at(output, group_batch)
        .store_in(Halide::MemoryType::Heap)
        .bound_storage(v.column, copied_columns())
        .bound_storage(v.row, copied_rows())
        .bound_storage(v.plane, window(1, planes).extent())
        .bound_storage(v.batch, 1)
        .bound_storage(v.group, groups_at_once())
        .bound_storage(v.channel, 1)
        .align_storage(v.column, lanes)
        .reorder_storage(v.column, v.row, v.plane, v.channel, v.batch, v.group)
        .split(v.column, vector_of_columns, v.column, lanes, TailStrategy::RoundUp)
        .vectorize(v.column);
    if (unrolls_vectors()) padded.unroll(vector_of_columns);
  }

  /* The copy: columns and rows of a channel that a task takes. */
  int copied_columns() const {
    const int computed = tile_columns_per_task() * value(tile_width) * columns.stride;
    return round_up(computed + columns.span() - 1, value(lanes));
  }
  int copied_rows() const {
    return window(tile_rows_per_task() * value(tile_height), rows).extent();
  }

  /// Channels whose copies take a part of L1: as many as a task's can be dealt out evenly.
  int groups_at_once() const {
    constexpr int kFloats = 2048, kMostGroups = 16;
    const int floats = copied_columns() * copied_rows() * window(1, planes).extent();
    int count = std::clamp(kFloats / floats, 1, std::min(kMostGroups, groups_per_task()));
    while (groups_per_task() % count != 0) --count;
    return count;
  }

  int groups_per_task() const {
    return value(panel_block) == 0 ? image_groups() : value(panel_block);
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
        .split(v.group, group_batch, v.group, groups_at_once(), TailStrategy::GuardWithIf)
        .reorder({v.column, v.row, inner_tile(), outer_tile(), filter, v.group, group_batch,
                  column_task, row_task})
        .fuse(column_task, row_task, task);
    ImageVars blocks = v;
    blocks.group = group_task;
    fuse_outer_loops(task, blocks)
        .parallel(task)
        .vectorize(v.column, lanes)
        .unroll(v.column)
        .unroll(v.row);
  }

  /// Rows of two vectors, of which LLVM spills less in a loop down a column of tiles. Of longer
  /// rows such a loop takes a line of each row at a time, which prefetchers do not follow.
  bool goes_down_columns() const {
    if (!in_place || shuffles() || steps()) return false;
    return columns.out > value(lanes) && columns.out <= 2 * value(lanes);
  }
  const Var& inner_tile() const { return goes_down_columns() ? tile_row : tile_column; }
  const Var& outer_tile() const { return goes_down_columns() ? tile_column : tile_row; }

  /// Where it can, the last tile overlaps the one before: better than a mask. Masks of rows that
  /// are narrower than a vector are taken away (row_stores.h).
  TailStrategy column_tail() const {
    const bool overlaps = !shuffles() && !columns.open && value(column_block) == 0 &&
                          columns.out >= value(tile_width);
    return overlaps ? TailStrategy::ShiftInwards : TailStrategy::GuardWithIf;
  }

  ImageVars v;
  Var filter{"filter"};
  SpatialAxis columns, rows, planes;
  RDom taps, odd_taps;
  Func padded, sum{"sum"}, odd_sum{"odd_sum"}, ordered{"ordered"};
  Var group_batch{"group_batch"}, group_task{"group_task"}, vector_of_columns{"vector_of_columns"};
};

}  // namespace
}  // namespace convc

HALIDE_REGISTER_GENERATOR(convc::PlanarDepthwiseConv, convc_planar_depthwise)
