#include "generators/driver/test_data.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <random>

namespace convc {
namespace {

constexpr double kExactLimit = 16777216.0;  // 2^24: all integers up to here are float32 numbers

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
float extreme(Random& random, int exponent) {
  switch (random.below(16)) {
    case 0:
      return 0.0f;
    case 1:
      return -0.0f;
    case 2:
      return random.real() * 0x1p-130f;
    default:
      break;
  }
  const int e = static_cast<int>(random.below(2 * static_cast<unsigned>(exponent) + 1)) - exponent;
  return std::ldexp(random.real(), e);
}

bool is_border(std::size_t index, const Tensor& tensor) {
  const auto width = static_cast<std::size_t>(tensor.shape[2].min);
  const auto height = static_cast<std::size_t>(tensor.shape[1].min);
  const std::size_t pixel = index / static_cast<std::size_t>(tensor.shape[3].min);
  const std::size_t x = pixel % width, y = pixel / width % height;
  return x == 0 || y == 0 || x == width - 1 || y == height - 1;
}

/// Largest exponent of two of the extremes: an input, all filters and their sums must stay finite
/// through `layers` layers (float32 ends at 2^128).
int extreme_exponent(std::size_t layers) {
  return std::max(1, 20 / static_cast<int>(layers));
}

std::vector<float> make_input(const Tensor& tensor, DataKind kind, std::size_t layers,
                              std::int64_t largest_integer, Random random) {
  std::vector<float> values(element_count(tensor));
  const int exponent = extreme_exponent(layers);
  for (std::size_t i = 0; i < values.size(); ++i) {
    switch (kind) {
      case DataKind::integers:
        values[i] = random.integer(largest_integer);
        break;
      case DataKind::reals:
        values[i] = random.real();
        break;
      case DataKind::extremes:
        values[i] = is_border(i, tensor) && random.below(2) == 0
                        ? std::copysign(std::ldexp(1.0f, exponent), random.real())
                        : extreme(random, exponent);
        break;
    }
  }
  return values;
}

struct IntegerRange {
  std::int64_t kernel = 1;  ///< largest magnitude of a filter's number
  std::int64_t taps = 1;    ///< non-zero numbers of each filter, at most
  std::int64_t bias = 0;    ///< largest magnitude of a bias
};

/// What keeps sums below 2^24 when inputs are at most `input_magnitude` and `layers_left` layers
/// (this one included) share the room evenly.
IntegerRange integer_range(const LayerSpec& layer, double input_magnitude,
                           std::size_t layers_left) {
  IntegerRange range;
  const double room = (kExactLimit - 1024) / std::max(input_magnitude, 1.0);
  const double gain = std::max(
      1.0, std::pow(room, 1.0 / static_cast<double>(layers_left)) * (layers_left > 1 ? 0.9 : 1.0));
  const std::int64_t length = products_per_output(layer);
  range.taps = std::min(length, static_cast<std::int64_t>(gain));
  range.kernel = std::clamp<std::int64_t>(static_cast<std::int64_t>(gain) / range.taps, 1, 255);
  range.bias = gain > 2 ? 16 : 0;
  return range;
}

/// Filters with at most range.taps non-zero numbers each, at random places.
std::vector<float> make_integer_kernel(const LayerSpec& layer, const IntegerRange& range,
                                       Random random) {
  const auto length = static_cast<std::size_t>(products_per_output(layer));
  const auto filters = static_cast<std::size_t>(layer.filters);
  std::vector<float> values(length * filters, 0.0f);
  const bool dense = static_cast<std::size_t>(range.taps) == length;
  for (std::size_t k = 0; k < filters; ++k) {
    for (std::size_t tap = 0; tap < static_cast<std::size_t>(range.taps); ++tap) {
      const std::size_t place = dense ? tap : static_cast<std::size_t>(random.below(length));
      float value = random.integer(range.kernel);
      if (value == 0 && !dense) value = 1;
      values[place * filters + k] = value;
    }
  }
  return values;
}

std::vector<float> make_kernel(const LayerSpec& layer, DataKind kind, std::size_t layers,
                               Random random) {
  const std::int64_t length = products_per_output(layer);
  std::vector<float> values(static_cast<std::size_t>(length * layer.filters));
  // Scaled so that the values of a chain neither vanish nor grow from layer to layer.
  const int length_log2 = static_cast<int>(std::ceil(std::log2(static_cast<double>(length))));
  for (float& value : values) {
    value = kind == DataKind::reals ? std::ldexp(random.real(), -length_log2 / 2)
                                    : std::ldexp(extreme(random, extreme_exponent(layers)),
                                                 layers > 1 ? -length_log2 : 0);
  }
  return values;
}

/// The largest magnitude an output (and any partial sum) can have.
double output_magnitude(const LayerSpec& layer, const LayerWeights& weights,
                        double input_magnitude) {
  const auto filters = static_cast<std::size_t>(layer.filters);
  std::vector<double> sums(filters, 0.0);
  for (std::size_t i = 0; i < weights.kernel.size(); ++i)
    sums[i % filters] += std::fabs(weights.kernel[i]) * input_magnitude;
  for (std::size_t k = 0; k < weights.bias.size(); ++k) sums[k] += std::fabs(weights.bias[k]);
  return *std::max_element(sums.begin(), sums.end());
}

bool all_integers(const std::vector<float>& values) {
  return std::all_of(values.begin(), values.end(), [](float v) { return v == std::floor(v); });
}

std::int64_t largest_integer_input(const Graph& graph) {
  if (graph.nodes.size() > 1) return 4;
  // Half of the room (in bits) for the input, half for the filter.
  const LayerSpec& layer = graph.nodes[0].layer;
  if (layer.weights_are_literal()) return 15;
  const double room = kExactLimit / static_cast<double>(products_per_output(layer));
  return std::clamp<std::int64_t>(static_cast<std::int64_t>(std::sqrt(room)), 1, 255);
}

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

std::size_t element_count(const Tensor& tensor) {
  std::size_t count = 1;
  for (const Dim& dim : tensor.shape) count *= static_cast<std::size_t>(dim.min);
  return count;
}

std::int64_t products_per_output(const LayerSpec& layer) {
  return layer.channels_per_group() * layer.kernel_size.height * layer.kernel_size.width;
}

TestData make_test_data(const Graph& graph, DataKind kind, std::uint64_t seed) {
  TestData data;
  std::uint64_t stream = 0;
  const std::size_t layers = graph.nodes.size();
  const std::int64_t largest = largest_integer_input(graph);
  for (TensorId id : graph.inputs)
    data.inputs.push_back(make_input(graph.tensors[static_cast<std::size_t>(id)], kind, layers,
                                     largest, Random(seed, ++stream)));

  data.exact = kind == DataKind::integers;
  double magnitude = static_cast<double>(largest);
  for (std::size_t i = 0; i < layers; ++i) {
    const LayerSpec& layer = graph.nodes[i].layer;
    LayerWeights weights;
    const IntegerRange range = integer_range(layer, magnitude, layers - i);
    Random kernel_random(seed, ++stream), bias_random(seed, ++stream);
    if (layer.kernel)
      weights.kernel = layer.kernel->values;
    else
      weights.kernel = kind == DataKind::integers ? make_integer_kernel(layer, range, kernel_random)
                                                  : make_kernel(layer, kind, layers, kernel_random);
    if (layer.bias) weights.bias = layer.bias->values;
    if (!layer.bias && layer.use_bias) {
      weights.bias.resize(static_cast<std::size_t>(layer.filters));
      for (float& value : weights.bias)
        value = kind == DataKind::integers ? bias_random.integer(range.bias) : bias_random.real();
    }
    magnitude = output_magnitude(layer, weights, magnitude);
    data.exact = data.exact && magnitude < kExactLimit && all_integers(weights.kernel) &&
                 all_integers(weights.bias);
    data.weights.push_back(std::move(weights));
  }
  return data;
}

}  // namespace convc
