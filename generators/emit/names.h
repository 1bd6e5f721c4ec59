// The C names of what a library declares. One place, used by the header, the descriptors and the
// manifest. Plain C++. The names in a checked Module are C identifiers that do not clash.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "dsl/module.h"

namespace convc {

/// What all names of a kernel begin with, e.g. "edge_down" for graph "down" of library "edge".
std::string kernel_prefix(const Module& module, const Graph& graph);

/// The same for macros, e.g. "EDGE_DOWN".
std::string macro_prefix(const std::string& kernel_prefix);

/// A member of KERNEL_weights: an array that arrives at run time. Its place in `variables_of` is
/// its place in the struct and in the descriptor.
struct Variable {
  std::string member;    ///< "kernel", or "conv1_kernel" in a Sequential
  std::size_t node = 0;  ///< index into Graph::nodes
  bool is_bias = false;
  std::vector<std::int64_t> shape;  ///< kernel: HWIO; bias: [filters]
};
std::vector<Variable> variables_of(const Graph& graph);

/// A member of KERNEL_io: "input" or "output" (with a number from 1 on, from the second one).
struct IoMember {
  std::string member;
  TensorId tensor = 0;
  bool is_output = false;
};
std::vector<IoMember> io_members_of(const Graph& graph);

/// Number of f32 elements; every size is fixed.
std::int64_t element_count(const std::vector<std::int64_t>& shape);
std::vector<std::int64_t> fixed_shape(const Tensor& tensor);

}  // namespace convc
