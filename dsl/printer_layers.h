// Layers as calls in spec text. Of the printer only.
#pragma once

#include <string>
#include <vector>

#include "dsl/layer_spec.h"
#include "dsl/module.h"

namespace convc {

/// "3", "None" or "Dim(min=1, max=8)".
std::string dim_text(const Dim& dim);

/// Sizes without the batch, e.g. "(28, 28, 1)". `shape` begins with the batch.
std::string shape_text(const std::vector<Dim>& shape);

/// A call without its end: `Conv2D(filters=32, kernel_size=3` or `ReLU(`. Of a convolution with
/// post_ops the first one is its own activation when it can be; `*done` says how many are told.
std::string open_call(const LayerSpec& layer, std::size_t* done);

/// The same for one post_op of a layer as a layer of its own.
std::string open_post_op(const PostOp& op, const LayerSpec& layer);

/// Adds an argument: with a comma unless it is the first one.
void add_argument(std::string* call, const std::string& argument);

}  // namespace convc
