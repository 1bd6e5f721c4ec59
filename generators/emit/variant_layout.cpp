// Offsets are 64-byte aligned throughout: kernels may count on it for what is not the user's.
#include "generators/emit/variant_layout.h"

#include <algorithm>

#include "convc/kernel_abi.h"
#include "convc/pack_layout.h"
#include "dsl/printer.h"
#include "generators/emit/identity.h"
#include "generators/emit/internal_error.h"
#include "generators/emit/names.h"
#include "generators/emit/tensor_memory.h"
#include "generators/kernels/kernel.h"

namespace convc {
namespace {

std::uint64_t unsigned_of(std::int64_t value) {
  return static_cast<std::uint64_t>(value);
}

/// How the kernel (and the bias) of a layer is packed, from the start of its packed_layout.
PackingLayout kernel_packing(const LayerSpec& layer, const PackedLayout& packed) {
  PackingLayout packing;
  packing.kind = CONVC_PACK_PANELS;
  packing.bytes = unsigned_of(packed.kernel_bytes);
  packing.sizes = {layer.kernel_size.height,   layer.kernel_size.width,
                   layer.channels_per_group(), layer.filters,
                   packed.filter_panel,        packed.channel_block};
  return packing;
}

PackingLayout bias_packing(const LayerSpec& layer, const PackedLayout& packed) {
  PackingLayout packing;
  packing.kind = CONVC_PACK_BIAS;
  packing.offset_bytes = unsigned_of(packed.bias_offset_bytes);
  packing.bytes = unsigned_of(packed.bias_bytes);
  packing.sizes = {1, 1, 1, layer.filters, packed.filter_panel, 1};
  return packing;
}

void pack_into(const PackingLayout& layout, const std::vector<float>& values, std::string& bytes) {
  convc_packing packing = {};
  packing.kind = layout.kind;
  packing.bytes = layout.bytes;
  packing.kernel_height = layout.sizes[0];
  packing.kernel_width = layout.sizes[1];
  packing.channels = layout.sizes[2];
  packing.filters = layout.sizes[3];
  packing.filter_panel = layout.sizes[4];
  packing.channel_block = layout.sizes[5];
  const std::uint64_t written = convc_packing_bytes(&packing);
  if (written == 0 || written > layout.bytes ||
      convc_packing_variable_bytes(&packing) != values.size() * sizeof(float)) {
    throw InternalError("the sizes of a packed literal disagree");
  }
  std::vector<float> destination(written / sizeof(float));
  convc_pack_variable(&packing, values.data(), destination.data());
  std::copy_n(reinterpret_cast<const char*>(destination.data()), written,
              bytes.begin() + static_cast<std::ptrdiff_t>(layout.offset_bytes));
}

/// The literal numbers of a layer as the kernel reads them.
ConstantData packed_literals(const LayerSpec& layer, const PackedLayout& packed,
                             const std::string& symbol) {
  ConstantData constant;
  // Named like the code that reads it, so that equal layers share both.
  constant.symbol = symbol + "_data";
  constant.bytes.assign(unsigned_of(packed.total_bytes), '\0');
  pack_into(kernel_packing(layer, packed), layer.kernel->values, constant.bytes);
  if (layer.use_bias) pack_into(bias_packing(layer, packed), layer.bias->values, constant.bytes);
  return constant;
}

class LayoutBuilder {
 public:
  explicit LayoutBuilder(const Graph& graph)
      : graph_(graph), variables_(variables_of(graph)), memory_(place_tensors(graph)) {
    layout_.scratch_offset_bytes = memory_.total_bytes;
    layout_.workspace_bytes = memory_.total_bytes;
  }

  void add(std::size_t node, const CompiledLayer& compiled) {
    const LayerSpec& layer = graph_.nodes[node].layer;
    StepLayout step;
    step.symbol = compiled.object.symbol;
    step.layer = layer.name;
    step.max_tasks = static_cast<std::uint32_t>(compiled.object.max_tasks);
    const Weights weights = place_weights(node, compiled);
    for (const KernelArgument& argument : kernel_arguments(layer, compiled.plan)) {
      ArgumentLayout place = place_argument(argument.role, graph_.nodes[node], weights);
      for (const ArgumentDim& dim : argument.dims) place.dims.emplace_back(dim.extent, dim.stride);
      step.arguments.push_back(std::move(place));
    }
    layout_.workspace_bytes = std::max(
        layout_.workspace_bytes, memory_.total_bytes + unsigned_of(compiled.object.scratch_bytes));
    layout_.thread_scratch_bytes =
        std::max(layout_.thread_scratch_bytes, unsigned_of(compiled.object.thread_scratch_bytes));
    layout_.steps.push_back(std::move(step));
  }

  VariantLayout take(const TargetInfo& target) {
    layout_.isa = target.machine.isa;
    layout_.cpu_features = target.cpu_features;
    layout_.identity = packing_identity(identity_text());
    return std::move(layout_);
  }

 private:
  /// Where the numbers of one layer are.
  struct Weights {
    ArgumentLayout kernel, bias;
  };

  Weights place_weights(std::size_t node, const CompiledLayer& compiled) {
    const LayerSpec& layer = graph_.nodes[node].layer;
    Weights weights;
    if (layer.weights_are_literal() && !literal_is_packed(layer, compiled.plan)) return weights;
    const PackedLayout packed = packed_layout(layer, compiled.plan);
    if (layer.weights_are_literal()) {
      weights.kernel.source = weights.bias.source = CONVC_SOURCE_CONSTANT;
      weights.kernel.index = weights.bias.index =
          static_cast<std::uint32_t>(layout_.constants.size());
      layout_.constants.push_back(packed_literals(layer, packed, compiled.object.symbol));
    } else {
      if (layout_.packed_bytes == 0) layout_.packed_bytes = CONVC_PACKED_HEADER_BYTES;
      weights.kernel.source = weights.bias.source = CONVC_SOURCE_PACKED;
      weights.kernel.offset_bytes = weights.bias.offset_bytes = layout_.packed_bytes;
      add_packings(node, packed);
      layout_.packed_bytes += unsigned_of(packed.total_bytes);
    }
    weights.bias.offset_bytes += unsigned_of(packed.bias_offset_bytes);
    return weights;
  }

  void add_packings(std::size_t node, const PackedLayout& packed) {
    const LayerSpec& layer = graph_.nodes[node].layer;
    for (std::size_t i = 0; i < variables_.size(); ++i) {
      if (variables_[i].node != node) continue;
      PackingLayout packing =
          variables_[i].is_bias ? bias_packing(layer, packed) : kernel_packing(layer, packed);
      packing.variable = static_cast<std::uint32_t>(i);
      packing.offset_bytes += layout_.packed_bytes;
      layout_.packings.push_back(packing);
    }
  }

  ArgumentLayout place_argument(ArgumentRole role, const Node& node, const Weights& weights) const {
    switch (role) {
      case ArgumentRole::input:
        return place_tensor(node.inputs.at(0), graph_.inputs, CONVC_SOURCE_INPUT);
      case ArgumentRole::output:
        return place_tensor(node.outputs.at(0), graph_.outputs, CONVC_SOURCE_OUTPUT);
      case ArgumentRole::packed_kernel:
        return weights.kernel;
      case ArgumentRole::packed_bias:
        return weights.bias;
    }
    throw InternalError("a kernel argument of unknown role");
  }

  ArgumentLayout place_tensor(TensorId tensor, const std::vector<TensorId>& outer,
                              std::uint32_t outer_source) const {
    ArgumentLayout place;
    const auto found = std::find(outer.begin(), outer.end(), tensor);
    if (found != outer.end()) {
      place.source = outer_source;
      place.index = static_cast<std::uint32_t>(found - outer.begin());
    } else {
      place.source = CONVC_SOURCE_WORKSPACE;
      place.offset_bytes = memory_.offset_bytes.at(tensor);
    }
    return place;
  }

  std::string identity_text() const {
    std::string text = layout_.isa;
    for (const Node& node : graph_.nodes) text += "\n" + canonical_layer_text(node.layer);
    for (const PackingLayout& packing : layout_.packings) {
      text += "\n" + std::to_string(packing.kind) + " " + std::to_string(packing.variable) + " " +
              std::to_string(packing.offset_bytes) + " " + std::to_string(packing.bytes);
      for (std::int64_t size : packing.sizes) text += " " + std::to_string(size);
    }
    return text;
  }

  const Graph& graph_;
  const std::vector<Variable> variables_;
  const TensorMemory memory_;
  VariantLayout layout_;
};

}  // namespace

VariantLayout lay_out(const Graph& graph, const TargetInfo& target,
                      const std::vector<CompiledLayer>& layers) {
  LayoutBuilder builder(graph);
  for (std::size_t node = 0; node < graph.nodes.size(); ++node) builder.add(node, layers.at(node));
  return builder.take(target);
}

std::uint32_t max_tasks(const VariantLayout& variant) {
  std::uint32_t tasks = 1;
  for (const StepLayout& step : variant.steps) tasks = std::max(tasks, step.max_tasks);
  return tasks;
}

std::uint64_t total_workspace_bytes(const VariantLayout& variant, std::uint64_t threads) {
  const std::uint64_t workers = std::min<std::uint64_t>(threads, max_tasks(variant));
  return CONVC_WORKSPACE_TOTAL_BYTES(variant.workspace_bytes, variant.thread_scratch_bytes,
                                     workers);
}

}  // namespace convc
