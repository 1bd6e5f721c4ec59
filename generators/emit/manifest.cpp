// Mirrors Artifact and VariantLayout.
#include "generators/emit/manifest.h"

#include <nlohmann/json.hpp>

#include "dsl/cost.h"
#include "dsl/printer.h"
#include "generators/emit/identity.h"
#include "generators/emit/layout_text.h"
#include "generators/emit/names.h"
#include "generators/emit/numerical_contract.h"
#include "generators/emit/step_workspace.h"

namespace convc {
namespace {

using Json = nlohmann::ordered_json;

/// Raised when a key changes its meaning or goes.
constexpr int kFormatVersion = 2;

Json cost_json(const Cost& cost) {
  return {{"parameters", cost.parameters},     {"macs", cost.macs},
          {"input_bytes", cost.input_bytes},   {"output_bytes", cost.output_bytes},
          {"weight_bytes", cost.weight_bytes}, {"flops_per_byte", cost.flops_per_byte()}};
}

Json step_json(const std::string& name, const LayerSpec& layer, const CompiledLayer& compiled) {
  const std::int64_t steps = rounding_steps(layer, compiled.plan);
  const StepWorkspace workspace = step_workspace(compiled.object);
  return {{"name", name},
          {"layer", layer.name},
          {"does", step_text(layer)},
          {"plan", to_text(compiled.plan)},
          {"reason", compiled.plan.reason},
          {"cost", cost_json(cost_of(layer))},
          {"symbol", compiled.object.symbol},
          {"code_bytes", compiled.object.code_bytes},
          {"packed_bytes", packed_layout(layer, compiled.plan).total_bytes},
          {"workspace_bytes",
           {{"one_thread", workspace.of_one_thread()},
            {"per_further_thread", workspace.of_further_thread()}}},
          {"tasks", compiled.object.max_tasks},
          {"error_bound",
           {{"gamma_n", steps},
            {"relative_to_term_magnitudes", gamma_bound(steps)},
            {"term_amplification", term_amplification(layer, compiled.plan)}}}};
}

Json variant_json(const Graph& lowered, const std::vector<CompiledLayer>& layers,
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
  json["steps"] = Json::array();
  const std::vector<std::string> names = step_names(lowered);
  for (std::size_t node = 0; node < lowered.nodes.size(); ++node) {
    json["steps"].push_back(step_json(names[node], lowered.nodes[node].layer, layers[node]));
  }
  return json;
}

Json tensor_json(const IoMember& member, const Graph& graph, const IoTensor& layout) {
  const Tensor& tensor = graph.tensors.at(static_cast<std::size_t>(member.tensor));
  Json json = {{"name", member.member}, {"dtype", "float32"}, {"shape", Json::array()}};
  for (const Dim& dim : tensor.shape) {
    json["shape"].push_back(dim.fixed() ? Json(dim.max) : Json{{"min", dim.min}, {"max", dim.max}});
  }
  json["axes"] = axes_text(tensor);
  json["row_pitch"] = tensor.form.row_pitch;  // 0: dense
  json["bytes"] = layout.bytes;
  return json;
}

void add_tensors(Json& json, const Graph& graph, const KernelInterface& interface) {
  json["inputs"] = Json::array();
  json["outputs"] = Json::array();
  std::size_t inputs = 0, outputs = 0;
  for (const IoMember& member : io_members_of(graph)) {
    const IoTensor& layout =
        member.is_output ? interface.outputs.at(outputs++) : interface.inputs.at(inputs++);
    json[member.is_output ? "outputs" : "inputs"].push_back(tensor_json(member, graph, layout));
  }
}

const char* name_of(GraphForm form) {
  switch (form) {
    case GraphForm::layer:
      return "layer";
    case GraphForm::sequential:
      return "sequential";
    case GraphForm::model:
      return "model";
  }
  return "?";
}

Json kernel_json(const Artifact& artifact, std::size_t index, const KernelLayouts& layouts) {
  const Graph& graph = artifact.module.graphs[index];
  Json json = {{"name", graph.name},
               {"symbol_prefix", kernel_prefix(artifact.module, graph)},
               {"form", name_of(graph.form)}};
  add_tensors(json, graph, layouts.interface);
  json["sizes"] = Json::array();
  for (const RunTimeSize& size : layouts.interface.sizes.sizes) {
    if (size.member.empty()) break;
    json["sizes"].push_back(
        {{"name", size.member}, {"min", size.numbers.min}, {"max", size.numbers.max}});
  }
  json["weights"] = Json::array();
  for (const Variable& variable : layouts.interface.variables) {
    json["weights"].push_back({{"name", variable.member},
                               {"layer", variable.layer},
                               {"variable", variable.name},
                               {"dtype", "float32"},
                               {"shape", variable.shape},
                               {"axes", axes_text(variable, graph.nodes[variable.node].layer)}});
  }
  json["layers"] = Json::array();
  for (const Node& node : graph.nodes) {
    json["layers"].push_back({{"name", node.layer.name}, {"spec", layer_to_spec_line(node.layer)}});
  }
  json["cost"] = cost_json(cost_of(graph));
  json["variants"] = Json::array();
  for (std::size_t target = 0; target < layouts.variants.size(); ++target) {
    json["variants"].push_back(variant_json(
        artifact.lowered.graphs[index], artifact.layers[index][target], layouts.variants[target]));
  }
  return json;
}

}  // namespace

std::string manifest(const Artifact& artifact, const std::vector<KernelLayouts>& layouts) {
  Json json = {{"format", kFormatVersion},
               {"library", artifact.library_name},
               {"convc", {{"version", CONVC_VERSION}, {"build", build_id()}}},
               {"halide", halide_version()},
               {"targets", artifact.targets},
               {"accuracy", std::string(name_of(artifact.accuracy))},
               {"kernels", Json::array()}};
  for (std::size_t graph = 0; graph < layouts.size(); ++graph) {
    json["kernels"].push_back(kernel_json(artifact, graph, layouts[graph]));
  }
  return json.dump(2) + "\n";
}

}  // namespace convc
