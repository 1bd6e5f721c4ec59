// Counting, with every product and sum checked.
#include "dsl/cost.h"

#include <algorithm>

namespace convc {
namespace {

constexpr std::int64_t kF32Bytes = 4;

// Adds to `*sum`; false on overflow.
bool add(std::int64_t* sum, std::int64_t value) {
  return !__builtin_add_overflow(*sum, value, sum);
}

}  // namespace

std::optional<std::int64_t> product_of(const std::vector<std::int64_t>& factors) {
  std::int64_t product = 1;
  if (std::find(factors.begin(), factors.end(), 0) != factors.end()) return 0;
  for (const std::int64_t factor : factors) {
    if (__builtin_mul_overflow(product, factor, &product)) return std::nullopt;
  }
  return product;
}

std::optional<Cost> checked_cost_of(const LayerSpec& l) {
  const auto kernel =
      product_of({l.kernel_size.height, l.kernel_size.width, l.channels_per_group(), l.filters});
  const auto macs = product_of({l.batch, l.out.height, l.out.width, l.filters, l.kernel_size.height,
                                l.kernel_size.width, l.channels_per_group()});
  const auto in = product_of({l.batch, l.in.height, l.in.width, l.in_channels, kF32Bytes});
  const auto out = product_of({l.batch, l.out.height, l.out.width, l.filters, kF32Bytes});
  Cost cost;
  if (!kernel || !macs || !in || !out) return std::nullopt;
  cost.parameters = *kernel;
  if (l.use_bias && !add(&cost.parameters, l.filters)) return std::nullopt;
  const auto weights = product_of({cost.parameters, kF32Bytes});
  if (!weights) return std::nullopt;
  cost.macs = *macs;
  cost.input_bytes = *in;
  cost.output_bytes = *out;
  cost.weight_bytes = *weights;
  std::int64_t total = *weights;
  if (!add(&total, *in) || !add(&total, *out)) return std::nullopt;
  return cost;
}

std::optional<Cost> checked_cost_of(const Graph& graph) {
  Cost cost;
  for (const Node& node : graph.nodes) {
    const std::optional<Cost> one = checked_cost_of(node.layer);
    if (!one || !add(&cost.parameters, one->parameters) || !add(&cost.macs, one->macs) ||
        !add(&cost.weight_bytes, one->weight_bytes)) {
      return std::nullopt;
    }
  }
  const auto bytes = [&](const std::vector<TensorId>& tensors, std::int64_t* sum) {
    for (const TensorId id : tensors) {
      std::vector<std::int64_t> factors = {kF32Bytes};
      for (const Dim& dim : graph.tensors[static_cast<std::size_t>(id)].shape) {
        factors.push_back(dim.max);
      }
      const std::optional<std::int64_t> one = product_of(factors);
      if (!one || !add(sum, *one)) return false;
    }
    return true;
  };
  if (!bytes(graph.inputs, &cost.input_bytes) || !bytes(graph.outputs, &cost.output_bytes)) {
    return std::nullopt;
  }
  std::int64_t total = cost.weight_bytes;
  if (!add(&total, cost.input_bytes) || !add(&total, cost.output_bytes)) return std::nullopt;
  return cost;
}

Cost cost_of(const LayerSpec& layer) {
  return checked_cost_of(layer).value();
}
Cost cost_of(const Graph& graph) {
  return checked_cost_of(graph).value();
}

}  // namespace convc
