// The first steps that verbs share: spec files to a Module, target names to targets, `--schedule`
// to plans. Each says on stderr what is wrong and gives the exit code.
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "dsl/diagnostics.h"
#include "dsl/module.h"
#include "generators/driver/candidates.h"
#include "generators/driver/options.h"
#include "generators/emit/compile.h"
#include "generators/emit/host_target.h"

namespace convc {

/// One run of the command. `diagnostics` owns the text of the files, so that later steps can point
/// into it. Steps append to it and the verb prints it once.
struct Session {
  explicit Session(const Options& given) : options(given) {}

  const Options& options;
  Diagnostics diagnostics;
  Module module;   ///< as written
  Module lowered;  ///< as compiled (generators/plan/lowering.h): the same graphs
  /// Paths of all steps in the files, also of those that --layer or --filter leaves out.
  std::set<std::string, std::less<>> steps;
  std::vector<TargetInfo> targets;
  std::optional<ModuleCandidates> candidates;  ///< of `lowered`: candidates_of lists them
};

/// Fills modules, of --layer alone where it is given, and targets. Returns exit_done, or another
/// code after printing why. `must_run_here`: every target has to be one that this processor can
/// execute.
int open_session(Session& session, bool must_run_here);

/// Removes the graphs for which `is_wanted` is false.
void keep_graphs(Session& session, const std::function<bool(const Graph&)>& is_wanted);

/// What the planner may choose from, listed once. Null with `*exit_code` set, after printing why.
const ModuleCandidates* candidates_of(Session& session, int* exit_code);

/// The plans of the lowered module by one schedule: "auto", "naive" or the path of a plan file,
/// where layers without a line get the planner's choice. nullopt with `*exit_code` set, after
/// printing why.
std::optional<ModulePlans> choose_plans(Session& session, const std::string& schedule,
                                        int* exit_code);

/// Remarks about speed, as diagnostics; with --error=slow-path those about steps that are predicted
/// to be slow are errors.
void tell_performance_notes(Session& session, const ModulePlans& plans);

/// "convc: error: ..." and "help: ..." on stderr.
void print_error(const std::string& message, const std::string& help);

}  // namespace convc
