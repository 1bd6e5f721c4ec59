// Resolves one layer: from what was said to every size a later room needs. All arithmetic is
// checked for overflow; the words of an error show the numbers that failed.
#pragma once

#include <cstdint>
#include <optional>

#include "dsl/diagnostics.h"
#include "dsl/draft.h"
#include "dsl/layer_spec.h"

namespace convc {

/// Sizes, strides and dilations, and the elements of every tensor, are at most this: generated code
/// computes indices in 32 bits.
inline constexpr std::int64_t kMaxElements = (std::int64_t{1} << 31) - 1;

/// What a layer reads: [batch, size.height, size.width, channels].
struct InputShape {
  std::int64_t batch = 1;
  Size2D size;
  std::int64_t channels = 1;
  friend bool operator==(const InputShape&, const InputShape&) = default;
};

/// Checks what needs no input shape: presence, signs, literal numbers. Reports every problem.
bool check_layer(const LayerDraft& draft, Diagnostics& diagnostics);

/// True when the sizes of an input are in range; otherwise reports at the range of the shape or of
/// the batch.
bool check_input(const InputShape& input, SourceRange shape, SourceRange batch,
                 Diagnostics& diagnostics);

/// The layer with all its sizes. Precondition: check_layer(draft) and check_input(input) hold and
/// !draft.broken. Reports and returns nullopt when the layer does not fit the input.
std::optional<LayerSpec> resolve_layer(const LayerDraft& draft, const InputShape& input,
                                       Diagnostics& diagnostics);

/// One axis of TensorFlow's SAME: out = ceil(in / stride), and as many zeros as the last window
/// needs, the odd one after the input. All arguments are in [1, kMaxElements].
struct AxisPadding {
  std::int64_t before = 0, after = 0;
};
AxisPadding same_padding(std::int64_t in, std::int64_t filter, std::int64_t stride,
                         std::int64_t dilation);

}  // namespace convc
