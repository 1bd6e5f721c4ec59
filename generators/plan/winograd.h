// Winograd's minimal filtering F(m, r): m outputs of a filter of r taps from m + r - 1 inputs with
// as many products instead of m * r, in one dimension and, nested, in two (Lavin and Gray 2016).
// With strides of 2 and 3 taps: from 2 * m + 1 inputs with as many products (Yepez and Ko 2020).
// The transforms, and what they do to rounding errors. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dsl/layer_spec.h"
#include "generators/plan/plan.h"

namespace convc {

/// y = A^T ((G g) * (B^T d)), * element by element, of the Toom-Cook algorithm at a few points and
/// infinity. The points are 0, 1, -1 for 4 inputs; 0, 1/2, -1/2, 2, -2 for 6; these and 1, -1
/// for 8. B and A hold multiples of small powers of two, which f32 has exactly. Of all pairs +-p,
/// +-q with such numbers, 1/2 and 2 make the errors of F(4, 3) smallest: a fifth of what the usual
/// 1 and 2 make (docs/decisions/0019-winograd.md).
///
/// With a stride of 2, outputs are the sum of two filters, each with a stride of 1: taps 0 and 2
/// over the inputs of even number, F(m, 2) at the points 0, 1 and infinity for m = 2 and 1/2,
/// -1/2, 2, -2 and infinity for m = 4; and tap 1 over those of odd number, which needs no
/// transform. Rows of the second part follow those of the first.
///
/// An axis on which the filter has one tap has outputs = inputs = taps = 1, and ones.
struct WinogradTransform {
  int outputs = 1;             ///< m
  int taps = 1;                ///< r
  int stride = 1;              ///< of the outputs' windows
  int inputs = 1;              ///< (m - 1) * stride + taps
  std::vector<double> input;   ///< B^T, [inputs][inputs]
  std::vector<double> filter;  ///< G, [inputs][taps]
  std::vector<double> output;  ///< A^T, [outputs][inputs]
  int denominator = 1;         ///< the odd part of G's: times it, G has few bits
  int pairs = 0;               ///< of points p and -p
  int first_pair = 0;          ///< rows (columns of A^T) first_pair + 2i and the next are of a pair
  double relative_rms = 0;     ///< of errors, in two dimensions (winograd_relative_rms)

  /// The highest power in the polynomial of a finite point.
  [[nodiscard]] int degree() const { return (inputs - 1) / stride - 1; }
};

/// The form with m = `output_tile`; null where there is none. There are those of 3 taps with m = 2,
/// 4 and 6, with a stride of 2 with m = 2 and 4, of 5 taps with m = 2 and 4, of 7 with m = 2, and
/// of one tap with any. The tables stay where they are.
const WinogradTransform* find_winograd_transform(std::int64_t taps, std::int64_t stride,
                                                 int output_tile);

/// Of a layer's two axes. Precondition of all that takes a layer and an `output_tile`:
/// has_winograd_transforms.
struct WinogradTransforms {
  const WinogradTransform &row, &column;
};
bool has_winograd_transforms(const LayerSpec& layer, int output_tile);
WinogradTransforms winograd_transforms(const LayerSpec& layer, int output_tile);

/// Roundings that one term of a sum over `channels` goes through in both input transforms, the
/// products and both output transforms; the packed weights count as one (they are computed in
/// double).
std::int64_t winograd_rounding_steps(std::int64_t channels, const WinogradTransforms& transforms);

/// The bound. With u = 2^-24, gamma_n = n*u / (1 - n*u) and n = winograd_rounding_steps + 1 (the
/// bias), every sum differs from its exact value by at most gamma_n * S, where
///   S = sum over channels of |A^T| ((|G| |g| |G^T|) * (|B^T| |d| |B|)) |A|  + |bias|
/// at the output's place in its tile: each term of the exact sum is a sum of signed terms whose
/// magnitudes S adds up, none goes through more than n roundings, and that bounds the error of a
/// sum of products in any order (Higham, Accuracy and Stability of Numerical Algorithms, 3.1).
/// S depends on all inputs of the tile, not on the output's own window alone. For |d| <= 1 and
/// |g| <= 1, S is at most this factor times taps * channels, what the terms of the plain sum reach.
double winograd_amplification(const LayerSpec& layer, int output_tile);

/// The worst-case bound for inputs and weights of at most 1 in magnitude, relative to that of
/// Algorithm::direct.
double winograd_relative_bound(const LayerSpec& layer, int output_tile);

/// The root mean square of the errors on uniform data, relative to direct's: of the two-dimensional
/// form of either axis the larger one, measured, and held to by tests/plan/winograd_test.cpp.
double winograd_relative_rms(const LayerSpec& layer, int output_tile);

/// What Accuracy::fast admits: a bound of at most 100 times direct's, and errors of at most 20
/// times direct's in the root mean square. Accuracy::strict admits no form: its limit of 2 times
/// the bound would let F(2, 3) pass, but B^T subtracts inputs, so that an infinity makes NaN of
/// outputs which the definition leaves infinite, and a NaN spreads to outputs whose window it is
/// not in.
bool fast_admits_winograd(const LayerSpec& layer, int output_tile);

/// "error bound 6.9 times direct's, typical errors 2.4 times".
std::string winograd_error_text(const LayerSpec& layer, int output_tile);

}  // namespace convc
