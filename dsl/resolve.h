// Resolves one layer: from what was said to every size a later room needs. All arithmetic is
// checked for overflow; the words of an error show the numbers that failed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "dsl/diagnostics.h"
#include "dsl/draft.h"
#include "dsl/layer_spec.h"

namespace convc {

/// What a layer reads, whatever its layout.
struct InputShape {
  std::int64_t batch = 1;
  Size size;
  std::int64_t channels = 1;
  int rank = 2;
  friend bool operator==(const InputShape&, const InputShape&) = default;
};

/// "(28, 28, 1)": sizes and channels as they are written in a layout.
std::string shape_text(const InputShape& shape, Layout layout = Layout::channels_last);

/// Sizes known only at run time are tried at the ends of their ranges.
struct ResolveMode {
  bool count = true;  ///< whether the elements of tensors and the multiply-adds are limited
  std::string note;   ///< added to every error, e.g. "at the least sizes: height = 1"
};

/// Checks what needs no input shape: presence, signs, literal numbers. Reports every problem.
bool check_layer(const LayerDraft& draft, Diagnostics& diagnostics);

/// The layer with all its sizes, but for its forms, open sizes, operands and location.
/// Precondition: check_layer(draft) holds, !draft.broken, and the sizes of the input are in [1,
/// kMaxElements]. `layout` is that of what the layer makes: it says which axis is the last. Reports
/// and returns nullopt when the layer does not fit the input.
std::optional<LayerSpec> resolve_layer(const LayerDraft& draft, const InputShape& input,
                                       Layout layout, const ResolveMode& mode,
                                       Diagnostics& diagnostics);

/// What the layer makes.
InputShape output_of(const LayerSpec& layer);

/// One axis of SAME: out = ceil(in / stride), and as much padding as the last window needs. An odd
/// element is after the input (TensorFlow, SAME_UPPER) or, `lower`, before it. All arguments are in
/// [1, kMaxElements].
struct AxisPadding {
  std::int64_t before = 0, after = 0;
};
AxisPadding same_padding(std::int64_t in, std::int64_t filter, std::int64_t stride,
                         std::int64_t dilation, bool lower = false);

}  // namespace convc
