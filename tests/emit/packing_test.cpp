// What convc_pack makes of a layer's variables, executed and compared element by element with the
// layout that plan.h describes, for every kind of layer and both orders of its kernel.
#include <cmath>
#include <functional>
#include <numeric>

#include "convc/pack_layout.h"
#include "generators/emit/weight_packing.h"
#include "generators/plan/lowering.h"
#include "tests/emit/emit_helpers.h"

namespace convc {
namespace {

using test::module_of;

/// Distinct numbers for every variable of a layer; variances are positive.
std::vector<std::vector<float>> numbers_for(const std::vector<LayerVariable>& variables) {
  std::vector<std::vector<float>> numbers;
  float next = 1;
  for (const LayerVariable& variable : variables) {
    std::size_t count = 1;
    for (const std::int64_t extent : variable.shape) count *= static_cast<std::size_t>(extent);
    numbers.emplace_back(count);
    for (float& value : numbers.back()) value = next++;
  }
  return numbers;
}

/// One layer with numbers, read by indices as its kind and kernel_layout define them.
class Weights {
 public:
  explicit Weights(LayerSpec layer)
      : layer_(std::move(layer)),
        variables_(variables_of(layer_)),
        numbers_(numbers_for(variables_)) {}

  const LayerSpec& layer() const { return layer_; }

  double at(VariableRole role, std::vector<std::int64_t> indices) const {
    for (std::size_t v = 0; v < variables_.size(); ++v) {
      if (variables_[v].role != role) continue;
      REQUIRE(indices.size() == variables_[v].shape.size());
      std::int64_t element = 0;
      for (std::size_t i = 0; i < indices.size(); ++i) {
        REQUIRE(indices[i] < variables_[v].shape[i]);
        element = element * variables_[v].shape[i] + indices[i];
      }
      return double{numbers_[v][static_cast<std::size_t>(element)]};
    }
    return role == VariableRole::gamma ? 1 : 0;
  }

  /// (kernel.., inner, outer) or (outer, inner, kernel..).
  double filter(VariableRole role, std::vector<std::int64_t> tap, std::int64_t inner,
                std::int64_t outer) const {
    tap.erase(tap.begin(), tap.end() - layer_.rank);
    if (layer_.kernel_layout == KernelLayout::filters_last) {
      tap.insert(tap.end(), {inner, outer});
    } else {
      tap.insert(tap.begin(), {outer, inner});
    }
    return at(role, tap);
  }

  /// The number that filter n of all, at `tap`, has for channel c of its group.
  double kernel(std::int64_t n, std::int64_t c, std::vector<std::int64_t> tap) const {
    const std::int64_t of_group = layer_.filters_per_group();
    if (layer_.kernel_view) {
      const KernelView& view = *layer_.kernel_view;
      tap = {view.first.depth + tap[0] * view.step.depth,
             view.first.height + tap[1] * view.step.height,
             view.first.width + tap[2] * view.step.width};
      return filter(VariableRole::kernel, tap, n % of_group,
                    n / of_group * layer_.channels_per_group() + c);
    }
    if (layer_.kind == LayerKind::depthwise_conv &&
        layer_.kernel_layout == KernelLayout::filters_last) {
      const std::int64_t multiplier = layer_.depth_multiplier;
      return filter(VariableRole::kernel, tap, n / multiplier, n % multiplier);
    }
    return filter(VariableRole::kernel, tap, c, n);
  }

  double scale(std::int64_t n, int post_op) const {
    const double epsilon = double{layer_.post_ops[static_cast<std::size_t>(post_op)].epsilon};
    return at(VariableRole::gamma, {n}) / std::sqrt(at(VariableRole::variance, {n}) + epsilon);
  }

  std::vector<float> packed(const Plan& plan, ArgumentRole role, int index = 0) const {
    KernelArgument argument;
    argument.role = role;
    argument.index = index;
    const convc_packing packing = packing_of(layer_, plan, argument);
    std::vector<const void*> pointers;
    for (const auto& variable : numbers_) pointers.push_back(variable.data());
    std::vector<float> result(packing.bytes / sizeof(float));
    convc_pack_variable(&packing, pointers.data(), result.data());
    return result;
  }

 private:
  LayerSpec layer_;
  std::vector<LayerVariable> variables_;
  std::vector<std::vector<float>> numbers_;
};

Plan plan_with(Algorithm algorithm, std::int64_t channel_block = 0) {
  Plan plan;
  plan.algorithm = algorithm;
  plan.lanes = 4;
  plan.tile_vectors = 1;
  plan.channel_block = channel_block;
  return plan;
}

/// [groups][panels][channels / block][depth][height][width][block][panel]; a merged kernel is of
/// one group. `value(n, c, tap)`: filter n of all.
using FilterValue =
    std::function<double(std::int64_t n, std::int64_t c, const std::vector<std::int64_t>& tap)>;

void check_panels(const std::vector<float>& packed, std::int64_t groups, std::int64_t filters,
                  std::int64_t channels, const Size& size, const PackedLayout& layout,
                  const FilterValue& value) {
  const std::int64_t panel = layout.filter_panel, block = layout.channel_block;
  const std::int64_t panels = (filters + panel - 1) / panel;
  std::size_t element = 0;
  for (std::int64_t g = 0; g < groups; ++g)
    for (std::int64_t p = 0; p < panels; ++p)
      for (std::int64_t b = 0; b < channels / block; ++b)
        for (std::int64_t d = 0; d < size.depth; ++d)
          for (std::int64_t i = 0; i < size.height; ++i)
            for (std::int64_t j = 0; j < size.width; ++j)
              for (std::int64_t c = 0; c < block; ++c)
                for (std::int64_t l = 0; l < panel; ++l) {
                  const std::int64_t k = p * panel + l;
                  const double expected =
                      k < filters ? value(g * filters + k, b * block + c, {d, i, j}) : 0;
                  REQUIRE(element < packed.size());
                  INFO("element " << element);
                  REQUIRE(packed[element++] == static_cast<float>(expected));
                }
  CHECK(element == packed.size());
}

void check_kernel(const LayerSpec& layer, const Plan& plan) {
  INFO(layer.name);
  const Weights weights(layer);
  const PackedLayout layout = packed_layout(layer, plan);
  const int folded = folded_normalization(layer);
  const std::vector<float> packed = weights.packed(plan, ArgumentRole::packed_kernel);
  CHECK(packed.size() * sizeof(float) == static_cast<std::size_t>(layout.kernel_bytes));
  check_panels(packed, layout.groups, layer.filters / layout.groups, layer.channels_per_group(),
               layer.kernel_size, layout,
               [&](std::int64_t n, std::int64_t c, const std::vector<std::int64_t>& tap) {
                 return weights.kernel(n, c, tap) * (folded < 0 ? 1 : weights.scale(n, folded));
               });
}

std::vector<LayerSpec> steps_of(const std::string& spec) {
  std::vector<LayerSpec> steps;
  for (const Graph& graph : lower(module_of(spec)).graphs) {
    for (const Node& node : graph.nodes) steps.push_back(node.layer);
  }
  return steps;
}

/// kernel_layout= of a rank and kind, as an argument.
std::string order(const char* filters_first) {
  return filters_first[0] == '\0' ? "" : std::string(", kernel_layout='") + filters_first + "'";
}

TEST_CASE("kernels of convolutions", "[packing]") {
  for (const char* layout : {"", "OIW"}) {
    for (const LayerSpec& layer :
         steps_of("Conv1D(6, 5, input_shape=(9, 4)" + order(layout) + ")")) {
      check_kernel(layer, plan_with(Algorithm::direct, 2));
      check_kernel(layer, plan_with(Algorithm::few_channels));
    }
  }
  for (const char* layout : {"", "OIHW"}) {
    for (const LayerSpec& layer :
         steps_of("Conv2D(9, (2, 3), groups=3, input_shape=(9, 8, 6)" + order(layout) + ")\n" +
                  "Conv2D(9, (2, 3), input_shape=(9, 8, 6)" + order(layout) + ")")) {
      check_kernel(layer, plan_with(Algorithm::direct));
      check_kernel(layer, plan_with(Algorithm::grouped));
      check_kernel(layer, plan_with(Algorithm::naive));
      check_kernel(layer, plan_with(Algorithm::planar));
    }
  }
  for (const char* layout : {"", "OIDHW"}) {
    for (const LayerSpec& layer :
         steps_of("Conv3D(5, (2, 3, 4), input_shape=(9, 8, 7, 2)" + order(layout) + ")")) {
      check_kernel(layer, plan_with(Algorithm::direct));
    }
  }
}

TEST_CASE("kernels of depthwise convolutions", "[packing]") {
  for (const char* layout : {"", "OIHW"}) {
    for (const LayerSpec& layer :
         steps_of("DepthwiseConv2D((2, 3), depth_multiplier=3, input_shape=(9, 8, 5)" +
                  order(layout) + ")")) {
      check_kernel(layer, plan_with(Algorithm::depthwise));
      check_kernel(layer, plan_with(Algorithm::direct));
    }
  }
}

TEST_CASE("kernels of the phases of transposed convolutions", "[packing]") {
  for (const char* layout : {"", "IOHW"}) {
    const std::vector<LayerSpec> steps = steps_of(
        "Conv2DTranspose(6, (3, 4), strides=(2, 3), input_shape=(9, 8, 4)" + order(layout) + ")\n" +
        "Conv2DTranspose(6, (3, 4), strides=2, groups=2, input_shape=(9, 8, 4)" + order(layout) +
        ")\n" + "Conv2DTranspose(6, 3, input_shape=(9, 8, 4)" + order(layout) + ")");
    REQUIRE(steps.size() == 6 + 4 + 1);
    for (const LayerSpec& layer : steps) {
      check_kernel(layer, plan_with(Algorithm::direct));
      // Merged groups of filters that are not evenly spaced over the groups.
      check_kernel(layer, plan_with(Algorithm::naive));
    }
  }
}

TEST_CASE("kernels of separable convolutions", "[packing]") {
  for (const char* layout : {"", "OIHW"}) {
    for (const LayerSpec& layer :
         steps_of("SeparableConv2D(6, (2, 3), depth_multiplier=3, input_shape=(9, 8, 5)" +
                  order(layout) + ")")) {
      const Weights weights(layer);
      const Plan plan = plan_with(Algorithm::depthwise_pointwise);
      PackedLayout packed = packed_layout(layer, plan);
      check_panels(weights.packed(plan, ArgumentRole::packed_kernel), 1, 6, 15, Size{}, packed,
                   [&](std::int64_t n, std::int64_t c, const std::vector<std::int64_t>& tap) {
                     return weights.filter(VariableRole::pointwise_kernel, tap, c, n);
                   });
      packed.filter_panel = 16;
      packed.channel_block = 1;
      const bool last = layer.kernel_layout == KernelLayout::filters_last;
      check_panels(weights.packed(plan, ArgumentRole::packed_depthwise), 1, 15, 1,
                   layer.kernel_size, packed,
                   [&](std::int64_t n, std::int64_t, const std::vector<std::int64_t>& tap) {
                     return last ? weights.filter(VariableRole::kernel, tap, n / 3, n % 3)
                                 : weights.filter(VariableRole::kernel, tap, 0, n);
                   });
    }
  }
}

/// Element n of a vector lies in its group's run of panels.
void check_vector(const Weights& weights, const Plan& plan, int index,
                  const std::function<double(std::int64_t)>& value) {
  const PackedLayout layout = packed_layout(weights.layer(), plan);
  const std::vector<float> packed = weights.packed(plan, ArgumentRole::packed_vector, index);
  REQUIRE(packed.size() * sizeof(float) == static_cast<std::size_t>(layout.vector_bytes));
  const std::int64_t filters = weights.layer().filters / layout.groups;
  const std::int64_t run = static_cast<std::int64_t>(packed.size()) / layout.groups;
  for (std::int64_t e = 0; e < static_cast<std::int64_t>(packed.size()); ++e) {
    const double expected = e % run < filters ? value(e / run * filters + e % run) : 0;
    INFO("element " << e);
    CHECK(packed[static_cast<std::size_t>(e)] == static_cast<float>(expected));
  }
}

TEST_CASE("a normalization after a convolution is folded, a later one is two vectors",
          "[packing]") {
  const std::vector<LayerSpec> steps = steps_of(R"(Sequential(name="n", layers=[
    Input(shape=(9, 8, 4)), Conv2D(6, 3, groups=2), BatchNormalization(epsilon=0.5),
    PReLU(shared_axes=[1, 2])]))");
  REQUIRE(steps.size() == 1);
  const Plan plan = plan_with(Algorithm::direct);
  check_kernel(steps[0], plan);
  const Weights weights(steps[0]);
  check_vector(weights, plan, 0, [&](std::int64_t n) {
    return (weights.at(VariableRole::bias, {n}) - weights.at(VariableRole::mean, {n})) *
               weights.scale(n, 0) +
           weights.at(VariableRole::beta, {n});
  });
  check_vector(weights, plan, 1, [&](std::int64_t n) {
    return weights.at(VariableRole::alpha, {0, 0, n});
  });

  const std::vector<LayerSpec> later = steps_of(R"(Sequential(name="n", layers=[
    Input(shape=(9, 8, 4)), Conv2D(6, 3, activation="relu"),
    BatchNormalization(center=False, scale=False)]))");
  REQUIRE(later.size() == 1);
  const Weights unfolded(later[0]);
  check_kernel(later[0], plan);
  check_vector(unfolded, plan, 0,
               [&](std::int64_t n) { return unfolded.at(VariableRole::bias, {n}); });
  check_vector(unfolded, plan, 1, [&](std::int64_t n) { return unfolded.scale(n, 1); });
  check_vector(unfolded, plan, 2, [&](std::int64_t n) {
    return -unfolded.at(VariableRole::mean, {n}) * unfolded.scale(n, 1);
  });
}

TEST_CASE("literal numbers are packed when compiling", "[packing]") {
  const std::vector<LayerSpec> steps = steps_of(
      "PReLU(alpha=[1, 2, 3], shared_axes=[1, 2], input_shape=(4, 5, 3))\n"
      "PReLU(shared_axes=[1, 2], input_shape=(4, 5, 3))");
  KernelArgument argument;
  argument.role = ArgumentRole::packed_vector;
  const Plan plan = plan_with(Algorithm::elementwise);
  const convc_packing packing = packing_of(steps[0], plan, argument);
  const std::vector<LayerVariable> variables = variables_of(steps[0]);
  CHECK(reads_literals(packing, variables));
  CHECK_FALSE(reads_literals(packing_of(steps[1], plan, argument), variables_of(steps[1])));
  const std::string bytes = pack_literals(packing, variables);
  std::vector<float> values(bytes.size() / sizeof(float));
  std::copy(bytes.begin(), bytes.end(), reinterpret_cast<char*>(values.data()));
  CHECK(values == std::vector<float>{1, 2, 3, 0});
}

}  // namespace
}  // namespace convc
