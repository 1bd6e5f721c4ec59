// What the planner may choose from, within all limits that the user gave.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "dsl/module.h"
#include "generators/driver/options.h"
#include "generators/emit/host_target.h"
#include "generators/emit/step_workspace.h"
#include "generators/plan/planner.h"

namespace convc {

struct OfferedPlan {
  PlanCandidate planned;
  std::optional<StepWorkspace> workspace;  ///< where --max-workspace makes it matter
};

/// Of one step for one target, the fastest first.
struct StepCandidates {
  std::vector<OfferedPlan> candidates;
  std::string refusals;  ///< a sentence that says why there are none, or no more
};

/// [graph][target][node], of a lowered module.
using ModuleCandidates = std::vector<std::vector<std::vector<StepCandidates>>>;

/// With --max-workspace each candidate is lowered to know its scratch: the planner does not predict
/// it. Nullopt, after printing why, when that fails.
std::optional<ModuleCandidates> list_candidates(const Module& lowered,
                                                const std::vector<TargetInfo>& targets,
                                                const Options& options, int* exit_code);

/// "direct", "winograd output_tile=4".
std::string brief(const Plan& plan);

}  // namespace convc
