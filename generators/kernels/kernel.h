// The doorway of this room: (layer, plan, target) -> Halide module, by setting the parameters of
// one of the Halide::Generator classes here. Maths and schedule of each live apart in its own file.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dsl/layer_spec.h"
#include "generators/plan/machine.h"
#include "generators/plan/plan.h"

namespace Halide {
class Module;
}

namespace convc {

/// What a kernel argument points at.
enum class ArgumentRole {
  input,             ///< Node::inputs[0]
  operand,           ///< Node::inputs[index]
  packed_kernel,     ///< the filters; of separable_conv the 1x1 ones
  packed_depthwise,  ///< separable_conv
  packed_vector,     ///< channel_vectors(layer)[index]
  output,
};

/// A product of sizes: factor * size * size ... with sizes numbered as in kernel_sizes. A fixed
/// number has no sizes.
struct SizeProduct {
  std::int64_t factor = 1;
  std::vector<int> sizes;
};

/// One dimension of an argument in Halide's order (innermost first). In elements.
struct ArgumentDim {
  SizeProduct extent;
  SizeProduct stride;
};

struct KernelArgument {
  ArgumentRole role = ArgumentRole::input;
  int index = 0;
  std::vector<ArgumentDim> dims;
  /// Elements from the start of the tensor, in all: rows and planes before an output view. Usually
  /// none.
  std::vector<SizeProduct> offset;
};

/// A size that is known when the kernel runs: one of the input (`open_axis` is 'n', 'h' or 'w'), or
/// floor((sizes[source] * multiplier + addend) / divisor) + offset.
struct KernelSize {
  char open_axis = 0;  ///< 0: derived
  int source = 0;
  std::int64_t multiplier = 1, addend = 0, divisor = 1, offset = 0;
};

/// The run-time sizes of a layer: the open ones of its input in the order n, h, w, then those of
/// its output that derive from them. Empty for a layer of fixed sizes.
std::vector<KernelSize> kernel_sizes(const LayerSpec& layer);

/// The buffers a kernel takes, in the order of its parameters (after the user context). Cheap and
/// without Halide: used to write descriptors also when the code itself comes from the cache.
/// A kernel whose numbers are literal and compiled in has no packed_* argument, unless
/// `literal_is_packed(layer, plan)`.
std::vector<KernelArgument> kernel_arguments(const LayerSpec& layer, const Plan& plan);

/// True when a literal kernel is too large to be unrolled into the code: emit then packs the
/// numbers at compile time (packed_layout) and places them beside the code as read-only data.
bool literal_is_packed(const LayerSpec& layer, const Plan& plan);

/// What LLVM's command line gets for this kernel beside what it gets for all, each option after a
/// blank. LLVM reads it once per process, before the first kernel.
std::string llvm_options(const LayerSpec& layer, const Plan& plan, const Machine& machine);

/// Builds and schedules the kernel. `target` is a full Halide target string; the features
/// no_runtime, no_asserts, no_bounds_query, user_context are added here. The module holds one
/// function `symbol` (and symbol_argv). Throws Halide::Error subclasses and InternalError; callers
/// run it in a worker process (emit/worker.h).
Halide::Module build_kernel(const LayerSpec& layer, const Plan& plan, const std::string& target,
                            const std::string& symbol);

}  // namespace convc
