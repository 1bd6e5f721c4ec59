// `convc summary`: Keras' model.summary(), with what the layers cost.
#include <llvm/Support/raw_ostream.h>

#include <nlohmann/json.hpp>

#include "dsl/cost.h"
#include "generators/driver/exit_codes.h"
#include "generators/driver/session.h"
#include "generators/driver/table.h"
#include "generators/driver/verbs.h"

namespace convc {
namespace {

/// A Sequential, or all bare layers of the library together.
struct Section {
  std::string title;
  const Graph* network = nullptr;  ///< null: bare layers
  struct Row {
    const Graph* graph;
    const Node* node;
    const Plan* plan;
  };
  std::vector<Row> rows;
};

std::vector<Section> sections_of(const Module& module, const ModulePlans& plans) {
  std::vector<Section> sections;
  Section bare{"Layers of \"" + module.name + "\"", nullptr, {}};
  for (std::size_t g = 0; g < module.graphs.size(); ++g) {
    const Graph& graph = module.graphs[g];
    Section network{"Model: \"" + graph.name + "\"", &graph, {}};
    Section& section = graph.is_sequential ? network : bare;
    for (std::size_t n = 0; n < graph.nodes.size(); ++n)
      section.rows.push_back({&graph, &graph.nodes[n], &plans[g][0][n]});
    if (graph.is_sequential) sections.push_back(std::move(network));
  }
  if (!bare.rows.empty()) sections.push_back(std::move(bare));
  return sections;
}

/// Of a Sequential the function's, else the sum over the layers.
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

const char* type_name(LayerKind kind) {
  switch (kind) {
    case LayerKind::conv2d:
      return "Conv2D";
  }
  return "?";
}

/// "(None, 5, 5, 32)"; None is a batch that the spec does not give.
std::string output_shape_text(const Section::Row& row) {
  const LayerSpec& layer = row.node->layer;
  const std::string batch = row.graph->batch_given ? std::to_string(layer.batch) : "None";
  return "(" + batch + ", " + std::to_string(layer.out.height) + ", " +
         std::to_string(layer.out.width) + ", " + std::to_string(layer.filters) + ")";
}

void print_console(const std::vector<Section>& sections, const TargetInfo& target) {
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
      table.add_row({layer.name + " (" + type_name(layer.kind) + ")", output_shape_text(row),
                     with_separators(cost.parameters), with_prefix(static_cast<double>(cost.macs)),
                     bytes_text(cost.compulsory_bytes()), significant(cost.flops_per_byte(), 3),
                     std::string(name_of(row.plan->algorithm))});
    }
    const Cost total = total_of(section);
    out << table.to_text() << "Total params: " << with_separators(total.parameters) << " ("
        << bytes_text(total.weight_bytes) << ")\nTotal MACs: " << with_separators(total.macs)
        << "\nTotal bytes: " << bytes_text(total.compulsory_bytes()) << " (inputs "
        << bytes_text(total.input_bytes) << ", weights " << bytes_text(total.weight_bytes)
        << ", outputs " << bytes_text(total.output_bytes) << "), "
        << significant(total.flops_per_byte(), 3) << " FLOP/B\n\n";
  }
  out << "Algorithms for " << target.text << "\n";
}

nlohmann::ordered_json cost_json(const Cost& cost) {
  return {{"parameters", cost.parameters},          {"macs", cost.macs},
          {"input_bytes", cost.input_bytes},        {"output_bytes", cost.output_bytes},
          {"weight_bytes", cost.weight_bytes},      {"compulsory_bytes", cost.compulsory_bytes()},
          {"flops_per_byte", cost.flops_per_byte()}};
}

void print_json(const Module& module, const std::vector<Section>& sections,
                const TargetInfo& target) {
  nlohmann::ordered_json document = {{"library", module.name}, {"target", target.text}};
  document["models"] = nlohmann::ordered_json::array();
  for (const Section& section : sections) {
    nlohmann::ordered_json model;
    model["name"] = section.network ? nlohmann::ordered_json(section.network->name)
                                    : nlohmann::ordered_json(nullptr);
    for (const Section::Row& row : section.rows) {
      const LayerSpec& layer = row.node->layer;
      nlohmann::ordered_json entry = {{"name", layer.name}, {"type", type_name(layer.kind)}};
      entry["output_shape"] = {layer.batch, layer.out.height, layer.out.width, layer.filters};
      if (!row.graph->batch_given) entry["output_shape"][0] = nullptr;
      entry.update(cost_json(cost_of(layer)));
      entry["algorithm"] = std::string(name_of(row.plan->algorithm));
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
  session.diagnostics.print_to_stderr();
  const std::vector<Section> sections = sections_of(session.module, *plans);
  if (options.format == OutputFormat::json)
    print_json(session.module, sections, session.targets[0]);
  else
    print_console(sections, session.targets[0]);
  return exit_done;
}

}  // namespace convc
