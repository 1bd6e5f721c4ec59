// Random valid layers and modules, for properties that hold for every spec. Small sizes first: most
// bugs are in tails and corners, not in volume.
#pragma once

#include <cmath>
#include <cstdint>
#include <memory>
#include <numeric>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "dsl/checker.h"
#include "dsl/cost.h"
#include "dsl/diagnostics.h"
#include "dsl/draft.h"
#include "dsl/names.h"
#include "dsl/resolve.h"

namespace convc::test {

struct RandomLimits {
  std::int64_t max_batch = 3;
  std::int64_t max_image = 20;     ///< height and width
  std::int64_t max_channels = 40;  ///< input channels and filters
  std::int64_t max_kernel = 5;
  std::int64_t max_stride = 3;
  std::int64_t max_dilation = 3;
  std::int64_t max_padding = 4;
  std::int64_t max_macs = 4'000'000;
  int literal_percent = 20;
  int groups_percent = 25;
};

using Random = std::mt19937_64;

inline std::int64_t random_in(Random& random, std::int64_t least, std::int64_t most) {
  return std::uniform_int_distribution<std::int64_t>(least, most)(random);
}

inline bool chance(Random& random, int percent) {
  return random_in(random, 1, 100) <= percent;
}

inline Size2D random_size(Random& random, std::int64_t most) {
  const std::int64_t height = random_in(random, 1, most);
  return {height, chance(random, 60) ? height : random_in(random, 1, most)};
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

/// A layer whose arguments are sound one by one; whether it fits `input` is for resolve_layer.
/// `plain_numbers`: literal filters hold small integers only, so that results are exact.
inline LayerDraft random_draft(Random& random, const InputShape& input, const RandomLimits& limits,
                               bool plain_numbers) {
  LayerDraft draft;
  std::int64_t filters = random_in(random, 1, limits.max_channels);
  const std::int64_t groups = chance(random, limits.groups_percent)
                                  ? std::gcd(input.channels, random_in(random, 1, input.channels))
                                  : 1;
  filters = (filters + groups - 1) / groups * groups;
  const Size2D kernel = random_size(random, limits.max_kernel);
  draft.filters = {filters, {}};
  draft.groups = {groups, {}};
  draft.kernel_size = {kernel, {}};
  draft.strides = {random_size(random, limits.max_stride), {}};
  draft.dilation_rate = {chance(random, 60) ? Size2D{} : random_size(random, limits.max_dilation),
                         {}};
  PaddingDraft padding;
  padding.mode = static_cast<PaddingMode>(random_in(random, 0, 2));
  if (padding.mode == PaddingMode::explicit_pairs) {
    std::int64_t* pads[] = {&padding.pairs.top, &padding.pairs.bottom, &padding.pairs.left,
                            &padding.pairs.right};
    for (std::int64_t* pad : pads) *pad = random_in(random, 0, limits.max_padding);
  }
  draft.padding = {padding, {}};
  draft.activation = {chance(random, 50) ? Activation::relu : Activation::linear, {}};
  const bool use_bias = chance(random, 60);
  draft.use_bias = {use_bias, {}};
  if (chance(random, limits.literal_percent)) {
    const std::vector<std::int64_t> shape = {kernel.height, kernel.width, input.channels / groups,
                                             filters};
    draft.kernel = {random_literal(random, shape, plain_numbers), {}};
    if (use_bias) draft.bias = {random_literal(random, {filters}, plain_numbers), {}};
  }
  return draft;
}

inline InputShape random_input(Random& random, const RandomLimits& limits) {
  InputShape input;
  input.batch = chance(random, 70) ? 1 : random_in(random, 1, limits.max_batch);
  input.size = random_size(random, limits.max_image);
  input.channels = random_in(random, 1, limits.max_channels);
  return input;
}

/// A valid layer within the limits. Literal numbers are small integers.
inline LayerSpec random_layer(Random& random, const RandomLimits& limits = {}) {
  for (;;) {
    const InputShape input = random_input(random, limits);
    LayerDraft draft = random_draft(random, input, limits, true);
    draft.name = "layer";
    Diagnostics discarded;
    if (!check_layer(draft, discarded) || !check_input(input, {}, {}, discarded)) continue;
    std::optional<LayerSpec> layer = resolve_layer(draft, input, discarded);
    if (layer && cost_of(*layer).macs <= limits.max_macs) return std::move(*layer);
  }
}

/// A valid module of 1 to 5 functions, with chains, literal numbers of every kind, and names given
/// and automatic.
inline Module random_module(Random& random, const RandomLimits& limits = {}) {
  for (;;) {
    ModuleDraft module;
    module.name = "random";
    AutoNames auto_names;
    const std::int64_t graphs = random_in(random, 1, 5);
    for (std::int64_t i = 0; i < graphs; ++i) {
      GraphDraft graph;
      graph.is_sequential = chance(random, 50);
      const InputShape input = random_input(random, limits);
      const ImageShape shape = {input.size.height, input.size.width, input.channels};
      const std::int64_t count = graph.is_sequential ? random_in(random, 1, 4) : 1;
      InputShape next = input;
      for (std::int64_t n = 0; n < count; ++n) {
        LayerDraft draft = random_draft(random, next, limits, false);
        draft.name =
            chance(random, 50) ? "layer_" + std::to_string(10 * i + n) : auto_names.next("conv2d");
        Diagnostics discarded;
        const std::optional<LayerSpec> layer = resolve_layer(draft, next, discarded);
        if (!layer) continue;
        next = {next.batch, layer->out, layer->filters};
        graph.layers.push_back(std::move(draft));
      }
      if (graph.layers.empty()) continue;
      const bool batch_given = input.batch != 1 || chance(random, 20);
      if (graph.is_sequential) {
        graph.input.emplace();
        graph.input->shape = {shape, {}};
        if (batch_given) graph.input->batch = {input.batch, {}};
        graph.name = chance(random, 50) ? "net" + std::to_string(i) : auto_names.next("sequential");
      } else {
        graph.layers.front().input_shape = {shape, {}};
        if (batch_given) graph.layers.front().batch = {input.batch, {}};
        graph.name = graph.layers.front().name;
      }
      module.graphs.push_back(std::move(graph));
    }
    Diagnostics discarded;
    std::optional<Module> checked = check_module(module, discarded);
    if (checked && !checked->graphs.empty()) return std::move(*checked);
  }
}

}  // namespace convc::test
