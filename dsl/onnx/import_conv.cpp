// Conv.
#include "dsl/onnx/ops.h"
#include "dsl/onnx/window.h"
#include "dsl/text.h"

namespace convc::onnx_import {
namespace {

// The padding of one axis for an input of `in`. All arguments are below 2^31.
AxisPadding padding_of(const Window& window, std::size_t axis, std::int64_t in) {
  switch (window.auto_pad) {
    case AutoPad::valid:
      return {};
    case AutoPad::notset:
      return {window.pads[axis], window.pads[window.kernel.size() + axis]};
    case AutoPad::same_upper:
    case AutoPad::same_lower:
      break;
  }
  return same_padding(in, window.kernel[axis], window.strides[axis], window.dilations[axis],
                      window.auto_pad == AutoPad::same_lower);
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
  const Dim dim = output->dims[axis + 2];
  const std::int64_t span = span_of(window, axis);
  const AxisPadding pads = padding_of(window, axis, in);
  const auto out_of = [&](std::int64_t size) {
    const AxisPadding around = padding_of(window, axis, size);
    const std::int64_t room = size + around.before + around.after - span;
    return room < 0 ? 0 : room / window.strides[axis] + 1;
  };
  if (span > kMaxElements || pads.before > kMaxElements || pads.after > kMaxElements) {
    node.fail(Code::size_too_large, cat("along spatial axis ", axis, " the filter spans ", span,
                                        " elements; sizes are below 2^31"));
    return false;
  }
  if (!set_axis(output, axis + 2, out_of)) {
    fail_axis(
        node, Code::filter_too_large,
        cat("along spatial axis ", axis, " the filter spans ", span,
            " elements, more than the padded input: ", in, " + ", pads.before, " + ", pads.after),
        *output, axis + 2);
    return false;
  }
  const auto pads_of = [&](std::int64_t size) { return padding_of(window, axis, size); };
  if (!check_auto_pads(node, window, axis, dim, pads_of)) return false;
  put_axis(window, axis, pads, *output, layer);
  return true;
}

// [filters, channels / group, kernel..] against the input.
bool check_shape(NodeReader& node, const Window& window, const std::vector<std::int64_t>& shape,
                 const Image& image) {
  if (!check_ranks(node, shape, image)) return false;
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
