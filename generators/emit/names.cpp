// See names.h.
#include "generators/emit/names.h"

namespace convc {
std::string kernel_prefix(const Module& module, const Graph& graph) {
  return module.name + "_" + graph.name;
}

std::string macro_prefix(const std::string& kernel_prefix) {
  std::string macro;
  for (char c : kernel_prefix) macro += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return macro;
}

std::vector<Variable> variables_of(const Graph& graph) {
  std::vector<Variable> variables;
  for (std::size_t node = 0; node < graph.nodes.size(); ++node) {
    const LayerSpec& layer = graph.nodes[node].layer;
    if (layer.weights_are_literal()) continue;
    const std::string prefix = graph.is_sequential ? layer.name + "_" : "";
    variables.push_back({prefix + "kernel",
                         node,
                         false,
                         {layer.kernel_size.height, layer.kernel_size.width,
                          layer.channels_per_group(), layer.filters}});
    if (layer.use_bias) variables.push_back({prefix + "bias", node, true, {layer.filters}});
  }
  return variables;
}

std::vector<IoMember> io_members_of(const Graph& graph) {
  std::vector<IoMember> members;
  auto add = [&](const std::vector<TensorId>& tensors, const char* name, bool is_output) {
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      members.push_back({name + (i == 0 ? "" : std::to_string(i)), tensors[i], is_output});
    }
  };
  add(graph.inputs, "input", false);
  add(graph.outputs, "output", true);
  return members;
}

std::int64_t element_count(const std::vector<std::int64_t>& shape) {
  std::int64_t count = 1;
  for (std::int64_t extent : shape) count *= extent;
  return count;
}

std::vector<std::int64_t> fixed_shape(const Tensor& tensor) {
  std::vector<std::int64_t> shape;
  for (const Dim& dim : tensor.shape) shape.push_back(dim.max);
  return shape;
}

}  // namespace convc
