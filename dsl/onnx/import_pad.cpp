// Pad.
#include <algorithm>
#include <limits>

#include "dsl/axes.h"
#include "dsl/onnx/ops.h"
#include "dsl/onnx/window.h"
#include "dsl/text.h"

namespace convc::onnx_import {
namespace {

struct PadRequest {
  PaddingMode mode = PaddingMode::constant;
  float value = 0;
  std::vector<std::int64_t> pads;                 ///< all begins, then all ends
  std::optional<std::vector<std::int64_t>> axes;  ///< whose pads these are; all axes
};

PaddingMode read_mode(NodeReader& node) {
  const std::string mode = node.text("mode", "constant");
  if (mode == "reflect") return PaddingMode::reflect;
  if (mode == "edge") return PaddingMode::replicate;
  if (mode == "wrap" && node.opset() >= 19) return PaddingMode::circular;
  if (mode != "constant") {
    node.fail_attribute(
        "mode", cat("is \"", shown(mode), "\", which opset ", node.opset(), " does not have"));
  }
  return PaddingMode::constant;
}

// Attributes until opset 10, inputs from 11 on. Nullopt when something has been reported.
std::optional<PadRequest> read_request(NodeReader& node, Importer& importer) {
  PadRequest request;
  request.mode = read_mode(node);
  if (node.opset() < 11) {
    std::optional<std::vector<std::int64_t>> pads = node.integers("pads");
    if (!pads && !node.failed()) node.fail_attribute("pads", "is missing");
    if (pads) request.pads = std::move(*pads);
    request.value = node.real("value", 0);
    return node.failed() ? std::nullopt : std::optional(request);
  }
  const auto pads = importer.integers_input(node, 1, "pads");
  const auto value = importer.scalar_input(node, 2, "constant_value", 0);
  bool ok = pads && value;
  if (node.opset() >= 18 && node.has_input(3)) {
    request.axes = importer.integers_input(node, 3, "axes");
    ok = ok && request.axes;
  }
  if (!ok || node.failed()) return std::nullopt;
  request.pads = *pads;
  request.value = *value;
  return request;
}

// The pads of all axes of the input: begins, then ends. Nullopt when something has been reported.
std::optional<std::vector<std::int64_t>> expand(NodeReader& node, const PadRequest& request,
                                                std::size_t rank) {
  std::vector<std::int64_t> axes;
  for (std::size_t i = 0; i < rank; ++i) axes.push_back(static_cast<std::int64_t>(i));
  if (request.axes) axes = *request.axes;
  if (request.pads.size() != 2 * axes.size()) {
    node.fail(Code::shapes_disagree,
              cat("pads has ", request.pads.size(), " numbers for ", axes.size(), " axes"));
    return std::nullopt;
  }
  std::vector<std::int64_t> pads(2 * rank, 0);
  std::set<std::size_t> seen;
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const auto sizes = static_cast<std::int64_t>(rank);
    const auto axis = static_cast<std::size_t>(axes[i] < 0 ? axes[i] + sizes : axes[i]);
    if (axes[i] < -sizes || axes[i] >= sizes || !seen.insert(axis).second) {
      node.fail(Code::shapes_disagree, cat("axes has the number ", axes[i], ", wrong or twice"));
      return std::nullopt;
    }
    pads[axis] = request.pads[i];
    pads[rank + axis] = request.pads[axes.size() + i];
  }
  for (const std::int64_t pad : pads) {
    if (pad >= -kMaxElements && pad <= kMaxElements) continue;
    node.fail(Code::size_too_large, cat("pads has the number ", pad));
    return std::nullopt;
  }
  return pads;
}

// Pads one spatial axis; false when something has been reported.
bool pad_axis(NodeReader& node, PaddingMode mode, std::int64_t before, std::int64_t after,
              std::size_t axis, LayerSpec* layer, Image* output) {
  const Dim dim = output->dims[axis];
  const std::int64_t most = mode == PaddingMode::reflect    ? dim.min - 1
                            : mode == PaddingMode::circular ? dim.min
                                                            : kMaxElements;
  const bool constant = mode == PaddingMode::constant;
  const std::int64_t larger = std::max(before, after), smaller = std::min(before, after);
  if (larger > most) {
    fail_axis(node, Code::padding_too_large,
              cat("pads axis ", axis, " of ", dim.min, " elements by ", larger, "; mode ",
                  mode == PaddingMode::reflect ? "reflect" : "wrap", " allows ", most),
              *output, axis);
    return false;
  }
  if (smaller < 0 && !constant) {
    node.fail(Code::onnx_not_supported,
              cat("pads axis ", axis, " by ", smaller, ", which only mode constant supports"));
    return false;
  }
  if (!set_axis(output, axis, [&](std::int64_t size) { return size + before + after; })) {
    fail_axis(node, Code::bad_size,
              cat("its output has ", output->sizes[axis], " elements along axis ", axis), *output,
              axis);
    return false;
  }
  const Axis member = axes_of(layer->rank)[axis - 2];
  convc::before(layer->padding, member) = before;
  convc::after(layer->padding, member) = after;
  at(layer->out, member) = output->sizes[axis];
  return true;
}

}  // namespace

void import_pad(NodeReader& node, Importer& importer) {
  const std::optional<PadRequest> request = read_request(node, importer);
  const std::optional<Image> image = importer.image_input(node, 0);
  if (!request || !image) return;
  const auto model_rank = static_cast<std::size_t>(image->model_rank);
  const auto pads = expand(node, *request, model_rank);
  if (!pads) return;
  LayerSpec layer = importer.layer_on(node, LayerKind::elementwise, *image);
  layer.padding_rule = PaddingRule::explicit_pairs;
  const bool zeros = request->mode == PaddingMode::constant && request->value == 0;
  layer.padding_mode = zeros ? PaddingMode::zeros : request->mode;
  if (layer.padding_mode == PaddingMode::constant) layer.padding_value = request->value;
  Image output = *image;
  bool ok = true;
  for (std::size_t axis = 0; axis < model_rank; ++axis) {
    const std::int64_t before = (*pads)[axis], after = (*pads)[model_rank + axis];
    if (before == 0 && after == 0) continue;
    if (axis < 2) {
      node.fail(Code::onnx_not_supported,
                cat("pads axis ", axis, ", the ", axis == 0 ? "batch" : "channels",
                    "; only spatial axes are supported"));
      ok = false;
    } else {
      ok = pad_axis(node, request->mode, before, after, axis, &layer, &output) && ok;
    }
  }
  if (ok) importer.add_layer(node, std::move(layer), {*image}, std::move(output));
}

}  // namespace convc::onnx_import
