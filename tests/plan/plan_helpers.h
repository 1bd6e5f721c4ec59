// What the planner's tests share: specs from text, machines, layers of every kind at random.
#pragma once

#include <catch2/catch.hpp>
#include <random>
#include <string>

#include "dsl/load.h"
#include "generators/plan/lowering.h"
#include "generators/plan/machine.h"

namespace convc::test {

inline const char* const kAvx2 = "x86-64-linux-avx-avx2-f16c-fma-sse41";
inline const char* const kAvx512 = "x86-64-linux-avx-avx2-avx512-avx512_skylake-f16c-fma-sse41";
inline const char* const kZen4 = "x86-64-linux-avx-avx2-avx512-avx512_zen4-f16c-fma-sse41";
inline const char* const kZen5 =
    "x86-64-linux-avx-avx2-avx512-avx512_zen4-avx512_zen5-f16c-fma-sse41";
inline const char* const kSapphireRapids =
    "x86-64-linux-avx-avx2-avx512-avx512_cannonlake-avx512_sapphirerapids-avx512_skylake-avxvnni-"
    "f16c-fma-sse41";
inline const char* const kArm = "arm-64-linux";

inline Machine machine(const char* target) {
  return machine_for_target(target, nullptr).value();
}

inline Module module_of(const std::string& spec) {
  Diagnostics diagnostics;
  const auto module = load_spec_text(spec, "test.conv", "test", diagnostics);
  INFO(spec);
  REQUIRE(module.has_value());
  return *module;
}

/// The first function of a spec, as it is planned.
inline Graph lowered(const std::string& spec) {
  return lower(module_of(spec).graphs.front());
}

/// The first layer of a spec, as it is planned.
inline LayerSpec first_layer(const std::string& spec) {
  return lowered(spec).nodes.front().layer;
}

inline PostOp activation(ActivationFunction function) {
  PostOp op;
  op.activation = default_activation(function);
  return op;
}

/// batch_normalization or prelu of a layer `name`.
inline PostOp per_channel(PostOpKind kind, std::string name) {
  PostOp op;
  op.kind = kind;
  op.name = std::move(name);
  return op;
}

/// add or multiply of input 1.
inline PostOp with_operand(PostOpKind kind, OperandShape shape,
                           Layout layout = Layout::channels_last) {
  PostOp op;
  op.kind = kind;
  op.operand = 1;
  op.operand_shape = shape;
  op.operand_layout = layout;
  return op;
}

/// Number of outputs along an axis.
inline std::int64_t outputs(std::int64_t in, std::int64_t padding, std::int64_t kernel_size,
                            std::int64_t stride, std::int64_t dilation_rate) {
  return (in + padding - (kernel_size - 1) * dilation_rate - 1) / stride + 1;
}

/// A layer of any kind, rank, layout and size that is not transposed; small enough to plan quickly.
class RandomLayer {
 public:
  explicit RandomLayer(std::uint64_t seed) : random_(seed) {}

  LayerSpec operator()() {
    LayerSpec layer;
    layer.name = "layer";
    layer.rank = pick(1, 3);
    layer.batch = pick(1, 3);
    set_channels(layer);
    set_sizes(layer);
    set_forms(layer);
    add_post_ops(layer);
    if (one_in(4)) set_open_sizes(layer);
    return layer;
  }

  int pick(int least, int most) { return std::uniform_int_distribution<int>(least, most)(random_); }
  bool one_in(int chances) { return pick(1, chances) == 1; }

 private:
  void set_channels(LayerSpec& layer) {
    switch (pick(0, 4)) {
      case 0:
        layer.groups = pick(1, 12);
        layer.in_channels = layer.groups * pick(1, 24);
        layer.filters = layer.groups * pick(1, 24);
        break;
      case 1:
        layer.kind = LayerKind::depthwise_conv;
        layer.groups = layer.in_channels = pick(1, 200);
        layer.depth_multiplier = pick(1, 3);
        layer.filters = layer.in_channels * layer.depth_multiplier;
        break;
      case 2:
        layer.kind = LayerKind::separable_conv;
        layer.groups = layer.in_channels = pick(1, 200);
        layer.depth_multiplier = pick(1, 2);
        layer.filters = pick(1, 300);
        break;
      case 3:
        layer.kind = one_in(2) ? LayerKind::elementwise : LayerKind::constant;
        layer.in_channels = layer.filters = pick(1, 200);
        break;
      default:
        layer.in_channels = pick(1, 600);
        layer.filters = pick(1, 600);
    }
  }

  void set_sizes(LayerSpec& layer) {
    const auto axis = [&](std::int64_t Size::*size, std::int64_t& before, std::int64_t& after) {
      layer.in.*size = pick(1, layer.rank == 1 ? 20'000 : 300 / layer.rank);
      if (layer.has_kernel()) {
        layer.kernel_size.*size = one_in(3) ? 1 : pick(1, 5);
        layer.strides.*size = one_in(2) ? 1 : pick(1, 4);
        layer.dilation_rate.*size = one_in(2) ? 1 : pick(1, 3);
      }
      const std::int64_t span = (layer.kernel_size.*size - 1) * layer.dilation_rate.*size + 1;
      before = one_in(2) ? 0 : pick(0, 4);
      after = std::max<std::int64_t>(span - layer.in.*size - before, one_in(2) ? 0 : pick(0, 4));
      layer.out.*size = outputs(layer.in.*size, before + after, layer.kernel_size.*size,
                                layer.strides.*size, layer.dilation_rate.*size);
    };
    Padding& p = layer.padding;
    axis(&Size::width, p.left, p.right);
    if (layer.rank > 1) axis(&Size::height, p.top, p.bottom);
    if (layer.rank > 2) axis(&Size::depth, p.front, p.back);
    layer.padding_rule = PaddingRule::explicit_pairs;
    if (layer.kind == LayerKind::constant) {
      layer.in = layer.out;
      layer.padding = {};
    }
  }

  void set_forms(LayerSpec& layer) {
    if (one_in(3)) layer.input_form.layout = Layout::channels_first;
    if (one_in(3)) layer.output_form.layout = Layout::channels_first;
    if (one_in(4)) {
      const bool last = layer.input_form.layout == Layout::channels_last;
      layer.input_form.row_pitch = layer.in.width * (last ? layer.in_channels : 1) + pick(1, 9);
    }
  }

  void add_post_ops(LayerSpec& layer) {
    std::vector<PostOp>& chain = layer.post_ops;
    if (one_in(3)) chain.push_back(per_channel(PostOpKind::batch_normalization, "bn"));
    if (one_in(3)) chain.push_back(activation(ActivationFunction::relu));
    if (one_in(4)) {
      chain.push_back(with_operand(one_in(2) ? PostOpKind::add : PostOpKind::multiply,
                                   static_cast<OperandShape>(pick(0, 3)),
                                   static_cast<Layout>(pick(0, 1))));
    }
    if (one_in(4)) chain.push_back(per_channel(PostOpKind::prelu, "prelu"));
    if (layer.kind == LayerKind::elementwise && layer.padding == Padding{} && one_in(2)) {
      chain.insert(chain.begin(), activation(ActivationFunction::softmax));
    }
  }

  void set_open_sizes(LayerSpec& layer) {
    layer.input_form.row_pitch = 0;
    if (one_in(2)) layer.open.batch = Dim{1, 64};
    if (one_in(2)) layer.open.width = Dim{layer.in.width, 100'000};
    if (layer.rank > 1 && one_in(2)) layer.open.height = Dim{layer.in.height, 100'000};
  }

  std::mt19937_64 random_;
};

}  // namespace convc::test
