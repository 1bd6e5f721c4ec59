// The shape arithmetic of one layer. What needs no input shape is in check_layer.cpp.
#include "dsl/resolve.h"

#include <algorithm>
#include <vector>

#include "dsl/cost.h"
#include "dsl/text.h"

namespace convc {
namespace {

std::string times(const Size2D& size) {
  return cat(size.height, "x", size.width);
}

class Resolver {
 public:
  Resolver(const LayerDraft& draft, const InputShape& input, Diagnostics& diagnostics)
      : draft_(draft), input_(input), diagnostics_(diagnostics) {}

  std::optional<LayerSpec> run() {
    copy_values();
    if (!check_channels() || !check_kernel_shape()) return std::nullopt;
    set_padding();
    if (!set_output() || !check_tensors()) return std::nullopt;
    return std::move(layer_);
  }

 private:
  void copy_values() {
    layer_.name = draft_.name;
    layer_.batch = input_.batch;
    layer_.in = input_.size;
    layer_.in_channels = input_.channels;
    layer_.filters = *draft_.filters.value;
    layer_.strides = draft_.strides.value.value_or(Size2D{});
    layer_.dilation_rate = draft_.dilation_rate.value.value_or(Size2D{});
    layer_.groups = draft_.groups.value.value_or(1);
    layer_.activation = draft_.activation.value.value_or(Activation::linear);
    layer_.use_bias = draft_.use_bias.value.value_or(true);
    layer_.kernel = draft_.kernel.value.value_or(nullptr);
    layer_.bias = draft_.bias.value.value_or(nullptr);
    if (layer_.kernel && layer_.kernel->shape.size() == 2) {
      Literal full = *layer_.kernel;
      full.shape.insert(full.shape.end(), {1, 1});
      layer_.kernel = std::make_shared<const Literal>(std::move(full));
    }
    layer_.kernel_size = draft_.kernel_size.value
                             ? *draft_.kernel_size.value
                             : Size2D{layer_.kernel->shape[0], layer_.kernel->shape[1]};
    layer_.location = diagnostics_.locate(draft_.callee);
  }

  SourceRange range_or_call(SourceRange range) const {
    return range.known() ? range : draft_.callee;
  }
  SourceRange kernel_range() const {
    return range_or_call(draft_.kernel_size.present ? draft_.kernel_size.range
                                                    : draft_.kernel.range);
  }

  bool check_channels() {
    if (layer_.in_channels % layer_.groups == 0) return true;
    diagnostics_
        .error(Code::groups_do_not_divide, range_or_call(draft_.groups.range),
               cat("`groups` ", layer_.groups, " does not divide the ", layer_.in_channels,
                   " channels of the input"))
        .note(cat(layer_.in_channels, " / ", layer_.groups, " leaves ",
                  layer_.in_channels % layer_.groups))
        .help("choose a divisor of both the input's channels and `filters`");
    return false;
  }

  bool check_kernel_shape() {
    if (!layer_.kernel) return true;
    const std::int64_t channels = layer_.channels_per_group();
    if (layer_.kernel->shape[2] == channels) return true;
    const bool short_form = draft_.kernel.value.value()->shape.size() == 2;
    diagnostics_
        .error(Code::literal_shape, range_or_call(draft_.kernel.range),
               cat("`kernel` is for ",
                   count_of(static_cast<std::size_t>(layer_.kernel->shape[2]), "input channel"),
                   ", but there are ", channels, layer_.groups == 1 ? "" : " in each group"))
        .note(cat("its shape must be (", layer_.kernel_size.height, ", ", layer_.kernel_size.width,
                  ", ", channels, ", ", layer_.filters,
                  "): height, width, input channels, filters"))
        .help(short_form ? "(height, width) alone is for one input channel and one filter"
                         : "change `kernel` or the channels of the input");
    return false;
  }

  void set_padding() {
    const PaddingDraft padding = draft_.padding.value.value_or(PaddingDraft{});
    layer_.padding_mode = padding.mode;
    if (padding.mode == PaddingMode::explicit_pairs) layer_.padding = padding.pairs;
    if (padding.mode != PaddingMode::same) return;
    const AxisPadding rows = same_padding(layer_.in.height, layer_.kernel_size.height,
                                          layer_.strides.height, layer_.dilation_rate.height);
    const AxisPadding columns = same_padding(layer_.in.width, layer_.kernel_size.width,
                                             layer_.strides.width, layer_.dilation_rate.width);
    layer_.padding = {rows.before, rows.after, columns.before, columns.after};
  }

  // (filter - 1) * dilation + 1, which fits: both are below 2^31.
  Size2D extent() const {
    return {(layer_.kernel_size.height - 1) * layer_.dilation_rate.height + 1,
            (layer_.kernel_size.width - 1) * layer_.dilation_rate.width + 1};
  }

  bool set_output() {
    const Padding2D& pad = layer_.padding;
    padded_ = {layer_.in.height + pad.top + pad.bottom, layer_.in.width + pad.left + pad.right};
    const Size2D window = extent();
    if (window.height > padded_.height || window.width > padded_.width) {
      return report_filter(window);
    }
    for (const std::int64_t size : {padded_.height, padded_.width}) {
      if (size <= kMaxElements) continue;
      diagnostics_
          .error(Code::size_too_large, range_or_call(draft_.padding.range),
                 cat("the padded input is too large: ", times(padded_)))
          .note(padded_note())
          .note(cat("a size is at most 2^31 - 1 = ", kMaxElements));
      return false;
    }
    layer_.out = {(padded_.height - window.height) / layer_.strides.height + 1,
                  (padded_.width - window.width) / layer_.strides.width + 1};
    return true;
  }

  std::string padded_note() const {
    return cat("padded height = ", layer_.in.height, " + ", layer_.padding.top, " + ",
               layer_.padding.bottom, " = ", padded_.height, ", padded width = ", layer_.in.width,
               " + ", layer_.padding.left, " + ", layer_.padding.right, " = ", padded_.width);
  }

  bool report_filter(const Size2D& window) {
    const bool dilated = window != layer_.kernel_size;
    Diagnostic& error =
        diagnostics_.error(Code::filter_too_large, kernel_range(),
                           cat(dilated ? "dilated filter " : "filter ", times(window),
                               " does not fit the padded input ", times(padded_)));
    if (dilated) {
      error.note(cat("dilated height = (", layer_.kernel_size.height, " - 1) * ",
                     layer_.dilation_rate.height, " + 1 = ", window.height, ", dilated width = (",
                     layer_.kernel_size.width, " - 1) * ", layer_.dilation_rate.width,
                     " + 1 = ", window.width));
    }
    error.note(padded_note());
    error.help(cat("use padding=\"same\", or a ", dilated ? "dilated " : "", "filter of at most ",
                   times(padded_)));
    return false;
  }

  // The elements of a tensor are counted here; its sizes are all in range.
  bool check_tensor(const std::string& what, const std::vector<std::int64_t>& shape,
                    SourceRange range) {
    std::string product;
    for (const std::int64_t size : shape) product += cat(product.empty() ? "" : " * ", size);
    const std::optional<std::int64_t> elements = product_of(shape);
    if (!elements) {
      diagnostics_
          .error(Code::overflow, range,
                 cat("the number of elements of ", what, " overflows 64 bits"))
          .note(cat(product, " > 2^63 - 1"));
      return false;
    }
    if (*elements <= kMaxElements) return true;
    diagnostics_.error(Code::tensor_too_large, range, cat(what, " is too large"))
        .note(cat(product, " = ", *elements, " elements; at most 2^31 - 1 = ", kMaxElements,
                  " can be indexed"))
        .help("make it smaller, or split the layer");
    return false;
  }

  bool check_tensors() {
    const LayerSpec& l = layer_;
    const SourceRange call = draft_.callee;
    const bool padded = padded_ != layer_.in;
    return check_tensor(padded ? "the padded input" : "the input",
                        {l.batch, padded_.height, padded_.width, l.in_channels},
                        range_or_call(draft_.input_shape.range)) &&
           check_tensor("the output", {l.batch, l.out.height, l.out.width, l.filters}, call) &&
           check_tensor(
               "the kernel",
               {l.kernel_size.height, l.kernel_size.width, l.channels_per_group(), l.filters},
               kernel_range()) &&
           check_cost();
  }

  bool check_cost() {
    if (checked_cost_of(layer_)) return true;
    diagnostics_.error(Code::overflow, draft_.callee,
                       "the number of multiply-adds of this layer overflows 64 bits");
    return false;
  }

  const LayerDraft& draft_;
  const InputShape& input_;
  Diagnostics& diagnostics_;
  LayerSpec layer_;
  Size2D padded_;
};

}  // namespace

AxisPadding same_padding(std::int64_t in, std::int64_t filter, std::int64_t stride,
                         std::int64_t dilation) {
  const std::int64_t out = (in - 1) / stride + 1;
  const std::int64_t last_window_end = (out - 1) * stride + (filter - 1) * dilation + 1;
  const std::int64_t total = std::max<std::int64_t>(last_window_end - in, 0);
  return {total / 2, total - total / 2};
}

std::optional<LayerSpec> resolve_layer(const LayerDraft& draft, const InputShape& input,
                                       Diagnostics& diagnostics) {
  return Resolver(draft, input, diagnostics).run();
}

}  // namespace convc
