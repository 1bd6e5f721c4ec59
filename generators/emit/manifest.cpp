// Mirrors Artifact and VariantLayout.
#include "generators/emit/manifest.h"

#include <nlohmann/json.hpp>

#include "dsl/cost.h"
#include "dsl/printer.h"
#include "generators/emit/identity.h"
#include "generators/emit/names.h"
#include "generators/emit/numerical_contract.h"

namespace convc {
namespace {

using Json = nlohmann::ordered_json;

/// Raised when a key changes its meaning or goes.
constexpr int kFormatVersion = 1;

Json cost_json(const Cost& cost) {
  return {{"parameters", cost.parameters},     {"macs", cost.macs},
          {"input_bytes", cost.input_bytes},   {"output_bytes", cost.output_bytes},
          {"weight_bytes", cost.weight_bytes}, {"flops_per_byte", cost.flops_per_byte()}};
}

Json layer_json(const LayerSpec& layer, const CompiledLayer& compiled) {
  const std::int64_t steps = rounding_steps(layer, compiled.plan);
  return {
      {"name", layer.name},
      {"spec", layer_to_spec_line(layer)},
      {"plan", to_text(compiled.plan)},
      {"reason", compiled.plan.reason},
      {"cost", cost_json(cost_of(layer))},
      {"symbol", compiled.object.symbol},
      {"code_bytes", compiled.object.code_bytes},
      {"tasks", compiled.object.max_tasks},
      {"error_bound", {{"gamma_n", steps}, {"relative_to_term_magnitudes", gamma_bound(steps)}}}};
}

Json variant_json(const Graph& graph, const std::vector<CompiledLayer>& layers,
                  const VariantLayout& layout) {
  Json json = {
      {"isa", layout.isa},
      {"target", layers.at(0).target},
      {"identity", to_hex(layout.identity)},
      {"packed_bytes", layout.packed_bytes},
      {"workspace_bytes",
       {{"one_thread", total_workspace_bytes(layout, 1)},
        {"per_further_thread", total_workspace_bytes(layout, 2) - total_workspace_bytes(layout, 1)},
        {"threads_that_find_work", max_tasks(layout)}}}};
  std::int64_t code_bytes = 0;
  for (const CompiledLayer& layer : layers) code_bytes += layer.object.code_bytes;
  json["code_bytes"] = code_bytes;
  json["layers"] = Json::array();
  for (std::size_t node = 0; node < graph.nodes.size(); ++node) {
    json["layers"].push_back(layer_json(graph.nodes[node].layer, layers[node]));
  }
  return json;
}

Json array_json(const std::string& name, const std::vector<std::int64_t>& shape) {
  return {{"name", name}, {"dtype", "float32"}, {"shape", shape}};
}

Json kernel_json(const Artifact& artifact, std::size_t index,
                 const std::vector<VariantLayout>& layouts) {
  const Graph& graph = artifact.module.graphs[index];
  Json json = {{"name", graph.name},
               {"symbol_prefix", kernel_prefix(artifact.module, graph)},
               {"sequential", graph.is_sequential},
               {"inputs", Json::array()},
               {"outputs", Json::array()},
               {"weights", Json::array()},
               {"cost", cost_json(cost_of(graph))},
               {"variants", Json::array()}};
  for (const IoMember& member : io_members_of(graph)) {
    const Tensor& tensor = graph.tensors.at(static_cast<std::size_t>(member.tensor));
    json[member.is_output ? "outputs" : "inputs"].push_back(
        array_json(member.member, fixed_shape(tensor)));
  }
  for (const Variable& variable : variables_of(graph)) {
    json["weights"].push_back(array_json(variable.member, variable.shape));
  }
  for (std::size_t target = 0; target < layouts.size(); ++target) {
    json["variants"].push_back(
        variant_json(graph, artifact.layers[index][target], layouts[target]));
  }
  return json;
}

}  // namespace

std::string manifest(const Artifact& artifact, const ModuleLayouts& layouts) {
  Json json = {{"format", kFormatVersion},
               {"library", artifact.library_name},
               {"convc", {{"version", CONVC_VERSION}, {"build", build_id()}}},
               {"halide", halide_version()},
               {"targets", artifact.targets},
               {"kernels", Json::array()}};
  for (std::size_t graph = 0; graph < layouts.size(); ++graph) {
    json["kernels"].push_back(kernel_json(artifact, graph, layouts[graph]));
  }
  return json.dump(2) + "\n";
}

}  // namespace convc
