// Convolution with groups > 1 (depthwise among them): vectors run over filters, and each lane reads
// the channels of its own group. Weights are packed as one panel of all filters.
#include "generators/kernels/conv2d_generator.h"

namespace convc {
namespace {

using Halide::Expr;
using Halide::Func;
using Halide::RDom;
using Halide::TailStrategy;
using Halide::Var;

class GroupedConv2D : public Conv2DGenerator<GroupedConv2D> {
 public:
  ImageInput input{"input"};
  PackedKernel kernel{"kernel"};
  PackedBias* bias = nullptr;
  ImageOutput output{"output"};

  void configure() {
    if (use_bias) bias = add_input<Halide::Buffer<float, 1>>("bias");
  }

  /* The maths. */
  void generate() {
    padded = zero_padded(input);
    taps = RDom(0, channels_per_group(), 0, value(kernel_width), 0, value(kernel_height), "taps");
    sum(filter, v.column, v.row, v.batch) = 0.0f;
    sum(filter, v.column, v.row, v.batch) +=
        kernel(filter, taps.x, taps.y, taps.z, 0, 0) *
        padded(first_channel(filter) + taps.x,
               inside(v.column, out_width(), tile_width) * value(stride_width) +
                   taps.y * value(dilation_width),
               v.row * value(stride_height) + taps.z * value(dilation_height), v.batch);
    output(filter, v.column, v.row, v.batch) =
        finished(sum(filter, v.column, v.row, v.batch), use_bias ? (*bias)(filter) : Expr(0.0f));
  }

  /* The schedule. Loops from the outside in:
   *   parallel task in batch x row blocks       copies its padded input
   *     row, vector of filters, tile of columns  one register per column
   *       tap_row, tap_column, channel */
  void schedule() {
    Func out = output;
    out.bound(filter, 0, value(filters))
        .bound(v.column, 0, out_width())
        .bound(v.row, 0, out_height())
        .bound(v.batch, 0, value(batch));
    out.split(filter, vector, filter, lanes, TailStrategy::GuardWithIf)
        .split(v.column, tile_column, v.column, tile_width, TailStrategy::GuardWithIf)
        .split(v.row, row_task, v.row, tile_rows_per_task(), TailStrategy::GuardWithIf)
        .reorder(filter, v.column, tile_column, vector, v.row, row_task, v.batch)
        .fuse(row_task, v.batch, task)
        .parallel(task)
        .vectorize(filter)
        .unroll(v.column);
    sum.compute_at(out, tile_column)
        .store_in(Halide::MemoryType::Register)
        .bound_extent(v.column, tile_width)
        .vectorize(filter)
        .unroll(v.column);
    sum.update()
        .reorder(filter, v.column, taps.x, taps.y, taps.z)
        .vectorize(filter)
        .unroll(v.column);
    if (value(kernel_width) * value(kernel_height) <= kMostUnrolledPositions &&
        channels_per_group() == 1) {
      sum.update().unroll(taps.y).unroll(taps.z);
    }
    if (is_padded()) {
      copy_per_task(padded, out, task, v, tile_rows_per_task(), stride_height, stride_width);
      padded.vectorize(v.channel, std::min(value(lanes), value(in_channels)),
                       TailStrategy::GuardWithIf);
    }
  }

 private:
  static constexpr int kMostUnrolledPositions = 9;

  ImageVars v;
  Var filter{"filter"}, vector{"vector"}, tile_column{"tile_column"}, row_task{"row_task"},
      task{"task"};
  RDom taps;
  Func padded, sum{"sum"};
};

}  // namespace
}  // namespace convc

HALIDE_REGISTER_GENERATOR(convc::GroupedConv2D, convc_grouped_conv2d)
