// `convc plan`: the plan of each layer and the reason for it. The console form is a plan file that
// `--schedule` reads back.
#include <llvm/Support/raw_ostream.h>

#include <nlohmann/json.hpp>

#include "dsl/printer.h"
#include "generators/driver/exit_codes.h"
#include "generators/driver/plan_file.h"
#include "generators/driver/session.h"
#include "generators/driver/verbs.h"
#include "generators/plan/planner.h"

namespace convc {
namespace {

/// Calls visit(graph, node, target, plan) for every layer and target.
template <typename Visit>
void for_each_plan(const Session& session, const ModulePlans& plans, const Visit& visit) {
  for (std::size_t g = 0; g < session.module.graphs.size(); ++g) {
    const Graph& graph = session.module.graphs[g];
    for (std::size_t n = 0; n < graph.nodes.size(); ++n)
      for (std::size_t t = 0; t < session.targets.size(); ++t)
        visit(graph, graph.nodes[n], session.targets[t], plans[g][t][n]);
  }
}

void print_console(const Session& session, const ModulePlans& plans) {
  llvm::raw_ostream& out = llvm::outs();
  out << "# Plans of library `" << session.module.name
      << "`; `--schedule FILE` compiles with the plans of such a file.\n";
  for (const TargetInfo& target : session.targets)
    out << "# " << target.machine.isa << ": " << target.text << ", planned for "
        << target.machine.name << "\n";
  const Node* last = nullptr;
  for_each_plan(
      session, plans,
      [&](const Graph& graph, const Node& node, const TargetInfo& target, const Plan& plan) {
        if (&node != last) {
          std::string line = layer_to_spec_line(node.layer);
          if (line.size() > 200) line = line.substr(0, 200) + "...";  // literal filters
          out << "\n# " << line << "\n";
        }
        last = &node;
        out << plan_file_line(layer_path(graph, node), target.machine.isa, plan) << "\n";
        out << "#   because: " << plan.reason << "\n";
        for (const std::string& note : performance_notes(node.layer, plan))
          out << "#   note: " << note << "\n";
      });
}

void print_json(const Session& session, const ModulePlans& plans) {
  nlohmann::ordered_json document = {{"library", session.module.name}};
  document["plans"] = nlohmann::ordered_json::array();
  for_each_plan(
      session, plans,
      [&](const Graph& graph, const Node& node, const TargetInfo& target, const Plan& plan) {
        document["plans"].push_back({{"layer", layer_path(graph, node)},
                                     {"isa", target.machine.isa},
                                     {"target", target.text},
                                     {"machine", target.machine.name},
                                     {"algorithm", std::string(name_of(plan.algorithm))},
                                     {"plan", to_text(plan)},
                                     {"reason", plan.reason},
                                     {"notes", performance_notes(node.layer, plan)}});
      });
  llvm::outs() << document.dump(2) << "\n";
}

}  // namespace

int run_plan(const Options& options) {
  Session session(options);
  int code = open_session(session, /*must_run_here=*/false);
  if (code == exit_done && !options.layer.empty()) code = keep_only_layer(session, options.layer);
  if (code != exit_done) return code;
  const std::optional<ModulePlans> plans = choose_plans(session, options.schedules[0], &code);
  if (!plans) return code;
  session.diagnostics.print_to_stderr();
  if (options.format == OutputFormat::json)
    print_json(session, *plans);
  else
    print_console(session, *plans);
  return exit_done;
}

}  // namespace convc
