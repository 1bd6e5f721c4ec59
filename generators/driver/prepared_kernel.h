// A kernel with its buffers, packed weights and workspace in place, ready to be called again and
// again: what a benchmark times. Needs the runtime only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "convc/kernel_abi.h"

namespace convc {

/// Puts run-time sizes behind the pointers, as a generated io struct has them.
void append_sizes(std::vector<const void*>& io, const std::vector<std::int64_t>& open_sizes);

class PreparedKernel {
 public:
  /// `open_sizes` are the kernel's run-time sizes. Allocates, fills inputs and weights with uniform
  /// numbers in [-1, 1), packs, and calls once. Throws std::runtime_error with the runtime's words
  /// when a call fails, std::bad_alloc.
  PreparedKernel(const convc_kernel& kernel, std::string isa, unsigned threads,
                 const std::vector<std::int64_t>& open_sizes = {});
  PreparedKernel(const PreparedKernel&) = delete;
  PreparedKernel& operator=(const PreparedKernel&) = delete;

  /// One call of convc_run; its status is not looked at again.
  void call() {
    convc_run(&kernel_, io_.data(), packed_.get(), packed_bytes_, workspace_.get(),
              workspace_bytes_, &options_);
  }

  /// Seconds (of a Stopwatch, gang.h) that `repetitions` calls take.
  double run_seconds(std::size_t repetitions);

 private:
  struct FreeDeleter {
    void operator()(void* pointer) const { std::free(pointer); }
  };
  using Memory = std::unique_ptr<void, FreeDeleter>;
  static Memory allocate(std::size_t bytes);
  Memory random_floats(std::size_t bytes, std::uint64_t stream);

  const convc_kernel& kernel_;
  std::string isa_;
  convc_options options_{};
  std::vector<Memory> tensors_;
  std::vector<const void*> io_;  // pointers, then the run-time sizes
  Memory packed_, workspace_;
  std::size_t packed_bytes_ = 0, workspace_bytes_ = 0;
};

}  // namespace convc
