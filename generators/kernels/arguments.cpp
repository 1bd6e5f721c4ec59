// The buffers of each kernel: roles, extents and strides. No Halide here, so that descriptors can
// be written without it.
#include "generators/kernels/kernel.h"

namespace convc {
namespace {

std::int32_t narrow(std::int64_t value) {
  return static_cast<std::int32_t>(value);
}

/// Dense dimensions from extents given innermost first.
std::vector<ArgumentDim> dense(const std::vector<std::int64_t>& extents) {
  std::vector<ArgumentDim> dims;
  std::int64_t stride = 1;
  for (std::int64_t extent : extents) {
    dims.push_back({narrow(extent), narrow(stride)});
    stride *= extent;
  }
  return dims;
}

}  // namespace

std::vector<KernelArgument> kernel_arguments(const LayerSpec& spec, const Plan& plan) {
  const LayerSpec layer = plan.algorithm == Algorithm::few_channels ? fold_channels(spec) : spec;
  // Pointwise kernels see all pixels of all images as one row.
  const bool flat = plan.algorithm == Algorithm::pointwise;
  auto image = [&](Size2D size, std::int64_t channels) {
    if (flat) return dense({channels, layer.batch * size.height * size.width});
    return dense({channels, size.width, size.height, layer.batch});
  };
  std::vector<KernelArgument> arguments;
  arguments.push_back({ArgumentRole::input, image(layer.in, layer.in_channels)});
  if (!layer.weights_are_literal() || literal_is_packed(layer, plan)) {
    const PackedLayout packed = packed_layout(layer, plan);
    const std::int64_t panels = (layer.filters + packed.filter_panel - 1) / packed.filter_panel;
    arguments.push_back({ArgumentRole::packed_kernel,
                         flat
                             ? dense({packed.filter_panel, packed.channel_block, panels})
                             : dense({packed.filter_panel, packed.channel_block,
                                      layer.kernel_size.width, layer.kernel_size.height,
                                      layer.channels_per_group() / packed.channel_block, panels})});
    if (layer.use_bias) {
      arguments.push_back({ArgumentRole::packed_bias, dense({panels * packed.filter_panel})});
    }
  }
  arguments.push_back({ArgumentRole::output, image(layer.out, layer.filters)});
  return arguments;
}

bool literal_is_packed(const LayerSpec& layer, const Plan& plan) {
  return layer.weights_are_literal() && plan.algorithm != Algorithm::taps &&
         plan.algorithm != Algorithm::separable;
}

}  // namespace convc
