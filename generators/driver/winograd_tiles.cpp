#include "generators/driver/winograd_tiles.h"

#include <algorithm>
#include <cstddef>

namespace convc {

WinogradTransforms transforms_of(const convc_conv& conv, int output_tile) {
  return {*find_winograd_transform(conv.kernel[1], conv.stride[1], output_tile),
          *find_winograd_transform(conv.kernel[2], conv.stride[2], output_tile)};
}

PaddedImage::PaddedImage(const convc_conv& conv, const std::vector<double>& values)
    : channels_(conv.in_channels) {
  // Each channel times one.
  convc_conv copy = conv;
  copy.groups = copy.filters = channels_;
  std::fill_n(copy.kernel, 3, 1);
  std::fill_n(copy.stride, 3, 1);
  convc_reference_output_size(&copy, size_);
  numbers_.resize(
      static_cast<std::size_t>(conv.batch * size_[0] * size_[1] * size_[2] * channels_));
  const std::vector<float> ones(static_cast<std::size_t>(channels_), 1.0F);
  convc_reference_conv(&copy, values.data(), ones.data(), nullptr, numbers_.data(), nullptr);
}

}  // namespace convc
