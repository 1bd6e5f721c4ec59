// From a draft and the shape it reads to a LayerSpec: what all kinds have in common.
#include "dsl/resolve.h"

#include "dsl/axes.h"
#include "dsl/cost.h"
#include "dsl/resolving.h"
#include "dsl/text.h"
#include "dsl/vocabulary.h"

namespace convc {
namespace {

void copy_values(Resolving& r) {
  const LayerDraft& draft = r.draft;
  LayerSpec& layer = r.layer;
  layer.kind = draft.type->kind;
  layer.rank = r.input.rank;
  layer.name = draft.name;
  layer.batch = r.input.batch;
  layer.in = r.input.size;
  layer.in_channels = r.input.channels;
  layer.strides = draft.strides.value_or({});
  layer.dilation_rate = draft.dilation_rate.value_or({});
  layer.depth_multiplier = draft.depth_multiplier.value_or(1);
  layer.padding_mode = draft.padding_mode.value_or(PaddingMode::zeros);
  layer.padding_value = draft.padding_value.value_or(0);
  layer.kernel_layout = draft.kernel_layout.value_or(KernelLayout::filters_last);
  layer.use_bias = layer.has_kernel() && draft.use_bias.value_or(true);
  layer.kernel = draft.kernel.value_or(nullptr);
  layer.pointwise_kernel = draft.pointwise_kernel.value_or(nullptr);
  layer.bias = draft.bias.value_or(nullptr);
  if (layer.has_kernel() && draft.activation.value &&
      draft.activation.value->function != ActivationFunction::linear) {
    PostOp op;
    op.activation = r.activation();
    layer.post_ops = {op};
  }
}

// A literal kernel says its size; (height, width) alone is for one input channel and one filter.
Size kernel_size_of(const LayerDraft& draft, KernelLayout layout) {
  if (draft.kernel_size.value) return *draft.kernel_size.value;
  const std::vector<std::int64_t>& shape = (*draft.kernel.value)->shape;
  const auto rank = static_cast<std::size_t>(draft.type->rank);
  const std::size_t first = shape.size() > rank && layout == KernelLayout::filters_first ? 2 : 0;
  Size size;
  std::size_t next = first;
  for (const Axis axis : axes_of(draft.type->rank)) {
    if (next < shape.size()) at(size, axis) = shape[next++];
  }
  return size;
}

bool set_channels(Resolving& r) {
  LayerSpec& layer = r.layer;
  layer.kernel_size = kernel_size_of(r.draft, layer.kernel_layout);
  if (r.draft.type->is_depthwise()) {
    layer.groups = layer.in_channels;
    std::int64_t filters = 0;
    if (__builtin_mul_overflow(layer.in_channels, layer.depth_multiplier, &filters) ||
        filters > kMaxElements) {
      r.fail(Code::size_too_large, r.draft.depth_multiplier.range,
             cat("the depthwise convolution has too many channels: ", layer.in_channels, " * ",
                 layer.depth_multiplier))
          .note(cat("a size is at most 2^31 - 1 = ", kMaxElements));
      return false;
    }
    layer.filters = layer.kind == LayerKind::separable_conv ? *r.draft.filters.value : filters;
    return true;
  }
  layer.filters = *r.draft.filters.value;
  layer.groups = r.draft.groups.value_or(1);
  if (layer.in_channels % layer.groups == 0) return true;
  r.fail(Code::groups_do_not_divide, r.draft.groups.range,
         cat("`groups` ", layer.groups, " does not divide the ", layer.in_channels,
             " channels of the input"))
      .note(cat(layer.in_channels, " / ", layer.groups, " leaves ",
                layer.in_channels % layer.groups));
  return false;
}

// E.g. Conv2D for Conv1D and 2.
std::string of_rank(std::string_view callable, int rank) {
  std::string name(callable);
  const std::size_t digit = name.find_first_of("123");
  if (digit != std::string::npos) name[digit] = static_cast<char>('0' + rank);
  return name;
}

bool check_rank(Resolving& r) {
  const int rank = r.draft.type->rank;
  if (rank == 0 || rank == r.input.rank) return true;
  r.fail(Code::shapes_disagree, r.draft.callee,
         cat(r.draft.type->callable, " reads (", axes_text(rank), ", channels), but its input is ",
             shape_text(r.input)))
      .help(cat("use ", of_rank(r.draft.type->callable, r.input.rank)));
  return false;
}

// The channels that go into the 1x1 filter are those of the depthwise convolution.
std::int64_t kernel_filters(const LayerSpec& layer) {
  return layer.kind == LayerKind::separable_conv ? layer.in_channels * layer.depth_multiplier
                                                 : layer.filters;
}

std::vector<std::int64_t> with_sizes(std::vector<std::int64_t> sizes, const Size& size, int rank,
                                     std::initializer_list<std::int64_t> rest) {
  for (const Axis axis : axes_of(rank)) sizes.push_back(at(size, axis));
  sizes.insert(sizes.end(), rest);
  return sizes;
}

bool check_tensors(Resolving& r) {
  const LayerSpec& l = r.layer;
  if (!r.mode.count) return true;
  Size padded = l.in;
  if (l.kind != LayerKind::conv_transpose) {
    for (const Axis axis : axes_of(l.rank)) {
      at(padded, axis) += before(l.padding, axis) + after(l.padding, axis);
    }
  }
  const bool ok = check_elements(r, padded == l.in ? "the input" : "the padded input",
                                 with_sizes({l.batch}, padded, l.rank, {l.in_channels}),
                                 r.draft.input_shape.range) &&
                  check_elements(r, "the output", with_sizes({l.batch}, l.out, l.rank, {l.filters}),
                                 r.draft.callee);
  if (!ok) return false;
  if (l.has_kernel() && !check_elements(r, "the kernel",
                                        with_sizes({}, l.kernel_size, l.rank,
                                                   {l.channels_per_group(), kernel_filters(l)}),
                                        r.kernel_range())) {
    return false;
  }
  if (l.kind == LayerKind::separable_conv &&
      !check_elements(r, "the pointwise kernel", {kernel_filters(l), l.filters}, r.draft.callee)) {
    return false;
  }
  if (checked_cost_of(l)) return true;
  r.fail(Code::overflow, r.draft.callee,
         "the number of multiply-adds of this layer overflows 64 bits");
  return false;
}

// glu multiplies one half of the channels, or of another axis, with a gate made of the other half.
bool check_halves(Resolving& r) {
  if (!r.draft.activation.value || r.draft.activation.value->function != ActivationFunction::glu) {
    return true;
  }
  const TensorAxis axis = r.activation().axis;
  Size size = r.layer.has_kernel() ? r.layer.out : r.layer.in;
  std::int64_t channels = r.layer.has_kernel() ? r.layer.filters : r.layer.in_channels;
  const std::int64_t whole = along(axis, size, channels);
  if (whole % 2 == 0) return true;
  const bool of_channels = axis == TensorAxis::channels;
  r.fail(Code::shapes_disagree, r.draft.activation.range,
         of_channels ? cat("glu halves the channels, and there are ", whole)
                     : cat("glu halves the ", name_of(axis), ", which is ", whole))
      .help(of_channels ? std::string("make the number of channels even")
                        : cat("make the ", name_of(axis), " even"));
  return false;
}

}  // namespace

std::string shape_text(const InputShape& shape, Layout layout) {
  std::string sizes;
  for (const Axis axis : axes_of(shape.rank)) {
    sizes += cat(sizes.empty() ? "" : ", ", at(shape.size, axis));
  }
  return layout == Layout::channels_first ? cat("(", shape.channels, ", ", sizes, ")")
                                          : cat("(", sizes, ", ", shape.channels, ")");
}

bool check_elements(Resolving& r, const std::string& what, const std::vector<std::int64_t>& shape,
                    SourceRange range) {
  if (!r.mode.count) return true;
  std::string product;
  for (const std::int64_t size : shape) product += cat(product.empty() ? "" : " * ", size);
  const std::optional<std::int64_t> elements = product_of(shape);
  if (!elements) {
    r.fail(Code::overflow, range, cat("the number of elements of ", what, " overflows 64 bits"))
        .note(cat(product, " > 2^63 - 1"));
    return false;
  }
  if (*elements <= kMaxElements) return true;
  r.fail(Code::tensor_too_large, range, cat(what, " is too large"))
      .note(cat(product, " = ", *elements, " elements; at most 2^31 - 1 = ", kMaxElements,
                " can be indexed"));
  return false;
}

Size span_of(const LayerSpec& layer) {
  Size span;
  for (const Axis axis : axes_of(layer.rank)) {
    at(span, axis) = (at(layer.kernel_size, axis) - 1) * at(layer.dilation_rate, axis) + 1;
  }
  return span;
}

Activation Resolving::activation() const {
  Activation activation = *draft.activation.value;
  if (!reads_whole_axis(activation.function)) return activation;
  const std::int64_t index = counted_from_0(draft.axis.value_or({-1}).front(), input.rank);
  activation.axis = axis_at(static_cast<int>(index), input.rank, layout);
  return activation;
}

std::optional<LayerSpec> resolve_layer(const LayerDraft& draft, const InputShape& input,
                                       Layout layout, const ResolveMode& mode,
                                       Diagnostics& diagnostics) {
  Resolving r{draft, input, layout, mode, diagnostics};
  if (!check_rank(r)) return std::nullopt;
  copy_values(r);
  const bool transposed = r.layer.kind == LayerKind::conv_transpose;
  const bool ok = r.layer.has_kernel() ? set_channels(r) && (transposed ? resolve_transpose(r)
                                                                        : resolve_convolution(r))
                                       : resolve_elementwise(r);
  if (!ok || !check_halves(r) || !check_literals(r) || !check_tensors(r)) return std::nullopt;
  return std::move(r.layer);
}

InputShape output_of(const LayerSpec& layer) {
  InputShape shape{layer.batch, layer.out, layer.filters, layer.rank};
  // `out` and `filters` are what a convolution computes; its own glu then halves one of them.
  const bool own = layer.has_kernel() && !layer.post_ops.empty();
  if (own && layer.post_ops.front().kind == PostOpKind::activation &&
      layer.post_ops.front().activation.function == ActivationFunction::glu) {
    along(layer.post_ops.front().activation.axis, shape.size, shape.channels) /= 2;
  }
  return shape;
}

}  // namespace convc
