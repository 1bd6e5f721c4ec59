// The parts of resolve_layer (dsl/resolve.h), one per file. Of this room only.
#pragma once

#include <string>
#include <vector>

#include "dsl/resolve.h"

namespace convc {

struct Resolving {
  const LayerDraft& draft;
  const InputShape& input;
  Layout layout;  ///< of what the layer makes
  const ResolveMode& mode;
  Diagnostics& diagnostics;
  LayerSpec layer = {};

  /// Reports at `range`, or at the layer's name when it is not known.
  Diagnostic& fail(Code code, SourceRange range, const std::string& message) {
    Diagnostic& error = diagnostics.error(code, range.known() ? range : draft.callee, message);
    if (!mode.note.empty()) error.note(mode.note);
    return error;
  }
  /// What the layer applies, with the axis that softmax and its kin go over: as in Keras the last
  /// one, unless `axis` says another. Precondition: the draft has an activation.
  [[nodiscard]] Activation activation() const;
  [[nodiscard]] SourceRange kernel_range() const {
    return draft.kernel_size.present ? draft.kernel_size.range : draft.kernel.range;
  }
};

// Each sets its part of `layer`; false, and reported, when something does not fit.
bool resolve_convolution(Resolving& r);  ///< padding and output of conv, depthwise, separable
bool resolve_transpose(Resolving& r);
bool resolve_elementwise(Resolving& r);
bool check_literals(Resolving& r);  ///< shapes of the literal numbers
/// Reflected and circular padding is within the image.
bool check_padding_mode(Resolving& r);
/// The elements of a tensor. The sizes are in [1, kMaxElements].
bool check_elements(Resolving& r, const std::string& what, const std::vector<std::int64_t>& shape,
                    SourceRange range);

/// (filter - 1) * dilation + 1, which fits: both are below 2^31.
Size span_of(const LayerSpec& layer);

}  // namespace convc
