// Names, defaults and canonical text of post_ops. Pure data.
#include "dsl/post_op.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <limits>
#include <tuple>
#include <utility>

namespace convc {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

/// Keras 3's defaults. `parameters`: how many of alpha, beta, gamma the text of a function holds.
struct FunctionRow {
  std::string_view name;
  int parameters;
  Activation defaults;
};

constexpr std::array<FunctionRow, 32> kFunctions = {{
    {"linear", 0, {ActivationFunction::linear}},
    {"relu", 3, {ActivationFunction::relu, 0, kInfinity, 0}},
    {"leaky_relu", 1, {ActivationFunction::leaky_relu, 0.2f}},
    {"elu", 1, {ActivationFunction::elu, 1}},
    {"selu", 3, {ActivationFunction::selu, 1.6732632423543772f, 0, 1.0507009873554805f}},
    {"celu", 1, {ActivationFunction::celu, 1}},
    {"gelu", 0, {ActivationFunction::gelu}},
    {"gelu_tanh", 0, {ActivationFunction::gelu_tanh}},
    {"silu", 0, {ActivationFunction::silu}},
    {"mish", 0, {ActivationFunction::mish}},
    {"sigmoid", 0, {ActivationFunction::sigmoid}},
    {"hard_sigmoid", 2, {ActivationFunction::hard_sigmoid, 1.0f / 6, 0.5f}},
    {"hard_silu", 0, {ActivationFunction::hard_silu}},
    {"log_sigmoid", 0, {ActivationFunction::log_sigmoid}},
    {"tanh", 0, {ActivationFunction::tanh}},
    {"hard_tanh", 0, {ActivationFunction::hard_tanh}},
    {"tanh_shrink", 0, {ActivationFunction::tanh_shrink}},
    {"soft_shrink", 1, {ActivationFunction::soft_shrink, 0.5f}},
    {"hard_shrink", 1, {ActivationFunction::hard_shrink, 0.5f}},
    {"shrink", 2, {ActivationFunction::shrink, 0.5f, 0}},
    {"softplus", 0, {ActivationFunction::softplus}},
    {"softsign", 0, {ActivationFunction::softsign}},
    {"exponential", 0, {ActivationFunction::exponential}},
    {"squareplus", 1, {ActivationFunction::squareplus, 4}},
    {"sparse_plus", 0, {ActivationFunction::sparse_plus}},
    {"sparse_sigmoid", 0, {ActivationFunction::sparse_sigmoid}},
    {"threshold", 2, {ActivationFunction::threshold}},
    {"clip", 2, {ActivationFunction::clip, -kInfinity, kInfinity}},
    {"softmax", 0, {ActivationFunction::softmax}},
    {"log_softmax", 0, {ActivationFunction::log_softmax}},
    {"sparsemax", 0, {ActivationFunction::sparsemax}},
    {"glu", 0, {ActivationFunction::glu}},
}};

constexpr bool rows_are_in_order() {
  for (std::size_t i = 0; i < kFunctions.size(); ++i) {
    if (static_cast<std::size_t>(kFunctions[i].defaults.function) != i) return false;
  }
  return true;
}
static_assert(rows_are_in_order(), "kFunctions is indexed by ActivationFunction");

const FunctionRow& row_of(ActivationFunction function) {
  return kFunctions[static_cast<std::size_t>(function)];
}

constexpr std::array<std::string_view, 4> kOperandShapes = {"full", "per_channel", "per_pixel",
                                                            "scalar"};
constexpr std::array<std::string_view, 2> kLayouts = {"channels_last", "channels_first"};
constexpr std::array<std::string_view, 4> kAxisNames = {"depth", "height", "width", "channels"};

/// The fewest digits that read back as the same float; "inf", "-inf", "nan".
std::string number_text(float value) {
  std::array<char, 32> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  return {digits.data(), end};
}

std::string call(std::string_view name, const std::vector<std::string>& arguments) {
  std::string text(name);
  if (arguments.empty()) return text;
  for (std::size_t i = 0; i < arguments.size(); ++i) text += (i == 0 ? "(" : ",") + arguments[i];
  return text + ")";
}

std::string text_of(const Activation& activation) {
  const FunctionRow& row = row_of(activation.function);
  if (reads_whole_axis(activation.function) && activation.axis != TensorAxis::channels) {
    return call(row.name, {std::string(name_of(activation.axis))});
  }
  std::vector<std::string> arguments;
  for (const float value : {activation.alpha, activation.beta, activation.gamma}) {
    if (static_cast<int>(arguments.size()) < row.parameters)
      arguments.push_back(number_text(value));
  }
  return call(row.name, arguments);
}

std::string operand_text(std::string_view name, const PostOp& op) {
  return call(name, {std::to_string(op.operand),
                     std::string(kOperandShapes[static_cast<std::size_t>(op.operand_shape)]),
                     std::string(kLayouts[static_cast<std::size_t>(op.operand_layout)])});
}

std::string text_of(const PostOp& op) {
  switch (op.kind) {
    case PostOpKind::activation:
      return text_of(op.activation);
    case PostOpKind::prelu:
      return "prelu";
    case PostOpKind::batch_normalization:
      return call("batch_normalization",
                  {number_text(op.epsilon), op.scales ? "1" : "0", op.centers ? "1" : "0"});
    case PostOpKind::rescaling:
      return call("rescaling", {number_text(op.scale), number_text(op.offset)});
    case PostOpKind::add:
      return operand_text("add", op);
    case PostOpKind::multiply:
      return operand_text("multiply", op);
  }
  return {};
}

/// A call taken apart: the name, then the arguments.
std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  if (!text.empty() && text.back() == ')') text.remove_suffix(1);
  for (std::size_t begin = 0;;) {
    const std::size_t end = text.find_first_of("(,", begin);
    words.push_back(text.substr(begin, end - begin));
    if (end == std::string_view::npos) return words;
    begin = end + 1;
  }
}

float number_from(std::string_view text) {
  float value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

template <typename Value, typename Names>
Value value_named(const Names& names, std::string_view name) {
  return static_cast<Value>(std::find(names.begin(), names.end(), name) - names.begin());
}

PostOp post_op_from_text(std::string_view text) {
  const std::vector<std::string_view> words = words_of(text);
  const std::string_view name = words.front();
  PostOp op;
  if (name == "prelu") {
    op.kind = PostOpKind::prelu;
  } else if (name == "batch_normalization") {
    op.kind = PostOpKind::batch_normalization;
    op.epsilon = number_from(words.at(1));
    op.scales = words.at(2) == "1";
    op.centers = words.at(3) == "1";
  } else if (name == "rescaling") {
    op.kind = PostOpKind::rescaling;
    op.scale = number_from(words.at(1));
    op.offset = number_from(words.at(2));
  } else if (name == "add" || name == "multiply") {
    op.kind = name == "add" ? PostOpKind::add : PostOpKind::multiply;
    std::from_chars(words.at(1).data(), words.at(1).data() + words.at(1).size(), op.operand);
    op.operand_shape = value_named<OperandShape>(kOperandShapes, words.at(2));
    op.operand_layout = value_named<Layout>(kLayouts, words.at(3));
  } else {
    for (const FunctionRow& row : kFunctions) {
      if (row.name == name) op.activation.function = row.defaults.function;
    }
    if (reads_whole_axis(op.activation.function)) {
      if (words.size() > 1) op.activation.axis = value_named<TensorAxis>(kAxisNames, words[1]);
      return op;
    }
    std::array<float*, 3> parameters = {&op.activation.alpha, &op.activation.beta,
                                        &op.activation.gamma};
    for (std::size_t i = 1; i < words.size(); ++i) *parameters.at(i - 1) = number_from(words[i]);
  }
  return op;
}

}  // namespace

bool operator==(const Literal& a, const Literal& b) {
  return a.shape == b.shape &&
         std::equal(a.values.begin(), a.values.end(), b.values.begin(), b.values.end(),
                    [](float x, float y) {
                      return std::bit_cast<std::uint32_t>(x) == std::bit_cast<std::uint32_t>(y);
                    });
}

bool same_literal(const LiteralRef& a, const LiteralRef& b) {
  return a == b || (a && b && *a == *b);
}

bool is_channelwise(const PostOp& op) {
  return op.kind == PostOpKind::activation && reads_whole_axis(op.activation.function);
}

bool begins_channelwise(const std::vector<PostOp>& chain) {
  return !chain.empty() && is_channelwise(chain.front());
}

bool operator==(const PostOp& a, const PostOp& b) {
  const auto plain = [](const PostOp& op) {
    return std::tie(op.kind, op.name, op.activation, op.epsilon, op.scales, op.centers, op.scale,
                    op.offset, op.operand, op.operand_shape, op.operand_layout);
  };
  return plain(a) == plain(b) && same_literal(a.alpha, b.alpha) && same_literal(a.gamma, b.gamma) &&
         same_literal(a.beta, b.beta) && same_literal(a.mean, b.mean) &&
         same_literal(a.variance, b.variance);
}

std::string_view name_of(TensorAxis axis) {
  return kAxisNames[static_cast<std::size_t>(axis)];
}

std::string_view name_of(ActivationFunction function) {
  return row_of(function).name;
}

Activation default_activation(ActivationFunction function) {
  return row_of(function).defaults;
}

bool reads_whole_axis(ActivationFunction function) {
  return function >= ActivationFunction::softmax;
}

std::string to_text(const std::vector<PostOp>& chain) {
  std::string text;
  for (const PostOp& op : chain) text += (text.empty() ? "" : ";") + text_of(op);
  return text;
}

std::vector<PostOp> post_ops_from_text(std::string_view text) {
  std::vector<PostOp> chain;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(';'), text.size());
    chain.push_back(post_op_from_text(text.substr(0, end)));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return chain;
}

}  // namespace convc
