// The planner: which algorithm computes a layer. What an algorithm can compute, and its tile and
// tasks, are in its own file (algorithms.h). Pure.
#include "generators/plan/planner.h"

#include <algorithm>
#include <stdexcept>

#include "generators/plan/algorithms.h"
#include "generators/plan/roofline.h"

namespace convc {
namespace {

bool has_filter_bank(const LayerSpec& layer) {
  return layer.kind == LayerKind::conv || layer.kind == LayerKind::depthwise_conv;
}

/// Those that may be best where the user names none.
std::vector<Algorithm> promising_algorithms(const LayerSpec& layer, const Machine& machine) {
  std::vector<Algorithm> algorithms;
  if (why_not_depthwise(layer).empty() && layer.groups > 1) {
    algorithms.push_back(Algorithm::depthwise);
  } else if (why_not_grouped(layer).empty() && layer.filters_per_group() < machine.f32_lanes) {
    algorithms.push_back(Algorithm::grouped);
  }
  algorithms.push_back(preferred_tiled_algorithm(layer));
  algorithms.push_back(Algorithm::planar);
  algorithms.push_back(Algorithm::winograd);
  return algorithms;
}

/// Precondition: the algorithm can compute the layer.
std::vector<Plan> plans_of(Algorithm algorithm, const LayerSpec& layer, const Machine& machine) {
  switch (algorithm) {
    case Algorithm::depthwise:
      return {depthwise_plan(layer, machine)};
    case Algorithm::grouped:
      return {grouped_plan(layer, machine)};
    case Algorithm::planar:
      return {planar_plan(layer, machine)};
    case Algorithm::winograd:
      return winograd_plans(layer, machine);
    default:
      return {tiled_plan(layer, machine, algorithm)};
  }
}

/// Plans of a layer with one filter bank, and why there are no more.
struct Offer {
  std::vector<Plan> plans;
  std::string refusals;

  void refuse(std::string_view who, const std::string& why) {
    refusals += (refusals.empty() ? "" : "; ") + std::string(who) + ": " + why;
  }
};

Offer offer_of(const LayerSpec& layer, const Machine& machine, const PlanLimits& limits) {
  Offer offer;
  const std::vector<Algorithm> algorithms =
      limits.algorithms.empty() ? promising_algorithms(layer, machine) : limits.algorithms;
  for (const Algorithm algorithm : algorithms) {
    std::string why = why_not(algorithm, layer);
    if (why.empty()) why = why_inaccurate(algorithm, limits.accuracy);
    if (!why.empty()) {
      offer.refuse(name_of(algorithm), why);
      continue;
    }
    for (Plan& plan : plans_of(algorithm, layer, machine)) offer.plans.push_back(std::move(plan));
  }
  return offer;
}

/// The only plan of a layer without a filter bank of its own.
Plan sole_plan(const LayerSpec& layer, const Machine& machine) {
  if (layer.kind == LayerKind::separable_conv) return depthwise_pointwise_plan(layer, machine);
  if (has_filter_bank(layer)) return literal_plan(layer, machine);
  return why_not_channelwise(layer).empty() ? channelwise_plan(layer, machine)
                                            : elementwise_plan(layer, machine);
}

}  // namespace

const std::vector<Algorithm>& filter_bank_algorithms() {
  static const std::vector<Algorithm> algorithms = {
      Algorithm::direct,  Algorithm::few_channels, Algorithm::pointwise, Algorithm::depthwise,
      Algorithm::grouped, Algorithm::planar,       Algorithm::winograd};
  return algorithms;
}

std::vector<PlanCandidate> candidate_plans(const LayerSpec& layer, const Machine& machine,
                                           const PlanLimits& limits, std::string* why_none) {
  if (layer.kind == LayerKind::conv_transpose) {
    throw std::logic_error("`" + layer.name + "` is planned before it is lowered to its phases");
  }
  Offer offer;
  if (!has_filter_bank(layer) || why_not_taps(layer).empty()) {
    offer.plans.push_back(sole_plan(layer, machine));
  } else {
    offer = offer_of(layer, machine, limits);
  }
  std::vector<PlanCandidate> candidates;
  for (Plan& plan : offer.plans) {
    const std::int64_t bytes = packed_layout(layer, plan).total_bytes;
    if (bytes > limits.packed_bytes) {
      offer.refuse(name_of(plan.algorithm), "its packed weights take " + std::to_string(bytes) +
                                                " bytes, more than --max-packed");
      continue;
    }
    const double cycles = predicted_cycles(layer, plan, machine);
    candidates.push_back({std::move(plan), cycles, bytes});
  }
  std::stable_sort(
      candidates.begin(), candidates.end(),
      [](const PlanCandidate& a, const PlanCandidate& b) { return a.cycles < b.cycles; });
  if (candidates.empty()) *why_none = offer.refusals;
  return candidates;
}

Plan make_plan(const LayerSpec& layer, const Machine& machine, const PlanLimits& limits) {
  std::string why_none;
  return candidate_plans(layer, machine, limits, &why_none).at(0).plan;
}

std::string why_inaccurate(Algorithm algorithm, Accuracy accuracy) {
  if (accuracy == Accuracy::fast || algorithm != Algorithm::winograd) return {};
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
