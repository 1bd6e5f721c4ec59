// The definition of the layer as plain loops, for every kind of layer: the yardstick of
// `--schedule naive`.
#include "generators/kernels/conv_generator.h"

namespace convc {
namespace {

using Halide::Expr;
using Halide::Func;
using Halide::RDom;
using Halide::Var;

class NaiveConv : public ConvGenerator<NaiveConv> {
 public:
  /* The maths. */
  void generate() {
    const SpatialAxis columns = column_axis(), rows = row_axis(), planes = plane_axis();
    padded = padded_input();
    if (packed_depthwise) {
      define_depthwise(columns, rows, planes);
      const SpatialAxis one;
      define_sum(depthwise_result, value(in_channels) * value(depth_multiplier), one, one, one);
    } else {
      define_sum(padded, channels_per_group(), columns, rows, planes);
    }
    output(pure_vars(v, filter)) =
        finished(sum(point_of(v, filter).coordinates()), point_of(v, filter));
  }

  /* The schedule: none, but that an output element is finished before the next begins. Of separable
   * layers, a pixel's depthwise result is computed once. */
  void schedule() {
    bound_output(filter, v);
    sum.compute_at(Func(output), filter);
    if (!packed_depthwise) return;
    depthwise_result.compute_at(Func(output), v.column)
        .bound_storage(v.channel, value(in_channels) * value(depth_multiplier));
  }

 private:
  void define_sum(const Func& image, int channels, const SpatialAxis& columns,
                  const SpatialAxis& rows, const SpatialAxis& planes) {
    const int block = value(channel_block) == 0 ? channels : value(channel_block);
    const RDom taps(
        {{0, channels}, {0, columns.kernel_size}, {0, rows.kernel_size}, {0, planes.kernel_size}},
        "taps");
    const FilterPoint weight = {filter % panel(), taps.x % block, taps.y,           taps.z,
                                taps.w,           taps.x / block, filter / panel(), v.group};
    const ImagePoint at = {first_channel(filter) + taps.x,
                           step(v.column, columns, taps.y),
                           step(v.row, rows, taps.z),
                           step(v.plane, planes, taps.w),
                           v.batch,
                           v.group};
    sum(pure_vars(v, filter)) = 0.0f;
    sum(pure_vars(v, filter)) += (*kernel)(weight.coordinates()) * image(at.coordinates());
  }

  void define_depthwise(const SpatialAxis& columns, const SpatialAxis& rows,
                        const SpatialAxis& planes) {
    const RDom taps({{0, columns.kernel_size}, {0, rows.kernel_size}, {0, planes.kernel_size}},
                    "window");
    const FilterPoint weight = {v.channel, 0, taps.x, taps.y, taps.z, 0, 0, 0};
    const ImagePoint at = {v.channel / value(depth_multiplier),
                           step(v.column, columns, taps.x),
                           step(v.row, rows, taps.y),
                           step(v.plane, planes, taps.z),
                           v.batch,
                           v.group};
    depthwise_result(pure_vars(v)) = 0.0f;
    depthwise_result(pure_vars(v)) += (*depthwise)(weight.coordinates()) * padded(at.coordinates());
  }

  ImageVars v;
  Var filter{"filter"};
  Func padded, sum{"sum"}, depthwise_result{"depthwise_result"};
};

}  // namespace
}  // namespace convc

HALIDE_REGISTER_GENERATOR(convc::NaiveConv, convc_naive)
