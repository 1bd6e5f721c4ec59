// Bounded: what a tensor should hold, and how far float32 may be from it. Each step of a graph
// gives values from the naive reference, and errors that follow from those of what it reads and
// from its own roundings. Needs dsl and the reference only.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "convc/reference.h"
#include "dsl/layer_spec.h"

namespace convc {

inline constexpr double kInfinity = std::numeric_limits<double>::infinity();

struct Bounded {
  std::array<std::int64_t, 5> extents{1, 1, 1, 1, 1};  ///< batch, depth, height, width, channels
  std::vector<double> value;                           ///< dense channels_last
  std::vector<double> error;    ///< absolute; 0: float32 has exactly the value
  std::vector<bool> reachable;  ///< false: all terms of the element are zero
  /// Of a sum as a kernel leaves it: the sum of its terms' magnitudes, and how many roundings a
  /// term goes through. A normalization that is folded into the sum rounds its terms. Of anything
  /// else: empty.
  std::vector<double> terms;
  std::int64_t steps = 0;
  /// Of such a sum: magnitudes and a power of two that divides them. The sum rounds nothing where
  /// they are at most 2^24 units.
  std::vector<double> exact_terms, units;
};

/// What the plans say about how sums are computed.
struct SumRules {
  int more_roundings = 0;         ///< of each term, beyond one per product and one for the bias
  std::vector<int> output_tiles;  ///< of those that winograd may compute, each once
  bool keeps_integers = true;  ///< false: filters are replaced by factors that may be no integers
};

/// Exact numbers of a tensor.
Bounded exactly(const std::array<std::int64_t, 5>& extents, const std::vector<float>& values);

/// The reference's convolution. The bound is gamma_n times the terms' magnitudes (Higham, Accuracy
/// and Stability of Numerical Algorithms, 3.1), and 2^-126 per rounding for results that are
/// denormal or flushed to zero. Errors e of the input go on as conv(|kernel|, e). No error where
/// the terms are multiples of a unit and their magnitudes' sum is at most 2^24 units, whatever the
/// order; where winograd may compute the sum, so must be its stages (exact_winograd.h). Empty
/// values when the reference refuses the sizes.
Bounded bounded_sum(const convc_conv& conv, const Bounded& input, const std::vector<float>& kernel,
                    const std::vector<float>& bias, const SumRules& rules);

/// What a post_op reads beside its input: empty where it has none.
struct PostOpNumbers {
  std::vector<float> alpha, gamma, beta, mean, variance;  ///< one number per channel
  const Bounded* operand = nullptr;                       ///< add, multiply
};
Bounded bounded_post_op(const PostOp& op, const Bounded& input, const PostOpNumbers& numbers);

/// One number through an activation that does not read all channels.
struct BoundedNumber {
  double value = 0, error = 0;
};
BoundedNumber bounded_activation(const Activation& activation, BoundedNumber x);

/// x < 0 ? slope * x : x.
BoundedNumber bounded_prelu(double slope, BoundedNumber x);

/// softmax and its kin, over their axis.
Bounded bounded_channelwise(const Activation& activation, const Bounded& input);

/// The largest power of two that divides the number; infinite for 0, 0 for NaN and infinities.
double granularity(double value);

inline constexpr double kUnitRoundoff = 0x1p-24;
inline constexpr double kUnderflow = 0x1p-126;  ///< the smallest normal number
inline constexpr double kExactUnits = 0x1p24;   ///< all integers up to here are float32 numbers

/// Whether float32 can hold the value, whatever its error.
inline bool can_be_held(double value, double error) {
  return std::fabs(value) + error <= static_cast<double>(std::numeric_limits<float>::max());
}

/// Gives an infinite error to what float32 may hold as an infinity or NaN, so that what is made of
/// it, a product with zero too, is not compared.
void mark_overflows(Bounded& tensor);

inline bool is_float(double value) {
  return static_cast<double>(static_cast<float>(value)) == value;
}

}  // namespace convc
