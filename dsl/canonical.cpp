// Every field that decides what code does, in a fixed order.
#include "dsl/canonical.h"

#include <array>
#include <bit>
#include <charconv>
#include <cstdint>
#include <string_view>

namespace convc {
namespace {

/// Fields as " name=1,2,3".
class Text {
 public:
  explicit Text(std::string_view kind) : text_(kind) {}

  void numbers(std::string_view name, std::initializer_list<std::int64_t> values) {
    begin(name);
    const char* separator = "";
    for (const std::int64_t value : values) {
      text_ += separator + std::to_string(value);
      separator = ",";
    }
  }
  void size(std::string_view name, const Size& value) {
    numbers(name, {value.depth, value.height, value.width});
  }
  void words(std::string_view name, std::string_view value) {
    begin(name);
    text_ += value;
  }
  /// Shape and bits of each number; nothing when there are none.
  void literal(std::string_view name, const LiteralRef& literal) {
    if (!literal) return;
    begin(name);
    for (const std::int64_t extent : literal->shape) text_ += std::to_string(extent) + "x";
    for (const float value : literal->values) bits(value);
  }
  void number(std::string_view name, float value) {
    begin(name);
    bits(value);
  }
  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  void begin(std::string_view name) {
    text_ += ' ';
    text_ += name;
    text_ += '=';
  }
  void bits(float value) {
    std::array<char, 16> digits{};
    const auto number = std::bit_cast<std::uint32_t>(value);
    const auto end =
        std::to_chars(digits.data(), digits.data() + digits.size(), number, /*base=*/16).ptr;
    text_.append(digits.data(), end);
    text_ += ':';
  }
  std::string text_;
};

std::string_view name_of(LayerKind kind) {
  constexpr std::array<std::string_view, 6> names = {
      "conv", "depthwise_conv", "separable_conv", "conv_transpose", "elementwise", "constant"};
  return names[static_cast<std::size_t>(kind)];
}

void add_padding(const LayerSpec& l, Text& text) {
  const Padding& p = l.padding;
  text.numbers("padding", {p.front, p.back, p.top, p.bottom, p.left, p.right});
  // With run-time sizes the padding follows from the rule, and may be there when it is not here.
  if (l.open.any()) text.numbers("padding_rule", {static_cast<int>(l.padding_rule)});
  if (!p.any() && !l.open.any()) return;
  text.numbers("padding_mode", {static_cast<int>(l.padding_mode)});
  if (l.padding_mode == PaddingMode::constant) text.number("padding_value", l.padding_value);
}

void add_open_sizes(const LayerSpec& l, Text& text) {
  const auto add = [&](std::string_view name, const std::optional<Dim>& dim) {
    if (dim) text.numbers(name, {dim->min, dim->max});
  };
  add("open_batch", l.open.batch);
  add("open_height", l.open.height);
  add("open_width", l.open.width);
}

void add_forms(const LayerSpec& l, Text& text) {
  const auto add = [&](std::string_view name, const TensorForm& form) {
    text.numbers(name, {static_cast<int>(form.layout), form.row_pitch});
  };
  add("input", l.input_form);
  add("output", l.output_form);
}

/// Packing and the place of the buffers see to the rest of the views, so that the phases of a
/// transposed convolution share code.
void add_views(const LayerSpec& l, Text& text) {
  if (l.kernel_view && l.weights_are_literal()) {
    text.size("kernel_first", l.kernel_view->first);
    text.size("kernel_step", l.kernel_view->step);
    text.size("kernel_whole", l.kernel_view->whole);
  }
  if (l.output_view) {
    text.size("output_step", l.output_view->step);
    text.size("output_whole", l.output_view->whole);
  }
}

void add_post_ops(const LayerSpec& l, Text& text) {
  text.words("post_ops", to_text(l.post_ops));
  for (const PostOp& op : l.post_ops) {
    text.literal("alpha", op.alpha);
    text.literal("gamma", op.gamma);
    text.literal("beta", op.beta);
    text.literal("mean", op.mean);
    text.literal("variance", op.variance);
    // Which of the chain's steps the numbers above belong to.
    text.words("end", "");
  }
}

}  // namespace

std::string canonical_layer_text(const LayerSpec& l) {
  Text text(name_of(l.kind));
  text.numbers("rank", {l.rank});
  text.numbers("dtype", {static_cast<int>(l.dtype)});
  text.numbers("batch", {l.batch});
  text.size("in", l.in);
  text.numbers("channels", {l.in_channels, l.filters, l.groups, l.depth_multiplier});
  text.size("kernel_size", l.kernel_size);
  text.size("strides", l.strides);
  text.size("dilation", l.dilation_rate);
  add_padding(l, text);
  if (l.kind == LayerKind::conv_transpose) text.size("output_padding", l.output_padding);
  text.size("out", l.out);
  add_open_sizes(l, text);
  add_forms(l, text);
  add_views(l, text);
  text.numbers("bias", {l.use_bias ? 1 : 0});
  if (l.weights_are_literal()) {
    text.numbers("kernel_layout", {static_cast<int>(l.kernel_layout)});
    text.literal("kernel", l.kernel);
    text.literal("pointwise_kernel", l.pointwise_kernel);
    text.literal("bias_numbers", l.bias);
  }
  add_post_ops(l, text);
  return text.take();
}

}  // namespace convc
