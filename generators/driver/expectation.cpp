#include "generators/driver/expectation.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>

#include "generators/driver/tensor_layout.h"
#include "generators/emit/internal_error.h"
#include "generators/plan/literal_filter.h"

namespace convc {
namespace {

void copy_axes(const Size& size, std::int64_t axes[3]) {
  axes[0] = size.depth;
  axes[1] = size.height;
  axes[2] = size.width;
}

convc_conv sizes_of(const LayerSpec& layer) {
  convc_conv conv{};
  conv.batch = layer.batch;
  conv.in_channels = layer.in_channels;
  conv.filters = layer.filters;
  conv.groups = layer.groups;
  copy_axes(layer.in, conv.in);
  copy_axes(layer.kernel_size, conv.kernel);
  copy_axes(layer.strides, conv.stride);
  copy_axes(layer.dilation_rate, conv.dilation);
  const Padding& p = layer.padding;
  copy_axes({p.top, p.left, p.front}, conv.pad_before);
  copy_axes({p.bottom, p.right, p.back}, conv.pad_after);
  static_assert(static_cast<int>(PaddingMode::zeros) == CONVC_PAD_ZEROS &&
                static_cast<int>(PaddingMode::constant) == CONVC_PAD_CONSTANT &&
                static_cast<int>(PaddingMode::reflect) == CONVC_PAD_REFLECT &&
                static_cast<int>(PaddingMode::replicate) == CONVC_PAD_REPLICATE &&
                static_cast<int>(PaddingMode::circular) == CONVC_PAD_CIRCULAR);
  conv.padding_mode = static_cast<std::int32_t>(layer.padding_mode);
  conv.padding_value = static_cast<double>(layer.padding_value);
  if (layer.kind == LayerKind::conv_transpose) {
    conv.transposed = 1;
    copy_axes(layer.output_padding, conv.output_padding);
  }
  return conv;
}

/// The same, each channel on its own.
convc_conv depthwise_sizes_of(const LayerSpec& layer, std::int64_t multiplier) {
  convc_conv conv = sizes_of(layer);
  conv.groups = layer.in_channels;
  conv.filters = layer.in_channels * multiplier;
  return conv;
}

/// A 1x1 convolution of what the depthwise part made.
convc_conv pointwise_sizes_of(const LayerSpec& layer) {
  convc_conv conv{};
  conv.batch = layer.batch;
  conv.in_channels = layer.in_channels * layer.depth_multiplier;
  conv.filters = layer.filters;
  copy_axes(layer.out, conv.in);
  return conv;
}

/// The layer without its post_ops.
Bounded sum_of(const LayerSpec& layer, const Bounded& input, const VariableNumbers& numbers,
               const SumRules& rules) {
  const auto numbers_in = [&](VariableRole role) { return numbers_of(layer, numbers, role); };
  const std::vector<float> kernel = numbers_in(VariableRole::kernel);
  const std::vector<float> bias = numbers_in(VariableRole::bias);
  switch (layer.kind) {
    case LayerKind::conv:
    case LayerKind::conv_transpose:
      return bounded_sum(sizes_of(layer), input, kernel, bias, rules);
    case LayerKind::depthwise_conv:
      return bounded_sum(depthwise_sizes_of(layer, layer.depth_multiplier), input, kernel, bias,
                         rules);
    case LayerKind::separable_conv: {
      Bounded depthwise =
          bounded_sum(depthwise_sizes_of(layer, layer.depth_multiplier), input, kernel, {}, rules);
      if (depthwise.value.empty()) return depthwise;
      mark_overflows(depthwise);
      return bounded_sum(pointwise_sizes_of(layer), depthwise,
                         numbers_in(VariableRole::pointwise_kernel), bias, rules);
    }
    case LayerKind::elementwise:
    case LayerKind::constant:
      break;
  }
  if (layer.padding == Padding{}) return input;
  // The padded input: each channel times one, which rounds nothing.
  const std::vector<float> ones(static_cast<std::size_t>(layer.in_channels), 1.0F);
  Bounded padded = bounded_sum(depthwise_sizes_of(layer, 1), input, ones, {}, rules);
  padded.terms.clear();
  const Bounded errors = [&] {
    Bounded of_errors = input;
    of_errors.value = input.error;
    std::fill(of_errors.error.begin(), of_errors.error.end(), 0.0);
    convc_conv sizes = depthwise_sizes_of(layer, 1);
    sizes.padding_value = 0;
    return bounded_sum(sizes, of_errors, ones, {}, rules);
  }();
  padded.error = errors.value;
  return padded;
}

class Evaluation {
 public:
  Evaluation(const Graph& graph, const TestData& data, const SumRules& rules)
      : graph_(graph), data_(data), rules_(rules), tensors_(graph.tensors.size()) {}

  std::vector<Bounded> run() {
    for (std::size_t i = 0; i < graph_.inputs.size(); ++i) {
      const TensorLayout layout = layout_of(graph_.tensors[index(graph_.inputs[i])]);
      at(graph_.inputs[i]) = exactly(layout.extents, data_.inputs[i]);
    }
    for (std::size_t n = 0; n < graph_.nodes.size(); ++n) run(graph_.nodes[n], data_.variables[n]);
    std::vector<Bounded> outputs;
    for (const TensorId id : graph_.outputs) outputs.push_back(at(id));
    return outputs;
  }

 private:
  static std::size_t index(TensorId id) { return static_cast<std::size_t>(id); }
  Bounded& at(TensorId id) { return tensors_[index(id)]; }

  void run(const Node& node, const VariableNumbers& numbers) {
    const LayerSpec& layer = node.layer;
    Bounded result = sum_of(layer, at(node.inputs[0]), numbers, rules_);
    mark_overflows(result);
    for (std::size_t i = 0; i < layer.post_ops.size(); ++i) {
      const PostOp& op = layer.post_ops[i];
      PostOpNumbers vectors;
      const auto vector = [&](VariableRole role) {
        return numbers_of(layer, numbers, role, static_cast<int>(i));
      };
      vectors.alpha = vector(VariableRole::alpha);
      vectors.gamma = vector(VariableRole::gamma);
      vectors.beta = vector(VariableRole::beta);
      vectors.mean = vector(VariableRole::mean);
      vectors.variance = vector(VariableRole::variance);
      const bool has_operand = op.kind == PostOpKind::add || op.kind == PostOpKind::multiply;
      if (has_operand) vectors.operand = &at(node.inputs[static_cast<std::size_t>(op.operand)]);
      result = bounded_post_op(op, result, vectors);
      mark_overflows(result);
    }
    const TensorLayout layout = layout_of(graph_.tensors[index(node.outputs[0])]);
    if (result.extents != layout.extents || result.value.size() != layout.count())
      throw InternalError("the reference and the checker disagree about the output size of `" +
                          layer.name + "`");
    at(node.outputs[0]) = std::move(result);
  }

  const Graph& graph_;
  const TestData& data_;
  const SumRules& rules_;
  std::vector<Bounded> tensors_;
};

bool all_integers(const std::vector<float>& values) {
  return std::all_of(values.begin(), values.end(), [](float v) { return v == std::floor(v); });
}

}  // namespace

std::vector<Bounded> expect(const Graph& graph, const TestData& data, const SumRules& rules) {
  return Evaluation(graph, data, rules).run();
}

SumRules sum_rules(const Graph& lowered, const std::vector<Plan>& plans) {
  constexpr int kSecondPass = 2;  // the intermediate result, and one of a factor
  SumRules rules;
  for (std::size_t i = 0; i < lowered.nodes.size(); ++i) {
    const int tile = plans[i].output_tile;
    if (tile != 0 && std::count(rules.output_tiles.begin(), rules.output_tiles.end(), tile) == 0) {
      rules.output_tiles.push_back(tile);
    }
    if (plans[i].algorithm != Algorithm::separable) continue;
    rules.more_roundings = kSecondPass;
    const std::optional<std::vector<SeparableSlice>> slices = separate(lowered.nodes[i].layer);
    rules.keeps_integers =
        rules.keeps_integers && slices &&
        std::all_of(slices->begin(), slices->end(), [](const SeparableSlice& slice) {
          return all_integers(slice.vertical) && all_integers(slice.horizontal);
        });
  }
  return rules;
}

}  // namespace convc
