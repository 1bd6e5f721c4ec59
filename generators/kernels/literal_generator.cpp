// Small filters whose numbers are part of the spec: every non-zero number is a constant in the
// code, a zero costs nothing, and a rank-1 filter runs as a vertical and a horizontal pass. Vectors
// run over columns, for images of few channels.
#include "generators/kernels/conv_generator.h"
#include "generators/kernels/literal_text.h"

namespace convc {
namespace {

using Halide::Expr;
using Halide::Func;
using Halide::TailStrategy;
using Halide::Var;

class LiteralConv : public ConvGenerator<LiteralConv> {
 public:
  Param<std::string> literal_taps{"literal_taps", ""};      // text of the non-zero numbers
  Param<std::string> literal_slices{"literal_slices", ""};  // text of the factors, when separable
  Param<std::string> literal_bias{"literal_bias", ""};

  /* The maths. */
  void generate() {
    columns = column_axis();
    rows = row_axis();
    padded = padded_input();
    const std::vector<SeparableSlice> slices = slices_from_text(literal_slices);
    std::vector<Expr> sums(value(filters), Expr(0.0f));
    if (slices.empty()) {
      for (const Tap& tap : taps_from_text(literal_taps)) {
        sums[tap.filter] += tap.value * at(tap.channel, in_column(tap.column), in_row(tap.row));
      }
    } else {
      for (const SeparableSlice& slice : slices) add_two_passes(slice, sums[slice.filter]);
    }
    const std::vector<float> biases = numbers_from_text(literal_bias);
    std::vector<Expr> results;
    for (int k = 0; k < value(filters); ++k) {
      results.push_back(post_processed(use_bias ? sums[k] + biases[k] : sums[k], point_of(v, k)));
    }
    output(pure_vars(v, filter)) = Halide::mux(filter, results);
  }

  /* The schedule. Loops from the outside in:
   *   parallel task in batch x row blocks     copies its padded input
   *     row                                   vertical passes of this row, if separable
   *       vectors of columns, filter          unrolled over filters */
  void schedule() {
    Func out = output;
    const bool wide = !columns.open && columns.out >= value(lanes);
    bound_output(filter, v);
    out.split(v.row, row_task, v.row, rows_per_task(), TailStrategy::GuardWithIf)
        .split(v.column, column_task, v.column, columns_per_task(), TailStrategy::GuardWithIf)
        .reorder(filter, v.column, v.row, column_task, row_task, v.plane, v.batch, v.group)
        .fuse(column_task, row_task, task)
        .fuse(task, v.batch, task)
        .parallel(task)
        .unroll(filter)
        .vectorize(v.column, lanes, wide ? TailStrategy::ShiftInwards : TailStrategy::GuardWithIf);
    for (Func pass : vertical_passes) {
      pass.compute_at(out, v.row)
          .store_in(Halide::MemoryType::Heap)
          .bound_storage(v.column, window(columns_per_task(), columns).extent())
          .vectorize(v.column, lanes, TailStrategy::GuardWithIf);
    }
    if (is_padded()) {
      copy_per_task(padded, out, task, v, Window{}, window(rows_per_task(), rows),
                    window(columns_per_task(), columns));
      padded.vectorize(v.column, lanes, TailStrategy::GuardWithIf);
    }
  }

 private:
  Expr in_column(int tap) const { return v.column * columns.stride + tap * columns.dilation; }
  Expr in_row(int tap) const { return v.row * rows.stride + tap * rows.dilation; }
  Expr at(int channel, const Expr& column, const Expr& row) {
    return padded(channel, column, row, v.plane, v.batch, v.group);
  }

  /// Adds the horizontal pass over this slice's vertical pass, which is a stage of its own.
  void add_two_passes(const SeparableSlice& slice, Expr& sum) {
    Func vertical("vertical");
    Expr column_sum = 0.0f;
    for (std::size_t i = 0; i < slice.vertical.size(); ++i) {
      if (slice.vertical[i] == 0.0f) continue;
      column_sum += slice.vertical[i] * at(slice.channel, v.column, in_row(static_cast<int>(i)));
    }
    vertical(v.column, v.row, v.plane, v.batch, v.group) = column_sum;
    for (std::size_t j = 0; j < slice.horizontal.size(); ++j) {
      if (slice.horizontal[j] == 0.0f) continue;
      sum += slice.horizontal[j] *
             vertical(in_column(static_cast<int>(j)), v.row, v.plane, v.batch, v.group);
    }
    vertical_passes.push_back(vertical);
  }

  ImageVars v;
  SpatialAxis columns, rows;
  Var filter{"filter"}, row_task{"row_task"}, column_task{"column_task"}, task{"task"};
  Func padded;
  std::vector<Func> vertical_passes;
};

}  // namespace
}  // namespace convc

HALIDE_REGISTER_GENERATOR(convc::LiteralConv, convc_literal)
