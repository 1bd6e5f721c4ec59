// The checks of one layer that need no input shape.
#include <algorithm>

#include "dsl/axes.h"
#include "dsl/check_numbers.h"
#include "dsl/resolve.h"
#include "dsl/text.h"
#include "dsl/vocabulary.h"

namespace convc {
namespace {

class LayerChecker {
 public:
  LayerChecker(const LayerDraft& draft, Diagnostics& diagnostics)
      : draft_(draft), type_(*draft.type), diagnostics_(diagnostics) {}

  bool run() {
    if (!draft_.unmatched) check_presence();
    check_sizes();
    check_padding();
    check_groups();
    if (type_.role == LayerRole::convolution) check_kernel();
    check_parameters();
    check_normalization();
    check_finite();
    return ok_;
  }

 private:
  Diagnostic& fail(Code code, SourceRange range, std::string message) {
    ok_ = false;
    return diagnostics_.error(code, range.known() ? range : draft_.callee, std::move(message));
  }

  void need(bool given, std::string_view name, const std::string& help) {
    if (given) return;
    fail(Code::missing_argument, draft_.callee, cat(type_.callable, " needs `", name, "`"))
        .help(help);
  }

  void check_presence() {
    const bool depthwise_only = type_.kind == LayerKind::depthwise_conv;
    if (type_.role == LayerRole::convolution) {
      const std::string example = cat(
          "write ", type_.callable, depthwise_only ? "(" : "(filters=32, ", "kernel_size=3, ...)");
      if (!depthwise_only) need(draft_.filters.present, "filters", example);
      need(draft_.kernel_size.present || draft_.kernel.present, "kernel_size",
           cat(example, ", or give the numbers with ",
               type_.kind == LayerKind::separable_conv ? "depthwise_kernel=" : "kernel="));
    }
    if (type_.role == LayerRole::activation) {
      need(draft_.activation.present, "activation", "write Activation(\"relu\")");
    }
    if (type_.role == LayerRole::rescaling) {
      need(draft_.scale.present, "scale", "write Rescaling(scale=0.5, offset=0)");
    }
  }

  bool check_size(const std::string& what, std::int64_t size, std::int64_t least,
                  SourceRange range) {
    if (size < least) {
      fail(Code::bad_size, range, cat(what, " must be at least ", least, ", not ", size))
          .help(cat("use ", least, " or more"));
      return false;
    }
    if (size > kMaxElements) {
      fail(Code::size_too_large, range, cat(what, " is too large: ", size))
          .note(cat("a size is at most 2^31 - 1 = ", kMaxElements));
      return false;
    }
    return true;
  }

  void check_count(const std::string& what, const Given<std::int64_t>& given) {
    if (given.value) check_size(what, *given.value, 1, given.range);
  }

  void check_sizes(const std::string& what, const Given<Size>& given, std::int64_t least) {
    if (!given.value) return;
    for (const Axis axis : axes_of(type_.rank)) {
      if (!check_size(what, at(*given.value, axis), least, given.range)) return;
    }
  }

  void check_sizes() {
    check_count("`filters`", draft_.filters);
    check_count("`groups`", draft_.groups);
    check_count("`depth_multiplier`", draft_.depth_multiplier);
    check_count("`input_pitch`", draft_.input_pitch);
    check_count("`output_pitch`", draft_.output_pitch);
    check_sizes("`kernel_size`", draft_.kernel_size, 1);
    check_sizes("`strides`", draft_.strides, 1);
    check_sizes("`dilation_rate`", draft_.dilation_rate, 1);
    check_sizes("`output_padding`", draft_.output_padding, 0);
  }

  void check_padding() {
    if (draft_.padding.value) {
      const Padding& pad = draft_.padding.value->pairs;
      const PaddingMode filled = draft_.padding_mode.value_or(PaddingMode::zeros);
      const bool crops = type_.role == LayerRole::zero_padding &&
                         (filled == PaddingMode::zeros || filled == PaddingMode::constant);
      const std::int64_t least = crops ? -kMaxElements : 0;
      for (const Axis axis : axes_of(type_.rank == 0 ? 3 : type_.rank)) {
        if (!check_size("`padding`", before(pad, axis), least, draft_.padding.range)) break;
        if (!check_size("`padding`", after(pad, axis), least, draft_.padding.range)) break;
      }
    }
    const PaddingMode mode = draft_.padding_mode.value_or(PaddingMode::zeros);
    const bool transposed = type_.kind == LayerKind::conv_transpose;
    if (transposed && mode != PaddingMode::zeros) {
      fail(Code::unknown_value, draft_.padding_mode.range,
           "a transposed convolution pads nothing: its `padding_mode` must be \"zeros\"")
          .note("its padding takes away from the output")
          .help("remove `padding_mode`");
    }
    if (draft_.padding_value.present && mode != PaddingMode::constant &&
        !draft_.padding_mode.wrong()) {
      fail(Code::unknown_value, draft_.padding_value.range,
           "`padding_value` is for padding_mode=\"constant\"")
          .help("add padding_mode=\"constant\", or remove it");
    }
    if (transposed && draft_.padding.value && draft_.padding.value->rule == PaddingRule::causal) {
      fail(Code::unknown_value, draft_.padding.range,
           "padding=\"causal\" is for Conv1D, not for a transposed convolution")
          .help("use \"same\" or \"valid\", or pairs such as (0, 2)");
    }
  }

  void check_groups() {
    if (!draft_.groups.value || !draft_.filters.value) return;
    const std::int64_t groups = *draft_.groups.value;
    const std::int64_t filters = *draft_.filters.value;
    if (groups < 1 || filters < 1 || filters % groups == 0) return;
    fail(Code::groups_do_not_divide, draft_.groups.range,
         cat("`groups` ", groups, " does not divide `filters` ", filters))
        .note(cat(filters, " / ", groups, " leaves ", filters % groups));
  }

  // All numbers of a layer are literal, or none.
  void check_kernel() {
    const Given<LiteralRef>& kernel = draft_.kernel;
    const Given<LiteralRef>& pointwise = draft_.pointwise_kernel;
    if (draft_.use_bias.wrong() || draft_.bias.wrong() || kernel.wrong() || pointwise.wrong()) {
      return;
    }
    const bool use_bias = draft_.use_bias.value.value_or(true);
    if (type_.kind == LayerKind::separable_conv && kernel.present != pointwise.present) {
      fail(Code::literal_bias, kernel.present ? kernel.range : pointwise.range,
           cat("`", kernel.present ? "depthwise_kernel" : "pointwise_kernel",
               "` is literal, but the other kernel is not"))
          .help("give both depthwise_kernel= and pointwise_kernel=");
      return;
    }
    if (draft_.bias.present && !use_bias) {
      fail(Code::literal_bias, draft_.bias.range, "`bias` is given, but use_bias=False")
          .help("remove one of the two");
    } else if (draft_.bias.present && !kernel.present) {
      fail(Code::literal_bias, draft_.bias.range, "`bias` is literal, but the kernel is not")
          .help("give the numbers of the kernel too, with kernel=");
    } else if (kernel.present && use_bias && !draft_.bias.present) {
      fail(Code::literal_bias, kernel.range, "`kernel` is literal, but the bias is not")
          .help("add bias=[...], or use_bias=False");
    }
    check_kernel_rank();
  }

  // Its size may be the layer's: without it nothing else can be checked.
  void check_kernel_rank() {
    if (!draft_.kernel.value || draft_.kernel_size.present) return;
    const std::size_t levels = (*draft_.kernel.value)->shape.size();
    const auto rank = static_cast<std::size_t>(type_.rank);
    if (levels == rank || levels == rank + 2) return;
    fail(Code::literal_shape, draft_.kernel.range,
         cat("`kernel` has ", count_of(levels, "level"), " of lists, not ", rank + 2))
        .note(cat("its order is ",
                  kernel_layout_word(draft_.kernel_layout.value_or(KernelLayout::filters_last),
                                     type_.kind, type_.rank)))
        .help(cat("(", axes_text(type_.rank), rank == 1 ? ",)" : ")",
                  " alone is for one input channel and one filter"));
  }

  void check_parameters() {
    if (draft_.epsilon.value && !(*draft_.epsilon.value >= 0)) {
      fail(Code::bad_parameter, draft_.epsilon.range,
           cat("`epsilon` must not be negative: ", *draft_.epsilon.value));
    }
    if (type_.role == LayerRole::prelu && !draft_.shared_axes.present) {
      fail(Code::not_supported_yet, draft_.callee,
           "a PReLU with a slope for each pixel is not supported yet")
          .help("share the slopes of a channel, e.g. shared_axes=[1, 2] for images");
    }
  }

  void check_normalization() {
    if (type_.role != LayerRole::batch_normalization) return;
    struct Part {
      std::string_view name;
      const Given<LiteralRef>& given;
      bool has;
    };
    const Part parts[] = {{"gamma", draft_.gamma, draft_.scales.value_or(true)},
                          {"beta", draft_.beta, draft_.centers.value_or(true)},
                          {"moving_mean", draft_.mean, true},
                          {"moving_variance", draft_.variance, true}};
    const bool any = std::any_of(std::begin(parts), std::end(parts),
                                 [](const Part& part) { return part.given.present; });
    for (const Part& part : parts) {
      if (part.given.present && !part.has) {
        fail(Code::literal_bias, part.given.range,
             cat("`", part.name, "` is given, but this layer has none"))
            .help(cat("remove it, or ", part.name == "gamma" ? "scale" : "center", "=False"));
      } else if (any && part.has && !part.given.present) {
        fail(Code::literal_bias, draft_.callee,
             cat("some numbers of this layer are literal, but `", part.name, "` is not"))
            .help("give all of them, or none");
      }
    }
    if (!draft_.variance.value) return;
    const std::vector<float>& values = (*draft_.variance.value)->values;
    const std::optional<std::string> negative = negative_variance(values);
    if (negative) {
      fail(Code::negative_variance, draft_.variance.range, cat("`moving_variance` ", *negative))
          .note("a variance is a mean of squares");
      return;
    }
    warn_of_zero_root("`moving_variance`", values, draft_.epsilon.value_or(1e-3F),
                      draft_.variance.range, diagnostics_);
  }

  void check_finite() {
    const auto check = [&](std::string_view name, const Given<LiteralRef>& given) {
      if (!given.value) return;
      warn_of_infinite(cat("`", name, "`"), (*given.value)->values,
                       given.range.known() ? given.range : draft_.callee, diagnostics_);
    };
    check("kernel", draft_.kernel);
    check("pointwise_kernel", draft_.pointwise_kernel);
    check("bias", draft_.bias);
    check("alpha", draft_.alpha);
    check("gamma", draft_.gamma);
    check("beta", draft_.beta);
    check("moving_mean", draft_.mean);
    check("moving_variance", draft_.variance);
  }

  const LayerDraft& draft_;
  const LayerType& type_;
  Diagnostics& diagnostics_;
  bool ok_ = true;
};

}  // namespace

bool check_layer(const LayerDraft& draft, Diagnostics& diagnostics) {
  return LayerChecker(draft, diagnostics).run();
}

}  // namespace convc
