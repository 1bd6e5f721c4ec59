// The bound of sums that Winograd's algorithm computes (generators/plan/winograd.h): what its terms
// add up to. Needs dsl, plan and the reference only.
#pragma once

#include <cstdint>
#include <vector>

#include "convc/reference.h"
#include "generators/driver/bounded.h"

namespace convc {

/// True when a kernel may compute the convolution in tiles of `output_tile` outputs.
bool winograd_may_compute(const convc_conv& conv, int output_tile);

struct WinogradSums {
  std::vector<double> terms;  ///< S of winograd.h for each output, bias included
  std::int64_t steps = 0;     ///< roundings of a term
};

/// `magnitudes` bound what the kernel reads. Precondition: winograd_may_compute.
WinogradSums winograd_sums(const convc_conv& conv, const std::vector<double>& magnitudes,
                           const std::vector<float>& kernel, const std::vector<float>& bias,
                           int output_tile);

}  // namespace convc
