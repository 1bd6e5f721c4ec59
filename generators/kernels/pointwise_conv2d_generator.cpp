// Pointwise convolution: 1x1, stride 1, no padding, groups = 1. All pixels of all images form one
// dimension, so that it is a matrix product [pixels x channels] * [channels x filters].
#include "generators/kernels/conv2d_generator.h"

namespace convc {
namespace {

using Halide::Expr;
using Halide::Func;
using Halide::RDom;
using Halide::TailStrategy;
using Halide::Var;

class PointwiseConv2D : public Conv2DGenerator<PointwiseConv2D> {
 public:
  Input<Halide::Buffer<float, 2>> input{"input"};    // [pixels, in_channels]
  Input<Halide::Buffer<float, 3>> kernel{"kernel"};  // [panels, in_channels, filter_panel]
  PackedBias* bias = nullptr;
  Output<Halide::Buffer<float, 2>> output{"output"};  // [pixels, filters]

  void configure() {
    if (use_bias) bias = add_input<Halide::Buffer<float, 1>>("bias");
  }

  /* The maths. */
  void generate() {
    channel = RDom(0, value(in_channels), "channel");
    sum(filter, pixel) = 0.0f;
    sum(filter, pixel) += kernel(filter % panel(), channel, filter / panel()) *
                          input(channel, inside(pixel, pixel_count(), tile_width));
    output(filter, pixel) = finished(sum(filter, pixel), use_bias ? (*bias)(filter) : Expr(0.0f));
  }

  /* The schedule. Loops from the outside in (filters_outer; pixels_outer swaps panel and tile):
   *   parallel task in pixel blocks x panel blocks
   *     panel, tile                                accumulators live in registers
   *       channel
   *         pixel of tile, vector of panel         unrolled: one FMA each */
  void schedule() {
    const int pixels = pixel_count();
    const int tiles = ceil_div(pixels, value(tile_width));
    const int tiles_per_task =
        value(row_block) == 0 ? tiles : ceil_div(value(row_block), value(tile_width));
    const int panels_per_task = value(panel_block) == 0 ? panels() : value(panel_block);
    Func out = output;
    out.bound(filter, 0, value(filters)).bound(pixel, 0, pixels);
    out.split(filter, panel_index, filter, panel(), TailStrategy::GuardWithIf)
        .split(pixel, tile, pixel, tile_width, TailStrategy::GuardWithIf)
        .split(panel_index, panel_task, panel_index, panels_per_task, TailStrategy::GuardWithIf)
        .split(tile, pixel_task, tile, tiles_per_task, TailStrategy::GuardWithIf);
    if (pixels_outer) {
      out.reorder(filter, pixel, panel_index, tile, panel_task, pixel_task);
    } else {
      out.reorder(filter, pixel, tile, panel_index, panel_task, pixel_task);
    }
    out.fuse(panel_task, pixel_task, task).parallel(task);
    out.vectorize(filter, lanes).unroll(filter).unroll(pixel);

    sum.compute_at(out, innermost_tile_loop())
        .store_in(Halide::MemoryType::Register)
        .bound_extent(filter, panel())
        .bound_extent(pixel, tile_width)
        .vectorize(filter, lanes)
        .unroll(filter)
        .unroll(pixel);
    sum.update()
        .reorder(filter, pixel, channel)
        .vectorize(filter, lanes)
        .unroll(filter)
        .unroll(pixel);
  }

 private:
  int pixel_count() const { return value(batch) * value(in_height) * value(in_width); }
  Var innermost_tile_loop() const { return pixels_outer ? panel_index : tile; }

  Var filter{"filter"}, pixel{"pixel"};
  RDom channel;
  Func sum{"sum"};
  Var panel_index{"panel"}, panel_task{"panel_task"}, tile{"tile"}, pixel_task{"pixel_task"},
      task{"task"};
};

}  // namespace
}  // namespace convc

HALIDE_REGISTER_GENERATOR(convc::PointwiseConv2D, convc_pointwise_conv2d)
