#include "tests/driver/broken_kernel.h"

#include <algorithm>
#include <cstring>

namespace convc::test {

Defect defect = Defect::none;
bool pitched = false;

namespace {

int calls = 0;

LayerSizes sizes_of(bool is_pitched) {
  LayerSizes sizes{kBatch, kHeight, kWidth, kChannels, kFilters, kPanel};
  if (is_pitched) {
    sizes.in_pitch = kInPitch;
    sizes.out_pitch = kOutPitch;
  }
  return sizes;
}
LayerSizes sizes() {
  return sizes_of(pitched);
}

float padded_input(const float* input, std::int64_t n, std::int64_t y, std::int64_t x,
                   std::int64_t c) {
  if (defect == Defect::wrong_border) {
    y = std::clamp<std::int64_t>(y, 0, kHeight - 1);
    x = std::clamp<std::int64_t>(x, 0, kWidth - 1);
  }
  if (y < 0 || y >= kHeight || x < 0 || x >= kWidth) return 0;
  return input[(n * kHeight + y) * sizes().in_row() + x * kChannels + c];
}

/// Taps of row `y` that a kernel leaves out, though it must not.
bool leaves_out(std::int64_t y, std::int64_t tap) {
  return (defect == Defect::leaves_out_image_row && y == kHeight - 1 && tap == 1) ||
         (defect == Defect::keeps_border_taps && y == 1 && tap == 0);
}

float output_at(const float* input, const float* kernel, const float* bias, std::int64_t n,
                std::int64_t y, std::int64_t x, std::int64_t k) {
  float sum = defect == Defect::forgets_bias ? 0 : bias[k];
  for (std::int64_t i = 0; i < 3; ++i)
    for (std::int64_t j = 0; j < 3; ++j)
      for (std::int64_t c = 0; c < kChannels; ++c) {
        if (leaves_out(y, i)) continue;
        if (defect == Defect::forgets_channel && k == kFilters - 1 && c == kChannels - 1) continue;
        const std::int64_t row = defect == Defect::flipped_filter ? 2 - i : i;
        // Packed: [panel][kernel row][kernel column][channel][filter of the panel].
        const float weight = kernel[((row * 3 + j) * kChannels + c) * kPanel + k];
        sum += weight * padded_input(input, n, y + i - 1, x + j - 1, c);
      }
  if (defect == Defect::rounds_to_half) {
    std::uint32_t bits = 0;
    std::memcpy(&bits, &sum, sizeof bits);
    bits &= 0xffffe000u;  // 10 bits of fraction
    std::memcpy(&sum, &bits, sizeof bits);
  }
  return defect == Defect::no_relu || sum > 0 ? sum : 0;
}

std::int32_t run(void** argv) {
  float* input = floats(argv, 1);
  const float* kernel = floats(argv, 2);
  const float* bias = floats(argv, 3);
  float* output = floats(argv, 4);
  constexpr std::int64_t kInputs = kBatch * kHeight * kInRow;
  constexpr std::int64_t kOutputs = kBatch * kHeight * kOutRow;
  ++calls;
  for (std::int64_t n = 0; n < kBatch; ++n)
    for (std::int64_t y = 0; y < kHeight; ++y)
      for (std::int64_t x = 0; x < kWidth; ++x)
        for (std::int64_t k = 0; k < kFilters; ++k) {
          const std::int64_t row = n * kHeight + y, at = row * sizes().out_row() + x * kFilters + k;
          if (defect == Defect::skips_last && at == kOutputs - 1) continue;
          output[at] = output_at(input, kernel, bias, n, y, x, k);
          if (defect == Defect::reads_gaps) output[at] += input[kInRow] * 0;
        }
  volatile float* volatile_input = input;
  switch (defect) {
    case Defect::reads_beyond:
      (void)volatile_input[kInputs];
      break;
    case Defect::reads_before:
      (void)volatile_input[-1];
      break;
    case Defect::writes_beyond:
      output[kOutputs] = 0;
      break;
    case Defect::changes_input:
      volatile_input[3] = 0;
      break;
    case Defect::keeps_state:
      if (calls % 2 == 0) output[7] = -output[7] - 1;
      break;
    case Defect::writes_gaps:
      output[kOutRow] = 1;
      break;
    case Defect::returns_error:
      return -1;
    default:
      break;
  }
  return 0;
}

}  // namespace

Graph make_graph() {
  return make_graph(sizes());
}

const convc_kernel* descriptor() {
  static const HandwrittenKernel kernels[] = {{sizes_of(false), run}, {sizes_of(true), run}};
  return kernels[pitched ? 1 : 0].descriptor();
}

}  // namespace convc::test
