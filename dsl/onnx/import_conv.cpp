// Conv.
#include "dsl/axes.h"
#include "dsl/onnx/ops.h"
#include "dsl/onnx/window.h"
#include "dsl/text.h"

namespace convc::onnx_import {
namespace {

struct Pair {
  std::int64_t before = 0, after = 0;
};

// The padding of one axis for an input of `in`. All arguments are below 2^31.
Pair padding_of(const Window& window, std::size_t axis, std::int64_t in) {
  const std::int64_t stride = window.strides[axis];
  const std::int64_t span = (window.kernel[axis] - 1) * window.dilations[axis] + 1;
  const std::size_t rank = window.kernel.size();
  switch (window.auto_pad) {
    case AutoPad::valid:
      return {};
    case AutoPad::notset:
      return {window.pads[axis], window.pads[rank + axis]};
    case AutoPad::same_upper:
    case AutoPad::same_lower:
      break;
  }
  // Sums that are out of range are met by the check of the span.
  const std::int64_t out = (in - 1) / stride + 1;
  const std::int64_t total = std::max<std::int64_t>((out - 1) * stride + span - in, 0);
  const std::int64_t less = total / 2, more = total - total / 2;
  return window.auto_pad == AutoPad::same_upper ? Pair{less, more} : Pair{more, less};
}

PaddingRule rule_of(const Window& window) {
  switch (window.auto_pad) {
    case AutoPad::valid:
      return PaddingRule::valid;
    case AutoPad::same_upper:
      return PaddingRule::same;
    case AutoPad::same_lower:
      return PaddingRule::same_lower;
    case AutoPad::notset:
      break;
  }
  const bool none = std::all_of(window.pads.begin(), window.pads.end(),
                                [](std::int64_t pad) { return pad == 0; });
  return none ? PaddingRule::valid : PaddingRule::explicit_pairs;
}

// Sizes of one axis; false when something has been reported.
bool set_spatial_axis(NodeReader& node, const Window& window, std::size_t axis, LayerSpec* layer,
                      Image* output) {
  const std::int64_t in = output->sizes[axis + 2];
  const std::int64_t stride = window.strides[axis];
  const std::int64_t span = (window.kernel[axis] - 1) * window.dilations[axis] + 1;
  const Pair pair = padding_of(window, axis, in);
  const auto out_of = [&](std::int64_t size) {
    const Pair pads = padding_of(window, axis, size);
    const std::int64_t room = size + pads.before + pads.after - span;
    return room < 0 ? 0 : room / stride + 1;
  };
  if (span > kMaxElements || pair.before > kMaxElements || pair.after > kMaxElements) {
    node.fail(Code::size_too_large, cat("along spatial axis ", axis, " the filter spans ", span,
                                        " elements; sizes are below 2^31"));
    return false;
  }
  if (!set_axis(output, axis + 2, out_of)) {
    node.fail(Code::filter_too_large, cat("along spatial axis ", axis, " the filter spans ", span,
                                          " elements, more than the padded input: ", in, " + ",
                                          pair.before, " + ", pair.after));
    return false;
  }
  const Axis member = axes_of(layer->rank)[axis];
  at(layer->kernel_size, member) = window.kernel[axis];
  at(layer->strides, member) = stride;
  at(layer->dilation_rate, member) = window.dilations[axis];
  at(layer->out, member) = output->sizes[axis + 2];
  before(layer->padding, member) = pair.before;
  after(layer->padding, member) = pair.after;
  return true;
}

// [filters, channels / group, kernel..] against the input.
bool check_shape(NodeReader& node, const Window& window, const std::vector<std::int64_t>& shape,
                 const Image& image) {
  if (image.model_rank < 3 || shape.size() != image.sizes.size()) {
    node.fail(Code::shapes_disagree,
              cat("the input has the shape ", shape_text(image.model_sizes()), " and the weights ",
                  shape_text(shape), "; both have 3 to 5 sizes"));
    return false;
  }
  if (image.channels() % window.group != 0 || shape[0] % window.group != 0) {
    node.fail(Code::groups_do_not_divide,
              cat("attribute `group` is ", window.group, ", which does not divide ",
                  image.channels(), " channels into ", shape[0], " filters"));
    return false;
  }
  if (shape[1] != image.channels() / window.group) {
    node.fail(Code::shapes_disagree,
              cat("the weights have the shape ", shape_text(shape), ": filters of ", shape[1],
                  " channels; ", image.channels(), " channels in ",
                  count_of(static_cast<std::size_t>(window.group), "group"), " need ",
                  image.channels() / window.group));
    return false;
  }
  return true;
}

}  // namespace

void import_conv(NodeReader& node, Importer& importer) {
  Window window = read_window(node);
  const std::optional<Weights> weights = read_weights(node, importer, 1, "the weights");
  const std::optional<Image> image = importer.image_input(node, 0);
  if (node.failed() || !weights || !image) return;
  if (!check_shape(node, window, weights->shape, *image) ||
      !complete_window(node, weights->shape, &window)) {
    return;
  }
  LayerSpec layer = importer.layer_on(node, LayerKind::conv, *image);
  layer.filters = weights->shape[0];
  layer.groups = window.group;
  layer.padding_rule = rule_of(window);
  Image output = *image;
  output.sizes[1] = layer.filters;
  output.dims[1] = {layer.filters, layer.filters};
  bool ok = set_weights(node, importer, *weights, &layer);
  for (std::size_t axis = 0; axis < window.kernel.size(); ++axis) {
    ok = set_spatial_axis(node, window, axis, &layer, &output) && ok;
  }
  if (ok) importer.add_layer(node, std::move(layer), {*image}, std::move(output));
}

}  // namespace convc::onnx_import
