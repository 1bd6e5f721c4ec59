// See names.h.
#include "generators/emit/names.h"

#include <map>
#include <set>

#include "dsl/names.h"

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
    for (const LayerVariable& variable : variables_of(layer)) {
      if (variable.literal) continue;
      const std::string name(keras_name(variable.role, layer));
      const std::string prefix = graph.form == GraphForm::layer ? "" : variable.layer + "_";
      variables.push_back(
          {prefix + name, variable.layer, name, variable.role, node, variable.shape});
    }
  }
  return variables;
}

std::vector<IoMember> io_members_of(const Graph& graph) {
  std::vector<IoMember> members;
  std::set<std::string> taken;
  const auto add = [&](const std::vector<TensorId>& tensors, bool is_output) {
    for (const TensorId tensor : tensors) {
      const std::string name =
          to_identifier(graph.tensors.at(static_cast<std::size_t>(tensor)).name);
      std::string member = name;
      for (int number = 2; !taken.insert(member).second; ++number) {
        member = name + "_" + std::to_string(number);
      }
      members.push_back({member, tensor, is_output});
    }
  };
  add(graph.inputs, false);
  add(graph.outputs, true);
  return members;
}

std::vector<std::string> step_names(const Graph& lowered) {
  std::map<std::string, int> steps, number;
  for (const Node& node : lowered.nodes) ++steps[node.layer.name];
  std::vector<std::string> names;
  for (const Node& node : lowered.nodes) {
    const std::string& layer = node.layer.name;
    names.push_back(steps[layer] == 1 ? layer : layer + "." + std::to_string(++number[layer]));
  }
  return names;
}

}  // namespace convc
