// Resizing: a layer as it stands for another size of its input. For sizes known only at run time.
#pragma once

#include <cstdint>

#include "dsl/layer_spec.h"

namespace convc {

/// The layer for an input of `batch` and `in`, all of its sizes fixed: padding by its rule and the
/// size of the output, which is below 1 where the filter does not fit. Precondition: the sizes are
/// in [1, kMaxElements].
LayerSpec resized(LayerSpec layer, std::int64_t batch, const Size& in);

}  // namespace convc
