// Compiles layers for every target that this processor runs, and compares each kernel with the
// naive reference on all kinds of data, thread counts and buffer placements, in child processes.
#pragma once

#include <functional>
#include <vector>

#include "dsl/module.h"
#include "generators/driver/verification.h"
#include "generators/plan/machine.h"
#include "generators/plan/plan.h"

namespace convc::test {

using PlanChoice = std::function<Plan(const LayerSpec&, const Machine&)>;

/// The planner's choice.
Plan planned(const LayerSpec& layer, const Machine& machine);

/// `module` is as written; plans are chosen for what lowering makes of it. One Catch2 assertion per
/// kernel and target. Targets that cannot run here are named once, with
/// the reason. Fails when none can. Returns what was verified.
std::vector<VerifiedKernel> check_kernels(const Module& module, const PlanChoice& choose_plan);

}  // namespace convc::test
