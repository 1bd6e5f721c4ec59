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

/// A product that is nullopt when a factor is.
std::optional<std::int64_t> checked_product(
    const std::vector<std::optional<std::int64_t>>& factors) {
  std::vector<std::int64_t> known;
  for (const auto& factor : factors) {
    if (!factor) return std::nullopt;
    known.push_back(*factor);
  }
  return product_of(known);
}

std::optional<std::int64_t> elements_of(const Size& size) {
  return product_of({size.depth, size.height, size.width});
}

/// A phase of a transposed convolution counts the taps that it uses.
std::optional<std::int64_t> elements_of(const LayerVariable& variable, const LayerSpec& l) {
  if (variable.role != VariableRole::kernel || !l.kernel_view) {
    return product_of(variable.shape);
  }
  if (!l.has_kernel()) return 0;
  return checked_product({elements_of(l.kernel_size), l.channels_per_group(), l.filters});
}

std::optional<std::int64_t> parameters_of(const LayerSpec& l) {
  std::int64_t sum = 0;
  for (const LayerVariable& variable : variables_of(l)) {
    const auto elements = elements_of(variable, l);
    if (!elements || !add(&sum, *elements)) return std::nullopt;
  }
  return sum;
}

std::optional<std::int64_t> macs_of(const LayerSpec& l) {
  const auto taps = elements_of(l.kernel_size);
  const auto pixels = checked_product({elements_of(l.out), l.batch});
  switch (l.kind) {
    case LayerKind::conv:
      return checked_product({pixels, l.filters, taps, l.channels_per_group()});
    case LayerKind::depthwise_conv:
      return checked_product({pixels, l.filters, taps});
    case LayerKind::separable_conv: {
      const auto middle = checked_product({l.in_channels, l.depth_multiplier});
      auto sum = checked_product({pixels, middle, taps});
      const auto pointwise = checked_product({pixels, middle, l.filters});
      if (!sum || !pointwise || !add(&*sum, *pointwise)) return std::nullopt;
      return sum;
    }
    case LayerKind::conv_transpose:  // each input element meets each tap
      return checked_product(
          {elements_of(l.in), l.batch, l.in_channels, taps, l.filters_per_group()});
    case LayerKind::elementwise:
    case LayerKind::constant:
      return 0;
  }
  return std::nullopt;
}

/// The second tensor of an add or multiply.
std::optional<std::int64_t> operand_bytes(const PostOp& op, const LayerSpec& l) {
  if (op.kind != PostOpKind::add && op.kind != PostOpKind::multiply) return 0;
  const bool of_pixels =
      op.operand_shape == OperandShape::full || op.operand_shape == OperandShape::per_pixel;
  const bool of_channels =
      op.operand_shape == OperandShape::full || op.operand_shape == OperandShape::per_channel;
  return checked_product({l.batch, of_pixels ? elements_of(l.out) : std::optional<std::int64_t>(1),
                          of_channels ? l.filters : 1, kF32Bytes});
}

std::optional<std::int64_t> input_bytes_of(const LayerSpec& l) {
  if (l.kind == LayerKind::constant) return 0;
  auto sum = checked_product({elements_of(l.in), l.batch, l.in_channels, kF32Bytes});
  for (const PostOp& op : l.post_ops) {
    const auto bytes = operand_bytes(op, l);
    if (!sum || !bytes || !add(&*sum, *bytes)) return std::nullopt;
  }
  return sum;
}

/// Sizes known only at run time count as the representative ones that the layers have.
std::optional<std::int64_t> elements_of(const Graph& graph, TensorId id) {
  std::vector<std::int64_t> sizes;
  bool open = false;
  for (const Dim& dim : graph.tensors[static_cast<std::size_t>(id)].shape) {
    sizes.push_back(dim.min);
    open = open || !dim.fixed();
  }
  if (!open) return product_of(sizes);
  for (const Node& node : graph.nodes) {
    const LayerSpec& l = node.layer;
    if (node.inputs.front() == id) {
      return checked_product({elements_of(l.in), l.batch, l.in_channels});
    }
    if (node.outputs.front() == id) {
      const Size& size = l.output_view ? l.output_view->whole : l.out;
      return checked_product({elements_of(size), l.batch, l.filters});
    }
  }
  return product_of(sizes);
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
  const auto parameters = parameters_of(l);
  const auto macs = macs_of(l);
  const auto in = input_bytes_of(l);
  const auto out = checked_product({elements_of(l.out), l.batch, l.filters, kF32Bytes});
  if (!parameters || !macs || !in || !out) return std::nullopt;
  const auto weights = product_of({*parameters, kF32Bytes});
  if (!weights) return std::nullopt;
  Cost cost;
  cost.parameters = *parameters;
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
      const auto one = checked_product({elements_of(graph, id), kF32Bytes});
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
