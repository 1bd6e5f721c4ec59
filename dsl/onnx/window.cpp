// Attributes and weights of Conv and ConvTranspose.
#include "dsl/onnx/window.h"

#include "dsl/axes.h"
#include "dsl/text.h"

namespace convc::onnx_import {
namespace {

AutoPad read_auto_pad(NodeReader& node) {
  const std::string text = node.text("auto_pad", "NOTSET");
  if (text == "SAME_UPPER") return AutoPad::same_upper;
  if (text == "SAME_LOWER") return AutoPad::same_lower;
  if (text == "VALID") return AutoPad::valid;
  if (text != "NOTSET") {
    const std::string_view near = nearest(text, {"NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"});
    node.fail_attribute("auto_pad", cat("is \"", shown(text),
                                        "\"; it is NOTSET, SAME_UPPER, "
                                        "SAME_LOWER or VALID"))
        .help(near.empty() ? "leave it out where `pads` are given"
                           : cat("did you mean ", near, "?"));
  }
  return AutoPad::notset;
}

}  // namespace

Window read_window(NodeReader& node) {
  Window window;
  window.kernel = read_list(node, "kernel_shape", 1);
  window.strides = read_list(node, "strides", 1);
  window.dilations = read_list(node, "dilations", 1);
  window.pads = read_list(node, "pads", 0);
  window.auto_pad = read_auto_pad(node);
  window.group = node.integer("group", 1);
  if (window.group < 1) {
    node.fail_attribute("group", cat("is ", window.group, "; at least 1"))
        .help("leave it out where there is one group");
  }
  return window;
}

bool check_numbers(NodeReader& node, const std::string& name, std::int64_t least,
                   const std::vector<std::int64_t>& list) {
  for (const std::int64_t number : list) {
    if (number >= least && number <= kMaxElements) continue;
    node.fail_attribute(name, cat("has the number ", number, "; numbers are at least ", least,
                                  " and below 2^31"))
        .help("give it such numbers, or leave it out");
    return false;
  }
  return true;
}

std::vector<std::int64_t> read_list(NodeReader& node, const std::string& name, std::int64_t least) {
  std::vector<std::int64_t> list = node.integers(name).value_or(std::vector<std::int64_t>());
  check_numbers(node, name, least, list);
  return list;
}

bool complete_list(NodeReader& node, const std::string& name, std::size_t count,
                   std::int64_t fallback, std::vector<std::int64_t>* list) {
  if (list->empty()) list->assign(count, fallback);
  if (list->size() == count) return true;
  node.fail_attribute(name, cat("has ", list->size(), " numbers; ", count, " are needed"))
      .help(cat("give it ", count, " numbers, or leave it out"));
  return false;
}

bool complete_window(NodeReader& node, const std::vector<std::int64_t>& weights_shape,
                     Window* window) {
  const std::size_t rank = weights_shape.size() - 2;
  const std::vector<std::int64_t> filter(weights_shape.begin() + 2, weights_shape.end());
  if (window->kernel.empty()) window->kernel = filter;
  bool ok = complete_list(node, "kernel_shape", rank, 1, &window->kernel);
  if (ok && window->kernel != filter) {
    node.fail(Code::shapes_disagree,
              cat("attribute `kernel_shape` is ", shape_text(window->kernel),
                  ", but the weights have the shape ", shape_text(weights_shape)));
    ok = false;
  }
  ok = complete_list(node, "strides", rank, 1, &window->strides) && ok;
  ok = complete_list(node, "dilations", rank, 1, &window->dilations) && ok;
  return complete_list(node, "pads", 2 * rank, 0, &window->pads) && ok;
}

bool check_ranks(NodeReader& node, const std::vector<std::int64_t>& weights_shape,
                 const Image& image) {
  if (image.model_rank >= 3 && weights_shape.size() == image.sizes.size()) return true;
  node.fail(Code::shapes_disagree,
            cat("the input has the shape ", shape_text(image.model_sizes()), " and the weights ",
                shape_text(weights_shape), "; both have 3 to 5 sizes"));
  return false;
}

bool check_auto_pads(NodeReader& node, const Window& window, std::size_t axis, const Dim& in,
                     const std::function<AxisPadding(std::int64_t)>& pads_of) {
  const std::int64_t before = window.pads[axis], after = window.pads[window.kernel.size() + axis];
  const bool given = std::any_of(window.pads.begin(), window.pads.end(),
                                 [](std::int64_t pad) { return pad != 0; });
  if (window.auto_pad == AutoPad::notset || !given) return true;
  // What is padded depends on the rest of the size that strides leave.
  constexpr std::int64_t kMostSizes = 1 << 16;
  const std::int64_t sizes = std::min(window.strides[axis], kMostSizes);
  const std::int64_t last = std::min(in.max, in.min + sizes - 1);
  for (std::int64_t size = in.min; size <= last; ++size) {
    const AxisPadding pads = pads_of(size);
    if (before == pads.before && after == pads.after) continue;
    node.fail_attribute("pads",
                        cat("has ", before, " and ", after, " for spatial axis ", axis,
                            ", where `auto_pad` gives ", pads.before, " and ", pads.after,
                            in.fixed() ? std::string() : cat(", if that has ", size, " elements")))
        .help("remove one of the two; ONNX forbids both");
    return false;
  }
  return true;
}

void put_axis(const Window& window, std::size_t axis, const AxisPadding& pads, const Image& output,
              LayerSpec* layer) {
  const Axis member = axes_of(layer->rank)[axis];
  at(layer->kernel_size, member) = window.kernel[axis];
  at(layer->strides, member) = window.strides[axis];
  at(layer->dilation_rate, member) = window.dilations[axis];
  at(layer->out, member) = output.sizes[axis + 2];
  before(layer->padding, member) = pads.before;
  after(layer->padding, member) = pads.after;
}

void fail_axis(NodeReader& node, Code code, const std::string& message, const Image& image,
               std::size_t axis) {
  Diagnostic& error = node.fail(code, message);
  const std::string name = shown(image.names[axis]);
  if (!name.empty()) {
    error.help(cat("this size is open, \"", name, "\": give its range, --dim ", name, "=MIN:MAX"));
  }
}

std::optional<Weights> read_weights(NodeReader& node, Importer& importer, int index,
                                    const std::string& what) {
  const Value* value = importer.input(node, index);
  if (value == nullptr) {
    node.fail(Code::onnx_damaged, cat("input ", index, " (", what, ") is missing"));
    return std::nullopt;
  }
  if (value->kind == Value::Kind::broken) return std::nullopt;
  if (value->kind == Value::Kind::variable) return Weights{value->shape, nullptr};
  if (value->kind == Value::Kind::image) {
    node.fail(Code::onnx_not_supported,
              cat("input ", index, " (", what, ", \"", shown(node.input_name(index)),
                  "\") is computed when the model runs; weights are constants or inputs"));
    return std::nullopt;
  }
  const Constant& constant = *value->constant;
  if (!require_known(node, constant, cat("input ", index, " (", what, ")"))) return std::nullopt;
  const bool empty = element_count(constant.shape) == 0;
  if (constant.type != onnx::TensorProto::FLOAT || empty) {
    node.fail(Code::onnx_not_supported,
              cat("input ", index, " (", what, ") ",
                  empty ? "is empty"
                        : cat("has elements of ", type_name(constant.type),
                              "; only float is supported")));
    return std::nullopt;
  }
  importer.warn_of_infinite(node, index, what, constant.floats->values);
  return Weights{constant.shape, constant.floats};
}

bool set_weights(NodeReader& node, Importer& importer, const Weights& kernel, LayerSpec* layer) {
  layer->kernel = kernel.literal;
  layer->use_bias = node.has_input(2);
  if (!layer->use_bias) return true;
  const std::optional<Weights> bias = read_weights(node, importer, 2, "the bias");
  if (!bias) return false;
  if (bias->shape != std::vector<std::int64_t>{layer->filters}) {
    node.fail(Code::shapes_disagree,
              cat("the bias has the shape ", shape_text(bias->shape), "; ", layer->filters,
                  " filters need ", shape_text({layer->filters})));
    return false;
  }
  if ((bias->literal == nullptr) != (kernel.literal == nullptr)) {
    node.fail(Code::onnx_not_supported,
              "the weights and the bias must both be in the model, or both be inputs of it");
    return false;
  }
  layer->bias = bias->literal;
  return true;
}

}  // namespace convc::onnx_import
