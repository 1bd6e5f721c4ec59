// The C names of what a library declares. One place, used by the header, the descriptors and the
// manifest. Plain C++. Works on Modules as written: lowering keeps their variables and tensors.
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
  std::string member;  ///< "kernel"; "conv1_kernel" in a Sequential or a Model
  std::string layer;   ///< name of the layer that has it
  std::string name;    ///< Keras' name, e.g. "kernel"
  VariableRole role = VariableRole::kernel;
  std::size_t node = 0;  ///< index into Graph::nodes
  std::vector<std::int64_t> shape;
};
/// Precondition: `graph` is as written, not lowered.
std::vector<Variable> variables_of(const Graph& graph);

/// A member of KERNEL_io that is a pointer: the tensor's name, made a C identifier that no other
/// member has.
struct IoMember {
  std::string member;
  TensorId tensor = 0;
  bool is_output = false;
};
std::vector<IoMember> io_members_of(const Graph& graph);

/// What reports call the steps of a lowered graph: the layer's name, and where a layer has several
/// steps (the phases of a transposed convolution) a number from 1 on: "up.1".
std::vector<std::string> step_names(const Graph& lowered);

}  // namespace convc
