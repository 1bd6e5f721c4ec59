// FakeKernel: a descriptor as convc emits it, made by hand, whose "generated code" is a function of
// the test. Two inputs and one output of 16 floats, a 2x1x4x5 kernel and 5 biases. Variants, best
// first: "future" (needs a CPU feature that does not exist), "wide", "narrow" (need nothing).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "convc/convc.h"
#include "convc/kernel_abi.h"
#include "runtime/src/halide_buffer.h"

namespace convc::test {

using StepFunction = std::int32_t (*)(void** argv);

inline constexpr std::size_t kTensorElements = 16;
inline constexpr std::size_t kKernelElements = 2 * 1 * 4 * 5;
inline constexpr std::size_t kFilters = 5;

/// A packing of an HWIO kernel (variable 0), at offset 0.
convc_packing panels_packing(std::int64_t height, std::int64_t width, std::int64_t channels,
                             std::int64_t filters, std::int64_t panel, std::int64_t block);
/// A packing of one number per filter.
convc_packing vector_packing(std::uint32_t variable, std::int64_t filters, std::int64_t panel);
/// An argument of fixed sizes.
convc_argument fake_argument(std::uint32_t source, std::uint32_t index, std::uint64_t offset_bytes,
                             const convc_dim* dims, std::uint32_t rank);

class FakeKernel {
 public:
  /// `function` is the only step of every variant; its parallel loop has `max_tasks` iterations.
  explicit FakeKernel(StepFunction function, std::uint32_t max_tasks = 1);
  FakeKernel(const FakeKernel&) = delete;
  FakeKernel& operator=(const FakeKernel&) = delete;

  /// Planned memory of every variant. The shared part begins with a tensor of 16 floats.
  void plan_scratch(std::uint64_t shared_bytes, std::uint64_t thread_bytes);

  convc_kernel descriptor{};
  std::array<convc_variant, 3> variants{};
  std::array<convc_step, 1> steps{};
  std::array<convc_packing, 2> packings{};
  std::array<convc_argument, 6> arguments{};
};

/// Arguments of FakeKernel's step, by position in argv.
enum Argument { kInput = 1, kSecond, kPackedKernel, kPackedBias, kWorkspaceTensor, kOutput };

inline convc_impl_halide_buffer& buffer_of(void** argv, Argument argument) {
  return *static_cast<convc_impl_halide_buffer*>(argv[argument]);
}
inline float* floats_of(void** argv, Argument argument) {
  return static_cast<float*>(static_cast<void*>(buffer_of(argv, argument).host));
}
inline void* context_of(void** argv) {
  return *static_cast<void**>(argv[0]);
}

/// A step for tests of what happens around it.
inline std::int32_t do_nothing(void**) {
  return 0;
}

/// Bytes aligned to CONVC_ALIGNMENT.
class Aligned {
 public:
  explicit Aligned(std::size_t bytes) : storage_(bytes / sizeof(Line) + 1) {}
  [[nodiscard]] unsigned char* data() { return storage_.front().bytes; }

 private:
  struct alignas(CONVC_ALIGNMENT) Line {
    unsigned char bytes[CONVC_ALIGNMENT];
  };
  std::vector<Line> storage_;
};

/// Everything a call of a FakeKernel takes, right; tests break one thing at a time.
struct Call {
  explicit Call(const FakeKernel& fake, std::uint32_t threads = 1);
  /// Packs for the variant that `options` choose and makes room for their workspace.
  void prepare();
  convc_status pack();
  convc_status run();

  const convc_kernel* kernel;
  convc_options options{};
  std::vector<float> input, second, output, weights_kernel, weights_bias;
  std::array<const void*, 3> io{};
  std::array<const void*, 2> weights{};
  std::vector<Aligned> memory;  ///< packed, workspace
  void* packed = nullptr;
  std::size_t packed_bytes = 0;
  void* workspace = nullptr;
  std::size_t workspace_bytes = 0;
};

/// Runs a parallel loop of generated code: body(index) for index in [min, min + size).
/// `body` is called from several threads; returns what the loop returns.
int parallel_loop(void* user_context, int min, int size,
                  const std::function<int(void* user_context, int index)>& body);

/// Whether the last error's text holds `part`.
bool error_says(const std::string& part);

}  // namespace convc::test
