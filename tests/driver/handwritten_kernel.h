// The graph and the descriptor of a 3x3 convolution with one row and column of padding on each
// side, bias and relu, whose kernel is a function of a test.
#pragma once

#include <cstdint>

#include "convc/kernel_abi.h"
#include "dsl/module.h"

namespace convc::test {

struct LayerSizes {
  std::int64_t batch = 1, height = 1, width = 1, channels = 1, filters = 1;
  std::int64_t panel = 1;                    ///< filters, padded: all are one panel
  std::int64_t in_pitch = 0, out_pitch = 0;  ///< numbers from row to row; 0: as few as there are
  std::int64_t stride = 1;

  [[nodiscard]] constexpr std::int64_t out_height() const { return (height - 1) / stride + 1; }
  [[nodiscard]] constexpr std::int64_t out_width() const { return (width - 1) / stride + 1; }
  [[nodiscard]] std::int64_t in_row() const { return in_pitch ? in_pitch : width * channels; }
  [[nodiscard]] std::int64_t out_row() const {
    return out_pitch ? out_pitch : out_width() * filters;
  }
};

/// What the kernel computes.
Graph make_graph(const LayerSizes& sizes);

/// First element of the buffer that is argument `index` of a step: 1 is the input, 2 the packed
/// kernel, 3 the packed bias, 4 the output.
float* floats(void** argv, int index);

/// The descriptor that convc would emit. Where `transform` is no null pointer, the packing
/// transforms filters along both axes to `transformed` numbers.
class HandwrittenKernel {
 public:
  HandwrittenKernel(const LayerSizes& sizes, std::int32_t (*run)(void** argv),
                    const double* transform = nullptr, std::int64_t transformed = 0);
  HandwrittenKernel(const HandwrittenKernel&) = delete;
  HandwrittenKernel& operator=(const HandwrittenKernel&) = delete;

  [[nodiscard]] const convc_kernel* descriptor() const { return &kernel_; }

 private:
  void set_packings(const LayerSizes& sizes, const double* transform, std::int64_t transformed);

  std::int64_t input_shape_[4], output_shape_[4], kernel_shape_[4], bias_shape_[1];
  convc_tensor input_{}, output_{}, variables_[2]{};
  convc_packing packings_[2]{};
  convc_argument arguments_[4]{};
  convc_step step_{};
  convc_variant variant_{};
  convc_kernel kernel_{};
};

}  // namespace convc::test
