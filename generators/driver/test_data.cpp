#include "generators/driver/test_data.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>

#include "convc/reference.h"
#include "generators/driver/filter_data.h"
#include "generators/driver/tensor_layout.h"
#include "generators/driver/winograd_data.h"

namespace convc {
namespace {

/// Sums one after the other in a node.
std::int64_t sums_in(const LayerSpec& layer) {
  return layer.kind == LayerKind::separable_conv ? 2 : layer.has_kernel() ? 1 : 0;
}

double largest_of(const std::vector<float>& values) {
  double largest = 0;
  for (const float value : values)
    largest = std::max(largest, std::fabs(static_cast<double>(value)));
  return largest;
}

/// What a whole graph says about its numbers.
struct Character {
  std::int64_t sums = 0, products = 0;  ///< one after the other, at most
  bool has_exponential = false;

  explicit Character(const Graph& graph) {
    for (const Node& node : graph.nodes) {
      sums += sums_in(node.layer);
      for (const PostOp& op : node.layer.post_ops) {
        products += op.kind == PostOpKind::multiply;
        has_exponential =
            has_exponential || (op.kind == PostOpKind::activation &&
                                op.activation.function == ActivationFunction::exponential);
      }
    }
  }
  /// Largest exponent of two of the extremes: inputs, all filters and their sums must stay finite
  /// through the graph (float32 ends at 2^128).
  [[nodiscard]] int extreme_exponent() const {
    constexpr std::int64_t kRoom = 20;
    if (has_exponential) return 2;
    return static_cast<int>(
        std::max<std::int64_t>(1, kRoom / std::max<std::int64_t>(1, sums + products)));
  }
};

/// Makes the numbers node by node, with a bound of each tensor's magnitude.
class Maker {
 public:
  Maker(const Graph& graph, DataKind kind, std::uint64_t seed, const std::vector<int>& output_tiles)
      : graph_(graph),
        kind_(kind),
        seed_(seed),
        character_(graph),
        magnitudes_(graph.tensors.size(), 1.0),
        sums_left_(character_.sums) {
    if (kind != DataKind::integers || character_.sums != 1 || character_.has_exponential) return;
    for (const Node& node : graph.nodes)
      if (sums_in(node.layer) == 1) winograd_ = winograd_integers(node.layer, output_tiles);
  }

  TestData make() {
    TestData data;
    const std::int64_t largest = largest_input();
    for (const TensorId id : graph_.inputs) {
      data.inputs.push_back(input(graph_.tensors[index(id)], largest));
      magnitudes_[index(id)] = static_cast<double>(largest);
    }
    for (const Node& node : graph_.nodes) data.variables.push_back(node_variables(node));
    return data;
  }

 private:
  static std::size_t index(TensorId id) { return static_cast<std::size_t>(id); }
  Random next_random() { return {seed_, ++stream_}; }

  [[nodiscard]] std::int64_t largest_input() const {
    const LayerSpec& first = graph_.nodes[0].layer;
    if (character_.has_exponential) return 2;
    if (winograd_) return largest_winograd_input();
    if (character_.sums != 1 || !first.has_kernel() || graph_.nodes.size() > 1) return 4;
    if (first.weights_are_literal()) return 15;
    const Sum sum{first, VariableRole::kernel};
    return largest_input_of(sum, kExactLimit, 255);
  }

  /// Half of the room (in bits) for the input, half for the filter.
  static std::int64_t largest_input_of(const Sum& sum, double room, std::int64_t most) {
    const double of_product = room / static_cast<double>(sum.length());
    return std::clamp<std::int64_t>(static_cast<std::int64_t>(std::sqrt(of_product)), 1, most);
  }
  [[nodiscard]] std::int64_t largest_winograd_input() const {
    const auto node = std::find_if(graph_.nodes.begin(), graph_.nodes.end(),
                                   [](const Node& n) { return sums_in(n.layer) == 1; });
    return largest_input_of({node->layer, VariableRole::kernel}, winograd_->room,
                            graph_.nodes.size() == 1 ? 255 : 4);
  }

  std::vector<float> input(const Tensor& tensor, std::int64_t largest) {
    Random random = next_random();
    const TensorLayout layout = layout_of(tensor);
    std::vector<float> values(layout.count());
    const int exponent = character_.extreme_exponent();
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (kind_ == DataKind::integers)
        values[i] = random.integer(largest);
      else if (kind_ == DataKind::reals)
        values[i] = random.real();
      else
        values[i] = is_border(i, layout) && random.below(2) == 0
                        ? std::copysign(std::ldexp(1.0f, exponent), random.real())
                        : extreme(random, exponent);
    }
    if (winograd_ && winograd_->one_input) {
      keep_one_input({layout.extents[2], layout.extents[3], layout.extents[1]}, layout.extents[4],
                     random, values);
    }
    return values;
  }

  static bool is_border(std::size_t element, const TensorLayout& layout) {
    auto rest = static_cast<std::int64_t>(element) / layout.extents[4];
    for (std::size_t axis = 4; axis-- > 1;) {
      const std::int64_t extent = layout.extents[axis], at = rest % extent;
      if (extent > 1 && (at == 0 || at == extent - 1)) return true;
      rest /= extent;
    }
    return false;
  }

  VariableNumbers node_variables(const Node& node) {
    const LayerSpec& layer = node.layer;
    double magnitude = magnitudes_[index(node.inputs[0])];
    if (layer.padding_mode == PaddingMode::constant && layer.padding.any())
      magnitude = std::max(magnitude, std::fabs(static_cast<double>(layer.padding_value)));
    VariableNumbers numbers;
    for (const LayerVariable& variable : variables_of(layer)) {
      const bool is_filter =
          variable.role == VariableRole::kernel || variable.role == VariableRole::pointwise_kernel;
      if (is_filter)
        numbers.push_back(filters(layer, variable, magnitude));
      else
        numbers.push_back(vector(layer, variable));
      if (variable.role == VariableRole::bias) magnitude += largest_of(numbers.back());
    }
    for (std::size_t i = 0; i < layer.post_ops.size(); ++i)
      magnitude = after_post_op(node, numbers, static_cast<int>(i), magnitude);
    for (const TensorId output : node.outputs) magnitudes_[index(output)] = magnitude;
    return numbers;
  }

  std::vector<float> filters(const LayerSpec& layer, const LayerVariable& variable,
                             double& magnitude) {
    const Sum sum{layer, variable.role};
    const IntegerRange range =
        integer_range(sum, magnitude, integer_limit(), std::max<std::int64_t>(sums_left_--, 1));
    bias_range_ = range.bias;
    Random random = next_random();
    std::vector<float> values;
    if (variable.literal)
      values = numbers_of(layer, only(layer, variable), variable.role);
    else if (winograd_ && winograd_->denominators > 1)
      values = winograd_filters(sum, *winograd_, magnitude, random);
    else
      values = kind_ == DataKind::integers ? integer_filters(sum, range, random)
               : kind_ == DataKind::reals
                   ? real_filters(sum, random)
                   : extreme_filters(sum, character_.extreme_exponent(), scales_extremes(), random);
    magnitude = largest_sum(sum, values, magnitude);
    return variable.literal ? variable.literal->values : as_given(layer, variable, values);
  }

  /// Sums of integers are at most this, biases apart.
  [[nodiscard]] double integer_limit() const {
    constexpr double kBias = 1024, kSane = 32;  // e^32 is far from float32's end
    if (winograd_) return std::max(winograd_->room, 1.0);
    return character_.has_exponential ? kSane : kExactLimit - kBias;
  }

  /// Several sums one after the other, or e^x, must stay finite.
  [[nodiscard]] bool scales_extremes() const {
    return character_.sums > 1 || character_.has_exponential;
  }

  /// The numbers of a literal variable among those of its layer.
  static VariableNumbers only(const LayerSpec& layer, const LayerVariable& literal) {
    VariableNumbers numbers;
    for (const LayerVariable& variable : variables_of(layer))
      numbers.push_back(variable.role == literal.role && variable.post_op == literal.post_op
                            ? literal.literal->values
                            : std::vector<float>());
    return numbers;
  }

  /// A bias, slopes, or numbers of a normalization.
  std::vector<float> vector(const LayerSpec& layer, const LayerVariable& variable) {
    if (variable.literal) return variable.literal->values;
    Random random = next_random();
    std::size_t count = 1;
    for (const std::int64_t size : variable.shape) count *= static_cast<std::size_t>(size);
    std::vector<float> values(count);
    const float epsilon = variable.post_op < 0
                              ? 0
                              : layer.post_ops[static_cast<std::size_t>(variable.post_op)].epsilon;
    for (float& value : values)
      value = kind_ == DataKind::integers ? exact_number(variable.role, epsilon, random)
                                          : real_number(variable.role, random);
    return values;
  }

  [[nodiscard]] float exact_number(VariableRole role, float epsilon, Random& random) const {
    constexpr float kPowers[] = {1, -1, 2, -2, 0.5F, -0.5F};
    switch (role) {
      case VariableRole::gamma:
      case VariableRole::alpha:
        return kPowers[random.below(6)];
      case VariableRole::variance:
        return epsilon < 1 ? 1 - epsilon : 1;  // the root of their sum is 1, if that can be
      case VariableRole::bias:
        return random.integer(bias_range_);
      default:
        return random.integer(4);
    }
  }

  static float real_number(VariableRole role, Random& random) {
    const float value = random.real();
    switch (role) {
      case VariableRole::gamma:
        return std::copysign(std::fabs(value) + 0.5F, random.real());
      case VariableRole::variance:
        return std::fabs(value) + 0.25F;
      default:
        return value;
    }
  }

  double after_post_op(const Node& node, const VariableNumbers& numbers, int at,
                       double magnitude) const {
    const LayerSpec& layer = node.layer;
    const PostOp& op = layer.post_ops[static_cast<std::size_t>(at)];
    const auto largest = [&](VariableRole role) {
      return largest_of(numbers_of(layer, numbers, role, at));
    };
    switch (op.kind) {
      case PostOpKind::activation:
        return largest_value(op.activation, magnitude);
      case PostOpKind::prelu:
        return magnitude * std::max(1.0, largest(VariableRole::alpha));
      case PostOpKind::batch_normalization: {
        constexpr double kLargestScale = 2;  // of exact_number
        return (magnitude + largest(VariableRole::mean)) * kLargestScale +
               largest(VariableRole::beta);
      }
      case PostOpKind::rescaling:
        return magnitude * std::fabs(static_cast<double>(op.scale)) +
               std::fabs(static_cast<double>(op.offset));
      case PostOpKind::add:
        return magnitude + operand_magnitude(node, op);
      case PostOpKind::multiply:
        return magnitude * operand_magnitude(node, op);
    }
    return magnitude;
  }

  [[nodiscard]] double operand_magnitude(const Node& node, const PostOp& op) const {
    return magnitudes_[index(node.inputs[static_cast<std::size_t>(op.operand)])];
  }

  static double largest_value(const Activation& f, double magnitude) {
    if (reads_whole_axis(f.function)) return magnitude;
    double largest = 0;
    for (const double x : {-magnitude, -1.0, 0.0, 1.0, magnitude}) {
      const double y = std::fabs(convc_reference_activate(
          static_cast<std::int32_t>(f.function), static_cast<double>(f.alpha),
          static_cast<double>(f.beta), static_cast<double>(f.gamma), x));
      largest = std::max(largest, std::isfinite(y) ? y : kExactLimit);
    }
    return largest;
  }

  const Graph& graph_;
  DataKind kind_;
  std::uint64_t seed_;
  Character character_;
  std::vector<double> magnitudes_;  // by tensor; of integers
  std::int64_t sums_left_;
  std::optional<WinogradIntegers> winograd_;  ///< of integers, for the only sum
  std::int64_t bias_range_ = 0;
  std::uint64_t stream_ = 0;
};

}  // namespace

const char* name_of(DataKind kind) {
  switch (kind) {
    case DataKind::integers:
      return "integers";
    case DataKind::reals:
      return "reals";
    case DataKind::extremes:
      return "extremes";
  }
  return "?";
}

TestData make_test_data(const Graph& graph, DataKind kind, std::uint64_t seed,
                        const std::vector<int>& output_tiles) {
  return Maker(graph, kind, seed, output_tiles).make();
}

}  // namespace convc
