// Integers for which Winograd's algorithm rounds nothing in float32 (exact_winograd.h checks that
// it does not). Needs dsl and plan only.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "dsl/layer_spec.h"
#include "generators/driver/filter_data.h"

namespace convc {

/// What a layer's numbers must be like. With d of the odd denominators of G of both axes, weights
/// are d times integers g, so that G g G^T is dyadic. Every stage then is a sum of multiples of a
/// power of two (its unit), and rounds nothing while magnitudes come to at most 2^24 units.
///
/// With |inputs| at most 1 and one tap of 1 in each filter, |A| |d G g| |B^T 1| of one axis comes
/// to at most (units of outputs at either end of the tile, from the entries' powers of two)
///   F(2, 3):                                      4 = 2^3 units of 1/2
///   F(4, 3): 15 * 6 1/4 + 2 * 8 * 7 1/2 + ..  =  229 = 2^10.8 units of 1/8
///   F(6, 3): 45 * 12 1/2 + 2 * 10 * 12 1/2 + .. = 1802 = 2^13.8 units of 1/8
/// and of two axes to the product: 2^6, 2^21.7, 2^27.6. So F(4, 3) has room for sums of 4 such
/// taps, and F(6, 3) for none, if inputs are dense. With one input other than 0 in a tile, taps 0,
/// 1, 0 take 2^10 and taps 2, 1, -2 take 2^11.1 of an axis: 2^22.2 of two. F(2, 5) is like F(4, 3),
/// F(4, 5) and F(2, 7) are like F(6, 3), where such taps are any inner one or any three neighbours.
struct WinogradIntegers {
  std::int64_t denominators = 1;
  double room = 0;         ///< largest sum of |input| |g| that is exact for certain
  bool one_input = false;  ///< a tile of a channel may have one input other than 0
};

/// None where no output tile applies: the layer is none that winograd computes, or it has literal
/// weights.
std::optional<WinogradIntegers> winograd_integers(const LayerSpec& layer,
                                                  const std::vector<int>& output_tiles);

/// Filters of `sum` whose taps are `integers.denominators` times integers, with so few channels of
/// inputs of at most `magnitude` that the room suffices. All channels have filters, as far as there
/// are enough.
std::vector<float> winograd_filters(const Sum& sum, const WinogradIntegers& integers,
                                    double magnitude, Random& random);

/// Sets all but one of the inputs in each 8 x 8 window of a channel to 0, and that to 1 or -1.
/// Values are [plane][height][width][channel].
void keep_one_input(const Size& size, std::int64_t channels, Random& random,
                    std::vector<float>& values);

}  // namespace convc
