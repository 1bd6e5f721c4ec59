// How much memory a lowered kernel asks for while it runs, so that the workspace can hold it and
// nothing is allocated in the hot path. Reads Halide's lowered code; generates nothing.
#pragma once

#include <cstdint>

namespace Halide {
class Module;
}

namespace convc {

struct ScratchSize {
  std::int64_t shared_bytes = 0;  ///< live at once outside the parallel loops
  std::int64_t thread_bytes = 0;  ///< live at once in one iteration of a parallel loop
  std::int32_t max_tasks = 1;     ///< the largest extent of a parallel loop; 1: serial;
                                  ///< CONVC_MAX_THREADS where it is known at run time only
};

/// Adds up what the code passes to halide_malloc, each allocation rounded up to CONVC_ALIGNMENT as
/// the runtime hands it out (kernel_abi.h, "The workspace"): the largest sum over allocations whose
/// scopes nest. All blocks in use at one time are of one nest, and the topmost was placed when that
/// nest was no deeper, so the sum is enough whatever the order of the frees.
/// Throws InternalError when a size is not a constant, when parallel loops are nested, and for
/// allocations that Halide would place on its "pseudo stack": no plan may lead to such code.
ScratchSize measure_scratch(const Halide::Module& module);

}  // namespace convc
