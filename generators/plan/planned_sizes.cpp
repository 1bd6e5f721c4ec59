#include "generators/plan/planned_sizes.h"

#include <algorithm>
#include <cstdint>
#include <optional>

#include "generators/plan/integers.h"

namespace convc {
namespace {

/// Around 56 pixels every third one: which tiles divide a few sizes is chance.
/// Their remainders by the widths of tiles are as many as can be: steps are odd.
constexpr std::int64_t kSizes = 28;

/// Size `index` of an axis whose representative size is `usual`.
std::int64_t size_of(const std::optional<Dim>& open, std::int64_t usual, std::int64_t index) {
  if (!open) return usual;
  const std::int64_t least = std::max({open->min, usual / 2, std::int64_t{1}});
  const std::int64_t most = std::min(open->max, 2 * usual);
  const std::int64_t step = (most - least) / kSizes | 1;
  return std::min(least + index * step, most);
}

/// Outputs along an axis of `size` inputs.
std::int64_t outputs_of(PaddingRule rule, std::int64_t size, std::int64_t padding,
                        std::int64_t span, std::int64_t stride) {
  if (rule == PaddingRule::same || rule == PaddingRule::same_lower) return ceil_div(size, stride);
  return std::max<std::int64_t>(size + padding - span, 0) / stride + 1;
}

/// The layer for images of another size.
LayerSpec resized(LayerSpec layer, std::int64_t height, std::int64_t width) {
  const Size &kernel = layer.kernel_size, &rate = layer.dilation_rate;
  const Padding& padding = layer.padding;
  layer.in.height = height;
  layer.in.width = width;
  layer.out.height = outputs_of(layer.padding_rule, height, padding.top + padding.bottom,
                                (kernel.height - 1) * rate.height + 1, layer.strides.height);
  layer.out.width = outputs_of(layer.padding_rule, width, padding.left + padding.right,
                               (kernel.width - 1) * rate.width + 1, layer.strides.width);
  return layer;
}

}  // namespace

std::vector<LayerSpec> planned_sizes(const LayerSpec& layer) {
  std::vector<LayerSpec> layers = {layer};
  if (!layer.open.height && !layer.open.width) return layers;
  for (std::int64_t i = 0; i < kSizes; ++i) {
    layers.push_back(resized(layer, size_of(layer.open.height, layer.in.height, i),
                             size_of(layer.open.width, layer.in.width, i)));
  }
  return layers;
}

}  // namespace convc
