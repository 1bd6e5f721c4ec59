// The sizes that the plan of a layer with run-time sizes is for. Pure.
#pragma once

#include <vector>

#include "dsl/layer_spec.h"

namespace convc {

/// The layer itself; where its height or width is open, also at several sizes of its range from
/// half to twice the representative one. A tile that divides the representative size may divide few
/// others: what is best on average has few idle pixels at any.
std::vector<LayerSpec> planned_sizes(const LayerSpec& layer);

/// The average of a cost over layers or domains of several sizes, each in proportion to its output
/// pixels: as if the first one had what is usual.
template <typename Sized, typename Cost>
double mean_cost(const std::vector<Sized>& sizes, const Cost& cost) {
  const auto pixels = [](const Sized& sized) {
    return static_cast<double>(sized.out.height * sized.out.width);
  };
  double sum = 0;
  for (const Sized& sized : sizes) sum += cost(sized) * pixels(sizes[0]) / pixels(sized);
  return sum / static_cast<double>(sizes.size());
}

}  // namespace convc
