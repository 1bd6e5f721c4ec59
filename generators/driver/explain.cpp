// `convc explain`: the loops in which a layer's kernel spends its time, as they ended up in the
// object, and what bounds them on a model of the processor.
#include <llvm/Support/raw_ostream.h>

#include <nlohmann/json.hpp>

#include "generators/driver/compilation.h"
#include "generators/driver/exit_codes.h"
#include "generators/driver/hot_loop.h"
#include "generators/driver/plan_file.h"
#include "generators/driver/session.h"
#include "generators/driver/table.h"
#include "generators/driver/verbs.h"
#include "generators/emit/step_workspace.h"

namespace convc {
namespace {

struct Explained {
  std::string path;
  const CompiledLayer* layer = nullptr;
  std::int64_t packed_bytes = 0;
  CodeReport report;
};

void print_loop(const InnerLoop& loop, bool with_assembly) {
  llvm::raw_ostream& out = llvm::outs();
  out << "  loop of " << loop.instructions << " instructions: " << loop.fmas << " FMAs, "
      << loop.vector_loads << " vector loads, " << loop.vector_stores << " stores, "
      << loop.vector_spills << " spills\n    " << significant(loop.cycles, 4)
      << " cycles an iteration, " << significant(100 * loop.peak_fraction(), 3)
      << " % of FMA peak; bound by " << loop.bound() << " (resource " << loop.resource << " "
      << significant(loop.resource_cycles, 4) << ", issue " << significant(loop.issue_cycles, 4)
      << ", dependencies " << significant(loop.carried_cycles, 4) << ")\n";
  if (!with_assembly) return;
  for (const std::string& line : loop.assembly) out << "      " << line << "\n";
}

void print_console(const std::vector<Explained>& all) {
  llvm::raw_ostream& out = llvm::outs();
  for (const Explained& one : all) {
    const KernelObject& object = one.layer->object;
    const StepWorkspace workspace = step_workspace(object);
    out << one.path << " " << one.layer->isa << ": " << to_text(one.layer->plan) << "\n  because "
        << one.layer->plan.reason << "\n  " << object.code_bytes << " bytes of code, "
        << one.packed_bytes << " of packed weights, " << workspace.of_one_thread()
        << " of workspace and " << workspace.of_further_thread()
        << " for each further thread; modelled on " << one.report.cpu;
    if (!one.report.shared_with.empty())
      out << ", to which LLVM gives the same model as to " << one.report.shared_with;
    out << "\n";
    if (one.report.loops.empty()) out << "  no innermost loop multiplies and adds vectors\n";
    bool is_first = true;
    for (const InnerLoop& loop : one.report.loops) {
      print_loop(loop, is_first);
      is_first = false;
    }
  }
}

void print_json(const std::vector<Explained>& all) {
  nlohmann::ordered_json document = {{"layers", nlohmann::ordered_json::array()}};
  for (const Explained& one : all) {
    const StepWorkspace workspace = step_workspace(one.layer->object);
    nlohmann::ordered_json loops = nlohmann::ordered_json::array();
    for (const InnerLoop& loop : one.report.loops) {
      loops.push_back({{"instructions", loop.instructions},
                       {"sums_products", loop.sums_products()},
                       {"fmas", loop.fmas},
                       {"vector_loads", loop.vector_loads},
                       {"vector_stores", loop.vector_stores},
                       {"vector_spills", loop.vector_spills},
                       {"cycles", loop.cycles},
                       {"bound", loop.bound()},
                       {"resource_cycles", loop.resource_cycles},
                       {"issue_cycles", loop.issue_cycles},
                       {"carried_cycles", loop.carried_cycles},
                       {"assembly", loop.assembly}});
    }
    document["layers"].push_back({{"layer", one.path},
                                  {"isa", one.layer->isa},
                                  {"plan", to_text(one.layer->plan)},
                                  {"code_bytes", one.layer->object.code_bytes},
                                  {"packed_bytes", one.packed_bytes},
                                  {"workspace_bytes",
                                   {{"one_thread", workspace.of_one_thread()},
                                    {"per_further_thread", workspace.of_further_thread()}}},
                                  {"cpu", one.report.cpu},
                                  {"cpu_shares_model_with", one.report.shared_with},
                                  {"loops", loops}});
  }
  llvm::outs() << document.dump(2) << "\n";
}

/// False, after printing why, when some code cannot be read.
bool explain_all(const Session& session, const Artifact& artifact, std::vector<Explained>& all) {
  for (std::size_t g = 0; g < artifact.layers.size(); ++g) {
    const std::vector<std::string> paths = step_paths(artifact.lowered.graphs[g]);
    for (std::size_t t = 0; t < artifact.layers[g].size(); ++t) {
      const TargetInfo& target = session.targets[t];
      const bool runs_here = why_target_cannot_run_here(target).empty();
      const std::string cpu = session.options.cpu.empty() ? model_cpu(target.machine.isa, runs_here)
                                                          : session.options.cpu;
      for (std::size_t n = 0; n < artifact.layers[g][t].size(); ++n) {
        const CompiledLayer& layer = artifact.layers[g][t][n];
        std::string error;
        auto report = inspect_code(layer.object.object, target.triple, cpu, &error);
        if (!report) {
          print_error(error,
                      "--cpu takes LLVM's name of a processor, such as znver4 or "
                      "sapphirerapids");
          return false;
        }
        const LayerSpec& spec = artifact.lowered.graphs[g].nodes[n].layer;
        all.push_back(
            {paths[n], &layer, packed_layout(spec, layer.plan).total_bytes, std::move(*report)});
      }
    }
  }
  return true;
}

}  // namespace

int run_explain(const Options& options) {
  Session session(options);
  int code = open_session(session, /*must_run_here=*/false);
  if (code != exit_done) return code;
  const std::optional<ModulePlans> plans = choose_plans(session, options.schedules[0], &code);
  if (!plans) return code;
  const std::optional<Artifact> artifact = compile_session(session, *plans, &code);
  if (!artifact) return code;
  session.diagnostics.print_to_stderr();
  std::vector<Explained> all;
  if (!explain_all(session, *artifact, all)) return exit_usage;
  if (options.format == OutputFormat::json)
    print_json(all);
  else
    print_console(all);
  return exit_done;
}

}  // namespace convc
