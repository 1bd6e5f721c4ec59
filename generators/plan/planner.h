// The planner: (layer, machine) -> plan. Pure functions: no Halide, no clock, no host inspection.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dsl/layer_spec.h"
#include "generators/plan/machine.h"
#include "generators/plan/plan.h"

namespace convc {

/// What a plan may be, by the user's word.
struct PlanLimits {
  Accuracy accuracy = Accuracy::fast;
  /// Of layers with one filter bank; empty: all. Other layers have one algorithm each.
  std::vector<Algorithm> algorithms;
  std::int64_t packed_bytes = INT64_MAX;  ///< of a layer's packed weights, at most
};

/// Those that PlanLimits can name.
const std::vector<Algorithm>& filter_bank_algorithms();

/// One of the plans that the planner weighs.
struct PlanCandidate {
  Plan plan;
  double cycles = 0;              ///< predicted, of one thread (generators/plan/roofline.h)
  double compute_cycles = 0;      ///< the same without waiting for memory
  std::int64_t packed_bytes = 0;  ///< of packed_layout
};

/// The plans that may be best for a layer, within the limits, the fastest first; of those
/// that wait for memory alike, the one that computes fastest. Precondition here
/// and below: a layer of a lowered Module (generators/plan/lowering.h). Empty when the limits leave
/// none; then `*why_none` is a sentence.
std::vector<PlanCandidate> candidate_plans(const LayerSpec& layer, const Machine& machine,
                                           const PlanLimits& limits, std::string* why_none);

/// The plan `--schedule auto` uses, with its reason in words. Precondition: the limits leave one.
Plan make_plan(const LayerSpec& layer, const Machine& machine, const PlanLimits& limits = {});

/// The plan `--schedule naive` uses: plain loops in the compiler's default order. A layer without a
/// filter has the plan of make_plan.
Plan make_naive_plan(const LayerSpec& layer, const Machine& machine);

/// Empty when `plan` can be compiled for `layer` on `machine`; otherwise a sentence that says why
/// not (for plans read from a file).
std::string why_plan_is_invalid(const Plan& plan, const LayerSpec& layer, const Machine& machine);

/// True when the code leaves out products with zeros of a literal filter or of the padding, so that
/// NaN and infinities do not go through these.
bool leaves_out_zeros(const Plan& plan, const LayerSpec& layer);

/// Empty when the plan's results are what `accuracy` admits; otherwise a sentence. Precondition:
/// the plan is valid for the layer.
std::string why_inaccurate(const Plan& plan, const LayerSpec& layer, Accuracy accuracy);

/// True when the plan is predicted to take more than four times what the roofline allows
/// (generators/plan/roofline.h). Never for a naive plan: who asks for it knows.
bool is_slow_path(const LayerSpec& layer, const Plan& plan, const Machine& machine);

/// Remarks for the user about speed, e.g. "filters=3 leaves 5 of 8 lanes idle"; may be empty. Where
/// is_slow_path, one says which fraction of the roofline is predicted and why.
std::vector<std::string> performance_notes(const LayerSpec& layer, const Plan& plan,
                                           const Machine& machine);

}  // namespace convc
