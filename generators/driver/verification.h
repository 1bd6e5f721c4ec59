// Verifies all kernels of a compiled library, each in a child process: what `convc verify` does,
// and `convc bench` before it measures.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "generators/driver/exercise.h"
#include "generators/driver/session.h"
#include "generators/emit/artifact.h"

namespace convc {

/// One kernel on one target.
struct VerifiedKernel {
  std::size_t graph = 0;   ///< index into Module::graphs
  std::size_t target = 0;  ///< index into Artifact::targets
  ExerciseResult result;
};

/// Runs exercise_kernel for every graph and target of `artifact`, compiled with `schedule`, up to
/// session.options.jobs at a time, and calls `report` for each in order. A kernel that is wrong,
/// mistrusted or crashes becomes an error in session.diagnostics with the command that repeats it.
/// Returns exit_done, exit_verification_failed, exit_environment or exit_interrupted.
int verify_artifact(Session& session, const Artifact& artifact, const std::string& schedule,
                    const ExerciseOptions& options,
                    const std::function<void(const VerifiedKernel&)>& report);

}  // namespace convc
