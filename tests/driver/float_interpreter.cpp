#include "tests/driver/float_interpreter.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <string>
#include <utility>

#include "convc/reference.h"
#include "dsl/axes.h"
#include "generators/driver/tensor_layout.h"
#include "generators/plan/plan.h"

namespace convc::test {
namespace {

/// A tensor, dense channels_last, whatever its form.
struct Numbers {
  std::array<std::int64_t, 5> extents{1, 1, 1, 1, 1};
  std::vector<float> values;

  /// Axes where the extent is 1 are repeated.
  float& at(std::int64_t n, const Size& p, std::int64_t c) {
    const auto index = [](std::int64_t i, std::int64_t extent) { return extent == 1 ? 0 : i; };
    std::int64_t place = index(n, extents[0]);
    place = place * extents[1] + index(p.depth, extents[1]);
    place = place * extents[2] + index(p.height, extents[2]);
    place = place * extents[3] + index(p.width, extents[3]);
    return values.at(static_cast<std::size_t>(place * extents[4] + index(c, extents[4])));
  }
};

template <class F>
void for_each_position(const Size& extent, F f) {
  Size at{0, 0, 0};
  for (at.depth = 0; at.depth < extent.depth; ++at.depth)
    for (at.height = 0; at.height < extent.height; ++at.height)
      for (at.width = 0; at.width < extent.width; ++at.width) f(at);
}

/// The input element of a padded position; -1: none.
std::int64_t unpadded(PaddingMode mode, std::int64_t position, std::int64_t size) {
  if (position >= 0 && position < size) return position;
  switch (mode) {
    case PaddingMode::reflect:
      return position < 0 ? -position : 2 * size - 2 - position;
    case PaddingMode::replicate:
      return std::clamp<std::int64_t>(position, 0, size - 1);
    case PaddingMode::circular:
      return (position + size) % size;
    default:
      return -1;
  }
}

class Interpreter {
 public:
  Interpreter(const Graph& lowered, const Graph& written, const TestData& data)
      : graph_(lowered), tensors_(lowered.tensors.size()) {
    for (std::size_t n = 0; n < written.nodes.size(); ++n) {
      const std::vector<LayerVariable> variables = variables_of(written.nodes[n].layer);
      for (std::size_t v = 0; v < variables.size(); ++v)
        variables_[{variables[v].layer, variables[v].role}] = data.variables[n][v];
    }
    for (std::size_t t = 0; t < tensors_.size(); ++t) {
      const TensorLayout layout = layout_of(lowered.tensors[t]);
      tensors_[t] = {layout.extents,
                     std::vector<float>(layout.count(), std::numeric_limits<float>::quiet_NaN())};
    }
    for (std::size_t i = 0; i < lowered.inputs.size(); ++i)
      tensor(lowered.inputs[i]).values = data.inputs[i];
  }

  std::vector<std::vector<float>> run() {
    for (const Node& node : graph_.nodes) run(node);
    std::vector<std::vector<float>> outputs;
    for (const TensorId id : graph_.outputs) outputs.push_back(tensor(id).values);
    return outputs;
  }

 private:
  Numbers& tensor(TensorId id) { return tensors_[static_cast<std::size_t>(id)]; }

  void run(const Node& node) {
    const LayerSpec& layer = node.layer;
    numbers_.clear();
    for (const LayerVariable& variable : variables_of(layer))
      numbers_.push_back(variables_.at({variable.layer, variable.role}));
    Numbers& out = tensor(node.outputs[0]);
    for (std::int64_t n = 0; n < layer.batch; ++n)
      for_each_position(layer.out, [&](const Size& q) {
        Size to = q;
        if (layer.output_view)
          for (const Axis axis : kAxes)
            at(to, axis) = at(layer.output_view->first, axis) +
                           q_step(at(layer.output_view->step, axis), at(q, axis));
        const std::vector<float> pixel = post_ops(node, n, to, sums(node, n, q));
        for (std::size_t k = 0; k < pixel.size(); ++k)
          out.at(n, to, static_cast<std::int64_t>(k)) = pixel[k];
      });
  }
  static std::int64_t q_step(std::int64_t step, std::int64_t q) { return step * q; }

  std::vector<float> of(const LayerSpec& layer, VariableRole role, int post_op = -1) {
    return numbers_of(layer, numbers_, role, post_op);
  }

  /// The padded input under tap `tap` of output q.
  float input_under(const Node& node, std::int64_t n, const Size& q, const Size& tap,
                    std::int64_t c) {
    const LayerSpec& layer = node.layer;
    Size from;
    for (const Axis axis : kAxes) {
      const std::int64_t position = at(q, axis) * at(layer.strides, axis) +
                                    at(tap, axis) * at(layer.dilation_rate, axis) -
                                    before(layer.padding, axis);
      at(from, axis) = unpadded(layer.padding_mode, position, at(layer.in, axis));
      if (at(from, axis) < 0)
        return layer.padding_mode == PaddingMode::constant ? layer.padding_value : 0;
    }
    return tensor(node.inputs[0]).at(n, from, c);
  }

  /// Sums of one pixel, before the post_ops.
  std::vector<float> sums(const Node& node, std::int64_t n, const Size& q) {
    const LayerSpec& layer = node.layer;
    if (layer.kind == LayerKind::separable_conv) return separable_sums(node, n, q);
    if (layer.kind == LayerKind::elementwise) {
      std::vector<float> pixel;
      for (std::int64_t c = 0; c < layer.in_channels; ++c) {
        const bool over_pixels = channelwise_axis(layer) != TensorAxis::channels;
        pixel.push_back(over_pixels ? softmax_over_pixels(node, n, q, c)
                                    : input_under(node, n, q, {0, 0, 0}, c));
      }
      return pixel;
    }
    std::vector<float> pixel = of(layer, VariableRole::bias);
    pixel.resize(static_cast<std::size_t>(layer.filters), 0.0F);
    if (layer.kind == LayerKind::constant) return pixel;
    const bool depthwise = layer.kind == LayerKind::depthwise_conv;
    const std::int64_t groups = depthwise ? layer.in_channels : layer.groups;
    add_products(node, n, q, of(layer, VariableRole::kernel), groups, pixel);
    return pixel;
  }

  /// Softmax or one of its kin over a spatial axis.
  float softmax_over_pixels(const Node& node, std::int64_t n, const Size& q, std::int64_t c) {
    const Activation& activation = node.layer.post_ops.front().activation;
    const Axis axis = spatial(activation.axis);
    std::vector<float> row;
    Size from = q;
    for (at(from, axis) = 0; at(from, axis) < at(node.layer.in, axis); ++at(from, axis))
      row.push_back(tensor(node.inputs[0]).at(n, from, c));
    return whole_axis(activation.function, row).at(static_cast<std::size_t>(at(q, axis)));
  }

  void add_products(const Node& node, std::int64_t n, const Size& q,
                    const std::vector<float>& kernel, std::int64_t groups,
                    std::vector<float>& pixel) {
    const LayerSpec& layer = node.layer;
    const auto filters = static_cast<std::int64_t>(pixel.size());
    const std::int64_t channels = layer.in_channels / groups, group_filters = filters / groups;
    for_each_position(layer.kernel_size, [&](const Size& tap) {
      const std::int64_t t = place_of_tap(layer, tap);
      for (std::int64_t k = 0; k < filters; ++k)
        for (std::int64_t c = 0; c < channels; ++c) {
          const std::int64_t channel = k / group_filters * channels + c;
          const std::int64_t element =
              layer.kernel_view
                  ? (t * group_filters + k % group_filters) * layer.in_channels + channel
                  : (t * channels + c) * filters + k;
          pixel[static_cast<std::size_t>(k)] +=
              kernel.at(static_cast<std::size_t>(element)) * input_under(node, n, q, tap, channel);
        }
    });
  }

  /// Number of a tap in the kernel that the user gives.
  static std::int64_t place_of_tap(const LayerSpec& layer, const Size& tap) {
    std::int64_t place = 0;
    for (const Axis axis : kAxes) {
      const std::int64_t size =
          layer.kernel_view ? at(layer.kernel_view->whole, axis) : at(layer.kernel_size, axis);
      const std::int64_t own = layer.kernel_view
                                   ? at(layer.kernel_view->first, axis) +
                                         at(layer.kernel_view->step, axis) * at(tap, axis)
                                   : at(tap, axis);
      place = place * size + own;
    }
    return place;
  }

  std::vector<float> separable_sums(const Node& node, std::int64_t n, const Size& q) {
    const LayerSpec& layer = node.layer;
    std::vector<float> middle(static_cast<std::size_t>(layer.in_channels * layer.depth_multiplier),
                              0.0F);
    add_products(node, n, q, of(layer, VariableRole::kernel), layer.in_channels, middle);
    const std::vector<float> pointwise = of(layer, VariableRole::pointwise_kernel);
    std::vector<float> pixel = of(layer, VariableRole::bias);
    const auto filters = static_cast<std::size_t>(layer.filters);
    pixel.resize(filters, 0.0F);
    for (std::size_t c = 0; c < middle.size(); ++c)
      for (std::size_t k = 0; k < filters; ++k) pixel[k] += middle[c] * pointwise[c * filters + k];
    return pixel;
  }

  std::vector<float> post_ops(const Node& node, std::int64_t n, const Size& to,
                              std::vector<float> pixel) {
    for (std::size_t i = 0; i < node.layer.post_ops.size(); ++i) {
      const PostOp& op = node.layer.post_ops[i];
      if (op.kind == PostOpKind::activation && reads_whole_axis(op.activation.function)) {
        if (op.activation.axis == TensorAxis::channels)
          pixel = whole_axis(op.activation.function, pixel);
        continue;
      }
      for (std::size_t k = 0; k < pixel.size(); ++k)
        pixel[k] = post_op(node, static_cast<int>(i), n, to, k, pixel[k]);
    }
    return pixel;
  }

  static std::vector<float> whole_axis(ActivationFunction function,
                                       const std::vector<float>& numbers) {
    const std::vector<double> x(numbers.begin(), numbers.end());
    std::vector<double> y(x.size());
    convc_reference_channelwise(static_cast<std::int32_t>(function),
                                static_cast<std::int64_t>(x.size()), x.data(), y.data());
    if (function == ActivationFunction::glu) y.resize(y.size() / 2);
    std::vector<float> rounded;
    for (const double value : y) rounded.push_back(static_cast<float>(value));
    return rounded;
  }

  float post_op(const Node& node, int i, std::int64_t n, const Size& to, std::size_t k, float x) {
    const PostOp& op = node.layer.post_ops[static_cast<std::size_t>(i)];
    const auto vector = [&](VariableRole role, float otherwise) {
      const std::vector<float> numbers = of(node.layer, role, i);
      return numbers.empty() ? otherwise : numbers.at(k);
    };
    const auto operand = [&] {
      return tensor(node.inputs[static_cast<std::size_t>(op.operand)])
          .at(n, to, static_cast<std::int64_t>(k));
    };
    switch (op.kind) {
      case PostOpKind::activation:
        return static_cast<float>(convc_reference_activate(
            static_cast<std::int32_t>(op.activation.function),
            static_cast<double>(op.activation.alpha), static_cast<double>(op.activation.beta),
            static_cast<double>(op.activation.gamma), static_cast<double>(x)));
      case PostOpKind::prelu:
        return x < 0 ? vector(VariableRole::alpha, 0) * x : x;
      case PostOpKind::batch_normalization: {
        const double scale = static_cast<double>(vector(VariableRole::gamma, 1)) /
                             std::sqrt(static_cast<double>(vector(VariableRole::variance, 1)) +
                                       static_cast<double>(op.epsilon));
        const double offset = static_cast<double>(vector(VariableRole::beta, 0)) -
                              static_cast<double>(vector(VariableRole::mean, 0)) * scale;
        return x * static_cast<float>(scale) + static_cast<float>(offset);
      }
      case PostOpKind::rescaling:
        return x * op.scale + op.offset;
      case PostOpKind::add:
        return x + operand();
      case PostOpKind::multiply:
        return x * operand();
    }
    return x;
  }

  const Graph& graph_;
  std::vector<Numbers> tensors_;
  std::map<std::pair<std::string, VariableRole>, std::vector<float>> variables_;
  VariableNumbers numbers_;  // of the node at hand
};

}  // namespace

std::vector<std::vector<float>> interpret(const Graph& lowered, const Graph& written,
                                          const TestData& data) {
  return Interpreter(lowered, written, data).run();
}

}  // namespace convc::test
