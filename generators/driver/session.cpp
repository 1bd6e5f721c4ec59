#include "generators/driver/session.h"

#include <llvm/ADT/StringRef.h>
#include <llvm/Support/MemoryBuffer.h>
#include <llvm/Support/raw_ostream.h>

#include <algorithm>
#include <set>
#include <string>
#include <tuple>

#include "dsl/onnx/load_files.h"
#include "dsl/snippet.h"
#include "generators/driver/exit_codes.h"
#include "generators/driver/plan_file.h"
#include "generators/emit/names.h"
#include "generators/plan/lowering.h"
#include "generators/plan/planner.h"

namespace convc {
namespace {

int load_module(Session& session) {
  std::optional<Module> module = load_files(session.options.files, session.options.library_name,
                                            ModelDims(session.options.dims), session.diagnostics);
  if (!module) {
    session.diagnostics.print_to_stderr();
    return exit_input_wrong;
  }
  session.module = std::move(*module);
  session.lowered = lower(session.module);
  for (const Graph& graph : session.lowered.graphs)
    for (std::string& path : step_paths(graph)) session.steps.insert(std::move(path));
  return exit_done;
}

int resolve_targets(Session& session, bool must_run_here) {
  std::vector<std::string> texts = session.options.targets;
  if (texts.empty()) texts = {"host"};
  for (const std::string& text : texts) {
    std::string error;
    const std::optional<TargetInfo> target = describe_target(text, &error);
    if (!target) {
      print_error(
          "--target: " + error,
          "e.g. host, avx2, avx512, or a full string such as x86-64-linux-avx-avx2-f16c-fma-sse41");
      return exit_usage;
    }
    error = must_run_here ? why_target_cannot_run_here(*target) : "";
    if (!error.empty()) {
      print_error("--target " + text + ": " + error,
                  "`convc compile` can make code for it; run that on such a machine");
      return exit_environment;
    }
    for (const TargetInfo& other : session.targets) {
      if (other.machine.isa != target->machine.isa) continue;
      print_error("--target: `" + other.text + "` and `" + target->text +
                      "` are both the variant `" + other.machine.isa + "`",
                  "a library holds one of each: give one of the two");
      return exit_usage;
    }
    session.targets.push_back(*target);
  }
  return exit_done;
}

std::optional<PlanFile> read_plan_file(const std::string& path, Diagnostics& diagnostics) {
  const auto buffer = llvm::MemoryBuffer::getFile(path);
  if (!buffer) {
    print_error(
        "--schedule " + path + ": cannot read this plan file: " + buffer.getError().message(),
        "a schedule is auto, naive, or a file that `convc plan` wrote");
    return std::nullopt;
  }
  return parse_plan_file(diagnostics.add_file((*buffer)->getBuffer(), path), path, diagnostics);
}

/// Every layer of the plan file must be a step; else a spelling mistake would go unnoticed.
void check_layers(const PlanFile& file, Session& session) {
  const std::vector<std::string_view> names(session.steps.begin(), session.steps.end());
  for (const auto& [key, entry] : file.plans) {
    if (session.steps.contains(key.first)) continue;
    const std::string close(nearest(key.first, names));
    session.diagnostics
        .error(Code::none, entry.layer, "there is no layer `" + printable(key.first) + "`")
        .help(close.empty() ? "`convc plan` prints a line for each layer"
                            : "did you mean `" + close + "`?");
  }
}

/// The fastest for a step. Nullopt and a message when the user's limits leave none.
std::optional<Plan> fastest_plan(const std::string& path, const Machine& machine,
                                 const StepCandidates& offer) {
  if (!offer.candidates.empty()) return offer.candidates.front().planned.plan;
  print_error(
      "no plan of `" + path + "` for " + machine.isa + " is within the limits: " + offer.refusals,
      "allow more by --accuracy, --algorithms, --max-packed or --max-workspace");
  return std::nullopt;
}

/// What a line of a plan file says; reported when it cannot be.
std::optional<Plan> given_plan(const PlanFile& file, const PlanFile::Entry& entry,
                               const LayerSpec& layer, const Machine& machine, Session& session) {
  std::string error = why_plan_is_invalid(entry.plan, layer, machine);
  if (error.empty()) error = why_inaccurate(entry.plan, layer, session.options.limits.accuracy);
  if (!error.empty()) {
    session.diagnostics.error(Code::none, entry.range, error)
        .help("edit the plan, or remove the line: the planner then chooses");
    return std::nullopt;
  }
  Plan plan = entry.plan;
  plan.reason = "given in " + file.path;
  return plan;
}

/// Keeps only the graph that --layer names.
int keep_only_layer(Session& session) {
  const std::string& name = session.options.layer;
  std::vector<std::string_view> names;
  for (const Graph& graph : session.module.graphs) names.push_back(graph.name);
  if (std::find(names.begin(), names.end(), name) == names.end()) {
    const std::string close(nearest(name, names));
    std::string known;
    for (std::size_t i = 0; i < names.size() && i < 20; ++i)
      known += (i ? ", " : "") + std::string(names[i]);
    if (names.size() > 20) known += ", ...";
    print_error("--layer: there is no `" + name + "` in " + session.options.files[0],
                close.empty() ? "there are: " + known : "did you mean `" + close + "`?");
    return exit_input_wrong;
  }
  keep_graphs(session, [&](const Graph& graph) { return graph.name == name; });
  return exit_done;
}

}  // namespace

void print_error(const std::string& message, const std::string& help) {
  llvm::errs() << "convc: error: " << message << "\nhelp: " << help << "\n";
}

int open_session(Session& session, bool must_run_here) {
  // Usage first: a wrong target is reported even when the files are wrong too.
  int code = resolve_targets(session, must_run_here);
  if (code == exit_done) code = load_module(session);
  return code == exit_done && !session.options.layer.empty() ? keep_only_layer(session) : code;
}

const ModuleCandidates* candidates_of(Session& session, int* exit_code) {
  if (!session.candidates)
    session.candidates =
        list_candidates(session.lowered, session.targets, session.options, exit_code);
  return session.candidates ? &*session.candidates : nullptr;
}

std::optional<ModulePlans> choose_plans(Session& session, const std::string& schedule,
                                        int* exit_code) {
  *exit_code = exit_done;
  std::optional<PlanFile> file;
  if (schedule != "auto" && schedule != "naive") {
    file = read_plan_file(schedule, session.diagnostics);
    if (file) check_layers(*file, session);
    if (!file || session.diagnostics.has_errors()) *exit_code = exit_input_wrong;
    if (!file) return std::nullopt;
  }
  ModulePlans plans;
  for (const Graph& graph : session.lowered.graphs) {
    const std::vector<std::string> paths = step_paths(graph);
    auto& of_graph = plans.emplace_back();
    for (const TargetInfo& target : session.targets) {
      auto& of_target = of_graph.emplace_back();
      for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
        const LayerSpec& layer = graph.nodes[n].layer;
        const PlanFile::Entry* entry = file ? file->find(paths[n], target.machine.isa) : nullptr;
        std::optional<Plan> plan;
        if (schedule == "naive") {
          plan = make_naive_plan(layer, target.machine);
        } else if (entry != nullptr) {
          plan = given_plan(*file, *entry, layer, target.machine, session);
        } else {
          const ModuleCandidates* candidates = candidates_of(session, exit_code);
          if (candidates == nullptr) return std::nullopt;
          plan = fastest_plan(paths[n], target.machine,
                              (*candidates)[plans.size() - 1][of_graph.size() - 1][n]);
        }
        if (!plan) *exit_code = exit_input_wrong;
        of_target.push_back(plan.value_or(Plan{}));
      }
    }
  }
  if (*exit_code == exit_done) return plans;
  session.diagnostics.print_to_stderr();
  return std::nullopt;
}

void keep_graphs(Session& session, const std::function<bool(const Graph&)>& is_wanted) {
  for (Module* module : {&session.module, &session.lowered})
    std::erase_if(module->graphs, [&](const Graph& graph) { return !is_wanted(graph); });
  session.candidates.reset();
}

void tell_performance_notes(Session& session, const ModulePlans& plans) {
  Diagnostics& diagnostics = session.diagnostics;
  // The steps of one layer, such as phases of a transposed one, have the same to say: once.
  std::set<std::tuple<std::uint32_t, std::uint32_t, std::string>> told;
  for (std::size_t g = 0; g < session.lowered.graphs.size(); ++g) {
    const Graph& graph = session.lowered.graphs[g];
    const std::vector<std::string> paths = step_paths(graph);
    for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
      const LayerSpec& layer = graph.nodes[n].layer;
      const ScopedOrigin origin(diagnostics, paths[n]);
      for (std::size_t t = 0; t < session.targets.size(); ++t) {
        const Machine& machine = session.targets[t].machine;
        const std::string suffix = session.targets.size() > 1 ? " (" + machine.isa + ")" : "";
        const bool is_error =
            session.options.slow_path_is_error && is_slow_path(layer, plans[g][t][n], machine);
        for (const std::string& note : performance_notes(layer, plans[g][t][n], machine)) {
          const SourceRange place = diagnostics.range_at(layer.location);
          if (place.known() && !told.emplace(place.file, place.begin, note + suffix).second)
            continue;
          if (is_error)
            diagnostics.error(Code::none, place, note + suffix)
                .help("without --error=slow-path this is a remark");
          else
            diagnostics.performance(place, note + suffix)
                .help("`convc plan` prints what else was weighed");
        }
      }
    }
  }
}

}  // namespace convc
