// Conv: the reference with vectors, and random convolutions for laws.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "convc/reference.h"

namespace convc::test {

struct Conv {
  convc_conv2d sizes{};
  std::vector<float> input, kernel, bias;  ///< bias may be empty: none

  [[nodiscard]] std::int64_t out_height() const;
  [[nodiscard]] std::int64_t out_width() const;
  [[nodiscard]] std::size_t output_elements() const;
  /// The reference's output; fails the test when it refuses. Memory ends at the last element.
  [[nodiscard]] std::vector<double> run() const;
  [[nodiscard]] std::vector<double> magnitude() const;
};

/// A convolution with every feature at random: sizes up to 9, strides and dilation up to 3, padding
/// up to 3, groups, bias, no activation. Numbers are integers of at most 8, so that sums are exact.
Conv random_conv(std::mt19937& random);

/// A number in [low, high].
std::int64_t pick(std::mt19937& random, std::int64_t low, std::int64_t high);
std::vector<float> small_integers(std::mt19937& random, std::size_t count);

/// For the message of a failing law.
std::string describe(const convc_conv2d& sizes);

inline constexpr int kRandomConvs = 300;

}  // namespace convc::test
