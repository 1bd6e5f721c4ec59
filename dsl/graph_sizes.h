// The sizes of a graph: what each layer reads and makes, and the ranges of sizes known only at run
// time. Of this room only.
#pragma once

#include <optional>
#include <vector>

#include "dsl/diagnostics.h"
#include "dsl/draft.h"
#include "dsl/resolve.h"

namespace convc {

/// A tensor's sizes as ranges; fixed ones have min == max.
struct TensorSizes {
  int rank = 2;
  Dim batch, depth, height, width;
  std::int64_t channels = 1;
  friend bool operator==(const TensorSizes&, const TensorSizes&) = default;
};

struct GraphSizes {
  std::vector<TensorSizes> tensors;
  std::vector<LayerSpec> layers;  ///< with representative sizes and their OpenSizes
};

/// Resolves all layers. Preconditions: the layers are sound one by one, the inputs have valid
/// shapes (check_inputs), `layouts` and `batch` are known. Reports what does not fit.
std::optional<GraphSizes> resolve_sizes(const GraphDraft& draft, const std::vector<Layout>& layouts,
                                        const Dim& batch, Diagnostics& diagnostics);

/// The tensor that a node reads and does not repeat: of a sum, the first one of the result's shape.
std::size_t main_input(const GraphDraft& draft, std::size_t node,
                       const std::vector<TensorSizes>& tensors);

}  // namespace convc
