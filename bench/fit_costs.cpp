// Fits the MeasuredCosts of a micro-architecture (generators/plan/machine.h) to a planner study:
// the numbers that the cost model cannot know from what makers publish.
//
//   build/bin/convc-fit-costs bench/results/planner-study-MACHINE.json
//
// Prints the costs as machine.cpp writes them, and how far the model's first choice among the plans
// of each layer is from the fastest of them, before and after. Layers that are held out are
// printed, not fitted.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "dsl/load.h"
#include "generators/plan/lowering.h"
#include "generators/plan/roofline.h"

namespace convc {
namespace {

struct Point {
  Plan plan;
  double log_ms = 0;
  double weight = 1;
};

struct StudiedLayer {
  std::string name;
  bool held_out = false;
  LayerSpec layer;
  std::vector<Point> points;
};

struct Term {
  const char* name;
  double MeasuredCosts::*member;
  double least, most;
};

/// Every number with what it can be: shares below 1, rates that processors have. Those with one
/// value are not fitted: kernels that run in a loop alone have all of L3 to themselves, so a study
/// says little about what they cost in a network (decision 0021).
constexpr std::array<Term, 24> kTerms = {{
    {"loads_per_cycle", &MeasuredCosts::loads_per_cycle, 1, 4},
    {"issue_width", &MeasuredCosts::issue_width, 3, 8},
    {"cycles_per_load", &MeasuredCosts::cycles_per_load, 0.01, 0.5},
    {"l1_share", &MeasuredCosts::l1_share, 0.2, 0.95},
    {"l2_share", &MeasuredCosts::l2_share, 0.2, 0.95},
    {"l3_share", &MeasuredCosts::l3_share, 0.35, 0.35},
    {"l2_bytes_per_cycle", &MeasuredCosts::l2_bytes_per_cycle, 8, 64},
    {"exposed_panel", &MeasuredCosts::exposed_panel, 0.01, 1},
    {"exposed_place_panel", &MeasuredCosts::exposed_place_panel, 0.01, 1},
    {"exposed_input", &MeasuredCosts::exposed_input, 0.01, 1},
    {"l3_bytes_per_cycle", &MeasuredCosts::l3_bytes_per_cycle, 16, 16},
    {"exposed_once", &MeasuredCosts::exposed_once, 0.1, 2},
    {"exposed_side_by_side", &MeasuredCosts::exposed_side_by_side, 1, 1},
    {"exposed_again", &MeasuredCosts::exposed_again, 0.5, 0.5},
    {"exposed_in_order", &MeasuredCosts::exposed_in_order, 0.01, 1},
    {"tiles_share", &MeasuredCosts::tiles_share, 0.2, 0.95},
    {"cycles_per_tile", &MeasuredCosts::cycles_per_tile, 1, 40},
    {"cycles_per_accumulator", &MeasuredCosts::cycles_per_accumulator, 0.3, 5},
    {"cycles_of_reloads", &MeasuredCosts::cycles_of_reloads, 1, 40},
    {"cycles_per_panel", &MeasuredCosts::cycles_per_panel, 2, 100},
    {"cycles_per_task", &MeasuredCosts::cycles_per_task, 50, 2000},
    {"cycles_per_copied_vector", &MeasuredCosts::cycles_per_copied_vector, 0.5, 10},
    {"cycles_per_transformed_input", &MeasuredCosts::cycles_per_transformed_input, 1, 20},
    {"cycles_per_transformed_product", &MeasuredCosts::cycles_per_transformed_product, 1, 20},
}};

/// A plan that takes 1 + this of the fastest counts for 1 / e: the model need not be right about
/// plans that nobody would choose.
constexpr double kCaresFor = 0.2;
/// Of the error of a layer as a whole: plans of a layer are compared with each other, but what
/// costs a cycle in one layer does so in all.
constexpr double kAcrossLayers = 0.05;

std::vector<StudiedLayer> read_study(const nlohmann::json& study) {
  std::vector<StudiedLayer> layers;
  for (const auto& row : study.at("layers")) {
    StudiedLayer studied;
    studied.name = row.at("layer");
    studied.held_out = row.at("held_out");
    Diagnostics diagnostics;
    const auto module =
        load_spec_text(row.at("spec").get<std::string>() + "\n", "study", "study", diagnostics);
    if (!module) throw std::runtime_error(studied.name + ": not a layer of this version");
    studied.layer = lower(*module).graphs.front().nodes.front().layer;
    double fastest = 1e300;
    for (const auto& [text, ms] : row.at("screened_ms").items()) {
      std::string error;
      const auto plan = parse_plan(text, &error);
      if (!plan) throw std::runtime_error(studied.name + ": " + error);
      studied.points.push_back({*plan, std::log(ms.get<double>()), 1});
      fastest = std::min(fastest, ms.get<double>());
    }
    for (Point& point : studied.points) {
      point.weight = std::exp(-(std::exp(point.log_ms) / fastest - 1) / kCaresFor);
    }
    layers.push_back(std::move(studied));
  }
  return layers;
}

Machine with_costs(Machine machine, const MeasuredCosts& costs) {
  machine.costs = costs;
  return machine;
}

/// Mean square of the errors of logarithms: of plans of a layer beside each other, and of layers.
double error_of(const std::vector<StudiedLayer>& layers, const Machine& machine) {
  double within = 0, weights = 0;
  std::vector<double> offsets;
  for (const StudiedLayer& studied : layers) {
    if (studied.held_out) continue;
    double sum = 0, squares = 0, weight = 0;
    for (const Point& point : studied.points) {
      const double error =
          std::log(compute_cycles(studied.layer, point.plan, machine)) - point.log_ms;
      sum += point.weight * error;
      squares += point.weight * error * error;
      weight += point.weight;
    }
    offsets.push_back(sum / weight);
    within += squares / weight - offsets.back() * offsets.back();
    weights += 1;
  }
  double mean = 0, across = 0;
  for (const double offset : offsets) mean += offset / weights;
  for (const double offset : offsets) across += (offset - mean) * (offset - mean) / weights;
  return within / weights + kAcrossLayers * across;
}

/// One number after the other, in ever smaller steps, as long as that helps.
MeasuredCosts fit(const std::vector<StudiedLayer>& layers, const Machine& machine) {
  MeasuredCosts costs = machine.costs;
  for (const Term& term : kTerms) {
    costs.*term.member = std::clamp(costs.*term.member, term.least, term.most);
  }
  double least = error_of(layers, with_costs(machine, costs));
  for (double step = 2; step > 1.01; step = std::sqrt(step)) {
    for (bool better = true; better;) {
      better = false;
      for (const Term& term : kTerms) {
        for (const double factor : {step, 1 / step}) {
          MeasuredCosts tried = costs;
          tried.*term.member = std::clamp(costs.*term.member * factor, term.least, term.most);
          const double error = error_of(layers, with_costs(machine, tried));
          if (error >= least * 0.9999) continue;
          least = error;
          costs = tried;
          better = true;
        }
      }
    }
  }
  return costs;
}

/// Time of the plan that the model takes for the fastest, over that of the fastest.
double first_choice_over_fastest(const StudiedLayer& studied, const Machine& machine) {
  const auto cycles = [&](const Point& point) {
    return compute_cycles(studied.layer, point.plan, machine);
  };
  const auto chosen =
      std::min_element(studied.points.begin(), studied.points.end(),
                       [&](const Point& a, const Point& b) { return cycles(a) < cycles(b); });
  const auto fastest =
      std::min_element(studied.points.begin(), studied.points.end(),
                       [](const Point& a, const Point& b) { return a.log_ms < b.log_ms; });
  return std::exp(chosen->log_ms - fastest->log_ms);
}

void print(const std::vector<StudiedLayer>& layers, const Machine& machine,
           const MeasuredCosts& costs) {
  for (const Term& term : kTerms) std::printf("      .%s = %.3g,\n", term.name, costs.*term.member);
  const Machine fitted = with_costs(machine, costs);
  std::printf("mean square error: %.5f, was %.5f\nfirst choice over fastest:\n",
              error_of(layers, fitted), error_of(layers, machine));
  for (const StudiedLayer& studied : layers) {
    std::printf("%-30s %.3f, was %.3f%s\n", studied.name.c_str(),
                first_choice_over_fastest(studied, fitted),
                first_choice_over_fastest(studied, machine),
                studied.held_out ? "  (held out)" : "");
  }
}

}  // namespace
}  // namespace convc

int main(int argc, char** argv) {
  using namespace convc;
  try {
    if (argc != 2) throw std::runtime_error("usage: convc-fit-costs STUDY.json");
    const auto study = nlohmann::json::parse(std::ifstream(argv[1]));
    std::string error;
    const auto machine =
        machine_for_target(expand_target_alias(study.at("target").get<std::string>()), &error);
    if (!machine) throw std::runtime_error(error);
    const auto layers = read_study(study);
    print(layers, *machine, fit(layers, *machine));
  } catch (const std::exception& failure) {
    std::cerr << "convc-fit-costs: " << failure.what() << '\n';
    return 1;
  }
  return 0;
}
