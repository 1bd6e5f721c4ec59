// A generator of this project used as any Halide generator: run by Halide's own GenGen, linked with
// Halide's own runtime, called with Halide buffers. Compares with the naive reference.
#include <HalideBuffer.h>

#include <cstdio>
#include <vector>

#include "convc/reference.h"
#include "plain_halide_conv.h"

int main() {
  constexpr int kSize = 9, kChannels = 5, kFilters = 12, kPanel = 16;
  Halide::Runtime::Buffer<float> input(kChannels, kSize, kSize, 1, 1, 1);
  Halide::Runtime::Buffer<float> packed(kPanel, kChannels, 3, 3, 1, 1, 1, 1);
  Halide::Runtime::Buffer<float> bias(kPanel, 1);
  Halide::Runtime::Buffer<float> output(kFilters, kSize, kSize, 1, 1, 1);
  std::vector<float> kernel(9 * kChannels * kFilters);  // HWIO
  for (std::size_t i = 0; i < input.number_of_elements(); ++i) {
    input.data()[i] = static_cast<float>(i % 7) - 3;
  }
  for (std::size_t i = 0; i < kernel.size(); ++i) kernel[i] = static_cast<float>(i % 5) - 2;
  packed.fill(0.0F);
  for (std::size_t tap = 0; tap < 9 * kChannels; ++tap) {
    for (std::size_t k = 0; k < kFilters; ++k) {
      packed.data()[tap * kPanel + k] = kernel[tap * kFilters + k];
    }
  }
  for (int k = 0; k < kPanel; ++k) bias(k, 0) = static_cast<float>(k);
  if (plain_halide_conv(input, packed, bias, output) != 0) return 1;

  convc_conv conv{};
  conv.in_channels = kChannels;
  conv.filters = kFilters;
  for (int axis = 1; axis < 3; ++axis) {
    conv.in[axis] = kSize;
    conv.kernel[axis] = 3;
    conv.pad_before[axis] = conv.pad_after[axis] = 1;
  }
  const std::vector<double> in_double(input.data(), input.data() + input.number_of_elements());
  std::vector<double> expected(output.number_of_elements());
  if (convc_reference_conv(&conv, in_double.data(), kernel.data(), bias.data(), expected.data(),
                           nullptr) != 0) {
    return 1;
  }
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (static_cast<double>(output.data()[i]) != expected[i]) {
      std::printf("element %zu: expected %g, got %g\n", i, expected[i],
                  static_cast<double>(output.data()[i]));
      return 1;
    }
  }
  std::puts("plain Halide: all elements equal");
  return 0;
}
