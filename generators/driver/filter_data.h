// Random numbers and filters for tests of kernels, the same on every machine. Needs dsl only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include "dsl/layer_spec.h"

namespace convc {

constexpr double kExactLimit = 16777216.0;  ///< 2^24: all integers up to here are float32 numbers

/// std::mt19937_64 gives the same bits everywhere; the standard's distributions do not.
class Random {
 public:
  Random(std::uint64_t seed, std::uint64_t stream) : engine_(seed * 0x9e3779b97f4a7c15u + stream) {}

  std::uint64_t below(std::uint64_t count) { return engine_() % count; }
  /// An integer in [-most, most].
  float integer(std::int64_t most) {
    return static_cast<float>(
        static_cast<std::int64_t>(below(2 * static_cast<std::uint64_t>(most) + 1)) - most);
  }
  /// In [-1, 1), a multiple of 2^-23.
  float real() { return static_cast<float>(engine_() >> 40) * 0x1p-23f - 1.0f; }

 private:
  std::mt19937_64 engine_;
};

/// Zeros of both signs, denormals, and magnitudes 2^-exponent to 2^exponent.
float extreme(Random& random, int exponent);

/// A sum of products that a layer computes: its kernel, or its pointwise kernel. Numbers lie with
/// the filters last.
struct Sum {
  const LayerSpec& layer;
  VariableRole role;

  [[nodiscard]] bool is_depthwise() const {
    return role == VariableRole::kernel &&
           (layer.kind == LayerKind::depthwise_conv || layer.kind == LayerKind::separable_conv);
  }
  [[nodiscard]] std::size_t filters() const {
    const std::int64_t depthwise = layer.in_channels * layer.depth_multiplier;
    return static_cast<std::size_t>(is_depthwise() ? depthwise : layer.filters);
  }
  /// Products that make one number.
  [[nodiscard]] std::size_t length() const {
    if (role == VariableRole::pointwise_kernel)
      return static_cast<std::size_t>(layer.in_channels * layer.depth_multiplier);
    const std::int64_t channels = is_depthwise() ? 1 : layer.channels_per_group();
    return static_cast<std::size_t>(layer.taps() * channels);
  }
  /// Place of product `i` of filter `k` among the kernel's numbers.
  [[nodiscard]] std::size_t place(std::size_t k, std::size_t i) const {
    if (layer.kind != LayerKind::conv_transpose) return i * filters() + k;
    const auto channels = static_cast<std::size_t>(layer.channels_per_group());
    const auto group_filters = static_cast<std::size_t>(layer.filters_per_group());
    return (i / channels * group_filters + k % group_filters) *
               static_cast<std::size_t>(layer.in_channels) +
           k / group_filters * channels + i % channels;
  }
};

struct IntegerRange {
  std::int64_t kernel = 1;  ///< largest magnitude of a filter's number
  std::int64_t taps = 1;    ///< non-zero numbers of each filter, at most
  std::int64_t bias = 0;    ///< largest magnitude of a bias
};

/// What keeps sums below `limit` when inputs are at most `magnitude` and `sums_left` sums (this one
/// included) share the room evenly.
IntegerRange integer_range(const Sum& sum, double magnitude, double limit, std::int64_t sums_left);

/// Filters with at most range.taps non-zero numbers each, at random places.
std::vector<float> integer_filters(const Sum& sum, const IntegerRange& range, Random& random);

/// Scaled so that the values of a chain neither vanish nor grow from layer to layer.
std::vector<float> real_filters(const Sum& sum, Random& random);

/// `scaled`: so that sums are no larger than their terms.
std::vector<float> extreme_filters(const Sum& sum, int exponent, bool scaled, Random& random);

/// The largest magnitude that a sum of inputs of at most `magnitude` can have, without its bias.
double largest_sum(const Sum& sum, const std::vector<float>& filters, double magnitude);

}  // namespace convc
