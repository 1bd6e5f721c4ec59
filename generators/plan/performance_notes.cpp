// Remarks about speed for the user. Pure.
#include "generators/plan/algorithms.h"
#include "generators/plan/planner.h"
#include "generators/plan/roofline.h"

namespace convc {
namespace {

/// What its vectors run over, of which there are `count`.
struct VectorAxis {
  const char* name = "";
  std::int64_t count = 0;
};

VectorAxis vector_axis(const LayerSpec& layer, const Plan& plan) {
  if (plan.algorithm == Algorithm::planar) return {"pixels", layer.out.height * layer.out.width};
  if (!has_vectors_of_filters(plan.algorithm)) return {};
  if (layer.groups > 1 && !packed_layout(layer, plan).merges_groups) {
    return {"filters of a group", layer.filters_per_group()};
  }
  return {"filters", layer.filters};
}

/// The last vector of them has this many lanes to spare, when that is most of a vector alone.
std::int64_t idle_lanes(const VectorAxis& axis, const Plan& plan) {
  if (axis.count == 0 || axis.count >= plan.lanes) return 0;
  const std::int64_t idle = plan.lanes - axis.count;
  return idle * 2 >= plan.lanes ? idle : 0;
}

std::string idle_text(const VectorAxis& axis, const Plan& plan) {
  return std::to_string(axis.count) + " " + axis.name + " leave " +
         std::to_string(idle_lanes(axis, plan)) + " of " + std::to_string(plan.lanes) +
         " lanes idle";
}

/// The cause, as far as the models tell it.
std::string why_slow(const LayerSpec& layer, const Plan& plan, const Machine& machine) {
  const VectorAxis axis = vector_axis(layer, plan);
  if (idle_lanes(axis, plan) != 0) return idle_text(axis, plan);
  if (axis.count != 0 && axis.count * 2 <= machine.f32_lanes) {
    return std::to_string(axis.count) + " " + axis.name + " are too few for its vectors of " +
           std::to_string(machine.f32_lanes);
  }
  if (plan.algorithm == Algorithm::grouped || plan.algorithm == Algorithm::depthwise) {
    return "groups of " + std::to_string(layer.channels_per_group()) + " channels and " +
           std::to_string(layer.filters_per_group()) + " filters fill no vectors";
  }
  if (plan.algorithm == Algorithm::elementwise) {
    return "most of the time goes into rearranging and storing elements";
  }
  if (is_tiled(plan.algorithm)) {
    const TiledCost cost = tiled_layer_cost(layer, plan, machine);
    // What is not in there gathers and scatters elements of other layouts.
    const bool is_most = cost.total() * 2 > compute_cycles(layer, plan, machine);
    return is_most ? to_text(cost) : "most of the time goes into rearranging elements";
  }
  return "most of the time goes into work beside the multiply-adds";
}

}  // namespace

bool is_slow_path(const LayerSpec& layer, const Plan& plan, const Machine& machine) {
  constexpr double kSlowFraction = 0.25;
  return plan.algorithm != Algorithm::naive &&
         predicted_fraction(layer, plan, machine) < kSlowFraction;
}

std::vector<std::string> performance_notes(const LayerSpec& layer, const Plan& plan,
                                           const Machine& machine) {
  std::vector<std::string> notes;
  if (is_slow_path(layer, plan, machine)) {
    const double percent = 100 * predicted_fraction(layer, plan, machine);
    notes.push_back("its plan, " + std::string(name_of(plan.algorithm)) +
                    ", is predicted to reach " + std::to_string(static_cast<int>(percent)) +
                    " % of the roofline: " + why_slow(layer, plan, machine));
    return notes;
  }
  const VectorAxis axis = vector_axis(layer, plan);
  if (idle_lanes(axis, plan) != 0) notes.push_back(idle_text(axis, plan));
  return notes;
}

}  // namespace convc
