// Padding and output sizes of convolutions that are not transposed, and of padding alone.
#include <algorithm>

#include "dsl/axes.h"
#include "dsl/resolving.h"
#include "dsl/text.h"
#include "dsl/vocabulary.h"

namespace convc {
namespace {

void set_padding(Resolving& r) {
  LayerSpec& layer = r.layer;
  const PaddingDraft padding = r.draft.padding.value_or({});
  layer.padding_rule = padding.rule;
  layer.padding = padding.pairs;
  if (padding.rule == PaddingRule::valid || padding.rule == PaddingRule::explicit_pairs) return;
  for (const Axis axis : axes_of(layer.rank)) {
    AxisPadding pads;
    if (padding.rule == PaddingRule::causal) {
      pads.before = (at(layer.kernel_size, axis) - 1) * at(layer.dilation_rate, axis);
    } else {
      pads = same_padding(at(layer.in, axis), at(layer.kernel_size, axis), at(layer.strides, axis),
                          at(layer.dilation_rate, axis), padding.rule == PaddingRule::same_lower);
    }
    before(layer.padding, axis) = pads.before;
    after(layer.padding, axis) = pads.after;
  }
}

Size padded_size(const LayerSpec& layer) {
  Size padded = layer.in;
  for (const Axis axis : axes_of(layer.rank)) {
    at(padded, axis) += before(layer.padding, axis) + after(layer.padding, axis);
  }
  return padded;
}

std::string padded_note(const LayerSpec& layer, const Size& padded) {
  std::string note;
  for (const Axis axis : axes_of(layer.rank)) {
    note += cat(note.empty() ? "" : ", ", "padded ", name_of(axis), " = ", at(layer.in, axis),
                " + ", before(layer.padding, axis), " + ", after(layer.padding, axis), " = ",
                at(padded, axis));
  }
  return note;
}

bool report_filter(Resolving& r, const Size& span, const Size& padded) {
  const LayerSpec& layer = r.layer;
  const bool dilated = span != layer.kernel_size;
  Diagnostic& error =
      r.fail(Code::filter_too_large, r.kernel_range(),
             cat(dilated ? "dilated filter " : "filter ", times_text(span, layer.rank),
                 " does not fit the padded input ", times_text(padded, layer.rank)));
  if (dilated) {
    std::string note;
    for (const Axis axis : axes_of(layer.rank)) {
      note += cat(note.empty() ? "" : ", ", "dilated ", name_of(axis), " = (",
                  at(layer.kernel_size, axis), " - 1) * ", at(layer.dilation_rate, axis),
                  " + 1 = ", at(span, axis));
    }
    error.note(note);
  }
  error.note(padded_note(layer, padded));
  error.help(cat("use padding=\"same\", or a ", dilated ? "dilated " : "", "filter of at most ",
                 times_text(padded, layer.rank)));
  return false;
}

bool check_padded(Resolving& r, const Size& padded) {
  for (const Axis axis : axes_of(r.layer.rank)) {
    if (at(padded, axis) <= kMaxElements || !r.mode.count) continue;
    r.fail(Code::size_too_large, r.draft.padding.range,
           cat("the padded input is too large: ", times_text(padded, r.layer.rank)))
        .note(padded_note(r.layer, padded))
        .note(cat("a size is at most 2^31 - 1 = ", kMaxElements));
    return false;
  }
  return true;
}

}  // namespace

AxisPadding same_padding(std::int64_t in, std::int64_t filter, std::int64_t stride,
                         std::int64_t dilation, bool lower) {
  const std::int64_t out = (in - 1) / stride + 1;
  const std::int64_t last_window_end = (out - 1) * stride + (filter - 1) * dilation + 1;
  const std::int64_t total = std::max<std::int64_t>(last_window_end - in, 0);
  const std::int64_t half = total / 2;
  return lower ? AxisPadding{total - half, half} : AxisPadding{half, total - half};
}

bool check_padding_mode(Resolving& r) {
  const LayerSpec& layer = r.layer;
  const bool reflect = layer.padding_mode == PaddingMode::reflect;
  if (!reflect && layer.padding_mode != PaddingMode::circular) return true;
  for (const Axis axis : axes_of(layer.rank)) {
    const std::int64_t most = at(layer.in, axis) - (reflect ? 1 : 0);
    const std::int64_t pad = std::max(before(layer.padding, axis), after(layer.padding, axis));
    if (pad <= most) continue;
    r.fail(Code::padding_too_large,
           r.draft.padding_mode.present ? r.draft.padding_mode.range : r.draft.padding.range,
           cat(padding_mode_word(layer.padding_mode), " padding of ", pad, " is ",
               reflect ? "not less than" : "more than", " the ", name_of(axis), " ",
               at(layer.in, axis)))
        .note(reflect ? "the border element itself is not repeated, so there are size - 1 others"
                      : "there are only that many elements to repeat")
        .help("use padding_mode=\"replicate\", or less padding");
    return false;
  }
  return true;
}

bool resolve_convolution(Resolving& r) {
  LayerSpec& layer = r.layer;
  set_padding(r);
  const Size padded = padded_size(layer);
  const Size span = span_of(layer);
  for (const Axis axis : axes_of(layer.rank)) {
    if (at(span, axis) > at(padded, axis)) return report_filter(r, span, padded);
  }
  if (!check_padded(r, padded) || !check_padding_mode(r)) return false;
  for (const Axis axis : axes_of(layer.rank)) {
    at(layer.out, axis) = (at(padded, axis) - at(span, axis)) / at(layer.strides, axis) + 1;
  }
  return true;
}

bool resolve_elementwise(Resolving& r) {
  LayerSpec& layer = r.layer;
  const LayerDraft& draft = r.draft;
  layer.filters = layer.in_channels;
  set_padding(r);
  layer.out = padded_size(layer);
  for (const Axis axis : axes_of(layer.rank)) {
    if (at(layer.out, axis) >= 1) continue;
    r.fail(Code::bad_size, r.draft.padding.range,
           cat("nothing of the ", name_of(axis), " is left: ", at(layer.out, axis)))
        .note(padded_note(layer, layer.out))
        .help("negative padding takes away; take less");
    return false;
  }
  if (!check_padded(r, layer.out) || !check_padding_mode(r)) return false;

  PostOp op;
  op.name = layer.name;
  switch (draft.type->role) {
    case LayerRole::activation:
      op.activation = r.activation();
      if (op.activation.function == ActivationFunction::linear) return true;
      if (op.activation.function == ActivationFunction::glu) {
        along(op.activation.axis, layer.out, layer.filters) /= 2;
      }
      break;
    case LayerRole::prelu:
      op.kind = PostOpKind::prelu;
      op.alpha = draft.alpha.value_or(nullptr);
      break;
    case LayerRole::batch_normalization:
      op.kind = PostOpKind::batch_normalization;
      op.epsilon = draft.epsilon.value_or(1e-3F);
      op.scales = draft.scales.value_or(true);
      op.centers = draft.centers.value_or(true);
      op.gamma = draft.gamma.value_or(nullptr);
      op.beta = draft.beta.value_or(nullptr);
      op.mean = draft.mean.value_or(nullptr);
      op.variance = draft.variance.value_or(nullptr);
      break;
    case LayerRole::rescaling:
      op.kind = PostOpKind::rescaling;
      op.scale = *draft.scale.value;
      op.offset = draft.offset.value_or(0);
      break;
    case LayerRole::add:
      op.kind = PostOpKind::add;
      break;
    case LayerRole::multiply:
      op.kind = PostOpKind::multiply;
      break;
    case LayerRole::convolution:
    case LayerRole::zero_padding:
    case LayerRole::identity:
      return true;
  }
  layer.post_ops = {op};
  return true;
}

}  // namespace convc
