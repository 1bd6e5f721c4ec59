// Padding and output sizes of transposed convolutions: Keras' rules, and ONNX's for explicit pairs.
#include <algorithm>

#include "dsl/axes.h"
#include "dsl/resolving.h"
#include "dsl/text.h"

namespace convc {
namespace {

// One axis. Everything that the taps reach is `full` = (in - 1) * stride + span elements; the
// output is out = full - before - after + output_padding of them, where one of the last two is zero
// unless output_padding was given.
struct TransposedAxis {
  std::int64_t before = 0, after = 0, output_padding = 0, out = 0;
};

TransposedAxis resolve_axis(std::int64_t in, std::int64_t span, std::int64_t stride,
                            const PaddingDraft& padding, Axis axis,
                            std::optional<std::int64_t> output_padding) {
  const std::int64_t full = (in - 1) * stride + span;
  TransposedAxis result;
  if (padding.rule == PaddingRule::explicit_pairs) {
    result.before = before(padding.pairs, axis);
    result.after = after(padding.pairs, axis);
    result.output_padding = output_padding.value_or(0);
    result.out = full - result.before - result.after + result.output_padding;
    return result;
  }
  if (padding.rule == PaddingRule::valid) {
    result.output_padding = output_padding.value_or(std::max<std::int64_t>(stride - span, 0));
    result.out = full + result.output_padding;
    return result;
  }
  // "same": in * stride, or Keras' size for a given output_padding. What is too much is cut off on
  // both sides, an odd element after the image, or before it for SAME_LOWER.
  result.out = output_padding ? (in - 1) * stride + span % 2 + *output_padding : in * stride;
  const std::int64_t cut = full - result.out;
  const bool lower = padding.rule == PaddingRule::same_lower;
  result.before = cut > 0 ? (cut + (lower ? 1 : 0)) / 2 : 0;
  const std::int64_t rest = cut - result.before;
  result.output_padding = output_padding.value_or(std::max<std::int64_t>(-rest, 0));
  result.after = rest + result.output_padding;
  return result;
}

bool check_output_padding(Resolving& r) {
  if (!r.draft.output_padding.value) return true;
  const LayerSpec& layer = r.layer;
  for (const Axis axis : axes_of(layer.rank)) {
    const std::int64_t given = at(*r.draft.output_padding.value, axis);
    const std::int64_t stride = at(layer.strides, axis);
    if (given < std::max(stride, at(layer.dilation_rate, axis))) continue;
    r.fail(Code::output_padding, r.draft.output_padding.range,
           cat("`output_padding` ", given, " is not less than the stride ", stride, " of the ",
               name_of(axis)))
        .note("it chooses one of the output sizes that a convolution of that stride makes one of")
        .help(cat("use at most ", stride - 1));
    return false;
  }
  return true;
}

bool check_output(Resolving& r, Axis axis, const TransposedAxis& resolved, std::int64_t span) {
  const LayerSpec& layer = r.layer;
  const std::string arithmetic =
      cat("output ", name_of(axis), " = (", at(layer.in, axis), " - 1) * ", at(layer.strides, axis),
          " + ", span, " - ", resolved.before, " - ", resolved.after, " + ",
          resolved.output_padding, " = ", resolved.out);
  if (resolved.out < 1) {
    r.fail(Code::filter_too_large,
           r.draft.padding.present ? r.draft.padding.range : r.kernel_range(),
           cat("the padding takes away the whole ", name_of(axis), " of the output"))
        .note(arithmetic)
        .help("use less padding");
    return false;
  }
  if (resolved.out <= kMaxElements || !r.mode.count) return true;
  r.fail(Code::size_too_large, r.draft.callee,
         cat("the ", name_of(axis), " of the output is too large"))
      .note(arithmetic)
      .note(cat("a size is at most 2^31 - 1 = ", kMaxElements));
  return false;
}

}  // namespace

bool resolve_transpose(Resolving& r) {
  LayerSpec& layer = r.layer;
  if (!check_output_padding(r)) return false;
  const PaddingDraft padding = r.draft.padding.value_or({});
  layer.padding_rule = padding.rule;
  layer.output_padding_given = r.draft.output_padding.value.has_value();
  const Size span = span_of(layer);
  for (const Axis axis : axes_of(layer.rank)) {
    const std::optional<std::int64_t> given =
        layer.output_padding_given ? std::optional(at(*r.draft.output_padding.value, axis))
                                   : std::nullopt;
    const TransposedAxis resolved = resolve_axis(at(layer.in, axis), at(span, axis),
                                                 at(layer.strides, axis), padding, axis, given);
    before(layer.padding, axis) = resolved.before;
    after(layer.padding, axis) = resolved.after;
    at(layer.output_padding, axis) = resolved.output_padding;
    at(layer.out, axis) = resolved.out;
    if (!check_output(r, axis, resolved, at(span, axis))) return false;
  }
  return true;
}

}  // namespace convc
