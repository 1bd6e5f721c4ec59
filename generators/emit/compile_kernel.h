// One kernel: (layer, plan, target) -> machine code. Runs Halide in this very process, so callers
// that must survive a crash go through worker.h.
#pragma once

#include <string>

#include "dsl/layer_spec.h"
#include "generators/emit/artifact.h"
#include "generators/plan/plan.h"

namespace convc {

/// Compiles one kernel; see KernelObject for what comes back (compile_seconds is set, from_cache is
/// not). `target` is a full target string without the features that build_kernel adds.
/// Throws Halide::Error and InternalError.
KernelObject compile_kernel(const LayerSpec& layer, const Plan& plan, const std::string& target,
                            const std::string& symbol);

/// The same without code: only what the kernel asks for while it runs is set.
KernelObject measure_kernel(const LayerSpec& layer, const Plan& plan, const std::string& target);

}  // namespace convc
