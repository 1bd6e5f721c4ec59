// Where Winograd's algorithm rounds nothing: small dyadic inputs, and weights that are multiples of
// the odd denominators of its filter transform. Needs dsl, plan and the reference only.
#pragma once

#include <vector>

#include "convc/reference.h"

namespace convc {

/// For each output: what the magnitudes of all that is added last come to, and a power of two that
/// divides it. Float32 has the output exactly, in whatever order it is computed, where `terms` is
/// at most 2^24 `units`; units are 0 where something before was rounded, and infinite where nothing
/// is added.
struct ExactTerms {
  std::vector<double> terms, units;
};

/// Each stage (transformed inputs and weights, sums of products, outputs) is a sum of multiples of
/// a power of two: where the magnitudes come to at most 2^24 of it, the stage is exact and the next
/// one starts from its exact numbers. Empty where some weight is rounded when it is transformed.
/// Precondition: winograd_may_compute.
ExactTerms winograd_exact_terms(const convc_conv& conv, const std::vector<double>& input,
                                const std::vector<float>& kernel, const std::vector<float>& bias,
                                int output_tile);

}  // namespace convc
