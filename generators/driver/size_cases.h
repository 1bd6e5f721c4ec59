// The sizes that a kernel with run-time sizes is exercised with. Needs the runtime and dsl.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "convc/kernel_abi.h"
#include "dsl/module.h"
#include "generators/driver/sized_graph.h"

namespace convc {

struct SizeCase {
  std::vector<std::int64_t> open;  ///< in the order of kernel->sizes
  Graph graph;                     ///< the written one with these sizes
  std::string text;                ///< ", height 3, width 4"; empty without run-time sizes
};

/// The run-time sizes of a call whose inputs have these sizes, in the order of graph.inputs.
std::vector<std::int64_t> open_sizes_of(const convc_kernel& kernel, const Graph& written,
                                        const std::vector<InputSize>& inputs);

/// First the representative sizes, then the smallest that have an output, odd ones between, and
/// large ones; without run-time sizes only the first. Empty, and `*error` says why, when descriptor
/// and graph do not have the same tensors.
std::vector<SizeCase> size_cases(const convc_kernel& kernel, const Graph& written,
                                 std::string* error);

}  // namespace convc
