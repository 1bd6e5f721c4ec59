// The planner: (layer, machine) -> plan. Pure functions: no Halide, no clock, no host inspection.
#pragma once

#include <vector>

#include "dsl/layer_spec.h"
#include "generators/plan/machine.h"
#include "generators/plan/plan.h"

namespace convc {

/// The plan `--schedule auto` uses, with its reason in words.
Plan make_plan(const LayerSpec& layer, const Machine& machine);

/// The plan `--schedule naive` uses: plain loops in the compiler's default order.
Plan make_naive_plan(const LayerSpec& layer, const Machine& machine);

/// Empty when `plan` can be compiled for `layer` on `machine`; otherwise a sentence that says why
/// not (for plans read from a file).
std::string why_plan_is_invalid(const Plan& plan, const LayerSpec& layer, const Machine& machine);

/// Remarks for the user about speed, e.g. "groups=3 leaves 12 of 16 lanes idle"; may be empty.
std::vector<std::string> performance_notes(const LayerSpec& layer, const Plan& plan);

}  // namespace convc
