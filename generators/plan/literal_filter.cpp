// Analysis of literal filters. Pure.
#include "generators/plan/literal_filter.h"

#include <cmath>

namespace convc {
namespace {

float number_at(const LayerSpec& layer, std::int64_t row, std::int64_t column, std::int64_t channel,
                std::int64_t filter) {
  const std::int64_t index =
      ((row * layer.kernel_size.width + column) * layer.channels_per_group() + channel) *
          layer.filters +
      filter;
  return layer.kernel->values[static_cast<std::size_t>(index)];
}

/// Factors one slice over its first non-zero number: the row through it is `horizontal`, the column
/// through it, divided by the number, is `vertical`.
std::optional<SeparableSlice> separate_slice(const LayerSpec& layer, std::int64_t channel,
                                             std::int64_t filter) {
  const std::int64_t rows = layer.kernel_size.height;
  const std::int64_t columns = layer.kernel_size.width;
  auto at = [&](std::int64_t i, std::int64_t j) { return number_at(layer, i, j, channel, filter); };
  std::int64_t pivot_row = -1;
  std::int64_t pivot_column = -1;
  for (std::int64_t i = 0; i < rows && pivot_row < 0; ++i) {
    for (std::int64_t j = 0; j < columns && pivot_row < 0; ++j) {
      if (at(i, j) != 0.0f) {
        pivot_row = i;
        pivot_column = j;
      }
    }
  }
  SeparableSlice slice{static_cast<int>(channel), static_cast<int>(filter), {}, {}};
  if (pivot_row < 0) return slice;  // all zero: no factors
  for (std::int64_t j = 0; j < columns; ++j) slice.horizontal.push_back(at(pivot_row, j));
  for (std::int64_t i = 0; i < rows; ++i) {
    slice.vertical.push_back(at(i, pivot_column) / at(pivot_row, pivot_column));
  }
  for (std::int64_t i = 0; i < rows; ++i) {
    for (std::int64_t j = 0; j < columns; ++j) {
      const double product = static_cast<double>(slice.vertical[static_cast<std::size_t>(i)]) *
                             static_cast<double>(slice.horizontal[static_cast<std::size_t>(j)]);
      if (product != static_cast<double>(at(i, j))) return std::nullopt;
    }
  }
  return slice;
}

}  // namespace

std::vector<Tap> nonzero_taps(const LayerSpec& layer) {
  std::vector<Tap> taps;
  for (std::int64_t i = 0; i < layer.kernel_size.height; ++i) {
    for (std::int64_t j = 0; j < layer.kernel_size.width; ++j) {
      for (std::int64_t c = 0; c < layer.channels_per_group(); ++c) {
        for (std::int64_t k = 0; k < layer.filters; ++k) {
          const float value = number_at(layer, i, j, c, k);
          if (value == 0.0f) continue;
          taps.push_back({static_cast<int>(i), static_cast<int>(j), static_cast<int>(c),
                          static_cast<int>(k), value});
        }
      }
    }
  }
  return taps;
}

std::vector<TapPosition> sparse_positions(const LayerSpec& layer, bool folded) {
  constexpr std::size_t kMostPositions = 64;
  const std::int64_t columns_per_position = folded ? layer.channels_per_group() : 1;
  std::vector<TapPosition> positions;
  for (const Tap& tap : nonzero_taps(layer)) {  // in order of row, column, channel
    const int column =
        tap.column * static_cast<int>(columns_per_position) + (folded ? tap.channel : 0);
    if (positions.empty() || positions.back().row != tap.row || positions.back().column != column) {
      positions.push_back({tap.row, column});
    }
  }
  const auto all = static_cast<std::size_t>(layer.kernel_size.height * layer.kernel_size.width *
                                            columns_per_position);
  if (positions.size() == all || positions.size() > kMostPositions) return {};
  return positions;
}

std::optional<std::vector<SeparableSlice>> separate(const LayerSpec& layer) {
  std::vector<SeparableSlice> slices;
  for (std::int64_t k = 0; k < layer.filters; ++k) {
    for (std::int64_t c = 0; c < layer.channels_per_group(); ++c) {
      auto slice = separate_slice(layer, c, k);
      if (!slice) return std::nullopt;
      if (!slice->vertical.empty()) slices.push_back(std::move(*slice));
    }
  }
  return slices;
}

}  // namespace convc
