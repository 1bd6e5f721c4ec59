// Cost: what a layer or a function takes, counted for the direct algorithm. Exact integers.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "dsl/module.h"

namespace convc {

struct Cost {
  std::int64_t parameters = 0;   ///< of all variables, as Keras counts them; literal numbers too
  std::int64_t macs = 0;         ///< multiply-adds of kernels; what follows them is not counted
  std::int64_t input_bytes = 0;  ///< of all inputs of the layer
  std::int64_t output_bytes = 0;
  std::int64_t weight_bytes = 0;

  /// Operations of the direct algorithm: a multiplication and an addition per MAC.
  [[nodiscard]] double flops() const { return 2.0 * static_cast<double>(macs); }
  /// Bytes that must be moved at least once.
  [[nodiscard]] std::int64_t compulsory_bytes() const {
    return input_bytes + output_bytes + weight_bytes;
  }
  [[nodiscard]] double flops_per_byte() const {
    return flops() / static_cast<double>(compulsory_bytes());
  }
  friend bool operator==(const Cost&, const Cost&) = default;
};

/// The product, or nullopt when it overflows 64 bits. Precondition: no factor is negative.
std::optional<std::int64_t> product_of(const std::vector<std::int64_t>& factors);

/// nullopt when a count overflows 64 bits; never for a layer of a checked Module.
std::optional<Cost> checked_cost_of(const LayerSpec& layer);
/// Parameters, MACs and weights of all layers; input and output bytes of the function alone, since
/// what lies between layers need not leave the cache. nullopt as above.
std::optional<Cost> checked_cost_of(const Graph& graph);

/// The same for what a checked Module holds.
Cost cost_of(const LayerSpec& layer);
Cost cost_of(const Graph& graph);

}  // namespace convc
