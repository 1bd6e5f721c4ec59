// The definition of the layer as plain loops, for every kind of layer: the yardstick of
// `--schedule naive`. Weights are packed as one panel of all filters, which is HWIO order.
#include "generators/kernels/conv2d_generator.h"

namespace convc {
namespace {

class NaiveConv2D : public Conv2DGenerator<NaiveConv2D> {
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
    const ImageVars v;
    const Halide::Var filter("filter");
    const Halide::Func padded = zero_padded(input);
    const Halide::RDom taps(0, channels_per_group(), 0, value(kernel_width), 0,
                            value(kernel_height), "taps");
    sum(filter, v.column, v.row, v.batch) = 0.0f;
    sum(filter, v.column, v.row, v.batch) +=
        kernel(filter, taps.x, taps.y, taps.z, 0, 0) *
        padded(first_channel(filter) + taps.x,
               v.column * value(stride_width) + taps.y * value(dilation_width),
               v.row * value(stride_height) + taps.z * value(dilation_height), v.batch);
    output(filter, v.column, v.row, v.batch) = finished(
        sum(filter, v.column, v.row, v.batch), use_bias ? (*bias)(filter) : Halide::Expr(0.0f));
    innermost = filter;
  }

  /* The schedule: none, but that an output element is finished before the next begins. */
  void schedule() { sum.compute_at(Halide::Func(output), innermost); }

 private:
  Halide::Func sum{"sum"};
  Halide::Var innermost;
};

}  // namespace
}  // namespace convc

HALIDE_REGISTER_GENERATOR(convc::NaiveConv2D, convc_naive_conv2d)
