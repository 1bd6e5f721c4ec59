// Random drafts of layers, whose arguments are sound one by one. Small sizes first: most bugs are
// in tails and corners, not in volume.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <numeric>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dsl/axes.h"
#include "dsl/diagnostics.h"
#include "dsl/draft.h"
#include "dsl/resolve.h"
#include "dsl/vocabulary.h"

namespace convc::test {

inline constexpr std::string_view kConvolutions[] = {
    "Conv1D",          "Conv2D",          "Conv3D",          "DepthwiseConv1D", "DepthwiseConv2D",
    "SeparableConv1D", "SeparableConv2D", "Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose"};
inline constexpr std::string_view kElementwise[] = {
    "Activation",    "ReLU",          "LeakyReLU",          "ELU",
    "Softmax",       "PReLU",         "BatchNormalization", "Rescaling",
    "ZeroPadding1D", "ZeroPadding2D", "ZeroPadding3D",      "Identity"};

struct RandomLimits {
  std::vector<std::string_view> callables{std::begin(kConvolutions), std::end(kConvolutions)};
  std::int64_t max_batch = 3;
  std::int64_t max_image = 20;     ///< height and width
  std::int64_t max_depth = 6;      ///< of three axes; the others then have 10 at most
  std::int64_t max_channels = 40;  ///< input channels and filters
  std::int64_t max_kernel = 5;
  std::int64_t max_stride = 3;
  std::int64_t max_dilation = 3;
  std::int64_t max_padding = 4;
  std::int64_t max_multiplier = 3;
  std::int64_t max_macs = 4'000'000;
  int literal_percent = 20;
  int groups_percent = 25;
  int layout_percent = 15;     ///< channels_first, filters first, row pitch: each
  int mode_percent = 20;       ///< padding modes other than zeros
  int open_percent = 0;        ///< sizes known only at run time
  bool plain_numbers = false;  ///< literal numbers of graphs are small integers
};

using Random = std::mt19937_64;

inline std::int64_t random_in(Random& random, std::int64_t least, std::int64_t most) {
  return std::uniform_int_distribution<std::int64_t>(least, most)(random);
}

inline bool chance(Random& random, int percent) {
  return random_in(random, 1, 100) <= percent;
}

inline Size random_size(Random& random, int rank, std::int64_t most, std::int64_t least = 1) {
  const std::int64_t one = random_in(random, least, most);
  const bool equal = chance(random, 60);
  Size size = least == 0 ? Size{0, 0, 0} : Size{};
  for (const Axis axis : axes_of(rank))
    at(size, axis) = equal ? one : random_in(random, least, most);
  return size;
}

/// Numbers of every kind: small integers, zeros of both signs, subnormals, any finite bit pattern.
inline float random_float(Random& random) {
  switch (random_in(random, 0, 5)) {
    case 0:
      return 0.0F;
    case 1:
      return -0.0F;
    case 2:
      return static_cast<float>(random_in(random, -9, 9));
    case 3:
      return std::uniform_real_distribution<float>(-1, 1)(random);
    case 4:
      return 1.0e-45F * static_cast<float>(random_in(random, 0, 1000));
    default:
      break;
  }
  const auto mantissa = static_cast<float>(random_in(random, -(1 << 24), 1 << 24));
  return std::ldexp(mantissa, static_cast<int>(random_in(random, -140, 100)));
}

inline LiteralRef random_literal(Random& random, std::vector<std::int64_t> shape, bool small) {
  Literal literal;
  std::int64_t count = 1;
  for (const std::int64_t size : shape) count *= size;
  literal.shape = std::move(shape);
  for (std::int64_t i = 0; i < count; ++i) {
    literal.values.push_back(small ? static_cast<float>(random_in(random, -3, 3))
                                   : random_float(random));
  }
  return std::make_shared<const Literal>(std::move(literal));
}

/// Half of them the common ones; else any, softmax and its kin too, which not every layer takes.
inline Activation random_activation(Random& random) {
  if (chance(random, 50)) {
    return default_activation(chance(random, 50) ? ActivationFunction::linear
                                                 : ActivationFunction::relu);
  }
  return default_activation(static_cast<ActivationFunction>(
      random_in(random, 0, static_cast<std::int64_t>(ActivationFunction::glu))));
}

namespace random_parts {

inline void padding(Random& random, const RandomLimits& limits, LayerDraft& draft) {
  const LayerType& type = *draft.type;
  PaddingDraft padding;
  const bool only_pairs = type.role == LayerRole::zero_padding;
  padding.rule =
      only_pairs ? PaddingRule::explicit_pairs : static_cast<PaddingRule>(random_in(random, 0, 4));
  const bool transposed = type.kind == LayerKind::conv_transpose;
  if (padding.rule == PaddingRule::causal && (type.rank != 1 || transposed)) {
    padding.rule = PaddingRule::same;
  }
  if (padding.rule == PaddingRule::explicit_pairs) {
    for (const Axis axis : axes_of(type.rank)) {
      before(padding.pairs, axis) = random_in(random, 0, limits.max_padding);
      after(padding.pairs, axis) = random_in(random, 0, limits.max_padding);
    }
  }
  draft.padding = {padding, {}};
  if (transposed || !chance(random, limits.mode_percent)) return;
  draft.padding_mode = {static_cast<PaddingMode>(random_in(random, 0, 4)), {}};
  if (*draft.padding_mode.value == PaddingMode::constant && chance(random, 80)) {
    draft.padding_value = {static_cast<float>(random_in(random, -3, 3)), {}};
  }
}

// The numbers of all variables that `layer`, which is the draft resolved, has.
inline void literals(Random& random, const LayerSpec& layer, bool plain, LayerDraft& draft) {
  for (const LayerVariable& variable : variables_of(layer)) {
    LiteralRef numbers = random_literal(random, variable.shape, plain);
    switch (variable.role) {
      case VariableRole::kernel:
        draft.kernel = {numbers, {}};
        break;
      case VariableRole::pointwise_kernel:
        draft.pointwise_kernel = {numbers, {}};
        break;
      case VariableRole::bias:
        draft.bias = {numbers, {}};
        break;
      case VariableRole::alpha:
        draft.alpha = {numbers, {}};
        break;
      case VariableRole::gamma:
        draft.gamma = {numbers, {}};
        break;
      case VariableRole::beta:
        draft.beta = {numbers, {}};
        break;
      case VariableRole::mean:
        draft.mean = {numbers, {}};
        break;
      case VariableRole::variance: {
        Literal positive = *numbers;
        for (float& value : positive.values) value = std::abs(value);
        draft.variance = {std::make_shared<const Literal>(std::move(positive)), {}};
        break;
      }
    }
  }
}

inline void convolution(Random& random, const InputShape& input, const RandomLimits& limits,
                        LayerDraft& draft) {
  const LayerType& type = *draft.type;
  std::int64_t filters = random_in(random, 1, limits.max_channels);
  const std::int64_t groups = chance(random, limits.groups_percent) && !type.is_depthwise()
                                  ? std::gcd(input.channels, random_in(random, 1, input.channels))
                                  : 1;
  filters = (filters + groups - 1) / groups * groups;
  if (type.kind != LayerKind::depthwise_conv) draft.filters = {filters, {}};
  if (type.is_depthwise()) {
    draft.depth_multiplier = {chance(random, 60) ? 1 : random_in(random, 1, limits.max_multiplier),
                              {}};
  } else {
    draft.groups = {groups, {}};
  }
  const Size strides = random_size(random, type.rank, limits.max_stride);
  draft.kernel_size = {random_size(random, type.rank, limits.max_kernel), {}};
  draft.strides = {strides, {}};
  draft.dilation_rate = {
      chance(random, 60) ? Size{} : random_size(random, type.rank, limits.max_dilation), {}};
  padding(random, limits, draft);
  if (type.kind == LayerKind::conv_transpose && chance(random, 30)) {
    Size output_padding{0, 0, 0};
    for (const Axis axis : axes_of(type.rank)) {
      at(output_padding, axis) = random_in(random, 0, at(strides, axis) - 1);
    }
    draft.output_padding = {output_padding, {}};
  }
  draft.activation = {random_activation(random), {}};
  // Only a layer of its own has it, with its numbers.
  if (draft.activation.value->function == ActivationFunction::threshold) draft.activation = {};
  draft.use_bias = {chance(random, 60), {}};
  if (chance(random, limits.layout_percent)) {
    draft.kernel_layout = {KernelLayout::filters_first, {}};
  }
}

inline void elementwise(Random& random, int rank, const RandomLimits& limits, LayerDraft& draft) {
  const auto number = [&] { return static_cast<float>(random_in(random, 0, 20)) / 8; };
  const LayerType& type = *draft.type;
  if (type.role == LayerRole::zero_padding) padding(random, limits, draft);
  if (type.role == LayerRole::rescaling) {
    draft.scale = {number(), {}};
    draft.offset = {number() - 1, {}};
  }
  if (type.role == LayerRole::batch_normalization) {
    draft.epsilon = {number(), {}};
    draft.scales = {chance(random, 70), {}};
    draft.centers = {chance(random, 70), {}};
    if (chance(random, limits.layout_percent)) draft.axis = {{1}, {}};
  }
  if (type.role == LayerRole::prelu) {
    std::vector<std::int64_t> axes(static_cast<std::size_t>(rank));
    std::iota(axes.begin(), axes.end(), chance(random, limits.layout_percent) ? 2 : 1);
    draft.shared_axes = {axes, {}};
  }
  if (type.role != LayerRole::activation) return;
  draft.activation = {type.function == ActivationFunction::linear
                          ? random_activation(random)
                          : default_activation(type.function),
                      {}};
  if (type.function == ActivationFunction::relu && chance(random, 50)) {
    draft.activation.value->alpha = number();
    draft.activation.value->beta = number();
    draft.activation.value->gamma = number();
  }
  if (type.function == ActivationFunction::elu) draft.activation.value->alpha = number();
  if (reads_whole_axis(draft.activation.value->function) && chance(random, 50)) {
    draft.axis = {{random_in(random, 1, rank + 1)}, {}};
  }
}

inline Dim open_dim(Random& random, std::int64_t size) {
  const std::int64_t least = random_in(random, 0, size);
  return {least == 0 ? 1 : least, size + random_in(random, 1, 9)};
}

}  // namespace random_parts

/// A layer whose arguments are sound one by one; whether it fits `input` is for check_module.
/// `plain`: literal numbers are small integers.
inline LayerDraft random_draft(Random& random, std::string_view callable, const InputShape& input,
                               const RandomLimits& limits, bool plain) {
  LayerDraft draft;
  draft.type = &layer_type(callable);
  draft.name = "layer";
  if (draft.type->role == LayerRole::convolution) {
    random_parts::convolution(random, input, limits, draft);
  } else {
    random_parts::elementwise(random, input.rank, limits, draft);
  }
  if (chance(random, limits.literal_percent)) {
    Diagnostics discarded;
    const std::optional<LayerSpec> layer =
        resolve_layer(draft, input, Layout::channels_last, {}, discarded);
    if (layer) random_parts::literals(random, *layer, plain, draft);
  }
  return draft;
}

inline InputShape random_input(Random& random, const RandomLimits& limits, int rank = 2) {
  InputShape input;
  input.rank = rank;
  input.batch = chance(random, 70) ? 1 : random_in(random, 1, limits.max_batch);
  input.size = random_size(
      random, rank, rank == 3 ? std::min<std::int64_t>(limits.max_image, 10) : limits.max_image);
  if (rank == 3) input.size.depth = random_in(random, 1, limits.max_depth);
  input.channels = random_in(random, 1, limits.max_channels);
  return input;
}

/// A shape as it is written in a layout.
inline ShapeDraft random_shape(Random& random, const InputShape& input, Layout layout,
                               const RandomLimits& limits) {
  ShapeDraft shape;
  for (const Axis axis : axes_of(input.rank)) {
    const std::int64_t size = at(input.size, axis);
    const bool open = axis != Axis::depth && chance(random, limits.open_percent);
    shape.push_back(open ? random_parts::open_dim(random, size) : Dim{size, size});
  }
  const Dim channels{input.channels, input.channels};
  shape.insert(layout == Layout::channels_first ? shape.begin() : shape.end(), channels);
  return shape;
}

}  // namespace convc::test
