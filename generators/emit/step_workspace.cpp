#include "generators/emit/step_workspace.h"

#include <sstream>

#include "convc/kernel_abi.h"
#include "generators/emit/compile_kernel.h"

namespace convc {
namespace {

std::string record_of(const KernelChoice& kernel) {
  const StepWorkspace workspace =
      step_workspace(measure_kernel(*kernel.layer, *kernel.plan, kernel.target));
  return std::to_string(workspace.shared_bytes) + " " + std::to_string(workspace.thread_bytes);
}

bool parse_record(const std::string& record, StepWorkspace& workspace) {
  std::istringstream text(record);
  return static_cast<bool>(text >> workspace.shared_bytes >> workspace.thread_bytes);
}

}  // namespace

std::int64_t StepWorkspace::of_one_thread() const {
  return static_cast<std::int64_t>(CONVC_WORKSPACE_TOTAL_BYTES(shared_bytes, thread_bytes, 1));
}

std::int64_t StepWorkspace::of_further_thread() const {
  return static_cast<std::int64_t>(CONVC_ALIGN_UP(static_cast<std::uint64_t>(thread_bytes)));
}

StepWorkspace step_workspace(const KernelObject& kernel) {
  return {kernel.scratch_bytes, kernel.thread_scratch_bytes};
}

std::optional<std::vector<StepWorkspace>> measure_workspaces(
    const std::vector<KernelChoice>& kernels, const WorkerLimits& limits, Failure* failure,
    std::string* error) {
  std::vector<StepWorkspace> measured(kernels.size());
  std::string broken;
  const std::optional<Failure> stopped = run_workers(
      kernels.size(), limits, [&](std::size_t index) { return record_of(kernels[index]); },
      [&](std::size_t index, const WorkerResult& result) {
        if (result.done && parse_record(result.bytes, measured[index])) return;
        broken = "internal error: layer `" + kernels[index].layer->name + "` with the plan `" +
                 to_text(*kernels[index].plan) + "` cannot be lowered for " +
                 kernels[index].target + ": " + result.error + "; this is a bug in convc";
      },
      error);
  if (!stopped && broken.empty()) return measured;
  *failure = stopped.value_or(Failure::internal);
  if (!stopped) *error = broken;
  return std::nullopt;
}

}  // namespace convc
