// Literal numbers against the shapes of a layer's variables, and in the form that LayerSpec has.
#include <numeric>

#include "dsl/axes.h"
#include "dsl/resolving.h"
#include "dsl/text.h"
#include "dsl/vocabulary.h"

namespace convc {
namespace {

std::string list_text(const std::vector<std::int64_t>& sizes) {
  std::string out;
  for (const std::int64_t size : sizes) out += cat(out.empty() ? "" : ", ", size);
  return cat("(", out, sizes.size() == 1 ? ",)" : ")");
}

std::int64_t count_of_elements(const std::vector<std::int64_t>& shape) {
  return std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies<>());
}

// Where a variable's numbers are in a layer and in its draft.
struct Numbers {
  LiteralRef* resolved = nullptr;
  const Given<LiteralRef>* given = nullptr;
};

Numbers numbers_of(Resolving& r, const LayerVariable& variable) {
  PostOp* op = variable.post_op < 0 ? nullptr
                                    : &r.layer.post_ops[static_cast<std::size_t>(variable.post_op)];
  switch (variable.role) {
    case VariableRole::kernel:
      return {&r.layer.kernel, &r.draft.kernel};
    case VariableRole::pointwise_kernel:
      return {&r.layer.pointwise_kernel, &r.draft.pointwise_kernel};
    case VariableRole::bias:
      return {&r.layer.bias, &r.draft.bias};
    case VariableRole::alpha:
      return {&op->alpha, &r.draft.alpha};
    case VariableRole::gamma:
      return {&op->gamma, &r.draft.gamma};
    case VariableRole::beta:
      return {&op->beta, &r.draft.beta};
    case VariableRole::mean:
      return {&op->mean, &r.draft.mean};
    case VariableRole::variance:
      break;
  }
  return {&op->variance, &r.draft.variance};
}

// The shape that LayerSpec has for numbers given in the shape `given`; empty when it does not fit.
// Slopes are a list, one for each channel, or in the shape of Keras' variable; a kernel for one
// input channel and one filter may be its spatial sizes alone.
std::vector<std::int64_t> resolved_shape(const std::vector<std::int64_t>& given,
                                         const LayerVariable& variable, const LayerSpec& layer) {
  const bool equal = given == variable.shape;
  const std::int64_t count = count_of_elements(variable.shape);
  if (variable.role == VariableRole::alpha) {
    const std::vector<std::int64_t> list = {count};
    return equal || given == list ? list : std::vector<std::int64_t>{};
  }
  const bool spatial = variable.role == VariableRole::kernel &&
                       given.size() == static_cast<std::size_t>(layer.rank) &&
                       count_of_elements(given) == count;
  return equal || spatial ? variable.shape : std::vector<std::int64_t>{};
}

std::string layout_note(const LayerVariable& variable, const LayerSpec& layer) {
  if (variable.role != VariableRole::kernel && variable.role != VariableRole::pointwise_kernel) {
    return "it is a list with one number for each channel";
  }
  std::string_view word = kernel_layout_word(layer.kernel_layout, layer.kind, layer.rank);
  const std::string in = variable.role == VariableRole::pointwise_kernel ? "depthwise channels"
                         : layer.groups == 1                             ? "input channels"
                                             : "input channels / groups";
  const std::string out =
      layer.kind == LayerKind::conv_transpose && layer.groups != 1 ? "filters / groups" : "filters";
  if (layer.groups == layer.in_channels && layer.kind != LayerKind::conv &&
      layer.kind != LayerKind::conv_transpose && variable.role == VariableRole::kernel) {
    return layer.kernel_layout == KernelLayout::filters_last
               ? cat("its order is ", axes_text(layer.rank), ", input channels, depth_multiplier")
               : cat("its order is input channels * depth_multiplier, 1, ", axes_text(layer.rank));
  }
  std::string order;
  for (const char letter : word) {
    const std::string axis = letter == 'I'
                                 ? (layer.kind == LayerKind::conv_transpose ? "input channels" : in)
                             : letter == 'O' ? out
                             : letter == 'D' ? "depth"
                             : letter == 'H' ? "height"
                                             : "width";
    order += cat(order.empty() ? "" : ", ", axis);
  }
  return cat("its order is ", word, ": ", order);
}

bool check_literal(Resolving& r, const LayerVariable& variable) {
  const Numbers numbers = numbers_of(r, variable);
  if (!*numbers.resolved) return true;
  const Literal& literal = **numbers.resolved;
  const std::vector<std::int64_t> shape = resolved_shape(literal.shape, variable, r.layer);
  if (shape == literal.shape) return true;
  if (!shape.empty()) {
    *numbers.resolved = std::make_shared<const Literal>(Literal{shape, literal.values});
    return true;
  }
  Diagnostic& error =
      r.fail(Code::literal_shape, numbers.given->range,
             cat("`", keras_name(variable.role, r.layer), "` has the shape ",
                 list_text(literal.shape), ", but must have ", list_text(variable.shape)))
          .note(layout_note(variable, r.layer));
  const bool is_kernel = variable.role == VariableRole::kernel;
  if (is_kernel && literal.shape.size() == static_cast<std::size_t>(r.layer.rank)) {
    error.help(cat("(", axes_text(r.layer.rank), r.layer.rank == 1 ? ",)" : ")",
                   " alone is for one input channel and one filter"));
  }
  return false;
}

}  // namespace

bool check_literals(Resolving& r) {
  bool ok = true;
  for (const LayerVariable& variable : variables_of(r.layer)) {
    ok = check_literal(r, variable) && ok;
  }
  return ok;
}

}  // namespace convc
