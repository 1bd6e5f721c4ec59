// The doorway of this room: (layer, plan, target) -> Halide module, by setting the parameters of
// one of the Halide::Generator classes here. Maths and schedule of each live apart in its own file.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dsl/layer_spec.h"
#include "generators/plan/plan.h"

namespace Halide {
class Module;
}

namespace convc {

/// What a kernel argument points at.
enum class ArgumentRole { input, packed_kernel, packed_bias, output };

/// One dimension of an argument in Halide's order (innermost first). In elements.
struct ArgumentDim {
  std::int32_t extent;
  std::int32_t stride;
};

struct KernelArgument {
  ArgumentRole role;
  std::vector<ArgumentDim> dims;
};

/// The buffers a kernel takes, in the order of its parameters (after the user context). Cheap and
/// without Halide: used to write descriptors also when the code itself comes from the cache.
/// A kernel whose numbers are literal and compiled in has no packed_* argument, unless
/// `literal_is_packed(layer, plan)`.
std::vector<KernelArgument> kernel_arguments(const LayerSpec& layer, const Plan& plan);

/// True when a literal kernel is too large to be unrolled into the code: emit then packs the
/// numbers at compile time (packed_layout) and places them beside the code as read-only data.
bool literal_is_packed(const LayerSpec& layer, const Plan& plan);

/// Builds and schedules the kernel. `target` is a full Halide target string; the features
/// no_runtime, no_asserts, no_bounds_query, user_context are added here. The module holds one
/// function `symbol` (and symbol_argv). Throws Halide::Error subclasses and InternalError; callers
/// run it in a worker process (emit/worker.h).
Halide::Module build_kernel(const LayerSpec& layer, const Plan& plan, const std::string& target,
                            const std::string& symbol);

}  // namespace convc
