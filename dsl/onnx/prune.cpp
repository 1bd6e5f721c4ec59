// Backwards from the outputs: what is not met is not needed.
#include "dsl/onnx/prune.h"

#include <algorithm>

#include "dsl/text.h"

namespace convc::onnx_import {

std::vector<bool> needed_tensors(const Graph& graph) {
  std::vector<bool> needed(graph.tensors.size(), false);
  const auto mark = [&](TensorId id) { needed[static_cast<std::size_t>(id)] = true; };
  std::for_each(graph.outputs.begin(), graph.outputs.end(), mark);
  for (auto node = graph.nodes.rbegin(); node != graph.nodes.rend(); ++node) {
    if (!needed[static_cast<std::size_t>(node->outputs.front())]) continue;
    std::for_each(node->inputs.begin(), node->inputs.end(), mark);
  }
  return needed;
}

void drop_unused(Graph* graph, Diagnostics& diagnostics) {
  const std::vector<bool> needed = needed_tensors(*graph);
  const auto is_unused = [&](TensorId id) { return !needed[static_cast<std::size_t>(id)]; };
  std::erase_if(graph->nodes, [&](const Node& node) {
    if (!is_unused(node.outputs.front())) return false;
    diagnostics.warning(
        Code::unused_value, {},
        cat("nothing uses what layer \"", node.layer.name, "\" computes; it is left out"));
    return true;
  });
  std::erase_if(graph->inputs, [&](TensorId id) {
    if (!is_unused(id)) return false;
    const std::string& name = graph->tensors[static_cast<std::size_t>(id)].name;
    diagnostics.warning(Code::unused_value, {},
                        cat("no output depends on input \"", name, "\"; it is left out"));
    return true;
  });
  std::vector<TensorId> moved(needed.size(), 0);
  std::vector<Tensor> kept;
  for (std::size_t i = 0; i < needed.size(); ++i) {
    moved[i] = static_cast<TensorId>(kept.size());
    if (needed[i]) kept.push_back(std::move(graph->tensors[i]));
  }
  graph->tensors = std::move(kept);
  const auto move = [&](std::vector<TensorId>& ids) {
    for (TensorId& id : ids) id = moved[static_cast<std::size_t>(id)];
  };
  move(graph->inputs);
  move(graph->outputs);
  for (Node& node : graph->nodes) {
    move(node.inputs);
    move(node.outputs);
  }
}

}  // namespace convc::onnx_import
