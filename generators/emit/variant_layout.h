// VariantLayout: where everything of one kernel lies at run time, for one ISA: packed weights,
// tensors between steps, scratch. Plain data in the terms of convc/kernel_abi.h, from which the
// descriptor, the header's sizes and the manifest are written. No LLVM, no Halide.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "convc/kernel_abi.h"
#include "dsl/module.h"
#include "generators/emit/artifact.h"
#include "generators/emit/host_target.h"
#include "generators/emit/names.h"
#include "generators/emit/run_time_sizes.h"

namespace convc {

/// An input or output: convc_tensor.
struct IoTensor {
  std::string member;
  std::vector<std::int64_t> shape;        ///< with the largest sizes
  std::uint64_t bytes = 0;                ///< from the first element to the last
  std::vector<convc_product> open_shape;  ///< empty without run-time sizes
  convc_product open_elements{}, open_gap{};
};

/// What the variants of a kernel share.
struct KernelInterface {
  std::vector<IoTensor> inputs, outputs;
  std::vector<Variable> variables;
  RunTimeSizes sizes;
};

/// `written` as the user has it, `lowered` what is compiled. Throws InputError.
KernelInterface interface_of(const Graph& written, const Graph& lowered);

/// Literal numbers, packed at compile time: 64-byte aligned data in the library. The symbol is a
/// hash of the bytes, so that equal numbers are there once.
struct ConstantData {
  std::string symbol;
  std::string bytes;
};

/// convc_argument.
struct ArgumentLayout {
  std::uint32_t source = 0;
  std::uint32_t index = 0;  ///< for CONVC_SOURCE_CONSTANT: into `constants`
  std::uint64_t offset_bytes = 0;
  std::vector<convc_open_dim> dims;                                ///< innermost first
  std::array<convc_product, CONVC_OFFSET_PRODUCTS> open_offset{};  ///< on top of offset_bytes

  /// All of it is known at compile time.
  [[nodiscard]] bool is_fixed() const;
};

/// convc_step.
struct StepLayout {
  std::string symbol;  ///< of the code, without "_argv"
  std::string layer;
  std::uint32_t max_tasks = 1;
  std::vector<ArgumentLayout> arguments;
};

/// convc_variant.
struct VariantLayout {
  std::string isa;
  std::uint64_t cpu_features = 0;
  std::array<std::uint64_t, 2> identity{};
  std::uint64_t packed_bytes = 0;
  std::uint64_t workspace_bytes = 0;
  std::uint64_t scratch_offset_bytes = 0;
  std::uint64_t thread_scratch_bytes = 0;
  std::vector<convc_packing> packings;
  std::vector<StepLayout> steps;
  std::vector<ConstantData> constants;
};

/// Lays out `graph`, which is lowered, from its compiled layers, one per node, for `target`.
/// Tensors between steps share memory when their lives do not meet; equal packings (a bias that
/// several phases of a layer add) are there once. Throws InputError.
VariantLayout lay_out(const Graph& graph, const KernelInterface& interface,
                      const TargetInfo& target, const std::vector<CompiledLayer>& layers);

/// A kernel and its variants, in the order of Artifact::targets.
struct KernelLayouts {
  KernelInterface interface;
  std::vector<VariantLayout> variants;
};

/// The largest number of threads that the variant's steps can make use of.
std::uint32_t max_tasks(const VariantLayout& variant);

/// The bytes convc_run asks for with this many threads (at least 1).
std::uint64_t total_workspace_bytes(const VariantLayout& variant, std::uint64_t threads);

}  // namespace convc
