// Chains of layers as graphs, and the names of tensors.
#include "dsl/draft.h"

#include <algorithm>

namespace convc {

void complete_chain(GraphDraft* graph) {
  if (graph->inputs.empty()) graph->inputs.emplace_back();
  InputDraft& input = graph->inputs.front();
  for (std::size_t i = 0; i < graph->nodes.size(); ++i) graph->nodes[i].inputs = {i};
  if (graph->nodes.empty()) return;
  graph->outputs = {graph->nodes.size()};
  const LayerDraft& first = graph->nodes.front().layer;
  if (!input.shape.present) input.shape = first.input_shape;
  if (!input.batch.present) input.batch = first.batch;
}

std::string tensor_name(const GraphDraft& graph, std::size_t tensor) {
  if (tensor < graph.inputs.size()) {
    if (!graph.inputs[tensor].name.empty()) return graph.inputs[tensor].name;
    const auto unnamed = std::count_if(graph.inputs.begin(),
                                       graph.inputs.begin() + static_cast<std::ptrdiff_t>(tensor),
                                       [](const InputDraft& input) { return input.name.empty(); });
    return unnamed == 0 ? "input" : "input_" + std::to_string(unnamed);
  }
  if (graph.outputs.size() == 1 && graph.outputs.front() == tensor) return "output";
  return graph.nodes[tensor - graph.inputs.size()].layer.name;
}

}  // namespace convc
