// The planner: which algorithm computes a layer. What an algorithm can compute, and its tile and
// tasks, are in its own file (algorithms.h). Pure.
#include "generators/plan/planner.h"

#include <algorithm>
#include <map>
#include <stdexcept>
#include <tuple>

#include "generators/plan/algorithms.h"
#include "generators/plan/literal_filter.h"
#include "generators/plan/planned_sizes.h"
#include "generators/plan/roofline.h"

namespace convc {
namespace {

/// Whether code without all_taps leaves out zeros: of a literal filter, or of the padding, which
/// kernels of depthwise layers, and of those that pad planes only, ask for as they read the input.
bool skips_taps(const Plan& plan, const LayerSpec& layer) {
  if (is_depthwise_kernel(plan, layer)) {
    return layer.padding_mode == PaddingMode::zeros && may_be_padded(layer);
  }
  if (leaves_out_planes(plan, layer)) return true;
  const bool folds = plan.algorithm == Algorithm::few_channels;
  return (folds || plan.algorithm == Algorithm::direct) && layer.weights_are_literal() &&
         !sparse_positions(layer, folds).empty();
}

bool has_zeros(const LayerSpec& layer) {
  const std::int64_t all = layer.taps() * layer.channels_per_group() * layer.filters;
  return static_cast<std::int64_t>(nonzero_taps(layer).size()) < all;
}

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
  for (const Algorithm algorithm : promising_tiled_algorithms(layer, machine)) {
    algorithms.push_back(algorithm);
  }
  algorithms.push_back(Algorithm::planar);
  algorithms.push_back(Algorithm::winograd);
  return algorithms;
}

/// Precondition: the algorithm can compute the layer.
std::vector<Plan> plans_of(Algorithm algorithm, const LayerSpec& layer, const Machine& machine,
                           Accuracy accuracy) {
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
      return {tiled_plan(layer, machine, algorithm, accuracy)};
  }
}

/// Plans of a layer with one filter bank, and why there are no more.
struct Offer {
  std::vector<Plan> plans;
  std::vector<std::string> refusals;

  /// Once, where plans of an algorithm are refused alike.
  void refuse(std::string_view who, const std::string& why) {
    std::string refusal = std::string(who) + ": " + why;
    if (std::find(refusals.begin(), refusals.end(), refusal) != refusals.end()) return;
    refusals.push_back(std::move(refusal));
  }
  [[nodiscard]] std::string refusal_text() const {
    std::string text;
    for (const std::string& refusal : refusals) text += (text.empty() ? "" : "; ") + refusal;
    return text;
  }
};

Offer offer_of_filter_bank(const LayerSpec& layer, const Machine& machine,
                           const PlanLimits& limits) {
  Offer offer;
  const std::vector<Algorithm> algorithms =
      limits.algorithms.empty() ? promising_algorithms(layer, machine) : limits.algorithms;
  for (const Algorithm algorithm : algorithms) {
    const std::string why = why_not(algorithm, layer);
    if (!why.empty()) {
      offer.refuse(name_of(algorithm), why);
      continue;
    }
    for (Plan& plan : plans_of(algorithm, layer, machine, limits.accuracy)) {
      plan.all_taps = limits.accuracy == Accuracy::strict && skips_taps(plan, layer);
      offer.plans.push_back(std::move(plan));
    }
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

Offer offer_of(const LayerSpec& layer, const Machine& machine, const PlanLimits& limits) {
  const bool is_bank = has_filter_bank(layer);
  if (is_bank && !why_not_taps(layer).empty()) return offer_of_filter_bank(layer, machine, limits);
  Offer offer;
  offer.plans.push_back(sole_plan(layer, machine));
  // A small literal filter that must not be code is data like any other.
  const bool is_refused = !why_inaccurate(offer.plans[0], layer, limits.accuracy).empty();
  return is_bank && is_refused ? offer_of_filter_bank(layer, machine, limits) : offer;
}

}  // namespace

const std::vector<Algorithm>& filter_bank_algorithms() {
  static const std::vector<Algorithm> algorithms = {
      Algorithm::direct,     Algorithm::few_channels,   Algorithm::pointwise,
      Algorithm::subsampled, Algorithm::split_channels, Algorithm::depthwise,
      Algorithm::grouped,    Algorithm::planar,         Algorithm::winograd};
  return algorithms;
}

std::vector<PlanCandidate> candidate_plans(const LayerSpec& layer, const Machine& machine,
                                           const PlanLimits& limits, std::string* why_none) {
  if (layer.kind == LayerKind::conv_transpose) {
    throw std::logic_error("`" + layer.name + "` is planned before it is lowered to its phases");
  }
  Offer offer = offer_of(layer, machine, limits);
  const std::vector<LayerSpec> sizes = planned_sizes(layer);
  std::vector<PlanCandidate> candidates;
  std::map<Algorithm, std::int64_t> least_packed;  // of plans that --max-packed refuses
  for (Plan& plan : offer.plans) {
    const std::string why = why_inaccurate(plan, layer, limits.accuracy);
    if (!why.empty()) {
      offer.refuse(name_of(plan.algorithm), why);
      continue;
    }
    const std::int64_t bytes = packed_layout(layer, plan).total_bytes;
    if (bytes > limits.packed_bytes) {
      const auto place = least_packed.try_emplace(plan.algorithm, bytes).first;
      place->second = std::min(place->second, bytes);
      continue;
    }
    const double computing = mean_cost(
        sizes, [&](const LayerSpec& sized) { return compute_cycles(sized, plan, machine); });
    const double cycles = mean_cost(
        sizes, [&](const LayerSpec& sized) { return predicted_cycles(sized, plan, machine); });
    candidates.push_back({std::move(plan), cycles, computing, bytes});
  }
  for (const auto& [algorithm, bytes] : least_packed)
    offer.refuse(name_of(algorithm), "its packed weights take " + std::to_string(bytes) +
                                         " bytes, more than --max-packed");
  std::stable_sort(
      candidates.begin(), candidates.end(), [](const PlanCandidate& a, const PlanCandidate& b) {
        return std::tie(a.cycles, a.compute_cycles) < std::tie(b.cycles, b.compute_cycles);
      });
  if (candidates.empty()) *why_none = offer.refusal_text();
  return candidates;
}

Plan make_plan(const LayerSpec& layer, const Machine& machine, const PlanLimits& limits) {
  std::string why_none;
  return candidate_plans(layer, machine, limits, &why_none).at(0).plan;
}

bool leaves_out_zeros(const Plan& plan, const LayerSpec& layer) {
  if (plan.algorithm == Algorithm::taps || plan.algorithm == Algorithm::separable) {
    return has_zeros(layer);
  }
  return plan.inside_taps || (!plan.all_taps && skips_taps(plan, layer));
}

std::string why_inaccurate(const Plan& plan, const LayerSpec& layer, Accuracy accuracy) {
  if (accuracy == Accuracy::fast) return {};
  if (plan.algorithm == Algorithm::winograd) {
    return "winograd spreads NaN and infinities within its tiles, which --accuracy strict forbids";
  }
  if (plan.algorithm == Algorithm::separable) {
    return "separable rounds between its two passes, which --accuracy strict forbids";
  }
  if (!leaves_out_zeros(plan, layer)) return {};
  return std::string(name_of(plan.algorithm)) +
         " leaves out products with 0, of whatever number, which --accuracy strict forbids";
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
