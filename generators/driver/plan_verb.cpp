// `convc plan`: the plan of each layer and the reason for it. The console form is a plan file that
// `--schedule` reads back.
#include <llvm/Support/raw_ostream.h>

#include <nlohmann/json.hpp>

#include "dsl/printer.h"
#include "generators/driver/exit_codes.h"
#include "generators/driver/plan_file.h"
#include "generators/driver/session.h"
#include "generators/driver/table.h"
#include "generators/driver/verbs.h"
#include "generators/emit/layout_text.h"
#include "generators/plan/planner.h"

namespace convc {
namespace {

/// A step and its plan for one target.
struct PlannedStep {
  const Graph& written;
  const Graph& lowered;
  std::size_t node;
  const TargetInfo& target;
  const Plan& plan;
  const std::vector<OfferedPlan>& candidates;
  std::string path;

  [[nodiscard]] const LayerSpec& layer() const { return lowered.nodes[node].layer; }
};

/// Calls visit(step) for every step and target. Precondition: the candidates are listed.
template <typename Visit>
void for_each_plan(const Session& session, const ModulePlans& plans, const Visit& visit) {
  for (std::size_t g = 0; g < session.lowered.graphs.size(); ++g) {
    const Graph& graph = session.lowered.graphs[g];
    const std::vector<std::string> paths = step_paths(graph);
    for (std::size_t n = 0; n < graph.nodes.size(); ++n)
      for (std::size_t t = 0; t < session.targets.size(); ++t)
        visit(PlannedStep{session.module.graphs[g], graph, n, session.targets[t], plans[g][t][n],
                          (*session.candidates)[g][t][n].candidates, paths[n]});
  }
}

/// A spec line, or the beginning of one with many literal numbers.
std::string short_line(std::string line) {
  constexpr std::size_t kMaxLength = 200;
  return line.size() > kMaxLength ? line.substr(0, kMaxLength) + "..." : line;
}

/// What the plan lines of a step stand under: the layer, and of a graph of several steps what this
/// one does.
void print_heading(const PlannedStep& step) {
  llvm::raw_ostream& out = llvm::outs();
  const bool is_layer = step.written.form == GraphForm::layer;
  out << "\n";
  if (is_layer && step.node == 0)
    out << "# " << short_line(layer_to_spec_line(step.written.nodes[0].layer)) << "\n";
  if (!is_layer || step.lowered.nodes.size() > 1)
    out << "# " << step.path << ": " << step_text(step.layer()) << "\n";
}

/// What else the planner weighed, and what it expects of each.
void print_candidates(const PlannedStep& step) {
  std::string text;
  for (const OfferedPlan& one : step.candidates) {
    text += (text.empty() ? "" : "; ") + brief(one.planned.plan) + " " +
            with_prefix(one.planned.cycles) + " cycles, " + bytes_text(one.planned.packed_bytes) +
            " packed";
    if (one.workspace) text += ", " + bytes_text(one.workspace->of_one_thread()) + " workspace";
  }
  llvm::outs() << "#   candidates: " << text << "\n";
}

nlohmann::ordered_json candidates_json(const PlannedStep& step) {
  auto candidates = nlohmann::ordered_json::array();
  for (const OfferedPlan& one : step.candidates) {
    candidates.push_back({{"plan", to_text(one.planned.plan)},
                          {"predicted_cycles", one.planned.cycles},
                          {"packed_bytes", one.planned.packed_bytes}});
    if (one.workspace)
      candidates.back()["workspace_bytes"] = {
          {"one_thread", one.workspace->of_one_thread()},
          {"per_further_thread", one.workspace->of_further_thread()}};
  }
  return candidates;
}

void print_console(const Session& session, const ModulePlans& plans) {
  llvm::raw_ostream& out = llvm::outs();
  out << "# Plans of library `" << session.module.name
      << "`; `--schedule FILE` compiles with the plans of such a file.\n# accuracy: "
      << name_of(session.options.limits.accuracy) << "\n";
  for (const TargetInfo& target : session.targets)
    out << "# " << target.machine.isa << ": " << target.text << ", planned for "
        << target.machine.name << "\n";
  for_each_plan(session, plans, [&](const PlannedStep& step) {
    if (&step.target == &session.targets[0]) print_heading(step);
    out << plan_file_line(step.path, step.target.machine.isa, step.plan) << "\n";
    out << "#   because: " << step.plan.reason << "\n";
    print_candidates(step);
    for (const std::string& note : performance_notes(step.layer(), step.plan, step.target.machine))
      out << "#   note: " << note << "\n";
  });
}

void print_json(const Session& session, const ModulePlans& plans) {
  nlohmann::ordered_json document = {
      {"library", session.module.name},
      {"accuracy", std::string(name_of(session.options.limits.accuracy))}};
  document["plans"] = nlohmann::ordered_json::array();
  for_each_plan(session, plans, [&](const PlannedStep& step) {
    const Machine& machine = step.target.machine;
    document["plans"].push_back({{"layer", step.path},
                                 {"does", step_text(step.layer())},
                                 {"isa", machine.isa},
                                 {"target", step.target.text},
                                 {"machine", machine.name},
                                 {"algorithm", std::string(name_of(step.plan.algorithm))},
                                 {"plan", to_text(step.plan)},
                                 {"reason", step.plan.reason},
                                 {"candidates", candidates_json(step)},
                                 {"notes", performance_notes(step.layer(), step.plan, machine)},
                                 {"slow_path", is_slow_path(step.layer(), step.plan, machine)}});
  });
  llvm::outs() << document.dump(2) << "\n";
}

}  // namespace

int run_plan(const Options& options) {
  Session session(options);
  int code = open_session(session, /*must_run_here=*/false);
  if (code != exit_done) return code;
  const std::optional<ModulePlans> plans = choose_plans(session, options.schedules[0], &code);
  if (!plans || candidates_of(session, &code) == nullptr) return code;
  session.diagnostics.print_to_stderr();
  if (options.format == OutputFormat::json)
    print_json(session, *plans);
  else
    print_console(session, *plans);
  return exit_done;
}

}  // namespace convc
