// Where packed weights and vectors lie.
#include <catch2/catch.hpp>

#include "generators/plan/plan.h"
#include "tests/plan/plan_helpers.h"

using namespace convc;

namespace {

Plan plan_of(Algorithm algorithm, int lanes, int tile_vectors) {
  Plan plan;
  plan.algorithm = algorithm;
  plan.lanes = lanes;
  plan.tile_vectors = tile_vectors;
  return plan;
}

LayerSpec conv(std::int64_t channels, std::int64_t filters, std::int64_t groups = 1) {
  LayerSpec layer;
  layer.in_channels = channels;
  layer.filters = filters;
  layer.groups = groups;
  layer.kernel_size = {3, 3};
  return layer;
}

using Offsets = std::vector<std::int64_t>;

}  // namespace

TEST_CASE("whole panels, then bias on the next cache line", "[packed]") {
  LayerSpec layer = conv(3, 20);
  const Plan plan = plan_of(Algorithm::direct, 8, 2);
  const PackedLayout packed = packed_layout(layer, plan);
  CHECK(packed.groups == 1);
  CHECK(packed.filter_panel == 16);
  CHECK(packed.channel_block == 3);
  CHECK_FALSE(packed.merges_groups);
  CHECK(packed.kernel_bytes == 3 * 3 * 3 * 32 * 4);    // 20 filters take two panels of 16
  CHECK(packed.vector_offset_bytes == Offsets{3456});  // which is 54 lines of 64 bytes
  CHECK(packed.vector_bytes == 32 * 4);
  CHECK(packed.total_bytes == 3456 + 128);
  layer.use_bias = false;
  CHECK(packed_layout(layer, plan).vector_offset_bytes.empty());
  CHECK(packed_layout(layer, plan).total_bytes == 3456);
}

TEST_CASE("each group has panels of its own, unless an algorithm runs over them", "[packed]") {
  const LayerSpec layer = conv(8, 40, 4);
  const PackedLayout direct = packed_layout(layer, plan_of(Algorithm::direct, 8, 1));
  CHECK(direct.groups == 4);
  CHECK(direct.kernel_bytes == 4 * 16 * 2 * 9 * 4);  // 10 filters take 16
  CHECK(direct.vector_bytes == 4 * 16 * 4);
  const PackedLayout grouped = packed_layout(layer, plan_of(Algorithm::grouped, 8, 1));
  CHECK(grouped.groups == 1);
  CHECK(grouped.merges_groups);
  CHECK(grouped.kernel_bytes == 40 * 2 * 9 * 4);
  CHECK(grouped.channel_block == 2);
  const PackedLayout naive = packed_layout(layer, plan_of(Algorithm::naive, 1, 40));
  CHECK(naive.merges_groups);
  CHECK(naive.kernel_bytes == 40 * 2 * 9 * 4);
  // Panels of planar kernels are of filters, its vectors of columns.
  const PackedLayout planar = packed_layout(layer, plan_of(Algorithm::planar, 8, 5));
  CHECK(planar.filter_panel == 5);
  CHECK(planar.groups == 4);
  CHECK(planar.kernel_bytes == 4 * 10 * 2 * 9 * 4);
}

TEST_CASE("depthwise layers: one channel per filter", "[packed]") {
  LayerSpec layer = conv(24, 48, 24);
  layer.kind = LayerKind::depthwise_conv;
  layer.depth_multiplier = 2;
  const PackedLayout packed = packed_layout(layer, plan_of(Algorithm::depthwise, 16, 2));
  CHECK(packed.merges_groups);
  CHECK(packed.channel_block == 1);
  CHECK(packed.filter_panel == 48);  // one panel of all filters
  CHECK(packed.kernel_bytes == 48 * 9 * 4);
  layer.depth_multiplier = 1;
  layer.in_channels = layer.groups = layer.filters = 256;
  // Taps that are 1 KiB apart would compete for the same sets of L1.
  CHECK(packed_layout(layer, plan_of(Algorithm::depthwise, 16, 2)).filter_panel == 272);
}

TEST_CASE("separable layers: the 1x1 filters, then the depthwise ones", "[packed]") {
  LayerSpec layer = conv(6, 20, 6);
  layer.kind = LayerKind::separable_conv;
  layer.depth_multiplier = 3;
  const PackedLayout packed = packed_layout(layer, plan_of(Algorithm::depthwise_pointwise, 16, 1));
  CHECK(packed.groups == 1);
  CHECK(packed.channel_block == 18);
  CHECK(packed.kernel_bytes == 32 * 18 * 4);
  CHECK(packed.depthwise_panel == 16);
  CHECK(packed.depthwise_offset_bytes == 2304);
  CHECK(packed.depthwise_bytes == 9 * 32 * 4);
  CHECK(packed.vector_offset_bytes == Offsets{2304 + 1152});
  CHECK(packed.total_bytes == 2304 + 1152 + 128);
}

TEST_CASE("vectors: bias, then those of post_ops that are not folded", "[packed]") {
  LayerSpec layer = conv(8, 8);
  layer.use_bias = false;
  layer.post_ops = {test::per_channel(PostOpKind::batch_normalization, "first"),
                    test::per_channel(PostOpKind::prelu, "prelu"),
                    test::per_channel(PostOpKind::batch_normalization, "second")};
  const auto vectors = channel_vectors(layer);
  REQUIRE(vectors.size() == 4);
  CHECK(vectors[0].role == VectorRole::bias);  // the folded normalization makes one
  CHECK(vectors[0].post_op == -1);
  CHECK(vectors[1].role == VectorRole::slope);
  CHECK(vectors[1].post_op == 1);
  CHECK(vectors[2].role == VectorRole::scale);
  CHECK(vectors[2].post_op == 2);
  CHECK(vectors[3].role == VectorRole::offset);
  CHECK(packed_layout(layer, plan_of(Algorithm::direct, 8, 1)).vector_offset_bytes ==
        Offsets{2304, 2368, 2432, 2496});

  layer.kind = LayerKind::elementwise;
  layer.use_bias = true;  // has no meaning there
  CHECK(channel_vectors(layer).size() == 5);
  const PackedLayout alone = packed_layout(layer, plan_of(Algorithm::elementwise, 8, 1));
  CHECK(alone.kernel_bytes == 0);
  CHECK(alone.vector_offset_bytes == Offsets{0, 64, 128, 192, 256});
  layer.kind = LayerKind::constant;
  CHECK(channel_vectors(layer).size() == 6);
}

TEST_CASE("the third axis counts", "[packed]") {
  LayerSpec layer = conv(8, 8);
  layer.kernel_size = {3, 3, 5};
  CHECK(packed_layout(layer, plan_of(Algorithm::direct, 8, 1)).kernel_bytes == 45 * 64 * 4);
}
