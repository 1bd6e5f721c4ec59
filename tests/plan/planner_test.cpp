// Plans of whole layers: golden text for the core suite, and what holds for every valid layer.
#include "generators/plan/planner.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <sstream>

#include "dsl/canonical.h"
#include "generators/plan/algorithms.h"
#include "generators/plan/roofline.h"
#include "tests/plan/plan_helpers.h"
#include "tests/support/golden.h"
#include "tests/support/seed.h"

using namespace convc;
using test::first_layer;
using test::kArm;
using test::kAvx2;
using test::kAvx512;
using test::kSapphireRapids;
using test::kZen4;
using test::kZen5;
using test::machine;

namespace {

const std::string kRepository = CONVC_REPOSITORY;

std::string plans_of(const std::string& file, const char* target) {
  Diagnostics diagnostics;
  const auto module = load_spec_files({kRepository + "/bench/layers/" + file}, "", diagnostics);
  REQUIRE(module.has_value());
  std::ostringstream text;
  for (const Graph& graph : lower(*module).graphs) {
    for (const Node& node : graph.nodes) {
      const Plan plan = make_plan(node.layer, machine(target));
      text << graph.name << ": " << to_text(plan) << "\n    " << plan.reason << "\n";
      for (const std::string& note : performance_notes(node.layer, plan, machine(target))) {
        text << "    note: " << note << "\n";
      }
    }
  }
  return text.str();
}

/// Winograd (winograd_test.cpp) aside.
std::string algorithm(const std::string& spec, const char* target = kAvx512,
                      Accuracy accuracy = Accuracy::strict) {
  INFO(spec);
  const Plan plan = make_plan(first_layer(spec), machine(target), {accuracy, {}});
  return std::string(name_of(plan.algorithm));
}

}  // namespace

TEST_CASE("plans of the core suite", "[planner]") {
  const std::pair<const char*, const char*> machines[] = {{"avx2", kAvx2},
                                                          {"avx512", kAvx512},
                                                          {"zen4", kZen4},
                                                          {"zen5", kZen5},
                                                          {"sapphirerapids", kSapphireRapids}};
  for (const std::string name : {"core_suite", "core_suite_depthwise", "family"}) {
    for (const auto& [machine, target] : machines) {
      test::check_golden(kRepository + "/tests/plan/" + name + "." + machine + ".plans",
                         plans_of(name + ".conv", target));
    }
  }
}

TEST_CASE("every valid layer has a valid plan, the same each time", "[planner]") {
  test::RandomLayer random(test::seed_of("planner"));
  for (int i = 0; i < 600; ++i) {
    const LayerSpec layer = random();
    for (const char* target : {kAvx2, kAvx512, kArm}) {
      const Machine host = machine(target);
      const Plan plan = make_plan(layer, host);
      INFO(canonical_layer_text(layer) << "\n" << to_text(plan));
      CHECK(why_plan_is_invalid(plan, layer, host).empty());
      CHECK(why_plan_is_invalid(make_naive_plan(layer, host), layer, host).empty());
      CHECK_FALSE(plan.reason.empty());
      CHECK(to_text(make_plan(layer, host)) == to_text(plan));
      const auto parsed = parse_plan(to_text(plan), nullptr);
      REQUIRE(parsed.has_value());
      CHECK(to_text(*parsed) == to_text(plan));
      CHECK(predicted_fraction(layer, plan, host) > 0);
      // Of the plain sum's operations: winograd needs fewer.
      if (plan.algorithm != Algorithm::winograd)
        CHECK(predicted_fraction(layer, plan, host) <= 1.0);
      CHECK(packed_layout(layer, plan).total_bytes % 64 == 0);
    }
  }
}

TEST_CASE("the algorithm follows from the layer", "[planner]") {
  CHECK(algorithm("Conv2D(64, 3, padding='same', input_shape=(56, 56, 64))") == "direct");
  CHECK(algorithm("Conv2D(64, 1, input_shape=(56, 56, 64))") == "pointwise");
  CHECK(algorithm("Conv2D(64, 1, strides=2, input_shape=(56, 56, 64))") == "direct");
  CHECK(algorithm("Conv2D(512, 1, strides=2, input_shape=(28, 28, 256))") == "subsampled");
  CHECK(algorithm("Conv2D(64, 1, strides=2, groups=2, input_shape=(56, 56, 64))") == "direct");
  CHECK(algorithm("Conv2D(64, 7, strides=2, input_shape=(224, 224, 3))") == "few_channels");
  CHECK(algorithm("Conv2D(64, 3, dilation_rate=2, input_shape=(224, 224, 3))") == "direct");
}

TEST_CASE("small literal filters are code, when strict only what keeps every product",
          "[planner]") {
  const auto literal = [](const std::string& kernel, Accuracy accuracy) {
    return algorithm("Conv2D(1, 3, kernel=" + kernel +
                         ", use_bias=False, "
                         "input_shape=(480, 640, 1))",
                     kAvx512, accuracy);
  };
  const std::string laplace = "[[0, -1, 0], [-1, 4, -1], [0, -1, 0]]";
  const std::string smooth = "[[1, 2, 1], [2, 4, 2], [1, 2, 1]]";
  const std::string dense = "[[1, 2, 3], [4, 5, 7], [6, 8, 9]]";
  CHECK(literal(laplace, Accuracy::fast) == "taps");
  CHECK(literal(smooth, Accuracy::fast) == "separable");
  CHECK(literal(dense, Accuracy::strict) == "taps");
  CHECK(literal(laplace, Accuracy::strict) == "planar");
  CHECK(literal(smooth, Accuracy::strict) == "planar");
}

TEST_CASE("groups: vectors that groups fill are direct's, others span groups", "[planner]") {
  CHECK(algorithm("Conv2D(256, 3, groups=4, input_shape=(56, 56, 256))") == "direct");
  CHECK(algorithm("Conv2D(128, 3, groups=32, input_shape=(56, 56, 128))") == "grouped");
  CHECK(algorithm("Conv2D(64, 3, groups=64, input_shape=(56, 56, 64))") == "depthwise");
  CHECK(algorithm("DepthwiseConv2D(3, input_shape=(56, 56, 64))") == "depthwise");
  CHECK(algorithm("DepthwiseConv1D(3, input_shape=(560, 64))") == "depthwise");
  CHECK(algorithm("SeparableConv2D(64, 3, input_shape=(56, 56, 64))") == "depthwise_pointwise");
}

TEST_CASE("other ranks have the algorithms of images", "[planner]") {
  CHECK(algorithm("Conv1D(64, 3, input_shape=(1000, 64))") == "direct");
  CHECK(algorithm("Conv1D(64, 1, input_shape=(1000, 64))") == "pointwise");
  CHECK(algorithm("Conv3D(64, 3, input_shape=(8, 28, 28, 64))") == "direct");
  CHECK(algorithm("Conv3D(64, 1, input_shape=(8, 28, 28, 64))") == "pointwise");
  CHECK(algorithm("Conv2DTranspose(64, 2, strides=2, input_shape=(28, 28, 64))") == "direct");
}

TEST_CASE("layouts: vectors over pixels where these fill them, and filters are 1x1 or few",
          "[planner]") {
  CHECK(algorithm("Conv2D(64, 1, data_format='channels_first', input_shape=(256, 56, 56))") ==
        "planar");
  CHECK(algorithm("Conv2D(64, 3, padding='same', data_format='channels_first', "
                  "input_shape=(64, 112, 112))") == "direct");
  CHECK(algorithm("Conv2D(64, 3, padding='same', output_data_format='channels_first', "
                  "input_shape=(112, 112, 64))") == "direct");
  CHECK(algorithm("Conv2D(64, 3, padding='same', data_format='channels_first', "
                  "output_data_format='channels_last', input_shape=(64, 112, 112))") == "direct");
  CHECK(algorithm("Conv2D(2048, 1, data_format='channels_first', input_shape=(512, 7, 7))") ==
        "pointwise");
  // One channel is both: a filter bank of one filter leaves no lanes idle.
  CHECK(algorithm("Conv2D(1, 3, input_shape=(56, 56, 64))") == "planar");
}

TEST_CASE("depthwise channels_first: short rows are read in place, a small channel is one tile",
          "[planner]") {
  const auto layer = [](const std::string& arguments) {
    return first_layer("Conv2D(64, " + arguments + ", groups=64, data_format='channels_first')");
  };
  const auto in_place = [](const LayerSpec& conv, Accuracy accuracy = Accuracy::fast) {
    PlanLimits limits;
    limits.accuracy = accuracy;
    return reads_rows_in_place(make_plan(conv, machine(kAvx2), limits), conv);
  };
  const LayerSpec small = layer("3, padding='same', input_shape=(64, 7, 7)");
  CHECK(make_plan(small, machine(kAvx2)).tile_height == 7);
  CHECK(in_place(small));
  CHECK_FALSE(in_place(small, Accuracy::strict));
  CHECK(
      make_plan(layer("3, padding='same', input_shape=(64, 14, 14)"), machine(kAvx2)).tile_height ==
      2);
  CHECK(in_place(layer("3, padding='same', input_shape=(64, 128, 128)")));
  CHECK_FALSE(in_place(layer("3, padding='same', input_shape=(64, 129, 129)")));
  CHECK(in_place(layer("3, strides=2, padding='same', input_shape=(64, 256, 256)")));
  CHECK_FALSE(in_place(layer("(1, 9), padding='same', input_shape=(64, 56, 56)")));
  CHECK_FALSE(in_place(layer("1, input_shape=(64, 56, 56)")));
}

TEST_CASE("only flat memory is pointwise", "[planner]") {
  LayerSpec layer = first_layer("Conv2D(64, 1, batch=4, input_shape=(28, 28, 64))");
  const auto name = [&] {
    return std::string(name_of(make_plan(layer, machine(kAvx2)).algorithm));
  };
  REQUIRE(name() == "pointwise");
  // A gate per image keeps images apart: blocks are of one image.
  layer.post_ops = {test::with_operand(PostOpKind::multiply, OperandShape::per_channel)};
  CHECK(name() == "pointwise");
  CHECK(make_plan(layer, machine(kAvx2)).row_block <= 28 * 28);
  layer.post_ops.front().operand_shape = OperandShape::full;
  layer.post_ops.front().operand_layout = Layout::channels_first;
  CHECK(name() == "direct");
  layer.post_ops.clear();
  layer.input_form.row_pitch = 28 * 64 + 8;
  CHECK(name() == "direct");
  layer.input_form.row_pitch = 0;
  layer.output_view = OutputView{{0, 0, 0}, {2, 2, 1}, {56, 56, 1}};
  CHECK(name() == "direct");
  layer.output_view.reset();
  layer.padding.left = -1;
  layer.out.width -= 1;
  CHECK(name() == "direct");
}

TEST_CASE("strided 1x1 filters: one row of pixels where memory and sizes allow", "[planner]") {
  LayerSpec layer = first_layer("Conv2D(512, 1, strides=2, batch=2, input_shape=(14, 14, 256))");
  REQUIRE(why_not_subsampled(layer).empty());
  layer.post_ops = {test::with_operand(PostOpKind::multiply, OperandShape::per_channel)};
  CHECK(why_not_subsampled(layer).empty());
  CHECK(make_plan(layer, machine(kAvx2)).row_block <= 7 * 7);
  layer.post_ops.clear();
  layer.input_form.row_pitch = 14 * 256 + 8;  // a task's copy has none
  CHECK(why_not_subsampled(layer).empty());
  layer.output_form.row_pitch = 7 * 512 + 8;
  CHECK_FALSE(why_not_subsampled(layer).empty());
  layer.output_form.row_pitch = 0;
  layer.input_form = {Layout::channels_first, 0};
  CHECK_FALSE(why_not_subsampled(layer).empty());
  layer.input_form = {};
  layer.open.batch = Dim{1, 8};
  CHECK(why_not_subsampled(layer) == "subsampled needs a fixed size");
  CHECK(make_plan(layer, machine(kAvx2)).algorithm == Algorithm::direct);
}

TEST_CASE("few sums of many channels are split into parts", "[planner]") {
  const auto plan = [](const std::string& line, const char* target = kAvx2) {
    return make_plan(first_layer(line), machine(target));
  };
  for (const char* line :
       {"Conv2D(8, 1, input_shape=(1, 1, 4096))", "Conv2D(1, 1, input_shape=(1, 1, 4096))",
        "Conv2D(16, 3, input_shape=(3, 3, 512))"}) {
    INFO(line);
    const Plan split = plan(line);
    CHECK(split.algorithm == Algorithm::split_channels);
    CHECK(split.tile_height * split.tile_width * split.tile_vectors * split.partial_sums >= 8);
    CHECK(plan(line, kAvx512).algorithm == Algorithm::split_channels);
  }
  // A prime number of channels has no equal parts; several vectors of filters need none.
  CHECK(plan("Conv2D(8, 1, input_shape=(1, 1, 4099))").algorithm == Algorithm::pointwise);
  CHECK(plan("Conv2D(1000, 1, input_shape=(1, 1, 1280))").algorithm == Algorithm::pointwise);
  CHECK(plan("Conv2D(8, 1, input_shape=(7, 7, 4096))").algorithm == Algorithm::pointwise);
}

TEST_CASE("without a filter: elementwise, or all channels at a time", "[planner]") {
  LayerSpec layer;
  layer.kind = LayerKind::elementwise;
  layer.in = layer.out = {28, 28};
  layer.in_channels = layer.filters = 64;
  const auto name = [&] {
    return std::string(name_of(make_plan(layer, machine(kAvx2)).algorithm));
  };
  CHECK(name() == "elementwise");
  layer.post_ops = {test::activation(ActivationFunction::softmax)};
  CHECK(name() == "channelwise");
  layer.post_ops.push_back(test::activation(ActivationFunction::relu));
  CHECK(name() == "channelwise");
  layer.kind = LayerKind::constant;
  layer.post_ops.clear();
  CHECK(name() == "elementwise");
}

TEST_CASE("a transposed layer is planned by its phases alone", "[planner]") {
  const Module module =
      test::module_of("Conv2DTranspose(64, 2, strides=2, input_shape=(28, 28, 64))");
  const LayerSpec& layer = module.graphs.front().nodes.front().layer;
  CHECK_THROWS_AS(make_plan(layer, machine(kAvx2)), std::logic_error);
  CHECK_FALSE(
      why_plan_is_invalid(parse_plan("naive", nullptr).value(), layer, machine(kAvx2)).empty());
}

TEST_CASE("a panel larger than L2 is cut into blocks of channels", "[planner]") {
  const LayerSpec layer =
      first_layer("Conv2D(1024, 3, padding='same', input_shape=(17, 17, 1024))");
  const Plan plan = make_plan(layer, machine(kAvx512), {Accuracy::strict, {}});
  CHECK(plan.channel_block > 0);
  CHECK(layer.in_channels % plan.channel_block == 0);
}

TEST_CASE("plans that do not suit a layer are refused in words", "[planner]") {
  const LayerSpec layer = first_layer("Conv2D(64, 3, groups=2, input_shape=(56, 56, 64))");
  const auto why = [](const LayerSpec& spec, const char* text) {
    return why_plan_is_invalid(parse_plan(text, nullptr).value(), spec, machine(kAvx2));
  };
  CHECK(why(layer, "pointwise lanes=8") ==
        "pointwise needs kernel_size=1, strides=1, no padding and groups=1");
  CHECK(why(layer, "few_channels lanes=8") ==
        "few_channels needs a convolution with groups=1 and no dilation of columns");
  CHECK(why(layer, "grouped lanes=16 tile=1x4x4") == "lanes=16 exceeds the 8 of avx2 core");
  CHECK(why(layer, "direct lanes=3") == "lanes is 4, 8 or 16");
  CHECK(why(layer, "direct lanes=8 channel_block=64") ==
        "channel_block=64 must divide the 32 channels of a group of a direct convolution");
  CHECK(why(layer, "direct lanes=8 tile=4x16x4") ==
        "a tile of 256 accumulators cannot stay in registers");
  CHECK(why(layer, "depthwise lanes=8") == "depthwise needs one channel per group");
  CHECK(why(layer, "planar lanes=8 tile=1x8x4") ==
        "planar needs a convolution whose output is channels_first");
  CHECK(why(layer, "taps lanes=8") ==
        "taps needs a 1-D or 2-D literal kernel of finite numbers, of at most 4 channels and 4 "
        "filters, groups=1 and no PReLU or BatchNormalization after it");
  CHECK(why(layer, "subsampled lanes=8") ==
        "subsampled needs kernel_size=1, strides above 1, no padding and groups=1");
  CHECK(why(layer, "split_channels lanes=8 partial_sums=5") ==
        "partial_sums=5 must be 2 or more and divide the 32 channels of a group");
  CHECK(why(layer, "split_channels lanes=8") ==
        "partial_sums=0 must be 2 or more and divide the 32 channels of a group");
  CHECK(why(layer, "direct lanes=8 partial_sums=2") == "partial_sums is for split_channels alone");
  CHECK(why(layer, "split_channels lanes=8 tile=4x4x4 partial_sums=4") ==
        "a tile of 256 accumulators cannot stay in registers");
  CHECK(why(layer, "split_channels lanes=8 tile=1x1x2 partial_sums=4").empty());
  CHECK(why(layer, "grouped lanes=8 tile=1x4x1").empty());
  CHECK(why(layer, "direct lanes=8 tile=1x4x3 channel_block=16").empty());

  LayerSpec planar = layer;
  planar.output_form.layout = Layout::channels_first;
  CHECK(why(planar, "planar lanes=8 tile=1x12x4") ==
        "planar needs a tile of whole vectors of pixels: 12 is not a multiple of lanes=8");
  LayerSpec open = layer;
  open.open.width = Dim{3, 4096};
  CHECK(why(open, "direct lanes=8 row_block=4") ==
        "an image whose width arrives at run time needs a column_block");
  open.open = {};
  open.open.height = Dim{3, 4096};
  CHECK(why(open, "direct lanes=8") == "an image whose size arrives at run time needs a row_block");
}

TEST_CASE("blocks are no larger than the layer", "[planner]") {
  const auto why = [](const LayerSpec& spec, const char* text) {
    return why_plan_is_invalid(parse_plan(text, nullptr).value(), spec, machine(kAvx2));
  };
  const LayerSpec layer =
      first_layer("Conv2D(64, 3, padding='same', input_shape=(54, 55, 64), name='c')");
  CHECK(why(layer, "direct lanes=8 row_block=3000000000") ==
        "row_block=3000000000 exceeds the 2976 pixels of whole tiles");
  CHECK(why(layer, "direct lanes=8 tile=4x1x1 row_block=56").empty());
  CHECK(why(layer, "direct lanes=8 tile=1x2x1 column_block=2977") ==
        "column_block=2977 exceeds the 2976 pixels of whole tiles");
  CHECK(why(layer, "direct lanes=8 panel_block=99999999999") ==
        "panel_block=99999999999 exceeds the 64 filters");
  CHECK(why(layer, "winograd lanes=8 tile=1x7x2 row_block=56 output_tile=4").find("row_block") ==
        std::string::npos);
  const LayerSpec pixels = first_layer("Conv2D(64, 1, input_shape=(54, 55, 64), name='p')");
  CHECK(why(pixels, "pointwise lanes=8 row_block=2970").empty());
  CHECK(why(pixels, "pointwise lanes=8 row_block=2977") ==
        "row_block=2977 exceeds the 2976 pixels of whole tiles");
  // The planner's own, of pixels of several images, and of a vector of more columns than there are.
  const LayerSpec images =
      first_layer("Conv2D(40, 1, strides=(2, 3), input_shape=(5, 7, 12), batch=3, name='i')");
  CHECK(why(images, "subsampled lanes=8 tile=1x7x2 row_block=27").empty());

  LayerSpec open = layer;
  open.open.height = open.open.width = Dim{1, 1 << 30};
  CHECK(why(open, "direct lanes=8 row_block=54 column_block=55").empty());
  CHECK(why(open, "direct lanes=8 row_block=2000000 column_block=2000000") ==
        "a task of row_block=2000000 and column_block=2000000 has scratch of 2^31 elements or "
        "more");
}

TEST_CASE("limits choose among algorithms", "[planner]") {
  const LayerSpec layer =
      first_layer("Conv2D(64, 3, padding='same', input_shape=(28, 28, 64), name='c')");
  const Machine host = machine(kAvx2);
  std::string why_none;
  const auto all = candidate_plans(layer, host, {}, &why_none);
  REQUIRE(all.size() > 1);
  CHECK(std::is_sorted(all.begin(), all.end(), [](const PlanCandidate& a, const PlanCandidate& b) {
    return a.cycles < b.cycles;
  }));
  CHECK(to_text(all[0].plan) == to_text(make_plan(layer, host)));

  PlanLimits limits;
  for (const Algorithm algorithm :
       {Algorithm::direct, Algorithm::few_channels, Algorithm::winograd}) {
    limits.algorithms = {Algorithm::pointwise, algorithm};
    const Plan plan = make_plan(layer, host, limits);
    CHECK(plan.algorithm == algorithm);
    CHECK(why_plan_is_invalid(plan, layer, host).empty());
  }
  limits.algorithms = {Algorithm::pointwise, Algorithm::depthwise};
  CHECK(candidate_plans(layer, host, limits, &why_none).empty());
  CHECK(why_none.find("pointwise: pointwise needs kernel_size=1") != std::string::npos);
  CHECK(why_none.find("depthwise: ") != std::string::npos);

  // 3 * 3 * 64 * 64 weights of 4 bytes, and the bias; what Winograd packs is more.
  limits = {};
  limits.packed_bytes = 9 * 64 * 64 * 4 + 64 * 4;
  CHECK(make_plan(layer, host, limits).algorithm == Algorithm::direct);
  limits.packed_bytes -= 1;
  CHECK(candidate_plans(layer, host, limits, &why_none).empty());
  CHECK(why_none.find("direct: its packed weights take 147712 bytes") != std::string::npos);
}
