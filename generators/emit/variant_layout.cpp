// Offsets are 64-byte aligned throughout: kernels may count on it for what is not the user's.
#include "generators/emit/variant_layout.h"

#include <algorithm>
#include <bit>
#include <map>
#include <optional>

#include "dsl/canonical.h"
#include "generators/emit/identity.h"
#include "generators/emit/internal_error.h"
#include "generators/emit/tensor_memory.h"
#include "generators/emit/tensor_shape.h"
#include "generators/emit/weight_packing.h"
#include "generators/kernels/kernel.h"

namespace convc {
namespace {

/// All that a packing says but its place, as text.
std::string text_of(const convc_packing& p) {
  std::string text = std::to_string(p.kind) + " " + std::to_string(p.bytes);
  for (const std::uint32_t word :
       {p.variable, p.gamma, p.beta, p.mean, p.variance, p.is_offset, p.merges_groups}) {
    text += " " + std::to_string(word);
  }
  for (const std::int64_t number :
       {p.groups, p.filters, p.channels, p.kernel_depth, p.kernel_height, p.kernel_width,
        p.filter_panel, p.channel_block, p.first, p.group_stride, p.filter_stride, p.channel_stride,
        p.depth_stride, p.row_stride, p.column_stride, p.transformed_height, p.transformed_width}) {
    text += " " + std::to_string(number);
  }
  std::vector<double> reals = {p.value, p.epsilon};
  reals.insert(reals.end(), p.row_transform,
               p.row_transform + p.transformed_height * p.kernel_height);
  reals.insert(reals.end(), p.column_transform,
               p.column_transform + p.transformed_width * p.kernel_width);
  for (const double number : reals) {
    text += " " + std::to_string(std::bit_cast<std::uint64_t>(number));
  }
  return text;
}

class LayoutBuilder {
 public:
  LayoutBuilder(const Graph& graph, const KernelInterface& interface)
      : graph_(graph), interface_(interface), memory_(place_tensors(graph)) {
    layout_.scratch_offset_bytes = memory_.total_bytes;
    layout_.workspace_bytes = memory_.total_bytes;
  }

  void add(std::size_t node, const CompiledLayer& compiled) {
    const LayerSpec& layer = graph_.nodes[node].layer;
    StepLayout step;
    step.symbol = compiled.object.symbol;
    step.layer = layer.name;
    step.max_tasks = static_cast<std::uint32_t>(compiled.object.max_tasks);
    for (const KernelArgument& argument : kernel_arguments(layer, compiled.plan)) {
      ArgumentLayout place = place_of(argument, node, compiled.plan);
      add_dims(argument, node, place);
      step.arguments.push_back(std::move(place));
    }
    if (step.arguments.size() > CONVC_MAX_ARGUMENTS) {
      throw InternalError("layer `" + layer.name + "` has too many arguments");
    }
    layout_.workspace_bytes =
        std::max(layout_.workspace_bytes,
                 memory_.total_bytes + static_cast<std::uint64_t>(compiled.object.scratch_bytes));
    layout_.thread_scratch_bytes =
        std::max(layout_.thread_scratch_bytes,
                 static_cast<std::uint64_t>(compiled.object.thread_scratch_bytes));
    layout_.steps.push_back(std::move(step));
  }

  VariantLayout take(const TargetInfo& target) {
    layout_.isa = target.machine.isa;
    layout_.cpu_features = target.cpu_features;
    layout_.identity = packing_identity(identity_text());
    return std::move(layout_);
  }

 private:
  ArgumentLayout place_of(const KernelArgument& argument, std::size_t node, const Plan& plan) {
    const Node& graph_node = graph_.nodes[node];
    switch (argument.role) {
      case ArgumentRole::input:
        return place_tensor(graph_node.inputs.at(0));
      case ArgumentRole::operand:
        return place_tensor(graph_node.inputs.at(static_cast<std::size_t>(argument.index)));
      case ArgumentRole::output:
        return place_tensor(graph_node.outputs.at(0));
      case ArgumentRole::packed_kernel:
      case ArgumentRole::packed_depthwise:
      case ArgumentRole::packed_vector:
        return place_weights(graph_node.layer, packing_of(graph_node.layer, plan, argument));
    }
    throw InternalError("a kernel argument of unknown role");
  }

  ArgumentLayout place_tensor(TensorId tensor) const {
    ArgumentLayout place;
    const auto is_at = [&](const std::vector<TensorId>& list, std::uint32_t source) {
      const auto found = std::find(list.begin(), list.end(), tensor);
      if (found == list.end()) return false;
      place.source = source;
      place.index = static_cast<std::uint32_t>(found - list.begin());
      return true;
    };
    if (is_at(graph_.inputs, CONVC_SOURCE_INPUT) || is_at(graph_.outputs, CONVC_SOURCE_OUTPUT)) {
      return place;
    }
    place.source = CONVC_SOURCE_WORKSPACE;
    place.offset_bytes = memory_.offset_bytes.at(tensor);
    return place;
  }

  ArgumentLayout place_weights(const LayerSpec& layer, convc_packing packing) {
    ArgumentLayout place;
    const std::vector<LayerVariable> variables = variables_of(layer);
    if (reads_literals(packing, variables)) {
      place.source = CONVC_SOURCE_CONSTANT;
      place.index = constant_index(pack_literals(packing, variables));
      return place;
    }
    for_each_variable(packing,
                      [&](std::uint32_t& index) { index = graph_variable(variables.at(index)); });
    place.source = CONVC_SOURCE_PACKED;
    place.offset_bytes = packed_offset(packing);
    return place;
  }

  std::uint32_t constant_index(std::string bytes) {
    const std::string symbol = data_symbol(bytes);
    for (std::size_t i = 0; i < layout_.constants.size(); ++i) {
      if (layout_.constants[i].symbol == symbol) return static_cast<std::uint32_t>(i);
    }
    layout_.constants.push_back({symbol, std::move(bytes)});
    return static_cast<std::uint32_t>(layout_.constants.size() - 1);
  }

  std::uint64_t packed_offset(convc_packing packing) {
    if (layout_.packed_bytes == 0) layout_.packed_bytes = CONVC_PACKED_HEADER_BYTES;
    const auto [known, fresh] = offsets_.emplace(text_of(packing), layout_.packed_bytes);
    if (!fresh) return known->second;
    packing.offset_bytes = layout_.packed_bytes;
    layout_.packed_bytes = CONVC_ALIGN_UP(layout_.packed_bytes + packing.bytes);
    layout_.packings.push_back(packing);
    return packing.offset_bytes;
  }

  /// Lowering keeps the names of layers, by which their variables are found again.
  std::uint32_t graph_variable(const LayerVariable& variable) const {
    for (std::size_t i = 0; i < interface_.variables.size(); ++i) {
      const Variable& candidate = interface_.variables[i];
      if (candidate.role == variable.role && candidate.layer == variable.layer) {
        return static_cast<std::uint32_t>(i);
      }
    }
    throw InternalError("layer `" + variable.layer + "` has lost a variable");
  }

  void add_dims(const KernelArgument& argument, std::size_t node, ArgumentLayout& place) const {
    const RunTimeSizes& sizes = interface_.sizes;
    for (const ArgumentDim& dim : argument.dims) {
      place.dims.push_back({sizes.product(node, dim.extent), sizes.product(node, dim.stride)});
    }
    std::size_t open_count = 0;
    for (const SizeProduct& part : argument.offset) {
      const convc_product offset = sizes.product(node, part);
      if (offset.count == 0) {
        place.offset_bytes += static_cast<std::uint64_t>(offset.factor) * sizeof(float);
      } else {
        place.open_offset.at(open_count++) = offset;
      }
    }
  }

  std::string identity_text() const {
    std::string text = layout_.isa;
    for (const Node& node : graph_.nodes) text += "\n" + canonical_layer_text(node.layer);
    for (const convc_packing& packing : layout_.packings) {
      text += "\n" + std::to_string(packing.offset_bytes) + " " + text_of(packing);
    }
    return text;
  }

  const Graph& graph_;
  const KernelInterface& interface_;
  const TensorMemory memory_;
  std::map<std::string, std::uint64_t> offsets_;  // of packings, by text_of
  VariantLayout layout_;
};

IoTensor layout_of(const IoMember& member, const Graph& graph, const RunTimeSizes& sizes) {
  const Tensor& tensor = graph.tensors.at(static_cast<std::size_t>(member.tensor));
  IoTensor layout;
  layout.member = member.member;
  layout.shape = largest_shape(tensor);
  layout.bytes = static_cast<std::uint64_t>(rows_of(tensor, layout.shape).span()) * sizeof(float);
  const auto open = sizes.shapes.find(member.tensor);
  if (open != sizes.shapes.end()) {
    layout.open_shape = open->second;
    layout.open_elements = sizes.elements.at(member.tensor);
    layout.open_gap = sizes.gaps.at(member.tensor);
  }
  return layout;
}

}  // namespace

bool ArgumentLayout::is_fixed() const {
  return open_offset[0].count == 0 &&
         std::all_of(dims.begin(), dims.end(), [](const convc_open_dim& dim) {
           return dim.extent.count == 0 && dim.stride.count == 0;
         });
}

KernelInterface interface_of(const Graph& written, const Graph& lowered) {
  KernelInterface interface;
  interface.variables = variables_of(written);
  interface.sizes = run_time_sizes(lowered);
  for (const IoMember& member : io_members_of(lowered)) {
    (member.is_output ? interface.outputs : interface.inputs)
        .push_back(layout_of(member, lowered, interface.sizes));
  }
  return interface;
}

VariantLayout lay_out(const Graph& graph, const KernelInterface& interface,
                      const TargetInfo& target, const std::vector<CompiledLayer>& layers) {
  LayoutBuilder builder(graph, interface);
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
