// Random valid layers and modules, for properties that hold for every spec.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "dsl/checker.h"
#include "dsl/cost.h"
#include "tests/support/random_draft.h"

namespace convc::test {

/// A function of one layer, and its arguments for where its tensors lie.
inline GraphDraft random_bare_layer(Random& random, const RandomLimits& limits, bool plain) {
  const std::string_view callable = limits.callables[static_cast<std::size_t>(
      random_in(random, 0, static_cast<std::int64_t>(limits.callables.size()) - 1))];
  const LayerType& type = layer_type(callable);
  const int rank = type.rank == 0 ? static_cast<int>(random_in(random, 1, 3)) : type.rank;
  const InputShape input = random_input(random, limits, rank);
  GraphDraft graph;
  NodeDraft node{random_draft(random, callable, input, limits, plain), {}, {}};
  LayerDraft& layer = node.layer;
  Layout layout = Layout::channels_last;
  const auto maybe_first = [&] {
    return chance(random, limits.layout_percent) ? Layout::channels_first : Layout::channels_last;
  };
  layout = maybe_first();
  layer.data_format = {layout, {}};
  if (type.role == LayerRole::convolution) {
    if (chance(random, limits.layout_percent)) layer.output_data_format = {maybe_first(), {}};
  }
  layer.input_shape = {random_shape(random, input, layout, limits), {}};
  if (input.batch != 1 || chance(random, 20)) {
    const bool open = chance(random, limits.open_percent);
    layer.batch = {
        open ? random_parts::open_dim(random, input.batch) : Dim{input.batch, input.batch}, {}};
  }
  const auto pitch = [&](std::int64_t row) { return row + random_in(random, 0, 9); };
  const std::int64_t in_row =
      layout == Layout::channels_first ? input.size.width : input.size.width * input.channels;
  if (chance(random, limits.layout_percent)) layer.input_pitch = {pitch(in_row), {}};
  if (chance(random, limits.layout_percent)) {
    layer.output_pitch = {pitch(limits.max_channels * 4 * limits.max_image), {}};
  }
  graph.nodes.push_back(std::move(node));
  graph.name = graph.nodes.front().layer.name;
  complete_chain(&graph);
  return graph;
}

inline std::optional<Module> checked(GraphDraft graph) {
  ModuleDraft module;
  module.name = "random";
  module.graphs.push_back(std::move(graph));
  Diagnostics discarded;
  return check_module(module, discarded);
}

/// A valid layer within the limits. Literal numbers are small integers.
inline LayerSpec random_layer(Random& random, const RandomLimits& limits = {}) {
  for (;;) {
    const std::optional<Module> module = checked(random_bare_layer(random, limits, true));
    if (!module) continue;
    const LayerSpec& layer = module->graphs.front().nodes.front().layer;
    if (cost_of(layer).macs <= limits.max_macs) return layer;
  }
}

/// What a tensor of a checked graph with fixed sizes holds.
inline InputShape shape_of(const Tensor& tensor) {
  InputShape shape;
  shape.rank = static_cast<int>(tensor.shape.size()) - 2;
  shape.batch = tensor.shape.front().max;
  const bool first = tensor.form.layout == Layout::channels_first;
  shape.channels = first ? tensor.shape[1].max : tensor.shape.back().max;
  std::size_t next = first ? 2 : 1;
  for (const Axis axis : axes_of(shape.rank)) at(shape.size, axis) = tensor.shape[next++].max;
  return shape;
}

/// A graph of up to 8 layers that read tensors of one another, all sizes fixed; each layer that
/// does not fit is left out. Names are "layer_N".
inline GraphDraft random_graph(Random& random, const RandomLimits& limits,
                               const std::string& name) {
  GraphDraft graph;
  graph.name = name;
  graph.form = chance(random, 50) ? GraphForm::sequential : GraphForm::model;
  const bool chain = graph.form == GraphForm::sequential;
  const int rank = static_cast<int>(random_in(random, 1, 3));
  const InputShape input = random_input(random, limits, rank);
  graph.inputs.emplace_back();
  graph.inputs[0].shape = {random_shape(random, input, Layout::channels_last, limits), {}};
  if (input.batch != 1 || chance(random, 20)) {
    graph.inputs[0].batch = {Dim{input.batch, input.batch}, {}};
  }
  std::vector<InputShape> tensors = {input};
  const std::int64_t layers = random_in(random, 1, 8);
  for (std::int64_t i = 0; i < layers; ++i) {
    const std::size_t reads = chain
                                  ? tensors.size() - 1
                                  : static_cast<std::size_t>(random_in(
                                        random, 0, static_cast<std::int64_t>(tensors.size()) - 1));
    NodeDraft node;
    node.inputs = {reads};
    std::string_view callable = chance(random, 60) ? kConvolutions[random_in(random, 0, 9)]
                                                   : kElementwise[random_in(random, 0, 11)];
    if (!chain && chance(random, 30)) {
      callable = chance(random, 50) ? "Add" : "Multiply";
      for (std::int64_t more = random_in(random, 1, 2); more > 0; --more) {
        node.inputs.push_back(static_cast<std::size_t>(
            random_in(random, 0, static_cast<std::int64_t>(tensors.size()) - 1)));
      }
    }
    node.layer = random_draft(random, callable, tensors[reads], limits, limits.plain_numbers);
    node.layer.name = "layer_" + std::to_string(i);
    GraphDraft longer = graph;
    longer.nodes.push_back(std::move(node));
    longer.outputs = {longer.nodes.size()};
    const std::optional<Module> module = checked(longer);
    if (!module || cost_of(module->graphs.front()).macs > limits.max_macs) continue;
    tensors.push_back(shape_of(module->graphs.front().tensors.back()));
    graph = std::move(longer);
  }
  if (chain || graph.nodes.empty()) return graph;
  // Outputs are what nothing reads.
  graph.outputs.clear();
  for (std::size_t tensor = 1; tensor < tensors.size(); ++tensor) {
    bool read = false;
    for (const NodeDraft& node : graph.nodes) {
      read = read || std::find(node.inputs.begin(), node.inputs.end(), tensor) != node.inputs.end();
    }
    if (!read) graph.outputs.push_back(tensor);
  }
  return graph;
}

/// A valid module of 1 to 5 functions: layers, chains and graphs, with literal numbers of every
/// kind.
inline Module random_module(Random& random, const RandomLimits& limits = {}) {
  for (;;) {
    ModuleDraft module;
    module.name = "random";
    const std::int64_t graphs = random_in(random, 1, 5);
    for (std::int64_t i = 0; i < graphs; ++i) {
      GraphDraft graph = chance(random, 50)
                             ? random_bare_layer(random, limits, limits.plain_numbers)
                             : random_graph(random, limits, "net" + std::to_string(i));
      if (graph.form == GraphForm::layer) {
        graph.name = graph.nodes.front().layer.name = "layer" + std::to_string(i);
      }
      if (!graph.nodes.empty() && checked(graph)) module.graphs.push_back(std::move(graph));
    }
    Diagnostics discarded;
    std::optional<Module> checked_module = check_module(module, discarded);
    if (checked_module && !checked_module->graphs.empty()) return std::move(*checked_module);
  }
}

}  // namespace convc::test
