// Analysis of literal filters. Pure.
#include "generators/plan/literal_filter.h"

#include <cmath>

namespace convc {
namespace {

/// Index into the variable, whose tap is `tap`; `inner` and `outer` as the layer's kind has them in
/// Keras' layout (kernel.., inner, outer).
std::int64_t index_in(KernelLayout layout, const Size& whole, const Size& tap, std::int64_t inner,
                      std::int64_t inners, std::int64_t outer, std::int64_t outers) {
  const std::int64_t position = (tap.depth * whole.height + tap.height) * whole.width + tap.width;
  if (layout == KernelLayout::filters_last) return (position * inners + inner) * outers + outer;
  return (outer * inners + inner) * (whole.depth * whole.height * whole.width) + position;
}

float number_at(const LayerSpec& layer, std::int64_t row, std::int64_t column, std::int64_t channel,
                std::int64_t filter) {
  return literal_number(layer, {row, column, 0}, channel, filter);
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

float literal_number(const LayerSpec& layer, const Size& tap, std::int64_t channel,
                     std::int64_t filter) {
  const auto number = [&](std::int64_t index) {
    return layer.kernel->values[static_cast<std::size_t>(index)];
  };
  if (layer.kernel_view) {  // of a transposed layer: (kernel.., filters / groups, in_channels)
    const KernelView& view = *layer.kernel_view;
    const Size place = {view.first.height + tap.height * view.step.height,
                        view.first.width + tap.width * view.step.width,
                        view.first.depth + tap.depth * view.step.depth};
    const std::int64_t filters = layer.filters_per_group();
    const std::int64_t first_channel = filter / filters * layer.channels_per_group();
    return number(index_in(layer.kernel_layout, view.whole, place, filter % filters, filters,
                           first_channel + channel, layer.in_channels));
  }
  if (layer.kind == LayerKind::depthwise_conv &&
      layer.kernel_layout == KernelLayout::filters_last) {  // (kernel.., in_channels, multiplier)
    return number(index_in(layer.kernel_layout, layer.kernel_size, tap,
                           filter / layer.depth_multiplier, layer.in_channels,
                           filter % layer.depth_multiplier, layer.depth_multiplier));
  }
  return number(index_in(layer.kernel_layout, layer.kernel_size, tap, channel,
                         layer.channels_per_group(), filter, layer.filters));
}

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
  if (layer.kernel_size.depth != 1) return {};
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
