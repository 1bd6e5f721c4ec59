// The workspace that single steps need: of compiled ones, and of plans that are only candidates.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "generators/emit/artifact.h"
#include "generators/emit/failure.h"
#include "generators/emit/worker.h"
#include "generators/plan/plan.h"

namespace convc {

/// As the runtime counts it (kernel_abi.h, "The workspace").
struct StepWorkspace {
  std::int64_t shared_bytes = 0;  ///< for the step as a whole
  std::int64_t thread_bytes = 0;  ///< for each thread

  [[nodiscard]] std::int64_t of_one_thread() const;
  [[nodiscard]] std::int64_t of_further_thread() const;
};

StepWorkspace step_workspace(const KernelObject& kernel);

/// A kernel that may be compiled.
struct KernelChoice {
  const LayerSpec* layer = nullptr;  ///< of a lowered module
  const Plan* plan = nullptr;
  std::string target;  ///< full target string
};

/// The workspaces of kernels, in order, which Halide lowers but makes no code of; each in a worker.
/// Otherwise `*failure` says what kind of failure it is and `*error` what happened.
std::optional<std::vector<StepWorkspace>> measure_workspaces(
    const std::vector<KernelChoice>& kernels, const WorkerLimits& limits, Failure* failure,
    std::string* error);

}  // namespace convc
