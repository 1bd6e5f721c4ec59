// Chooses the generator for a plan and sets its parameters, from one set of tables.
#include "generators/kernels/kernel.h"

#include <Halide.h>

#include <utility>

#include "generators/kernels/dims.h"
#include "generators/kernels/image_views.h"
#include "generators/kernels/literal_text.h"
#include "generators/kernels/padded_input.h"
#include "generators/kernels/row_stores.h"
#include "generators/kernels/strided_vectors.h"
#include "generators/kernels/transposed_stores.h"
#include "generators/plan/algorithms.h"
#include "generators/plan/integers.h"
#include "generators/plan/literal_filter.h"
#include "generators/plan/lowering.h"

namespace convc {
namespace {

std::string generator_name(const LayerSpec& layer, Algorithm algorithm) {
  switch (algorithm) {
    case Algorithm::direct:
    case Algorithm::few_channels:
    case Algorithm::pointwise:
    case Algorithm::subsampled:
    case Algorithm::split_channels:
    case Algorithm::depthwise_pointwise:
      return "convc_direct";
    case Algorithm::depthwise:
      return "convc_depthwise";
    case Algorithm::grouped:
      return "convc_grouped";
    case Algorithm::planar:
      if (is_depthwise(layer)) return "convc_planar_depthwise";
      return reads_pixel_in_place(layer) ? "convc_planar_pointwise" : "convc_planar";
    case Algorithm::elementwise:
      return "convc_elementwise";
    case Algorithm::channelwise:
      return "convc_channelwise";
    case Algorithm::winograd:
      return "convc_winograd";
    case Algorithm::taps:
    case Algorithm::separable:
      return "convc_literal";
    case Algorithm::naive:
      return "convc_naive";
  }
  return {};
}

using Parameters = std::vector<std::pair<std::string, std::string>>;

std::string text(std::int64_t value) {
  return std::to_string(value);
}
std::string flag(bool value) {
  return value ? "true" : "false";
}

/// What the layer is, with sizes as the kernel's loops see them.
Parameters layer_parameters(const LayerSpec& layer, const LayerSpec& computed) {
  // Of a separable layer, the 1x1 filters are the bank of filters; a layer without one has no
  // groups.
  const bool has_groups = layer.kind == LayerKind::conv || layer.kind == LayerKind::depthwise_conv;
  return {
      {"batch", text(computed.batch)},
      {"in_depth", text(computed.in.depth)},
      {"in_height", text(computed.in.height)},
      {"in_width", text(computed.in.width)},
      {"open_batch", flag(computed.open.batch.has_value())},
      {"open_height", flag(computed.open.height.has_value())},
      {"open_width", flag(computed.open.width.has_value())},
      {"in_channels", text(computed.in_channels)},
      {"filters", text(computed.filters)},
      {"kernel_depth", text(layer.kernel_size.depth)},
      {"kernel_height", text(layer.kernel_size.height)},
      {"kernel_width", text(layer.kernel_size.width)},
      {"stride_depth", text(computed.strides.depth)},
      {"stride_height", text(computed.strides.height)},
      {"stride_width", text(computed.strides.width)},
      {"dilation_depth", text(layer.dilation_rate.depth)},
      {"dilation_height", text(layer.dilation_rate.height)},
      {"dilation_width", text(layer.dilation_rate.width)},
      {"pad_front", text(layer.padding.front)},
      {"pad_back", text(layer.padding.back)},
      {"pad_top", text(layer.padding.top)},
      {"pad_bottom", text(layer.padding.bottom)},
      {"pad_left", text(layer.padding.left)},
      {"pad_right", text(layer.padding.right)},
      {"padding_rule", name_of(layer.padding_rule)},
      {"padding_mode", name_of(layer.padding_mode)},
      {"padding_value", hex_text(layer.padding_value)},
      {"reads_input", flag(layer.kind != LayerKind::constant)},
      {"groups", text(has_groups ? layer.groups : 1)},
      {"depth_multiplier", text(layer.depth_multiplier)},
      {"post_ops", to_text(computed.post_ops)},
      {"folded_post_op", text(folded_normalization(layer))},
  };
}

/// What a task computes, in rows and columns as the kernel's loops see them.
struct TaskBlock {
  std::int64_t rows = 0, columns = 0;
};

TaskBlock task_block(const LayerSpec& layer, const LayerSpec& computed, const Plan& plan) {
  if (plan.is_flat()) return {1, plan.row_block};  // in pixels
  if (computed.in == layer.in) return {plan.row_block, plan.column_block};
  const std::int64_t rows = plan.row_block == 0 ? layer.out.height : plan.row_block;
  const std::int64_t columns = plan.column_block == 0 ? layer.out.width : plan.column_block;
  // All rows are one, which is cut between tiles.
  return {1, round_up(rows * columns, plan.tile_width)};
}

/// How the kernel computes the layer. Tiles of a flat kernel are of one row.
Parameters plan_parameters(const LayerSpec& layer, const LayerSpec& computed, const Plan& plan) {
  const bool flat = plan.is_flat();
  const TaskBlock block = task_block(layer, computed, plan);
  const bool folds = plan.algorithm == Algorithm::few_channels;
  const std::int64_t channels = folds ? 1
                                : layer.kind == LayerKind::separable_conv
                                    ? layer.in_channels * layer.depth_multiplier
                                    : layer.channels_per_group();
  return {
      {"merges_groups", flag(packed_layout(layer, plan).merges_groups)},
      {"folded_channels", text(folds_buffer(layer, plan) ? layer.in_channels : 1)},
      {"lanes", text(plan.lanes)},
      {"tile_vectors", text(plan.tile_vectors)},
      {"tile_height", text(flat ? 1 : plan.tile_height)},
      {"tile_width", text(plan.tile_width)},
      {"channel_block", text(plan.channel_block)},
      {"row_block", text(block.rows)},
      {"column_block", text(block.columns)},
      {"panel_block", text(plan.panel_block)},
      {"copied_pixel", text(copied_pixel_stride(channels))},
      {"pixels_outer", flag(plan.loop_order == LoopOrder::pixels_outer)},
  };
}

/// Elements along dimension `dim` lie side by side.
bool are_neighbours(const KernelArgument& image, int dim) {
  const SizeProduct& stride = image.dims[static_cast<std::size_t>(dim)].stride;
  return stride.sizes.empty() && stride.factor == 1;
}

/// What the buffers of the kernel are.
Parameters buffer_parameters(const LayerSpec& layer, const Plan& plan) {
  const bool packed = is_packed(layer, plan);
  const std::vector<ChannelVector> vectors = channel_vectors(layer);
  const bool has_bias = !vectors.empty() && vectors.front().role == VectorRole::bias;
  return {
      {"packed_kernel", flag(packed && layer.has_kernel())},
      {"packed_depthwise", flag(packed && layer.kind == LayerKind::separable_conv)},
      {"packed_vectors", flag(packed)},
      {"use_bias", flag(has_bias)},
      {"dense_input", flag(are_neighbours(input_image(layer, plan), image_dim::channel))},
      {"dense_columns", flag(are_neighbours(input_image(layer, plan), image_dim::column))},
      {"dense_output", flag(are_neighbours(output_image(layer, plan), image_dim::channel))},
  };
}

/// Parameters of one generator alone: the numbers of literal filters, folding, picked pixels.
Parameters special_parameters(const LayerSpec& layer, const Plan& plan) {
  Parameters parameters;
  const bool folds = plan.algorithm == Algorithm::few_channels;
  if (plan.algorithm == Algorithm::winograd) {
    parameters.emplace_back("output_tile", text(plan.output_tile));
  }
  if (plan.inside_taps || leaves_out_planes(plan, layer)) {
    parameters.emplace_back("inside_taps", flag(true));
  }
  if (plan.algorithm == Algorithm::split_channels) {
    parameters.emplace_back("partial_sums", text(plan.partial_sums));
  }
  if (plan.algorithm == Algorithm::subsampled) {
    parameters.insert(parameters.end(), {{"picked_depth", text(layer.out.depth)},
                                         {"picked_height", text(layer.out.height)},
                                         {"picked_width", text(layer.out.width)},
                                         {"planes_per_pick", text(layer.strides.depth)},
                                         {"rows_per_pick", text(layer.strides.height)},
                                         {"columns_per_pick", text(layer.strides.width)}});
  }
  if (folds) parameters.emplace_back("columns_per_pixel", text(layer.in_channels));
  if (plan.algorithm == Algorithm::depthwise) {
    parameters.emplace_back("all_taps", flag(plan.all_taps));
  } else if (is_depthwise_kernel(plan, layer)) {
    parameters.emplace_back("in_place", flag(reads_rows_in_place(plan, layer)));
  }
  if (!layer.weights_are_literal()) return parameters;
  if (!plan.all_taps && (folds || plan.algorithm == Algorithm::direct)) {
    parameters.emplace_back("tap_positions", text_of_positions(sparse_positions(layer, folds)));
  }
  if (is_packed(layer, plan)) return parameters;
  if (plan.algorithm == Algorithm::taps) {
    parameters.emplace_back("literal_taps", text_of_taps(nonzero_taps(layer)));
  } else {
    parameters.emplace_back("literal_slices", text_of_slices(separate(layer).value()));
  }
  if (layer.use_bias) {
    parameters.emplace_back("literal_bias", text_of_numbers(layer.bias->values));
  }
  return parameters;
}

/// The constraint of a size that is fixed; none for one that is known when the kernel runs.
Halide::Expr fixed_size(const SizeProduct& size) {
  return size.sizes.empty() ? Halide::Expr(static_cast<std::int32_t>(size.factor)) : Halide::Expr();
}

/// Fixes the shape of every buffer of the pipeline, in the order of its arguments.
void set_shapes(Halide::Internal::AbstractGenerator& generator,
                const std::vector<KernelArgument>& arguments) {
  auto argument = arguments.begin();
  auto constrain = [](Halide::Parameter parameter, const std::vector<ArgumentDim>& dims) {
    int index = 0;
    for (const ArgumentDim& dim : dims) {
      parameter.set_min_constraint(index, 0);
      parameter.set_extent_constraint(index, fixed_size(dim.extent));
      parameter.set_stride_constraint(index, fixed_size(dim.stride));
      ++index;
    }
  };
  for (const auto& info : generator.arginfos()) {
    if (info.dir == Halide::Internal::ArgInfoDirection::Output) continue;
    for (const Halide::Parameter& parameter : generator.input_parameter(info.name)) {
      constrain(parameter, argument->dims);
      ++argument;
    }
  }
  for (const Halide::Func& output : generator.output_func("output")) {
    for (const Halide::OutputImageParam& buffer : output.output_buffers()) {
      constrain(buffer.parameter(), argument->dims);
    }
  }
}

/// The target code is generated for. f32 gains nothing from AVX-512 extensions beyond Skylake's,
/// and with the tuning of newer processors LLVM 21 spills accumulators of tiles that otherwise fit.
Halide::Target code_target(const std::string& target) {
  using Halide::Target;
  Target full(target);
  if (full.has_feature(Target::AVX512_Skylake)) {
    for (const auto extension : {Target::AVX512_Cannonlake, Target::AVX512_SapphireRapids,
                                 Target::AVX512_Zen4, Target::AVX512_Zen5}) {
      full = full.without_feature(extension);
    }
    full.processor_tune = Target::ProcessorGeneric;
  }
  return full.with_feature(Target::NoRuntime)
      .with_feature(Target::NoAsserts)
      .with_feature(Target::NoBoundsQuery)
      .with_feature(Target::UserContext);
}

}  // namespace

std::string llvm_options(const LayerSpec& layer, const Plan& plan, const Machine& machine) {
  // Channels_first depthwise kernels unroll all taps of several vectors. In the order of their
  // source more of them are live than there are registers; this one counts the registers.
  constexpr std::int64_t kFewTaps = 9;
  const bool several_vectors = layer.out.width > plan.lanes;
  const bool few_registers = machine.vector_registers < 32;
  const bool exceeds_registers = (several_vectors && few_registers) || layer.taps() > kFewTaps;
  const bool planar = plan.algorithm == Algorithm::planar && is_depthwise(layer);
  return planar && exceeds_registers ? " -pre-RA-sched=list-ilp" : "";
}

Halide::Module build_kernel(const LayerSpec& layer, const Plan& plan, const std::string& target,
                            const std::string& symbol) {
  const Halide::Target full = code_target(target);
  const std::string name = generator_name(layer, plan.algorithm);
  auto generator =
      Halide::Internal::GeneratorRegistry::create(name, Halide::GeneratorContext(full));
  const LayerSpec seen = exchange_channels(layer), computed = as_computed(layer, plan);
  for (const Parameters& parameters :
       {layer_parameters(layer, computed), plan_parameters(seen, computed, plan),
        buffer_parameters(layer, plan), special_parameters(layer, plan)}) {
    for (const auto& [key, value] : parameters) generator->set_generatorparam_value(key, value);
  }
  Halide::Pipeline pipeline = generator->build_pipeline();
  set_shapes(*generator, kernel_arguments(layer, plan));
  lower_strided_vectors(pipeline, full);
  lower_transposed_stores(pipeline);
  if (!shuffles_all_lanes(full)) lower_row_stores(pipeline);

  std::vector<Halide::Argument> arguments;
  for (const auto& info : generator->arginfos()) {
    if (info.dir == Halide::Internal::ArgInfoDirection::Output) continue;
    for (const Halide::Parameter& parameter : generator->input_parameter(info.name)) {
      arguments.emplace_back(info.name, Halide::Argument::InputBuffer, parameter.type(),
                             parameter.dimensions(), parameter.get_argument_estimates());
    }
  }
  return pipeline.compile_to_module(arguments, symbol, full);
}

}  // namespace convc
