// `convc summary`: Keras' model.summary(), with what the layers cost.
#include <llvm/Support/raw_ostream.h>

#include <nlohmann/json.hpp>
#include <optional>

#include "dsl/cost.h"
#include "dsl/printer.h"
#include "generators/driver/exit_codes.h"
#include "generators/driver/session.h"
#include "generators/driver/table.h"
#include "generators/driver/verbs.h"

namespace convc {
namespace {

/// A Sequential or a Model, or all bare layers of the library together.
struct Section {
  std::string title;
  const Graph* network = nullptr;  ///< null: bare layers
  struct Row {
    const Graph* graph;
    const Node* node;
    std::string algorithm;
  };
  std::vector<Row> rows;
};

/// The algorithms of a layer's steps, or where the layer went: lowering fuses what follows a
/// convolution into it.
std::string algorithm_of(const LayerSpec& layer, const Graph& lowered,
                         const std::vector<Plan>& plans) {
  std::string text;
  for (std::size_t n = 0; n < lowered.nodes.size(); ++n) {
    if (lowered.nodes[n].layer.name != layer.name) continue;
    const std::string name(name_of(plans[n].algorithm));
    if (text.find(name) == std::string::npos) text += (text.empty() ? "" : ", ") + name;
  }
  if (!text.empty()) return text;
  for (const Node& node : lowered.nodes)
    for (const PostOp& op : node.layer.post_ops)
      if (op.name == layer.name) return "in " + node.layer.name;
  return layer.padding == Padding{} && layer.post_ops.empty() ? "-" : "in the next layer";
}

std::vector<Section> sections_of(const Session& session, const ModulePlans& plans) {
  std::vector<Section> sections;
  Section bare{"Layers of \"" + session.module.name + "\"", nullptr, {}};
  for (std::size_t g = 0; g < session.module.graphs.size(); ++g) {
    const Graph& graph = session.module.graphs[g];
    const bool is_network = graph.form != GraphForm::layer;
    Section network{"Model: \"" + graph.name + "\"", &graph, {}};
    Section& section = is_network ? network : bare;
    for (const Node& node : graph.nodes)
      section.rows.push_back(
          {&graph, &node, algorithm_of(node.layer, session.lowered.graphs[g], plans[g][0])});
    if (is_network) sections.push_back(std::move(network));
  }
  if (!bare.rows.empty()) sections.push_back(std::move(bare));
  return sections;
}

/// Of a network the function's, else the sum over the layers.
Cost total_of(const Section& section) {
  if (section.network) return cost_of(*section.network);
  Cost total;
  for (const Section::Row& row : section.rows) {
    const Cost cost = cost_of(row.node->layer);
    total.parameters += cost.parameters;
    total.macs += cost.macs;
    total.input_bytes += cost.input_bytes;
    total.output_bytes += cost.output_bytes;
    total.weight_bytes += cost.weight_bytes;
  }
  return total;
}

/// The output's sizes; nullopt: a batch that the spec does not give, and run-time sizes.
std::vector<std::optional<std::int64_t>> output_shape(const Section::Row& row) {
  const auto output = static_cast<std::size_t>(row.node->outputs.at(0));
  std::vector<std::optional<std::int64_t>> shape;
  for (const Dim& dim : row.graph->tensors.at(output).shape)
    shape.push_back(dim.fixed() ? std::optional(dim.max) : std::nullopt);
  if (!row.graph->batch_given) shape[0].reset();
  return shape;
}

/// "(None, 5, 5, 32)", as Keras prints it.
std::string output_shape_text(const Section::Row& row) {
  std::string text;
  for (const std::optional<std::int64_t>& size : output_shape(row))
    text += (text.empty() ? "(" : ", ") + (size ? std::to_string(*size) : "None");
  return text + ")";
}

void print_console(const std::vector<Section>& sections, const TargetInfo& target,
                   Accuracy accuracy) {
  llvm::raw_ostream& out = llvm::outs();
  for (const Section& section : sections) {
    out << section.title << "\n";
    Table table({{"Layer (type)", Align::left},
                 {"Output Shape", Align::left},
                 {"Param #", Align::right},
                 {"MACs", Align::right},
                 {"Bytes", Align::right},
                 {"FLOP/B", Align::right},
                 {"Algorithm", Align::left}});
    for (const Section::Row& row : section.rows) {
      const LayerSpec& layer = row.node->layer;
      const Cost cost = cost_of(layer);
      table.add_row({layer.name + " (" + callable_name(layer) + ")", output_shape_text(row),
                     with_separators(cost.parameters), with_prefix(static_cast<double>(cost.macs)),
                     bytes_text(cost.compulsory_bytes()), significant(cost.flops_per_byte(), 3),
                     row.algorithm});
    }
    const Cost total = total_of(section);
    out << table.to_text() << "Total params: " << with_separators(total.parameters) << " ("
        << bytes_text(total.weight_bytes) << ")\nTotal MACs: " << with_separators(total.macs)
        << "\nTotal bytes: " << bytes_text(total.compulsory_bytes()) << " (inputs "
        << bytes_text(total.input_bytes) << ", weights " << bytes_text(total.weight_bytes)
        << ", outputs " << bytes_text(total.output_bytes) << "), "
        << significant(total.flops_per_byte(), 3) << " FLOP/B\n\n";
  }
  out << "Algorithms for " << target.text << ", accuracy " << name_of(accuracy) << "\n";
}

nlohmann::ordered_json cost_json(const Cost& cost) {
  return {{"parameters", cost.parameters},          {"macs", cost.macs},
          {"input_bytes", cost.input_bytes},        {"output_bytes", cost.output_bytes},
          {"weight_bytes", cost.weight_bytes},      {"compulsory_bytes", cost.compulsory_bytes()},
          {"flops_per_byte", cost.flops_per_byte()}};
}

void print_json(const Module& module, const std::vector<Section>& sections,
                const TargetInfo& target, Accuracy accuracy) {
  nlohmann::ordered_json document = {{"library", module.name},
                                     {"target", target.text},
                                     {"accuracy", std::string(name_of(accuracy))}};
  document["models"] = nlohmann::ordered_json::array();
  for (const Section& section : sections) {
    nlohmann::ordered_json model;
    model["name"] = section.network ? nlohmann::ordered_json(section.network->name)
                                    : nlohmann::ordered_json(nullptr);
    for (const Section::Row& row : section.rows) {
      const LayerSpec& layer = row.node->layer;
      nlohmann::ordered_json entry = {{"name", layer.name}, {"type", callable_name(layer)}};
      for (const std::optional<std::int64_t>& size : output_shape(row))
        entry["output_shape"].push_back(size ? nlohmann::ordered_json(*size)
                                             : nlohmann::ordered_json(nullptr));
      entry.update(cost_json(cost_of(layer)));
      entry["algorithm"] = row.algorithm;
      model["layers"].push_back(std::move(entry));
    }
    model["total"] = cost_json(total_of(section));
    document["models"].push_back(std::move(model));
  }
  llvm::outs() << document.dump(2) << "\n";
}

}  // namespace

int run_summary(const Options& options) {
  Session session(options);
  int code = open_session(session, /*must_run_here=*/false);
  if (code != exit_done) return code;
  const std::optional<ModulePlans> plans = choose_plans(session, options.schedules[0], &code);
  if (!plans) return code;
  tell_performance_notes(session, *plans);
  session.diagnostics.print_to_stderr();
  const std::vector<Section> sections = sections_of(session, *plans);
  if (options.format == OutputFormat::json)
    print_json(session.module, sections, session.targets[0], options.limits.accuracy);
  else
    print_console(sections, session.targets[0], options.limits.accuracy);
  return session.diagnostics.has_errors() ? exit_input_wrong : exit_done;
}

}  // namespace convc
