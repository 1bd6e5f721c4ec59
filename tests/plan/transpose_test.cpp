// The phases of transposed convolutions, against the definition on integers.
#include <catch2/catch.hpp>
#include <random>
#include <vector>

#include "generators/plan/literal_filter.h"
#include "generators/plan/lowering.h"
#include "tests/plan/plan_helpers.h"
#include "tests/support/seed.h"

using namespace convc;

namespace {

using Axis = std::int64_t Size::*;
constexpr Axis kAxes[] = {&Size::depth, &Size::height, &Size::width};

template <typename Visit>
void for_each_index(const Size& extent, const Visit& visit) {
  for (std::int64_t d = 0; d < extent.depth; ++d) {
    for (std::int64_t h = 0; h < extent.height; ++h) {
      for (std::int64_t w = 0; w < extent.width; ++w) visit(Size{h, w, d});
    }
  }
}

std::size_t offset(const Size& index, const Size& extent, std::int64_t channel,
                   std::int64_t channels) {
  return static_cast<std::size_t>(
      ((index.depth * extent.height + index.height) * extent.width + index.width) * channels +
      channel);
}

bool is_inside(const Size& index, const Size& extent) {
  for (const Axis axis : kAxes) {
    if (index.*axis < 0 || index.*axis >= extent.*axis) return false;
  }
  return true;
}

Size before(const Padding& p) {
  return {p.top, p.left, p.front};
}

Size combine(const Size& a, const Size& b, std::int64_t (*op)(std::int64_t, std::int64_t)) {
  return {op(a.height, b.height), op(a.width, b.width), op(a.depth, b.depth)};
}
Size plus(const Size& a, const Size& b) {
  return combine(a, b, [](std::int64_t x, std::int64_t y) { return x + y; });
}
Size minus(const Size& a, const Size& b) {
  return combine(a, b, [](std::int64_t x, std::int64_t y) { return x - y; });
}
Size times(const Size& a, const Size& b) {
  return combine(a, b, [](std::int64_t x, std::int64_t y) { return x * y; });
}

/// Input [spatial.., in_channels].
std::vector<float> numbers(std::size_t count) {
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; ++i) {
    values[i] = static_cast<float>(static_cast<int>(i * 7 % 13) - 6);
  }
  return values;
}

std::size_t elements(const Size& size, std::int64_t channels) {
  return static_cast<std::size_t>(size.depth * size.height * size.width * channels);
}

/// Number k of the kernel for input channel c of a group and filter k: (kernel.., filters / groups,
/// in_channels).
float kernel_at(const LayerSpec& layer, const Size& tap, std::int64_t channel,
                std::int64_t filter) {
  const std::int64_t group = filter / layer.filters_per_group();
  const std::size_t position =
      offset(tap, layer.kernel_size, filter % layer.filters_per_group(), layer.filters_per_group());
  const std::int64_t column = group * layer.channels_per_group() + channel;
  return layer.kernel->values[position * static_cast<std::size_t>(layer.in_channels) +
                              static_cast<std::size_t>(column)];
}

/// By the definition in dsl/layer_spec.h.
std::vector<float> transposed(const LayerSpec& layer, const std::vector<float>& in) {
  std::vector<float> out(elements(layer.out, layer.filters), 0);
  for_each_index(layer.in, [&](const Size& i) {
    for_each_index(layer.kernel_size, [&](const Size& k) {
      const Size o = minus(plus(times(i, layer.strides), times(k, layer.dilation_rate)),
                           before(layer.padding));
      if (!is_inside(o, layer.out)) return;
      for (std::int64_t f = 0; f < layer.filters; ++f) {
        const std::int64_t first = f / layer.filters_per_group() * layer.channels_per_group();
        for (std::int64_t c = 0; c < layer.channels_per_group(); ++c) {
          out[offset(o, layer.out, f, layer.filters)] +=
              kernel_at(layer, k, c, f) * in[offset(i, layer.in, first + c, layer.in_channels)];
        }
      }
    });
  });
  return out;
}

float convolved(const LayerSpec& phase, const std::vector<float>& in, const Size& q,
                std::int64_t filter) {
  float sum = 0;
  const std::int64_t first = filter / phase.filters_per_group() * phase.channels_per_group();
  for_each_index(phase.kernel_size, [&](const Size& t) {
    const Size i =
        minus(plus(times(q, phase.strides), times(t, phase.dilation_rate)), before(phase.padding));
    if (!is_inside(i, phase.in)) return;
    for (std::int64_t c = 0; c < phase.channels_per_group(); ++c) {
      sum += literal_number(phase, t, c, filter) *
             in[offset(i, phase.in, first + c, phase.in_channels)];
    }
  });
  return sum;
}

/// What the phases write together; each element exactly once.
std::vector<float> by_phases(const LayerSpec& layer, const std::vector<float>& in) {
  std::vector<float> out(elements(layer.out, layer.filters), 0);
  std::vector<int> writes(out.size(), 0);
  for (const LayerSpec& phase : phases_of(layer)) {
    const OutputView whole{{0, 0, 0}, {1, 1, 1}, layer.out};
    const OutputView view = phase.output_view.value_or(whole);
    for_each_index(phase.out, [&](const Size& q) {
      const Size o = plus(view.first, times(q, view.step));
      REQUIRE(is_inside(o, layer.out));
      for (std::int64_t f = 0; f < layer.filters; ++f) {
        const std::size_t at = offset(o, layer.out, f, layer.filters);
        ++writes[at];
        out[at] = phase.kind == LayerKind::constant ? 0 : convolved(phase, in, q, f);
      }
    });
  }
  CHECK(writes == std::vector<int>(writes.size(), 1));
  return out;
}

class RandomTranspose {
 public:
  explicit RandomTranspose(std::uint64_t seed) : random_(seed) {}

  LayerSpec operator()() {
    LayerSpec layer;
    layer.kind = LayerKind::conv_transpose;
    layer.rank = pick(1, 3);
    layer.groups = pick(1, 2);
    layer.in_channels = layer.groups * pick(1, 2);
    layer.filters = layer.groups * pick(1, 2);
    Padding& p = layer.padding;
    set_axis(layer, &Size::width, p.left, p.right);
    if (layer.rank > 1) set_axis(layer, &Size::height, p.top, p.bottom);
    if (layer.rank > 2) set_axis(layer, &Size::depth, p.front, p.back);
    const std::size_t count =
        elements(layer.kernel_size, layer.filters_per_group() * layer.in_channels);
    layer.kernel = std::make_shared<Literal>(Literal{{}, numbers(count)});
    return layer;
  }

  int pick(int least, int most) { return std::uniform_int_distribution<int>(least, most)(random_); }

 private:
  /// Cropped by up to what there is, or with output_padding: strides may exceed the filter.
  void set_axis(LayerSpec& layer, Axis axis, std::int64_t& crop_before, std::int64_t& crop_after) {
    layer.in.*axis = pick(1, 5);
    layer.kernel_size.*axis = pick(1, 5);
    layer.strides.*axis = pick(1, 4);
    layer.dilation_rate.*axis = pick(1, 3);
    const std::int64_t full = (layer.in.*axis - 1) * (layer.strides.*axis) +
                              (layer.kernel_size.*axis - 1) * (layer.dilation_rate.*axis) + 1;
    layer.output_padding.*axis = pick(0, static_cast<int>(layer.strides.*axis) - 1);
    const auto crop = static_cast<int>(std::min<std::int64_t>(full - 1, 4));
    crop_before = pick(0, crop);
    crop_after = pick(0, crop - static_cast<int>(crop_before));
    layer.out.*axis = full - crop_before - crop_after + layer.output_padding.*axis;
  }

  std::mt19937_64 random_;
};

}  // namespace

TEST_CASE("the phases of a transposed convolution are the transposed convolution", "[transpose]") {
  RandomTranspose random(test::seed_of("transpose"));
  for (int i = 0; i < 400; ++i) {
    const LayerSpec layer = random();
    CAPTURE(layer.rank, layer.in.height, layer.in.width, layer.kernel_size.height,
            layer.kernel_size.width, layer.strides.height, layer.strides.width,
            layer.dilation_rate.height, layer.dilation_rate.width, layer.out.height,
            layer.out.width, layer.padding.top, layer.padding.left);
    const std::vector<float> in = numbers(elements(layer.in, layer.in_channels));
    CHECK(by_phases(layer, in) == transposed(layer, in));
  }
}

TEST_CASE("U-Net's 2x2 stride 2 has four phases of one tap and no padding", "[transpose]") {
  const Graph graph =
      test::lowered("Conv2DTranspose(64, 2, strides=2, input_shape=(28, 28, 128), name='up')");
  REQUIRE(graph.nodes.size() == 4);
  for (const Node& node : graph.nodes) {
    CHECK(node.layer.kind == LayerKind::conv);
    CHECK(node.layer.kernel_size == Size{});
    CHECK(node.layer.padding == Padding{});
    CHECK(node.layer.out == Size{28, 28});
    CHECK(node.layer.output_view->whole == Size{56, 56});
    CHECK(node.layer.output_view->step == Size{2, 2});
    CHECK(node.outputs == graph.outputs);
    const auto variables = variables_of(node.layer);
    REQUIRE(variables.size() == 2);
    CHECK(variables[0].layer == "up");
    CHECK(variables[0].shape == std::vector<std::int64_t>{2, 2, 64, 128});
  }
}

TEST_CASE("a stride beyond the filter leaves constant phases, last", "[transpose]") {
  const Graph graph =
      test::lowered("Conv2DTranspose(8, 1, strides=2, input_shape=(5, 5, 4), name='sparse')");
  REQUIRE(graph.nodes.size() == 4);
  CHECK(graph.nodes[0].layer.kind == LayerKind::conv);
  for (std::size_t i = 1; i < 4; ++i) {
    const LayerSpec& phase = graph.nodes[i].layer;
    CHECK(phase.kind == LayerKind::constant);
    CHECK(phase.out.height == phase.in.height + phase.padding.top + phase.padding.bottom);
    CHECK(phase.out.width == phase.in.width + phase.padding.left + phase.padding.right);
    // It has the variables of its layer, so that they keep their order.
    CHECK(variables_of(phase).size() == 2);
  }
}

TEST_CASE("stride 1 is one phase that writes the whole output", "[transpose]") {
  const Graph graph = test::lowered("Conv2DTranspose(8, 3, input_shape=(5, 5, 4))");
  REQUIRE(graph.nodes.size() == 1);
  const LayerSpec& phase = graph.nodes.front().layer;
  CHECK_FALSE(phase.output_view.has_value());
  CHECK(phase.padding == Padding{2, 2, 2, 2, 0, 0});
  CHECK(phase.kernel_view->step == Size{-1, -1, -1});
  CHECK(phase.kernel_view->first == Size{2, 2, 0});
}

TEST_CASE("what follows a transposed convolution follows each phase", "[transpose]") {
  const Graph graph = test::lowered(
      "x = Input(shape=(8, 8, 4))\n"
      "y = Conv2DTranspose(8, 2, strides=2, name='up')(x)\n"
      "y = ReLU()(BatchNormalization(name='bn')(y))\n"
      "Model(inputs=x, outputs=y, name='net')\n");
  REQUIRE(graph.nodes.size() == 4);
  for (const Node& node : graph.nodes) {
    CHECK(to_text(node.layer.post_ops) == "batch_normalization(0.001,1,1);relu(0,inf,0)");
    CHECK(folded_normalization(node.layer) == 0);
  }
}

TEST_CASE("run-time sizes change phases by constants alone", "[transpose]") {
  RandomTranspose random(test::seed_of("transpose sizes"));
  for (int i = 0; i < 100; ++i) {
    LayerSpec small = random();
    // "same" and "valid" cut a constant off, too.
    LayerSpec large = small;
    const std::int64_t more = random.pick(1, 20);
    large.in.width += more;
    large.out.width += more * large.strides.width;
    const auto few = phases_of(small);
    const auto many = phases_of(large);
    if (few.size() != many.size()) continue;  // phases that `small` has no output for
    for (std::size_t p = 0; p < few.size(); ++p) {
      CHECK(few[p].padding == many[p].padding);
      CHECK(few[p].kernel_size == many[p].kernel_size);
      CHECK(many[p].out.width == few[p].out.width + more);
    }
  }
}
