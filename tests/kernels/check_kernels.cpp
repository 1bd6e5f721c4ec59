// Compile, link and compare, as `convc verify` does.
#include "tests/kernels/check_kernels.h"

#include <catch2/catch.hpp>
#include <iostream>
#include <set>

#include "dsl/printer.h"
#include "generators/driver/exit_codes.h"
#include "generators/driver/session.h"
#include "generators/emit/compile.h"
#include "generators/plan/lowering.h"
#include "generators/plan/planner.h"

namespace convc::test {
namespace {

std::vector<TargetInfo> runnable_targets() {
  static std::set<std::string> skipped;
  std::vector<TargetInfo> targets;
  for (const char* name : {"avx512", "avx2", "sse41"}) {
    std::string error;
    const auto target = describe_target(name, &error);
    INFO(error);
    REQUIRE(target.has_value());
    const std::string why = why_target_cannot_run_here(*target);
    if (why.empty()) {
      targets.push_back(*target);
    } else if (skipped.insert(name).second) {
      std::cout << "[SKIP] target " << name << ": " << why << '\n';
    }
  }
  REQUIRE_FALSE(targets.empty());
  return targets;
}

ModulePlans plans_for(const Module& module, const std::vector<TargetInfo>& targets,
                      const PlanChoice& choose_plan) {
  ModulePlans plans;
  for (const Graph& graph : module.graphs) {
    auto& by_target = plans.emplace_back();
    for (const TargetInfo& target : targets) {
      auto& by_node = by_target.emplace_back();
      for (const Node& node : graph.nodes) {
        by_node.push_back(choose_plan(node.layer, target.machine));
        INFO(layer_to_spec_line(node.layer) << "\n" << to_text(by_node.back()));
        REQUIRE(why_plan_is_invalid(by_node.back(), node.layer, target.machine).empty());
      }
    }
  }
  return plans;
}

}  // namespace

Plan planned(const LayerSpec& layer, const Machine& machine) {
  return make_plan(layer, machine);
}

std::vector<VerifiedKernel> check_kernels(const Module& module, const PlanChoice& choose_plan) {
  Options options;
  options.schedules = {"auto"};
  Session session(options);
  session.module = module;
  session.targets = runnable_targets();
  session.lowered = lower(module);
  const ModulePlans plans = plans_for(session.lowered, session.targets, choose_plan);

  CompileOptions compile_options;
  compile_options.workers.jobs = 2;
  const CompileResult compiled =
      compile_module(module, session.targets, plans, compile_options, session.diagnostics);
  INFO(session.diagnostics.render(false));
  REQUIRE(compiled.artifact.has_value());

  std::vector<VerifiedKernel> verified;
  verify_artifact(session, *compiled.artifact, "auto", ExerciseOptions{},
                  [&](const VerifiedKernel& one) {
                    const Graph& graph = session.lowered.graphs[one.graph];
                    UNSCOPED_INFO(print(Module{module.name, {module.graphs[one.graph]}}));
                    for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
                      UNSCOPED_INFO(layer_to_spec_line(graph.nodes[i].layer)
                                    << "\n  " << session.targets[one.target].machine.isa << ": "
                                    << to_text(plans[one.graph][one.target][i]));
                    }
                    INFO(name_of(one.result.verdict) << ": " << one.result.message);
                    // Random layers can be all zero by right (relu of a negative bias); wrong they
                    // may not be.
                    CHECK(one.result.verdict != Verdict::failed);
                    verified.push_back(one);
                  });
  return verified;
}

}  // namespace convc::test
