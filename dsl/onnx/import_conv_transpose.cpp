// ConvTranspose.
#include "dsl/axes.h"
#include "dsl/onnx/ops.h"
#include "dsl/onnx/window.h"
#include "dsl/text.h"

namespace convc::onnx_import {
namespace {

struct Transposed {
  Window window;
  std::vector<std::int64_t> output_padding;
  std::vector<std::int64_t> output_shape;  ///< empty: not given
};

// What is taken away from the output before and after, and what is added to its end.
struct Trim {
  std::int64_t before = 0, after = 0, added = 0;
};

// The spec's rules: an output_shape, or auto_pad's in * stride, is met by taking the surplus away,
// half from each end; where there is none, zeros are added at the end.
Trim trim_of(const Transposed& node, std::size_t axis, std::int64_t in) {
  const Window& window = node.window;
  const bool same =
      window.auto_pad == AutoPad::same_upper || window.auto_pad == AutoPad::same_lower;
  const std::int64_t added = node.output_padding[axis];
  if (node.output_shape.empty() && !same) {
    const bool valid = window.auto_pad == AutoPad::valid;
    return {valid ? 0 : window.pads[axis], valid ? 0 : window.pads[window.kernel.size() + axis],
            added};
  }
  const std::int64_t span = span_of(window, axis);
  const std::int64_t wanted =
      node.output_shape.empty() ? in * window.strides[axis] : node.output_shape[axis];
  const std::int64_t total = window.strides[axis] * (in - 1) + added + span - wanted;
  if (total < 0) return {0, 0, added - total};
  const std::int64_t less = total / 2, more = total - total / 2;
  return window.auto_pad == AutoPad::same_upper ? Trim{less, more, added} : Trim{more, less, added};
}

bool set_spatial_axis(NodeReader& node, const Transposed& transposed, std::size_t axis,
                      LayerSpec* layer, Image* output) {
  const Window& window = transposed.window;
  const std::int64_t stride = window.strides[axis];
  const std::int64_t span = span_of(window, axis);
  if (span > kMaxElements) {
    node.fail(Code::size_too_large, cat("along spatial axis ", axis, " the filter spans ", span,
                                        " elements; sizes are below 2^31"));
    return false;
  }
  const std::int64_t in = output->sizes[axis + 2];
  const Dim dim = output->dims[axis + 2];
  const Trim trim = trim_of(transposed, axis, in);
  const auto out_of = [&](std::int64_t size) {
    const Trim taken = trim_of(transposed, axis, size);
    return stride * (size - 1) + span + taken.added - taken.before - taken.after;
  };
  if (!set_axis(output, axis + 2, out_of)) {
    fail_axis(
        node, Code::bad_size,
        cat("along spatial axis ", axis, " the output has ", out_of(in), " elements: ", stride,
            " * (", in, " - 1) + ", span, " + ", trim.added, " - ", trim.before, " - ", trim.after),
        *output, axis + 2);
    return false;
  }
  const AxisPadding pads = {trim.before, trim.after};
  // By the specification, an output_shape overrides pads.
  const auto pads_of = [&](std::int64_t size) {
    const Trim taken = trim_of(transposed, axis, size);
    return AxisPadding{taken.before, taken.after};
  };
  if (transposed.output_shape.empty() && !check_auto_pads(node, window, axis, dim, pads_of)) {
    return false;
  }
  put_axis(window, axis, pads, *output, layer);
  at(layer->output_padding, axes_of(layer->rank)[axis]) = trim.added;
  layer->output_padding_given = layer->output_padding_given || trim.added != 0;
  return true;
}

// [channels, filters / group, kernel..] against the input.
bool check_transposed_shape(NodeReader& node, const Window& window,
                            const std::vector<std::int64_t>& shape, const Image& image) {
  if (!check_ranks(node, shape, image)) return false;
  if (shape[0] != image.channels()) {
    node.fail(Code::shapes_disagree, cat("the weights have the shape ", shape_text(shape), ", for ",
                                         shape[0], " channels; the input has ", image.channels()));
    return false;
  }
  if (image.channels() % window.group != 0) {
    node.fail(Code::groups_do_not_divide,
              cat("attribute `group` is ", window.group, ", which does not divide ",
                  image.channels(), " channels"));
    return false;
  }
  if (shape[1] > kMaxElements / window.group) {
    node.fail(Code::size_too_large,
              cat(window.group, " groups of ", shape[1], " filters; sizes are below 2^31"));
    return false;
  }
  return true;
}

bool check_output_lists(NodeReader& node, Transposed* transposed) {
  const Window& window = transposed->window;
  const std::size_t rank = window.kernel.size();
  bool ok = complete_list(node, "output_padding", rank, 0, &transposed->output_padding);
  for (std::size_t axis = 0; axis < rank && ok; ++axis) {
    const std::int64_t limit = std::max(window.strides[axis], window.dilations[axis]);
    if (transposed->output_padding[axis] < limit) continue;
    node.fail_attribute("output_padding",
                        cat("has the number ", transposed->output_padding[axis],
                            "; it must be less than the stride or the dilation, ", limit))
        .help("give it smaller numbers; `output_shape` asks for a size");
    ok = false;
  }
  if (transposed->output_shape.empty()) return ok;
  // Some exporters give batch and channels too.
  if (transposed->output_shape.size() == rank + 2) {
    transposed->output_shape.erase(transposed->output_shape.begin(),
                                   transposed->output_shape.begin() + 2);
  }
  return check_numbers(node, "output_shape", 1, transposed->output_shape) &&
         complete_list(node, "output_shape", rank, 1, &transposed->output_shape) && ok;
}

}  // namespace

void import_conv_transpose(NodeReader& node, Importer& importer) {
  Transposed transposed;
  transposed.window = read_window(node);
  transposed.output_padding = read_list(node, "output_padding", 0);
  transposed.output_shape = node.integers("output_shape").value_or(std::vector<std::int64_t>());
  const std::optional<Weights> weights = read_weights(node, importer, 1, "the weights");
  const std::optional<Image> image = importer.image_input(node, 0);
  if (node.failed() || !weights || !image) return;
  if (!check_transposed_shape(node, transposed.window, weights->shape, *image) ||
      !complete_window(node, weights->shape, &transposed.window) ||
      !check_output_lists(node, &transposed)) {
    return;
  }
  LayerSpec layer = importer.layer_on(node, LayerKind::conv_transpose, *image);
  if (!transposed.output_shape.empty() && (layer.open.height || layer.open.width)) {
    node.fail_attribute("output_shape", "is fixed, but sizes of the input are open");
    return;
  }
  layer.groups = transposed.window.group;
  layer.filters = weights->shape[1] * layer.groups;
  layer.padding_rule = PaddingRule::explicit_pairs;
  Image output = *image;
  output.sizes[1] = layer.filters;
  output.dims[1] = {layer.filters, layer.filters};
  bool ok = set_weights(node, importer, *weights, &layer);
  for (std::size_t axis = 0; axis < transposed.window.kernel.size(); ++axis) {
    ok = set_spatial_axis(node, transposed, axis, &layer, &output) && ok;
  }
  if (ok) importer.add_layer(node, std::move(layer), {*image}, std::move(output));
}

}  // namespace convc::onnx_import
