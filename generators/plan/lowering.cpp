// Lowering: identities, steps of their own, phases. Fusion is in fusion.cpp. Pure.
#include "generators/plan/lowering.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "dsl/axes.h"
#include "generators/plan/fusion.h"
#include "generators/plan/plan.h"

namespace convc {
namespace {

std::size_t at(TensorId tensor) {
  return static_cast<std::size_t>(tensor);
}

TensorId add_tensor(Graph& graph, Tensor tensor) {
  graph.tensors.push_back(std::move(tensor));
  return static_cast<TensorId>(graph.tensors.size()) - 1;
}

/* Activations of all channels become steps. */

struct TensorSizes {
  Dim batch, depth, height, width;
};

TensorSizes sizes_of(const Tensor& tensor) {
  const std::size_t rank = tensor.shape.size() - 2;
  const std::size_t first = tensor.form.layout == Layout::channels_last ? 1 : 2;
  TensorSizes sizes;
  sizes.batch = tensor.shape[0];
  sizes.width = tensor.shape[first + rank - 1];
  if (rank > 1) sizes.height = tensor.shape[first + rank - 2];
  if (rank > 2) sizes.depth = tensor.shape[first];
  return sizes;
}

OpenSizes open_sizes_of(const Tensor& tensor) {
  const TensorSizes sizes = sizes_of(tensor);
  OpenSizes open;
  if (!sizes.batch.fixed()) open.batch = sizes.batch;
  if (!sizes.height.fixed()) open.height = sizes.height;
  if (!sizes.width.fixed()) open.width = sizes.width;
  return open;
}

/// An elementwise layer on the output of `layer`, which lies in `tensor`.
LayerSpec elementwise_after(const LayerSpec& layer, const Tensor& tensor) {
  LayerSpec step;
  step.kind = LayerKind::elementwise;
  step.rank = layer.rank;
  step.name = layer.name;
  step.dtype = layer.dtype;
  step.batch = layer.batch;
  step.in = step.out = layer.out;
  step.in_channels = step.filters = layer.filters;
  step.open = open_sizes_of(tensor);
  step.input_form = step.output_form = tensor.form;
  step.use_bias = false;
  step.location = layer.location;
  return step;
}

/// Index of the first post_op that begins a step of its own; the chain's size when none does.
std::size_t first_step(const LayerSpec& layer) {
  const bool begins_one = layer.kind == LayerKind::elementwise && layer.padding == Padding{};
  const auto begin = layer.post_ops.begin() + (begins_one && !layer.post_ops.empty() ? 1 : 0);
  return static_cast<std::size_t>(std::find_if(begin, layer.post_ops.end(), is_channelwise) -
                                  layer.post_ops.begin());
}

/// Appends the node to `nodes`, as a node for each step that it is.
void split_channelwise(Graph& graph, Node node, std::vector<Node>& nodes) {
  const std::size_t split = first_step(node.layer);
  if (split == node.layer.post_ops.size()) {
    nodes.push_back(std::move(node));
    return;
  }
  const auto rest = node.layer.post_ops.begin() + static_cast<std::ptrdiff_t>(split);
  const TensorId result = node.outputs.front();
  Tensor between = graph.tensors[at(result)];
  between.form.row_pitch = 0;
  // glu halves what the layer computes.
  const TensorAxis axis = rest->activation.axis;
  const std::int64_t whole = along(axis, node.layer.out, node.layer.filters);
  between.shape[static_cast<std::size_t>(index_of(axis, node.layer.rank, between.form.layout))] = {
      whole, whole};

  Node step;
  step.layer = elementwise_after(node.layer, between);
  step.layer.output_form = node.layer.output_form;
  step.layer.post_ops.assign(rest, node.layer.post_ops.end());
  if (step.layer.post_ops.front().activation.function == ActivationFunction::glu) {
    along(axis, step.layer.out, step.layer.filters) /= 2;
  }
  node.layer.post_ops.erase(rest, node.layer.post_ops.end());
  node.layer.output_form.row_pitch = 0;
  const TensorId middle = add_tensor(graph, std::move(between));
  step.inputs = node.inputs;  // post_ops count their operands from 1
  step.inputs.front() = middle;
  step.outputs = {result};
  node.outputs = {middle};
  nodes.push_back(std::move(node));
  split_channelwise(graph, std::move(step), nodes);
}

void split_channelwise(Graph& graph) {
  std::vector<Node> nodes;
  for (Node& node : std::exchange(graph.nodes, {})) {
    split_channelwise(graph, std::move(node), nodes);
  }
  graph.nodes = std::move(nodes);
}

/* Identities vanish. */

void drop_linear(Graph& graph) {
  for (Node& node : graph.nodes) {
    std::erase_if(node.layer.post_ops, [](const PostOp& op) {
      return op.kind == PostOpKind::activation &&
             op.activation.function == ActivationFunction::linear;
    });
  }
}

bool is_identity(const Graph& graph, const Node& node) {
  const LayerSpec& layer = node.layer;
  return layer.kind == LayerKind::elementwise && layer.padding == Padding{} &&
         !may_be_padded(layer) && layer.post_ops.empty() &&
         graph.tensors[at(node.inputs.front())].form ==
             graph.tensors[at(node.outputs.front())].form;
}

/// Tensors that are found to be the same.
class Aliases {
 public:
  explicit Aliases(std::size_t tensors) : same_(tensors) {
    std::iota(same_.begin(), same_.end(), 0);
  }
  TensorId operator()(TensorId tensor) {
    TensorId last = tensor;
    while (same_[at(last)] != last) last = same_[at(last)];
    while (same_[at(tensor)] != last) tensor = std::exchange(same_[at(tensor)], last);
    return last;
  }
  void set(TensorId from, TensorId to) { same_[at(from)] = to; }

 private:
  std::vector<TensorId> same_;
};

std::vector<bool> marked(const Graph& graph, const std::vector<TensorId>& tensors) {
  std::vector<bool> marks(graph.tensors.size(), false);
  for (const TensorId tensor : tensors) marks[at(tensor)] = true;
  return marks;
}

void remove_identities(Graph& graph) {
  const std::vector<bool> is_input = marked(graph, graph.inputs);
  const std::vector<bool> is_output = marked(graph, graph.outputs);
  Aliases aliases(graph.tensors.size());
  std::vector<Node> nodes;
  for (Node& node : std::exchange(graph.nodes, {})) {
    const TensorId input = aliases(node.inputs.front());
    const TensorId output = node.outputs.front();
    if (!is_identity(graph, node) ||
        (is_output[at(output)] && (is_input[at(input)] || is_output[at(input)]))) {
      nodes.push_back(std::move(node));
    } else if (is_output[at(output)]) {
      aliases.set(input, output);
    } else {
      aliases.set(output, input);
    }
  }
  for (Node& node : nodes) {
    for (TensorId& tensor : node.inputs) tensor = aliases(tensor);
    for (TensorId& tensor : node.outputs) tensor = aliases(tensor);
  }
  graph.nodes = std::move(nodes);
}

/* Phases of transposed convolutions. */

void split_phases(Graph& graph) {
  std::vector<Node> nodes;
  for (const Node& node : graph.nodes) {
    for (LayerSpec& phase : phases_of(node.layer)) {
      nodes.push_back({std::move(phase), node.inputs, node.outputs});
    }
  }
  graph.nodes = std::move(nodes);
}

/* Operands are dense. */

/// A node that copies a tensor whose rows have a pitch into a new dense one.
Node dense_copy(Graph& graph, TensorId tensor, const Node& reader) {
  const Tensor& source = graph.tensors[at(tensor)];
  const bool last = source.form.layout == Layout::channels_last;
  Node copy;
  copy.layer = elementwise_after(reader.layer, source);
  const TensorSizes sizes = sizes_of(source);
  const Size all = reader.layer.output_view ? reader.layer.output_view->whole : reader.layer.out;
  const auto known = [](const Dim& dim, std::int64_t size) { return dim.fixed() ? dim.min : size; };
  copy.layer.in = copy.layer.out = {known(sizes.height, all.height), known(sizes.width, all.width),
                                    known(sizes.depth, all.depth)};
  copy.layer.in_channels = copy.layer.filters = (last ? source.shape.back() : source.shape[1]).min;
  copy.layer.output_form.row_pitch = 0;
  copy.inputs = {tensor};
  Tensor dense = source;
  dense.form.row_pitch = 0;
  copy.outputs = {add_tensor(graph, std::move(dense))};
  return copy;
}

void copy_pitched_operands(Graph& graph) {
  std::vector<Node> nodes;
  std::vector<std::pair<TensorId, TensorId>> copies;
  for (Node& node : std::exchange(graph.nodes, {})) {
    for (auto operand = node.inputs.begin() + 1; operand < node.inputs.end(); ++operand) {
      if (graph.tensors[at(*operand)].form.row_pitch == 0) continue;
      auto known = std::find_if(copies.begin(), copies.end(),
                                [&](const auto& copy) { return copy.first == *operand; });
      if (known == copies.end()) {
        nodes.push_back(dense_copy(graph, *operand, node));
        known = copies.emplace(copies.end(), *operand, nodes.back().outputs.front());
      }
      *operand = known->second;
    }
    nodes.push_back(std::move(node));
  }
  graph.nodes = std::move(nodes);
}

}  // namespace

Module lower(const Module& module) {
  Module lowered = module;
  for (Graph& graph : lowered.graphs) graph = lower(graph);
  return lowered;
}

Graph lower(const Graph& graph) {
  Graph lowered = graph;
  drop_linear(lowered);
  split_channelwise(lowered);
  remove_identities(lowered);
  lowered = fuse_post_ops(fuse_padding(std::move(lowered)));
  split_phases(lowered);
  copy_pitched_operands(lowered);
  return lowered;
}

int folded_normalization(const LayerSpec& layer) {
  if (!layer.has_kernel() || layer.post_ops.empty()) return -1;
  const PostOp& first = layer.post_ops.front();
  const bool folds = first.kind == PostOpKind::batch_normalization &&
                     (first.mean != nullptr) == layer.weights_are_literal();
  return folds ? 0 : -1;
}

}  // namespace convc
