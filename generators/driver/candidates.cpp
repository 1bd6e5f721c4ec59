#include "generators/driver/candidates.h"

#include <cstddef>
#include <utility>

#include "convc/convc.h"
#include "generators/driver/compilation.h"
#include "generators/driver/exit_codes.h"
#include "generators/driver/progress.h"
#include "generators/driver/session.h"

namespace convc {
namespace {

StepCandidates planned_candidates(const LayerSpec& layer, const Machine& machine,
                                  const PlanLimits& limits) {
  StepCandidates step;
  for (PlanCandidate& one : candidate_plans(layer, machine, limits, &step.refusals))
    step.candidates.push_back({std::move(one), std::nullopt});
  return step;
}

/// Calls visit(step, layer, target) for all.
template <typename Visit>
void for_each_step(const Module& lowered, const std::vector<TargetInfo>& targets,
                   ModuleCandidates& candidates, const Visit& visit) {
  for (std::size_t g = 0; g < lowered.graphs.size(); ++g)
    for (std::size_t t = 0; t < targets.size(); ++t)
      for (std::size_t n = 0; n < lowered.graphs[g].nodes.size(); ++n)
        visit(candidates[g][t][n], lowered.graphs[g].nodes[n].layer, targets[t]);
}

std::string refusal(const Plan& plan, const StepWorkspace& workspace) {
  const std::int64_t total = workspace.of_one_thread();
  const std::int64_t thread = workspace.of_further_thread();
  return brief(plan) + ": its workspace takes " + std::to_string(total - thread) + " + " +
         std::to_string(thread) + " for a thread = " + std::to_string(total) +
         " bytes, more than --max-workspace";
}

void refuse_large(StepCandidates& step, std::int64_t most_bytes) {
  std::vector<OfferedPlan> kept;
  for (OfferedPlan& one : step.candidates) {
    if (one.workspace->of_one_thread() <= most_bytes) {
      kept.push_back(std::move(one));
    } else {
      step.refusals +=
          (step.refusals.empty() ? "" : "; ") + refusal(one.planned.plan, *one.workspace);
    }
  }
  step.candidates = std::move(kept);
}

}  // namespace

std::string brief(const Plan& plan) {
  std::string text(name_of(plan.algorithm));
  if (plan.output_tile != 0) text += " output_tile=" + std::to_string(plan.output_tile);
  return text;
}

std::optional<ModuleCandidates> list_candidates(const Module& lowered,
                                                const std::vector<TargetInfo>& targets,
                                                const Options& options, int* exit_code) {
  std::size_t steps = 0, done = 0;
  for (const Graph& graph : lowered.graphs) steps += graph.nodes.size() * targets.size();
  Progress progress("planning", steps);
  ModuleCandidates all;
  for (const Graph& graph : lowered.graphs) {
    auto& of_graph = all.emplace_back();
    for (const TargetInfo& target : targets) {
      auto& of_target = of_graph.emplace_back();
      for (const Node& node : graph.nodes) {
        progress.show(++done, node.layer.name);
        of_target.push_back(planned_candidates(node.layer, target.machine, options.limits));
      }
    }
  }
  progress.clear();
  if (!options.most_workspace_bytes) return all;

  std::vector<KernelChoice> kernels;
  for_each_step(lowered, targets, all,
                [&](StepCandidates& step, const LayerSpec& layer, const TargetInfo& target) {
                  for (OfferedPlan& one : step.candidates)
                    kernels.push_back({&layer, &one.planned.plan, target.text});
                });
  WorkerLimits workers;
  workers.jobs = options.jobs ? options.jobs : convc_get_threads();
  Failure failure = Failure::internal;
  std::string error;
  const auto measured = measure_workspaces(kernels, workers, &failure, &error);
  if (!measured) {
    if (failure != Failure::interrupted) print_error(error, kTooManyProcesses);
    *exit_code = exit_code_of(failure);
    return std::nullopt;
  }
  std::size_t next = 0;
  for_each_step(lowered, targets, all,
                [&](StepCandidates& step, const LayerSpec&, const TargetInfo&) {
                  for (OfferedPlan& one : step.candidates) one.workspace = (*measured)[next++];
                  refuse_large(step, *options.most_workspace_bytes);
                });
  return all;
}

}  // namespace convc
