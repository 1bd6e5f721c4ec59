#include "generators/driver/winograd_data.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "generators/driver/bounded.h"
#include "generators/driver/winograd_tiles.h"
#include "generators/plan/algorithms.h"
#include "generators/plan/winograd.h"

namespace convc {
namespace {

/// Sum and common unit of a row's magnitudes.
struct RowSize {
  double sum = 0, largest = 0, unit = kInfinity;
};

RowSize size_of_row(const std::vector<double>& matrix, int columns, int row, double factor) {
  RowSize size;
  for (int i = 0; i < columns; ++i) {
    const double number = scaled_entry(matrix, columns, row, i, factor);
    size.sum += std::fabs(number);
    size.largest = std::max(size.largest, std::fabs(number));
    size.unit = std::min(size.unit, granularity(number));
  }
  return size;
}

/// Units of an output, at most, that one tap of 1 in a filter makes of inputs of at most 1.
double units_of_axis(const WinogradTransform& t) {
  double most = 0;
  for (int i = 0; i < t.outputs; ++i) {
    double sum = 0, unit = kInfinity;
    for (int u = 0; u < t.inputs; ++u) {
      const double factor =
          std::fabs(t.output[std::size_t(i) * std::size_t(t.inputs) + std::size_t(u)]);
      if (factor == 0) continue;
      const RowSize filter = size_of_row(t.filter, t.taps, u, t.denominator);
      const RowSize input = size_of_row(t.input, t.inputs, u, 1);
      sum += factor * filter.largest * input.sum;
      unit = std::min(unit, factor * filter.unit * input.unit);
    }
    most = std::max(most, sum / unit);
  }
  return most;
}

/// Taps of one axis with room for one input in a tile: an inner one, or three neighbours that make
/// few bits. All taps are among them.
std::vector<float> taps_of_axis(std::int64_t taps, Random& random) {
  const float sign = random.below(2) == 0 ? 1.0F : -1.0F;
  if (taps == 1) return {sign};
  const auto first = static_cast<std::size_t>(random.below(static_cast<std::uint64_t>(taps - 2)));
  std::vector<float> result(static_cast<std::size_t>(taps), 0.0F);
  result[first + 1] = sign;
  if (random.below(3) == 0) return result;
  result[first] = random.below(2) == 0 ? 2.0F : -2.0F;
  result[first + 2] = -result[first];
  return result;
}

}  // namespace

std::optional<WinogradIntegers> winograd_integers(const LayerSpec& layer,
                                                  const std::vector<int>& output_tiles) {
  if (layer.weights_are_literal() || !why_not_winograd(layer).empty()) return std::nullopt;
  constexpr double kBias = 0x1p14;  // 16 and its kin, in units of 2^-6
  WinogradIntegers integers;
  integers.room = kInfinity;
  for (const int tile : output_tiles) {
    if (!has_winograd_transforms(layer, tile)) continue;
    const WinogradTransforms t = winograd_transforms(layer, tile);
    // 45 is a multiple of 15.
    integers.denominators = std::max<std::int64_t>(
        integers.denominators, std::int64_t{t.row.denominator} * t.column.denominator);
    integers.room = std::min(
        integers.room, (kExactLimit - kBias) / (units_of_axis(t.row) * units_of_axis(t.column)));
  }
  if (integers.room == kInfinity) return std::nullopt;
  integers.one_input = integers.room < 1;
  return integers;
}

std::vector<float> winograd_filters(const Sum& sum, const WinogradIntegers& integers,
                                    double magnitude, Random& random) {
  const LayerSpec& layer = sum.layer;
  const auto channels = static_cast<std::size_t>(layer.channels_per_group());
  const auto taps = static_cast<std::size_t>(layer.taps());
  const auto scale = static_cast<float>(integers.denominators);
  const double room = integers.room / std::max(magnitude, 1.0);
  // One tap of a channel: taps that cancel in a transform would leave roundings of the packing.
  const std::size_t used =
      std::clamp<std::size_t>(static_cast<std::size_t>(std::min(room, 1e6)), 1, channels);
  std::vector<float> values(sum.length() * sum.filters(), 0.0F);
  for (std::size_t k = 0; k < sum.filters(); ++k) {
    for (std::size_t n = 0; n < used; ++n) {
      const std::size_t channel = (k * used + n) % channels;
      if (!integers.one_input) {
        const auto tap = static_cast<std::size_t>(random.below(taps));
        values[sum.place(k, tap * channels + channel)] = random.below(2) == 0 ? scale : -scale;
        continue;
      }
      const std::vector<float> rows = taps_of_axis(layer.kernel_size.height, random);
      const std::vector<float> columns = taps_of_axis(layer.kernel_size.width, random);
      const auto width = static_cast<std::size_t>(layer.kernel_size.width);
      for (std::size_t tap = 0; tap < taps; ++tap) {
        values[sum.place(k, tap * channels + channel)] =
            scale * rows[tap / width] * columns[tap % width];
      }
    }
  }
  return values;
}

void keep_one_input(const Size& size, std::int64_t channels, Random& random,
                    std::vector<float>& values) {
  // Further apart than the 8 inputs of a tile, and prime to its 6 outputs: all places of a tile.
  const std::int64_t kApart = 11;
  const auto offset = [&random, kApart](std::int64_t extent) {
    return static_cast<std::int64_t>(
        random.below(static_cast<std::uint64_t>(std::min(extent, kApart))));
  };
  const std::int64_t plane = size.height * size.width * channels;
  std::vector<float> kept(values.size(), 0.0F);
  for (std::size_t begin = 0; begin < values.size(); begin += static_cast<std::size_t>(plane)) {
    for (std::int64_t c = 0; c < channels; ++c) {
      const std::int64_t left = offset(size.width);
      for (std::int64_t y = offset(size.height); y < size.height; y += kApart) {
        for (std::int64_t x = left; x < size.width; x += kApart) {
          kept[begin + static_cast<std::size_t>((y * size.width + x) * channels + c)] =
              random.below(2) == 0 ? 1.0F : -1.0F;
        }
      }
    }
  }
  values = std::move(kept);
}

}  // namespace convc
