// The table of sizes that a kernel is given when it runs, and those that follow from them: one for
// the whole graph, into which the sizes of each layer's kernel are mapped. No LLVM, no Halide.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "convc/kernel_abi.h"
#include "dsl/module.h"
#include "generators/kernels/kernel.h"

namespace convc {

/// convc_size, with its name. OPEN sizes come first.
struct RunTimeSize {
  std::string member;  ///< of the io struct; empty: derived
  convc_size numbers{};
};

/// Sizes of a graph, by index.
struct RunTimeSizes {
  std::vector<RunTimeSize> sizes;
  std::size_t open_count = 0;
  /// By tensor; open tensors only: the extents in the order of its shape; the elements of all its
  /// rows, and those that a pitch leaves behind the last one.
  std::map<TensorId, std::vector<convc_product>> shapes;
  std::map<TensorId, convc_product> elements, gaps;
  /// [node][i]: index of the node's kernel_sizes()[i].
  std::vector<std::vector<std::uint32_t>> of_nodes;

  /// A product of a node's sizes as one of the graph's.
  [[nodiscard]] convc_product product(std::size_t node, const SizeProduct& of_node) const;
};

/// Precondition: `graph` is lowered. The open sizes are those of the first input; of further inputs
/// those that have another range. Throws InputError for tensors that meet without their sizes
/// following from the same ones, and for more sizes than the runtime knows.
RunTimeSizes run_time_sizes(const Graph& graph);

/// All sizes of the table when the open ones are these.
std::vector<std::int64_t> all_sizes(const RunTimeSizes& sizes,
                                    const std::vector<std::int64_t>& open_sizes);
std::int64_t value_of(const convc_product& product, const std::vector<std::int64_t>& sizes);

/// A number that no run-time size changes.
convc_product fixed_product(std::int64_t value);

}  // namespace convc
