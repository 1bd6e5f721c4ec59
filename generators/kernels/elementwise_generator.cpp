// A layer without a filter, whose output elements depend on one input element each: the input,
// padded or cropped, through the chain of post_ops. Memory sets its speed.
#include "generators/kernels/image_pass.h"

namespace convc {
namespace {

class Elementwise : public ImagePass<Elementwise> {
 public:
  /* The maths. */
  void generate() {
    output(pure_vars(v)) = finished(padded_input()(point_of(v).coordinates()), point_of(v));
  }

  void schedule() { schedule_pass(); }
};

}  // namespace
}  // namespace convc

HALIDE_REGISTER_GENERATOR(convc::Elementwise, convc_elementwise)
