// Conv: the reference with vectors, and random convolutions for laws.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "convc/reference.h"

namespace convc::test {

/// A dense tensor [batch][depth][height][width][channels].
struct Image {
  std::array<std::int64_t, 5> shape{1, 1, 1, 1, 1};
  std::vector<double> values;

  Image() = default;
  /// Zeros.
  explicit Image(const std::array<std::int64_t, 5>& sizes);
  double& at(std::int64_t n, std::int64_t z, std::int64_t y, std::int64_t x, std::int64_t c);
  [[nodiscard]] double at(std::int64_t n, std::int64_t z, std::int64_t y, std::int64_t x,
                          std::int64_t c) const;
  /// f(n, z, y, x, c, element) for every element, in memory order.
  template <class F>
  void for_each(F f) {
    std::size_t i = 0;
    for (std::int64_t n = 0; n < shape[0]; ++n)
      for (std::int64_t z = 0; z < shape[1]; ++z)
        for (std::int64_t y = 0; y < shape[2]; ++y)
          for (std::int64_t x = 0; x < shape[3]; ++x)
            for (std::int64_t c = 0; c < shape[4]; ++c) f(n, z, y, x, c, values[i++]);
  }
  friend bool operator==(const Image&, const Image&) = default;
};

struct Conv {
  convc_conv sizes{};
  std::vector<double> input;
  std::vector<float> kernel, bias;  ///< bias may be empty: none

  /// [batch, depth, height, width, channels] of the input; 0 in `sizes` is 1 here.
  [[nodiscard]] std::array<std::int64_t, 5> in_shape() const;
  [[nodiscard]] std::array<std::int64_t, 5> out_shape() const;
  [[nodiscard]] std::size_t kernel_elements() const;
  /// The reference's output; fails the test when it refuses. Memory ends at the last element.
  [[nodiscard]] Image run() const;
  [[nodiscard]] std::vector<double> magnitude() const;
  void set_input(const Image& image);  ///< with its sizes
  [[nodiscard]] Image input_image() const;
};

/// What a random convolution may have.
struct Features {
  bool padding_modes = true;
  bool transposed = false;
};

/// A convolution with every feature at random: sizes up to 7, strides and dilation up to 3, padding
/// up to 3, groups, bias. Numbers are integers of at most 8, so that sums are exact.
Conv random_conv(std::mt19937& random, const Features& features = {});

/// A number in [low, high].
std::int64_t pick(std::mt19937& random, std::int64_t low, std::int64_t high);
template <class T>
std::vector<T> small_integers(std::mt19937& random, std::size_t count) {
  std::vector<T> values(count);
  for (T& value : values) value = static_cast<T>(pick(random, -8, 8));
  return values;
}

/// For the message of a failing law.
std::string describe(const convc_conv& sizes);

inline constexpr int kRandomConvs = 300;

}  // namespace convc::test
