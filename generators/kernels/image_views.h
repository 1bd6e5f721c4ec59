// How kernels see the images of a layer: extents and strides of every buffer as products of sizes,
// pixels merged into one row, channels folded into columns. No Halide.
#pragma once

#include <span>

#include "generators/kernels/kernel.h"

namespace convc {

/// A size that is known when the kernel is made.
inline SizeProduct fixed(std::int64_t value) {
  return {value, {}};
}

/// Indices into kernel_sizes; -1: the size is fixed.
struct SizeIndices {
  int batch = -1;
  int in_height = -1, in_width = -1;
  int out_height = -1, out_width = -1;
  int whole_height = -1, whole_width = -1;  ///< of the tensor that OutputView is a part of
};
SizeIndices size_indices(const LayerSpec& layer);

/// The input, the output and the operand of post_op `index`, before any merging. Of softmax
/// and its kin with the axis that they go over in the place of the channels (exchange_channels).
KernelArgument input_image(const LayerSpec& layer, const Plan& plan);
KernelArgument output_image(const LayerSpec& layer, const Plan& plan);
KernelArgument operand_image(const LayerSpec& layer, const Plan& plan, int post_op);

/// True for add and multiply.
bool has_operand(const PostOp& op);

/// True when the kernel takes its weights from packed arrays.
bool is_packed(const LayerSpec& layer, const Plan& plan);

/// few_channels: the buffer of the input has its channels folded into columns. Where they are not
/// neighbours in memory, or padding is made of pixels, the copy of a task folds them.
bool folds_buffer(const LayerSpec& layer, const Plan& plan);

/// True where the kernel sees pixels as one row, as far as the images allow: flat plans, and layers
/// without filter and padding. The input of a subsampled plan keeps its rows: a task picks pixels.
bool merges_pixels(const LayerSpec& layer, const Plan& plan);

/// All pixels that every image allows become one row. Merges the dimensions of `images`
/// in place, and gives the layer with sizes as its loops see them.
LayerSpec merge_pixels(const LayerSpec& layer, std::span<KernelArgument> images);

/// The layer with sizes as the loops of its kernel see them.
LayerSpec as_computed(const LayerSpec& layer, const Plan& plan);

}  // namespace convc
