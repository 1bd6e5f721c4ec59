// VariantLayout: where everything of one kernel lies at run time, for one ISA: packed weights,
// tensors between steps, scratch. Plain data in the terms of convc/kernel_abi.h, from which the
// descriptor, the header's sizes and the manifest are written. No LLVM, no Halide.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "dsl/module.h"
#include "generators/emit/artifact.h"
#include "generators/emit/host_target.h"

namespace convc {

/// convc_packing.
struct PackingLayout {
  std::uint32_t kind = 0;
  std::uint32_t variable = 0;
  std::uint64_t offset_bytes = 0;
  std::uint64_t bytes = 0;
  std::array<std::int64_t, 6> sizes{};  ///< kernel_height .. channel_block, in the struct's order
};

/// Numbers of a literal kernel and its bias, packed at compile time; 64-byte aligned data in the
/// library.
struct ConstantData {
  std::string symbol;
  std::string bytes;
};

/// convc_argument.
struct ArgumentLayout {
  std::uint32_t source = 0;
  std::uint32_t index = 0;
  std::uint64_t offset_bytes = 0;  ///< for CONVC_SOURCE_CONSTANT: within `constants[index]`
  std::vector<std::pair<std::int32_t, std::int32_t>> dims;  ///< extent, stride; innermost first
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
  std::vector<PackingLayout> packings;
  std::vector<StepLayout> steps;
  std::vector<ConstantData> constants;
};

/// Lays out `graph` from its compiled layers, one per node, for `target`. Tensors between steps
/// share memory when their lives do not meet.
VariantLayout lay_out(const Graph& graph, const TargetInfo& target,
                      const std::vector<CompiledLayer>& layers);

/// The largest number of threads that the variant's steps can make use of.
std::uint32_t max_tasks(const VariantLayout& variant);

/// The bytes convc_run asks for with this many threads (at least 1).
std::uint64_t total_workspace_bytes(const VariantLayout& variant, std::uint64_t threads);

}  // namespace convc
