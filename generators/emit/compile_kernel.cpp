// Halide's side of one kernel: lower, measure, generate code. What follows is LLVM's side
// (object_symbols.h); the two are never included together.
#include "generators/emit/compile_kernel.h"

#include <Halide.h>

#include <chrono>

#include "generators/emit/object_symbols.h"
#include "generators/emit/scratch_size.h"
#include "generators/kernels/kernel.h"

namespace convc {
namespace {

void set_scratch(const Halide::Module& module, KernelObject& kernel) {
  const ScratchSize scratch = measure_scratch(module);
  kernel.scratch_bytes = scratch.shared_bytes;
  kernel.thread_scratch_bytes = scratch.thread_bytes;
  kernel.max_tasks = scratch.max_tasks;
}

}  // namespace

KernelObject compile_kernel(const LayerSpec& layer, const Plan& plan, const std::string& target,
                            const std::string& symbol) {
  const auto start = std::chrono::steady_clock::now();
  const Halide::Module module = build_kernel(layer, plan, target, symbol);
  KernelObject kernel;
  set_scratch(module, kernel);
  const Halide::Buffer<std::uint8_t> raw = module.compile_to_buffer();
  SealedObject sealed = seal_object(
      {reinterpret_cast<const char*>(raw.data()), static_cast<std::size_t>(raw.size_in_bytes())},
      symbol + "_argv");

  kernel.symbol = symbol;
  kernel.object = std::move(sealed.object);
  kernel.code_bytes = sealed.code_bytes;
  kernel.compile_seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return kernel;
}

KernelObject measure_kernel(const LayerSpec& layer, const Plan& plan, const std::string& target) {
  KernelObject kernel;
  set_scratch(build_kernel(layer, plan, target, "measured"), kernel);
  return kernel;
}

}  // namespace convc
