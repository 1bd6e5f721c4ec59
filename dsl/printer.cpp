// The canonical form of specs: graphs as statements.
#include "dsl/printer.h"

#include <algorithm>

#include "dsl/axes.h"
#include "dsl/draft.h"
#include "dsl/printer_layers.h"
#include "dsl/text.h"
#include "dsl/vocabulary.h"

namespace convc {
namespace {

bool is_merge(const PostOp& op) {
  return op.kind == PostOpKind::add || op.kind == PostOpKind::multiply;
}

bool merges(const LayerSpec& layer) {
  return layer.kind == LayerKind::elementwise && !layer.post_ops.empty() &&
         is_merge(layer.post_ops.front());
}

void add_pitches(const LayerSpec& layer, std::string* call) {
  if (layer.input_form.row_pitch != 0) {
    add_argument(call, cat("input_pitch=", layer.input_form.row_pitch));
  }
  if (layer.output_form.row_pitch != 0) {
    add_argument(call, cat("output_pitch=", layer.output_form.row_pitch));
  }
}

std::string named(std::string call, const std::string& name) {
  add_argument(&call, cat("name=\"", name, "\")"));
  return call;
}

// A layer as the user wrote it. Precondition: it has no post_ops but its own.
std::string layer_call(const LayerSpec& layer) {
  std::size_t done = 0;
  std::string call = open_call(layer, &done);
  add_pitches(layer, &call);
  return named(std::move(call), layer.name);
}

std::string layout_argument(Layout layout) {
  return layout == Layout::channels_first ? "data_format=\"channels_first\""
                                          : "data_format=\"channels_last\"";
}

// Convolutions and paddings say their layout, normalizations and slopes by their axes.
bool tells_layout(const LayerSpec& layer) {
  if (layer.has_kernel() || layer.padding_rule == PaddingRule::explicit_pairs) return true;
  return !layer.post_ops.empty() &&
         (layer.post_ops.front().kind == PostOpKind::batch_normalization ||
          layer.post_ops.front().kind == PostOpKind::prelu);
}

// Softmax over axis 1 is taken to go over the channels where nothing else tells the layout.
bool must_tell_channels_last(const LayerSpec& layer) {
  return !layer.has_kernel() && layer.input_form.layout == Layout::channels_last &&
         begins_channelwise(layer.post_ops) &&
         index_of(layer.post_ops.front().activation.axis, layer.rank, Layout::channels_last) == 1;
}

std::string bare_layer(const LayerSpec& layer, const std::vector<Dim>& shape, bool with_batch) {
  std::size_t done = 0;
  std::string call = open_call(layer, &done);
  if (!tells_layout(layer) &&
      (layer.input_form.layout == Layout::channels_first || must_tell_channels_last(layer))) {
    add_argument(&call, layout_argument(layer.input_form.layout));
  }
  add_argument(&call, cat("input_shape=", shape_text(shape)));
  if (with_batch) add_argument(&call, cat("batch=", dim_text(shape.front())));
  add_pitches(layer, &call);
  return named(std::move(call), layer.name);
}

std::string input_call(const Tensor& tensor, bool with_batch, bool with_name, bool with_layout) {
  std::string call = cat("Input(shape=", shape_text(tensor.shape));
  if (with_batch) call += cat(", batch_size=", dim_text(tensor.shape.front()));
  if (with_name) call += cat(", name=\"", tensor.name, "\"");
  if (with_layout) call += cat(", ", layout_argument(tensor.form.layout));
  return call + ")";
}

// An input whose layout nothing that reads it tells, in a graph where it may be either.
bool needs_layout(const Graph& graph, TensorId input) {
  const bool tells = std::any_of(graph.nodes.begin(), graph.nodes.end(), [&](const Node& node) {
    return node.inputs.front() == input && tells_layout(node.layer);
  });
  if (tells) return false;
  return std::any_of(graph.tensors.begin(), graph.tensors.end(),
                     [](const Tensor& t) { return t.form.layout == Layout::channels_first; }) ||
         std::any_of(graph.nodes.begin(), graph.nodes.end(),
                     [](const Node& node) { return must_tell_channels_last(node.layer); });
}

const Tensor& tensor_of(const Graph& graph, TensorId id) {
  return graph.tensors[static_cast<std::size_t>(id)];
}

// A single input that has no name of its own is called so.
bool has_own_name(const Graph& graph, const Tensor& input) {
  return graph.inputs.size() != 1 || input.name != "input";
}

std::string sequential(const Graph& graph) {
  const Tensor& input = tensor_of(graph, graph.inputs.front());
  std::string out = cat("Sequential(name=\"", graph.name, "\", layers=[\n    ",
                        input_call(input, graph.batch_given, has_own_name(graph, input),
                                   needs_layout(graph, graph.inputs.front())),
                        ",\n");
  for (const Node& node : graph.nodes) out += cat("    ", layer_call(node.layer), ",\n");
  return out + "])";
}

std::string variable(TensorId tensor) {
  return cat("t", tensor);
}

std::string variables(const std::vector<TensorId>& tensors, bool always_list) {
  std::string list;
  for (const TensorId tensor : tensors) list += (list.empty() ? "" : ", ") + variable(tensor);
  return always_list || tensors.size() != 1 ? cat("[", list, "]") : list;
}

// One statement for each tensor, then the Model. Names of tensors are used anew in each Model.
std::string model(const Graph& graph) {
  std::string out;
  for (const TensorId id : graph.inputs) {
    const Tensor& input = tensor_of(graph, id);
    out += cat(
        variable(id), " = ",
        input_call(input, graph.batch_given, has_own_name(graph, input), needs_layout(graph, id)),
        "\n");
  }
  for (const Node& node : graph.nodes) {
    out += cat(variable(node.outputs.front()), " = ", layer_call(node.layer), "(",
               variables(node.inputs, merges(node.layer)), ")\n");
  }
  return out + cat("Model(inputs=", variables(graph.inputs, false),
                   ", outputs=", variables(graph.outputs, false), ", name=\"", graph.name, "\")");
}

// Sizes in the order of a layout, the batch first.
std::vector<Dim> ordered(const Dim& batch, const std::vector<Dim>& spatial, std::int64_t channels,
                         Layout layout) {
  std::vector<Dim> shape = {batch};
  if (layout == Layout::channels_first) shape.push_back({channels, channels});
  shape.insert(shape.end(), spatial.begin(), spatial.end());
  if (layout == Layout::channels_last) shape.push_back({channels, channels});
  return shape;
}

Dim batch_of(const LayerSpec& layer) {
  return layer.open.batch.value_or(Dim{layer.batch, layer.batch});
}

std::optional<Dim> open_size(const LayerSpec& layer, Axis axis) {
  return axis == Axis::height  ? layer.open.height
         : axis == Axis::width ? layer.open.width
                               : std::nullopt;
}

std::vector<Dim> input_shape(const LayerSpec& layer) {
  std::vector<Dim> spatial;
  for (const Axis axis : axes_of(layer.rank)) {
    const std::int64_t size = at(layer.in, axis);
    spatial.push_back(open_size(layer, axis).value_or(Dim{size, size}));
  }
  return ordered(batch_of(layer), spatial, layer.in_channels, layer.input_form.layout);
}

// A size of the output; with a stride of 1 a range moves with the typical size.
Dim output_size(const LayerSpec& layer, Axis axis) {
  const std::int64_t size = at(layer.out, axis);
  const std::optional<Dim> open = open_size(layer, axis);
  if (!open || at(layer.strides, axis) != 1) return {size, size};
  const std::int64_t more = size - at(layer.in, axis);
  return {open->min + more, std::min(open->max + more, kMaxElements)};
}

// What an add or multiply reads beside the layer's result.
std::vector<Dim> operand_shape(const PostOp& op, const LayerSpec& layer) {
  const bool pixels =
      op.operand_shape == OperandShape::full || op.operand_shape == OperandShape::per_pixel;
  const bool channels =
      op.operand_shape == OperandShape::full || op.operand_shape == OperandShape::per_channel;
  std::vector<Dim> spatial;
  for (const Axis axis : axes_of(layer.rank)) {
    spatial.push_back(pixels ? output_size(layer, axis) : Dim{1, 1});
  }
  return ordered(batch_of(layer), spatial, channels ? layer.filters : 1, op.operand_layout);
}

// A layer with post_ops that lowering gave it: calls of calls on one line.
std::string fused_layer(const LayerSpec& layer, bool with_batch) {
  // An input of a sum takes the layout of the others unless it says its own.
  bool with_layout =
      layer.input_form.layout == Layout::channels_first || must_tell_channels_last(layer);
  for (const PostOp& op : layer.post_ops) {
    with_layout = with_layout || (is_merge(op) && op.operand_layout == Layout::channels_first);
  }
  with_layout = with_layout && !tells_layout(layer);
  const auto input = [&](std::vector<Dim> shape, Layout layout, bool told) {
    Tensor tensor;
    tensor.shape = std::move(shape);
    tensor.form.layout = layout;
    return input_call(tensor, with_batch, false, told);
  };
  std::string text = input(input_shape(layer), layer.input_form.layout, with_layout);
  std::size_t next = 0;
  if (!merges(layer)) {
    std::string base = open_call(layer, &next);
    add_pitches(layer, &base);
    text = cat(named(std::move(base), layer.name), "(", text, ")");
  }
  while (next < layer.post_ops.size()) {
    const PostOp& op = layer.post_ops[next];
    const std::string name = op.name.empty() ? cat(layer.name, "_", next) : op.name;
    std::string call = open_post_op(op, layer);
    if (next == 0 && merges(layer)) add_pitches(layer, &call);
    call = named(std::move(call), name);
    if (!is_merge(op)) {
      text = cat(call, "(", text, ")");
      ++next;
      continue;
    }
    // A sum of many tensors is a post_op for each of them.
    while (next < layer.post_ops.size() && layer.post_ops[next].kind == op.kind &&
           layer.post_ops[next].name == op.name) {
      const PostOp& one = layer.post_ops[next++];
      text += ", " + input(operand_shape(one, layer), one.operand_layout,
                           with_layout || one.operand_layout != layer.output_form.layout);
    }
    text = cat(call, "([", text, "])");
  }
  return cat("Model(outputs=", text, ", name=\"", layer.name, "\")");
}

}  // namespace

std::string print(const Module& module) {
  std::string out;
  for (const Graph& graph : module.graphs) {
    switch (graph.form) {
      case GraphForm::layer:
        out += bare_layer(graph.nodes.front().layer, tensor_of(graph, graph.inputs.front()).shape,
                          graph.batch_given);
        break;
      case GraphForm::sequential:
        out += sequential(graph);
        break;
      case GraphForm::model:
        out += model(graph);
        break;
    }
    out += '\n';
  }
  return out;
}

std::string layer_to_spec_line(const LayerSpec& layer) {
  const bool with_batch = layer.batch != 1 || layer.open.batch;
  std::size_t done = 0;
  open_call(layer, &done);
  if (done == layer.post_ops.size() && !merges(layer)) {
    return bare_layer(layer, input_shape(layer), with_batch);
  }
  return fused_layer(layer, with_batch);
}

}  // namespace convc
