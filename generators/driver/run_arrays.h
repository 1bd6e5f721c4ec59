// The arrays of `convc run`: .npy files matched with the inputs, outputs and variables of a graph,
// and the run-time sizes that follow from them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "dsl/diagnostics.h"
#include "dsl/module.h"
#include "generators/driver/npy.h"
#include "generators/driver/options.h"
#include "generators/emit/tensor_shape.h"
#include "generators/emit/variant_layout.h"

namespace convc {

/// An input or output of one call: its sizes are known.
struct CallTensor {
  std::string path;
  std::vector<std::int64_t> shape;  ///< with the batch axis
  Rows rows;                        ///< how it lies in the kernel's memory
};

/// The arrays of one call, checked against the graph.
struct CallArrays {
  std::vector<CallTensor> inputs, outputs;
  std::vector<NpyArray> input_arrays;  ///< in the order of inputs
  std::vector<NpyArray> variables;     ///< in the order of the kernel's variables
  std::vector<std::int64_t> open_sizes;
  bool has_batch_axis = true;  ///< of the first input as it was given
};

/// nullopt where anything is wrong: all of it is reported. Warns of weights that are not finite.
std::optional<CallArrays> read_arrays(const Options& options, const Graph& graph,
                                      const KernelInterface& interface, Diagnostics& diagnostics);

}  // namespace convc
