// See weight_packing.h. Strides are those of row-major variables (variables_of).
#include "generators/emit/weight_packing.h"

#include <algorithm>
#include <utility>

#include "convc/pack_layout.h"
#include "generators/emit/internal_error.h"
#include "generators/plan/integers.h"
#include "generators/plan/lowering.h"
#include "generators/plan/winograd.h"

namespace convc {
namespace {

/// Index of a variable of the layer; post_op -1: the layer's own.
std::uint32_t find_variable(const std::vector<LayerVariable>& variables, VariableRole role,
                            int post_op) {
  for (std::size_t i = 0; i < variables.size(); ++i) {
    if (variables[i].role == role && variables[i].post_op == post_op) {
      return static_cast<std::uint32_t>(i);
    }
  }
  return CONVC_NO_VARIABLE;
}

convc_packing empty_packing(std::uint32_t kind) {
  convc_packing packing{};
  packing.kind = kind;
  packing.variable = packing.gamma = packing.beta = packing.mean = packing.variance =
      CONVC_NO_VARIABLE;
  packing.groups = packing.filters = packing.channels = 1;
  packing.kernel_depth = packing.kernel_height = packing.kernel_width = 1;
  packing.filter_panel = packing.channel_block = 1;
  return packing;
}

/// A variable of filters in its own order: the elements from one index to the next.
struct FilterStrides {
  std::int64_t group = 0, filter = 0, channel = 0, depth = 0, row = 0, column = 0;
};

/// Strides of spatial axes of `size` whose innermost element is `column` apart.
void set_spatial(FilterStrides& strides, const Size& size, std::int64_t column) {
  strides.column = column;
  strides.row = column * size.width;
  strides.depth = strides.row * size.height;
}

/// (kernel.., channels, groups * filters) or (groups * filters, channels, kernel..).
FilterStrides convolution_strides(const Size& size, std::int64_t groups, std::int64_t filters,
                                  std::int64_t channels, KernelLayout layout) {
  FilterStrides strides;
  if (layout == KernelLayout::filters_last) {
    strides.filter = 1;
    strides.channel = groups * filters;
    set_spatial(strides, size, channels * groups * filters);
  } else {
    set_spatial(strides, size, 1);
    strides.channel = size.depth * size.height * size.width;
    strides.filter = strides.channel * channels;
  }
  strides.group = strides.filter * filters;
  return strides;
}

/// Of the variable of a transposed convolution filters and channels, which are those of the input,
/// have changed places.
FilterStrides transposed_strides(const Size& size, std::int64_t groups, std::int64_t filters,
                                 std::int64_t channels, KernelLayout layout) {
  FilterStrides strides = convolution_strides(size, groups, channels, filters, layout);
  std::swap(strides.filter, strides.channel);
  return strides;
}

void set_strides(convc_packing& packing, const FilterStrides& strides) {
  packing.group_stride = strides.group;
  packing.filter_stride = strides.filter;
  packing.channel_stride = strides.channel;
  packing.depth_stride = strides.depth;
  packing.row_stride = strides.row;
  packing.column_stride = strides.column;
}

void set_window(convc_packing& packing, const Size& size) {
  packing.kernel_depth = size.depth;
  packing.kernel_height = size.height;
  packing.kernel_width = size.width;
}

/// The taps that a phase of a transposed convolution has.
void apply_view(convc_packing& packing, const KernelView& view) {
  packing.first = view.first.depth * packing.depth_stride + view.first.height * packing.row_stride +
                  view.first.width * packing.column_stride;
  packing.depth_stride *= view.step.depth;
  packing.row_stride *= view.step.height;
  packing.column_stride *= view.step.width;
}

/// Filters whose elements are evenly spaced over the groups are packed as those of one group.
void merge_groups(convc_packing& packing) {
  if (packing.group_stride != packing.filters * packing.filter_stride) {
    packing.merges_groups = 1;
    return;
  }
  packing.filters *= std::exchange(packing.groups, 1);
  packing.group_stride = 0;
}

void set_normalization(convc_packing& packing, const std::vector<LayerVariable>& variables,
                       const LayerSpec& layer, int post_op) {
  if (post_op < 0) return;
  packing.gamma = find_variable(variables, VariableRole::gamma, post_op);
  packing.beta = find_variable(variables, VariableRole::beta, post_op);
  packing.mean = find_variable(variables, VariableRole::mean, post_op);
  packing.variance = find_variable(variables, VariableRole::variance, post_op);
  packing.epsilon = double{layer.post_ops[static_cast<std::size_t>(post_op)].epsilon};
}

class PackingBuilder {
 public:
  PackingBuilder(const LayerSpec& layer, const Plan& plan)
      : layer_(layer),
        plan_(plan),
        layout_(packed_layout(layer, plan)),
        variables_(variables_of(layer)) {}

  convc_packing kernel() const {
    return layer_.kind == LayerKind::separable_conv ? pointwise() : main_kernel();
  }

  convc_packing depthwise() const {
    const std::int64_t channels = layer_.in_channels * layer_.depth_multiplier;
    convc_packing packing = empty_packing(CONVC_PACK_PANELS);
    packing.variable = find_variable(variables_, VariableRole::kernel, -1);
    packing.filters = channels;
    packing.filter_panel = round_up(channels, layout_.depthwise_panel);
    set_window(packing, layer_.kernel_size);
    set_strides(packing,
                convolution_strides(layer_.kernel_size, 1, channels, 1, layer_.kernel_layout));
    return finished(packing);
  }

  convc_packing vector(const ChannelVector& vector) const {
    convc_packing packing = empty_packing(CONVC_PACK_VECTOR);
    packing.groups = layout_.groups;
    packing.filters = layer_.filters / layout_.groups;
    packing.filter_panel = layout_.filter_panel;
    packing.filter_stride = 1;
    packing.group_stride = packing.filters;
    switch (vector.role) {
      case VectorRole::bias:
        packing.variable = find_variable(variables_, VariableRole::bias, -1);
        set_normalization(packing, variables_, layer_, folded_normalization(layer_));
        packing.is_offset = packing.variance != CONVC_NO_VARIABLE;
        break;
      case VectorRole::slope:
        packing.variable = find_variable(variables_, VariableRole::alpha, vector.post_op);
        break;
      case VectorRole::scale:
      case VectorRole::offset:
        set_normalization(packing, variables_, layer_, vector.post_op);
        packing.is_offset = vector.role == VectorRole::offset;
        packing.value = vector.role == VectorRole::offset ? 0 : 1;
        break;
    }
    return finished(packing);
  }

 private:
  convc_packing main_kernel() const {
    const std::int64_t filters = layer_.filters_per_group();
    const std::int64_t channels = layer_.channels_per_group();
    convc_packing packing = panels(channels);
    packing.variable = find_variable(variables_, VariableRole::kernel, -1);
    packing.groups = layer_.groups;
    packing.filters = filters;
    set_window(packing, layer_.kernel_size);
    if (layer_.kernel_view) {
      set_strides(packing, transposed_strides(layer_.kernel_view->whole, layer_.groups, filters,
                                              channels, layer_.kernel_layout));
      apply_view(packing, *layer_.kernel_view);
    } else {
      set_strides(packing, convolution_strides(layer_.kernel_size, layer_.groups, filters, channels,
                                               layer_.kernel_layout));
    }
    if (plan_.algorithm == Algorithm::winograd) set_transforms(packing);
    if (layout_.merges_groups) merge_groups(packing);
    return with_folded_normalization(packing);
  }

  /// An axis of one tap has no transform.
  void set_transforms(convc_packing& packing) const {
    const WinogradTransforms transforms = winograd_transforms(layer_, plan_.output_tile);
    if (transforms.row.taps > 1) {
      packing.transformed_height = transforms.row.inputs;
      packing.row_transform = transforms.row.filter.data();
    }
    if (transforms.column.taps > 1) {
      packing.transformed_width = transforms.column.inputs;
      packing.column_transform = transforms.column.filter.data();
    }
  }

  convc_packing pointwise() const {
    const std::int64_t channels = layer_.in_channels * layer_.depth_multiplier;
    convc_packing packing = panels(channels);
    packing.variable = find_variable(variables_, VariableRole::pointwise_kernel, -1);
    packing.filters = layer_.filters;
    set_strides(packing,
                convolution_strides(Size{}, 1, layer_.filters, channels, layer_.kernel_layout));
    return with_folded_normalization(packing);
  }

  convc_packing panels(std::int64_t channels) const {
    convc_packing packing = empty_packing(CONVC_PACK_PANELS);
    packing.channels = channels;
    packing.channel_block = layout_.channel_block;
    packing.filter_panel = layout_.filter_panel;
    return packing;
  }

  convc_packing with_folded_normalization(convc_packing packing) const {
    set_normalization(packing, variables_, layer_, folded_normalization(layer_));
    return finished(packing);
  }

  convc_packing finished(convc_packing packing) const {
    if (packing.variable != CONVC_NO_VARIABLE) {
      packing.variable_elements = 1;
      for (const std::int64_t extent : variables_[packing.variable].shape) {
        packing.variable_elements *= static_cast<std::uint64_t>(extent);
      }
    }
    packing.bytes = convc_packing_bytes(&packing);
    if (packing.bytes == 0) {
      throw InternalError("the weights of layer `" + layer_.name + "` cannot be packed");
    }
    return packing;
  }

  const LayerSpec& layer_;
  const Plan& plan_;
  const PackedLayout layout_;
  const std::vector<LayerVariable> variables_;
};

}  // namespace

convc_packing packing_of(const LayerSpec& layer, const Plan& plan, const KernelArgument& argument) {
  const PackingBuilder builder(layer, plan);
  switch (argument.role) {
    case ArgumentRole::packed_kernel:
      return builder.kernel();
    case ArgumentRole::packed_depthwise:
      return builder.depthwise();
    case ArgumentRole::packed_vector:
      return builder.vector(channel_vectors(layer).at(static_cast<std::size_t>(argument.index)));
    default:
      throw InternalError("an image is not packed");
  }
}

bool reads_literals(const convc_packing& packing, const std::vector<LayerVariable>& variables) {
  bool any = false, all = true;
  for_each_variable(packing, [&](std::uint32_t index) {
    const bool literal = variables.at(index).literal != nullptr;
    any = any || literal;
    all = all && literal;
  });
  if (any && !all) {
    throw InternalError("layer `" + variables[0].layer +
                        "` mixes literal numbers with such that arrive at run time");
  }
  return all;
}

std::string pack_literals(const convc_packing& packing,
                          const std::vector<LayerVariable>& variables) {
  std::vector<const void*> pointers;
  for (const LayerVariable& variable : variables) {
    pointers.push_back(variable.literal ? variable.literal->values.data() : nullptr);
  }
  for_each_variable(packing, [&](std::uint32_t index) {
    const LayerVariable& variable = variables.at(index);
    std::size_t elements = 1;
    for (const std::int64_t extent : variable.shape) elements *= static_cast<std::size_t>(extent);
    if (variable.literal->values.size() != elements) {
      throw InternalError("a literal array of layer `" + variable.layer + "` has another size");
    }
  });
  std::vector<float> packed(packing.bytes / sizeof(float));
  convc_pack_variable(&packing, pointers.data(), packed.data());
  return {reinterpret_cast<const char*>(packed.data()), packing.bytes};
}

}  // namespace convc
