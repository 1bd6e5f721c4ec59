// The one file that maps names of dimensions to Halide's order. Halide counts dimensions from the
// innermost; our shapes are written outermost first. No Halide.
#pragma once

namespace convc {

/// Places of the dimensions of an image [group, batch, plane, row, column, channel of the group].
namespace image_dim {
enum : int { channel, column, row, plane, batch, group, count };
}

/// Places of the dimensions of packed filters [group, panel, block of channels, plane, row, column,
/// channel of the block, filter of the panel].
namespace filter_dim {
enum : int { filter, channel, column, row, plane, block, panel, group, count };
}

/// Places of the dimensions of a channel vector [group, filter].
namespace vector_dim {
enum : int { filter, group, count };
}

}  // namespace convc
