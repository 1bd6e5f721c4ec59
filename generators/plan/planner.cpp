// The planner: which algorithm computes a layer. What an algorithm can compute, and its tile and
// tasks, are in its own file (algorithms.h). Pure.
#include "generators/plan/planner.h"

#include <stdexcept>

#include "generators/plan/algorithms.h"
#include "generators/plan/roofline.h"

namespace convc {
namespace {

bool has_filter_bank(const LayerSpec& layer) {
  return layer.kind == LayerKind::conv || layer.kind == LayerKind::depthwise_conv;
}

/// The plans that may be best for a layer with a filter bank.
std::vector<Plan> candidates(const LayerSpec& layer, const Machine& machine, Accuracy accuracy) {
  std::vector<Plan> plans;
  if (why_not_depthwise(layer).empty() && layer.groups > 1) {
    plans.push_back(depthwise_plan(layer, machine));
  } else if (why_not_grouped(layer).empty() && layer.filters_per_group() < machine.f32_lanes) {
    plans.push_back(grouped_plan(layer, machine));
  }
  plans.push_back(tiled_plan(layer, machine));
  if (why_not_planar(layer).empty()) plans.push_back(planar_plan(layer, machine));
  if (accuracy == Accuracy::fast && why_not_winograd(layer).empty()) {
    for (Plan& plan : winograd_plans(layer, machine)) plans.push_back(std::move(plan));
  }
  return plans;
}

Plan fastest(const LayerSpec& layer, std::vector<Plan> plans, const Machine& machine) {
  Plan best = plans.front();
  for (Plan& plan : plans) {
    if (predicted_cycles(layer, plan, machine) < predicted_cycles(layer, best, machine)) {
      best = std::move(plan);
    }
  }
  return best;
}

}  // namespace

Plan make_plan(const LayerSpec& layer, const Machine& machine, Accuracy accuracy) {
  if (layer.kind == LayerKind::conv_transpose) {
    throw std::logic_error("`" + layer.name + "` is planned before it is lowered to its phases");
  }
  if (layer.kind == LayerKind::separable_conv) return depthwise_pointwise_plan(layer, machine);
  if (!has_filter_bank(layer)) {
    return why_not_channelwise(layer).empty() ? channelwise_plan(layer, machine)
                                              : elementwise_plan(layer, machine);
  }
  if (why_not_taps(layer).empty()) return literal_plan(layer, machine);
  return fastest(layer, candidates(layer, machine, accuracy), machine);
}

std::string why_inaccurate(const Plan& plan, Accuracy accuracy) {
  if (accuracy == Accuracy::fast || plan.algorithm != Algorithm::winograd) return {};
  return "winograd spreads NaN and infinities within its tiles, which --accuracy strict forbids";
}

Plan make_naive_plan(const LayerSpec& layer, const Machine& machine) {
  if (!layer.has_kernel()) return make_plan(layer, machine);
  Plan plan;
  plan.algorithm = Algorithm::naive;
  plan.lanes = 1;
  plan.tile_vectors = static_cast<int>(layer.filters);
  plan.reason = "plain loops in the order of the definition, for comparison";
  return plan;
}

}  // namespace convc
