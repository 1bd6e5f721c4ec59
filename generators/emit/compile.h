// The doorway of this room: a Module and its plans in, a library in memory out. Kernels come from
// the cache or from forked workers; the bytes are the same either way, whatever the number of
// workers.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "dsl/diagnostics.h"
#include "dsl/module.h"
#include "generators/emit/artifact.h"
#include "generators/emit/failure.h"
#include "generators/emit/host_target.h"
#include "generators/emit/worker.h"
#include "generators/plan/plan.h"

namespace convc {

/// Plans by [graph][target][node], of a lowered module.
using ModulePlans = std::vector<std::vector<std::vector<Plan>>>;

/// The planner's choice for everything in the module, lowered.
ModulePlans automatic_plans(const Module& module, const std::vector<TargetInfo>& targets);

struct CompileOptions {
  Accuracy accuracy = Accuracy::fast;  ///< of the plans, for the header and the manifest to name
  WorkerLimits workers;                ///< workers.jobs: kernels compiled at a time
  std::optional<std::string> cache_directory;  ///< nullopt: no cache (see default_cache_directory)
  /// Called in this process when a kernel is ready: how many are, of how many different ones, and
  /// the name of its layer. May be empty.
  std::function<void(std::size_t done, std::size_t total, const std::string& layer)> progress;
};

struct CompileResult {
  std::optional<Artifact> artifact;
  Failure failure = Failure::internal;  ///< meaningful without an artifact
};

/// Lowers the module, and compiles every step for every target. Equal steps are compiled once. What
/// is wrong is told to `diagnostics`, all of it in one run:
/// - Failure::input: two targets with one ISA name, or of different architectures; a graph
///   that no library can hold (tensors between steps that are too large, too many sizes);
/// - Failure::internal: a kernel did not compile (one error per kernel, with its repro line);
/// - Failure::environment: no worker process can be started;
/// - Failure::interrupted: nothing is told.
/// A cache that cannot be written is a warning.
/// Preconditions: `module` is checked and as written; `targets` is not empty; plans are valid for
/// their layer of lower(module) and machine; this process has no other threads that wait for
/// children.
CompileResult compile_module(const Module& module, const std::vector<TargetInfo>& targets,
                             const ModulePlans& plans, const CompileOptions& options,
                             Diagnostics& diagnostics);

}  // namespace convc
