// Which plans leave out products with rows and planes of the padding.
#include <catch2/catch.hpp>

#include "generators/plan/planner.h"
#include "tests/plan/plan_helpers.h"

using namespace convc;
using test::first_layer;
using test::kAvx2;
using test::machine;

TEST_CASE("products with the padding are left out where they are many", "[planner]") {
  const auto inside = [](const std::string& spec, Accuracy accuracy = Accuracy::fast) {
    const LayerSpec layer = first_layer(spec);
    const Plan plan =
        make_plan(layer, machine(kAvx2), {accuracy, {Algorithm::direct, Algorithm::few_channels}});
    INFO(spec << ": " << to_text(plan));
    CHECK(why_plan_is_invalid(plan, layer, machine(kAvx2)).empty());
    CHECK(leaves_out_zeros(plan, layer) == plan.inside_taps);
    if (plan.inside_taps) CHECK_FALSE(why_inaccurate(plan, layer, Accuracy::strict).empty());
    return plan.inside_taps;
  };
  const std::string small = "Conv2D(256, 3, padding='same', input_shape=(7, 7, 256))";
  CHECK(inside(small));
  CHECK_FALSE(inside(small, Accuracy::strict));
  CHECK_FALSE(inside("Conv2D(64, 3, padding='same', input_shape=(56, 56, 64))"));
  CHECK(inside("Conv2D(256, 3, padding='same', dilation_rate=6, input_shape=(28, 28, 256))"));
  CHECK(inside("Conv2D(64, (7, 1), padding='same', input_shape=(17, 17, 64))"));
  CHECK_FALSE(inside("Conv2D(64, (1, 7), padding='same', input_shape=(17, 17, 64))"));
  CHECK_FALSE(inside("Conv2D(64, 3, input_shape=(14, 14, 64))"));
  CHECK(inside("Conv3D(32, 3, padding='same', input_shape=(4, 56, 56, 32))"));
  CHECK(inside("Conv2D(32, 5, padding='same', input_shape=(14, 14, 1))"));
  CHECK(inside("Conv2D(64, 3, padding='same', padding_mode='constant', input_shape=(9, 9, 64))"));
  CHECK_FALSE(
      inside("Conv2D(64, 3, padding='same', padding_mode='constant', padding_value=1, "
             "input_shape=(9, 9, 64))"));
  CHECK_FALSE(
      inside("Conv2D(64, 3, padding='same', padding_mode='reflect', input_shape=(9, 9, 64))"));
  CHECK_FALSE(inside("Conv2D(64, 3, padding='same', input_shape=(None, 9, 64))"));
  CHECK(inside("Conv2D(64, 3, padding='same', batch=None, input_shape=(9, 9, 64))"));
}

TEST_CASE("inside_taps is refused where it means nothing", "[planner]") {
  const auto why = [](const std::string& spec, const std::string& text) {
    return why_plan_is_invalid(parse_plan(text + " lanes=8 inside_taps=1", nullptr).value(),
                               first_layer(spec), machine(kAvx2));
  };
  const std::string layer = "Conv2D(64, 3, padding='same', input_shape=(14, 14, 64))";
  CHECK(why(layer, "direct").empty());
  CHECK(why(layer, "split_channels partial_sums=2").empty());
  CHECK(why(layer, "direct tile=2x3x2") ==
        "inside_taps leaves out rows where tiles are of one row");
  CHECK(why(layer, "direct all_taps=1") == "all_taps and inside_taps contradict each other");
  CHECK(why(layer, "winograd output_tile=2") ==
        "inside_taps is for direct, few_channels and split_channels alone");
  CHECK(why("Conv2D(64, 3, input_shape=(14, 14, 64))", "direct") ==
        "inside_taps needs padded rows or planes");
  CHECK(why("Conv2D(8, 3, padding='same', padding_mode='reflect', input_shape=(9, 9, 8))",
            "direct") == "inside_taps needs a padding of zeros");
  CHECK(why("Conv2D(8, 1, padding=((1, 1), (1, 1)), input_shape=(9, 9, 8))", "direct") ==
        "inside_taps needs filters of more than one tap");
  CHECK(why("Conv2D(8, 3, padding='same', input_shape=(None, 9, 8))", "direct row_block=4") ==
        "inside_taps needs a fixed height");
  CHECK(why("Conv3D(8, (3, 1, 1), padding='same', input_shape=(9, 9, 9, 8))", "direct") ==
        "inside_taps needs padded rows; planes alone do without");
  CHECK(why("Conv3D(8, 3, padding='same', input_shape=(9, 9, 9, 8))", "direct tile=2x3x1").empty());
}
