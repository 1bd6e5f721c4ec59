// Walks the lowered functions of a kernel: its body, and the bodies of its parallel loops, which
// Halide has split off into functions of their own by the time a Module exists.
#include "generators/emit/scratch_size.h"

#include <Halide.h>

#include <algorithm>
#include <string>

#include "convc/convc.h"
#include "generators/emit/internal_error.h"
#include "generators/plan/integers.h"

namespace convc {
namespace {

using Halide::MemoryType;
using Halide::Internal::Allocate;
using Halide::Internal::Call;

/// Halide places smaller allocations of constant size on the stack
/// (halide_internal: Constants::maximum_stack_allocation_bytes).
constexpr std::int64_t kMaxStackBytes = 16 * 1024;

/// The bytes halide_malloc is asked for by `allocate`; 0 when the memory is on the stack or in
/// registers. Follows CodeGen_Posix::create_allocation.
std::int64_t heap_bytes(const Allocate& allocate) {
  if (allocate.new_expr.defined()) {
    throw InternalError("allocation `" + allocate.name + "` has an allocator of its own");
  }
  if (allocate.extents.empty()) return 0;
  const std::int64_t elements = allocate.constant_allocation_size();
  if (elements <= 0) {
    throw InternalError("the size of allocation `" + allocate.name + "` is not a constant");
  }
  const std::int64_t bytes = (elements + allocate.padding) * allocate.type.bytes();
  const bool on_stack = allocate.memory_type == MemoryType::Register ||
                        (allocate.memory_type != MemoryType::Heap && bytes <= kMaxStackBytes);
  if (on_stack) return 0;
  if (allocate.memory_type == MemoryType::Stack) {
    throw InternalError("allocation `" + allocate.name +
                        "` is too large for the stack: " + std::to_string(bytes) + " bytes");
  }
  constexpr std::int64_t kAlign = CONVC_ALIGNMENT;
  return round_up(bytes, kAlign);
}

class ScratchVisitor : public Halide::Internal::IRVisitor {
 public:
  std::int64_t peak_bytes = 0;
  std::int64_t max_extent = 0;  ///< of the parallel loops called from here; 0: none

 private:
  using IRVisitor::visit;

  void visit(const Allocate* op) override {
    // The scope of an allocation holds all that may be allocated before it is freed, so the sum
    // along the nest bounds the allocator's stack wherever the Free stands.
    const std::int64_t bytes = heap_bytes(*op);
    live_bytes_ += bytes;
    peak_bytes = std::max(peak_bytes, live_bytes_);
    IRVisitor::visit(op);
    live_bytes_ -= bytes;
  }

  void visit(const Call* op) override {
    if (op->name == "halide_do_parallel_tasks") {
      throw InternalError("the kernel uses parallel tasks, not one parallel loop");
    }
    if (op->name == "halide_do_par_for") {
      const std::optional<std::int64_t> extent = Halide::Internal::as_const_int(op->args.at(2));
      // With run-time sizes any number of threads may find work.
      max_extent = std::max(max_extent, extent.value_or(CONVC_MAX_THREADS));
    }
    IRVisitor::visit(op);
  }

  std::int64_t live_bytes_ = 0;
};

}  // namespace

ScratchSize measure_scratch(const Halide::Module& module) {
  ScratchSize size;
  std::int64_t max_tasks = 1;
  for (const Halide::Internal::LoweredFunc& function : module.functions()) {
    ScratchVisitor visitor;
    function.body.accept(&visitor);
    // The bodies of parallel loops are the functions that only this module can call.
    if (function.linkage == Halide::LinkageType::Internal) {
      if (visitor.max_extent != 0) throw InternalError("a parallel loop stands inside another");
      size.thread_bytes = std::max(size.thread_bytes, visitor.peak_bytes);
    } else {
      size.shared_bytes = std::max(size.shared_bytes, visitor.peak_bytes);
      max_tasks = std::max(max_tasks, visitor.max_extent);
    }
  }
  size.max_tasks = static_cast<std::int32_t>(max_tasks);
  return size;
}

}  // namespace convc
