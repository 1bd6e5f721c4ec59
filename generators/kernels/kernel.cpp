// Chooses the generator for a plan and sets its parameters, from one table.
#include "generators/kernels/kernel.h"

#include <Halide.h>

#include <utility>

#include "generators/kernels/literal_text.h"
#include "generators/plan/literal_filter.h"

namespace convc {
namespace {

std::string generator_name(Algorithm algorithm) {
  switch (algorithm) {
    case Algorithm::direct:
    case Algorithm::few_channels:
      return "convc_direct_conv2d";
    case Algorithm::pointwise:
      return "convc_pointwise_conv2d";
    case Algorithm::grouped:
      return "convc_grouped_conv2d";
    case Algorithm::taps:
    case Algorithm::separable:
      return "convc_literal_conv2d";
    case Algorithm::naive:
      return "convc_naive_conv2d";
  }
  return {};
}

using Parameters = std::vector<std::pair<std::string, std::string>>;

/// The one table from (layer, plan) to GeneratorParams.
Parameters kernel_parameters(const LayerSpec& spec, const Plan& plan) {
  const LayerSpec layer = plan.algorithm == Algorithm::few_channels ? fold_channels(spec) : spec;
  auto text = [](std::int64_t value) { return std::to_string(value); };
  auto flag = [](bool value) { return std::string(value ? "true" : "false"); };
  return {
      {"batch", text(layer.batch)},
      {"in_height", text(layer.in.height)},
      {"in_width", text(layer.in.width)},
      {"in_channels", text(layer.in_channels)},
      {"filters", text(layer.filters)},
      {"kernel_height", text(layer.kernel_size.height)},
      {"kernel_width", text(layer.kernel_size.width)},
      {"stride_height", text(layer.strides.height)},
      {"stride_width", text(layer.strides.width)},
      {"dilation_height", text(layer.dilation_rate.height)},
      {"dilation_width", text(layer.dilation_rate.width)},
      {"pad_top", text(layer.padding.top)},
      {"pad_left", text(layer.padding.left)},
      {"pad_bottom", text(layer.padding.bottom)},
      {"pad_right", text(layer.padding.right)},
      {"groups", text(layer.groups)},
      {"use_bias", flag(layer.use_bias)},
      {"relu", flag(layer.activation == Activation::relu)},
      {"lanes", text(plan.lanes)},
      {"tile_vectors", text(plan.tile_vectors)},
      {"tile_height", text(plan.tile_height)},
      {"tile_width", text(plan.tile_width)},
      {"channel_block", text(plan.channel_block)},
      {"row_block", text(plan.row_block)},
      {"panel_block", text(plan.panel_block)},
      {"copied_pixel", text(copied_pixel_stride(layer.in_channels))},
      {"pixels_outer", flag(plan.loop_order == LoopOrder::pixels_outer)},
  };
}

/// The numbers of a literal filter, for the generators that compile them in.
Parameters literal_parameters(const LayerSpec& layer, const Plan& plan) {
  Parameters parameters;
  if (plan.algorithm == Algorithm::taps) {
    parameters.emplace_back("literal_taps", text_of_taps(nonzero_taps(layer)));
  }
  if (plan.algorithm == Algorithm::separable) {
    parameters.emplace_back("literal_slices", text_of_slices(separate(layer).value()));
  }
  const bool folded = plan.algorithm == Algorithm::few_channels;
  if (layer.weights_are_literal() && (folded || plan.algorithm == Algorithm::direct)) {
    return {{"tap_positions", text_of_positions(sparse_positions(layer, folded))}};
  }
  if (!parameters.empty() && layer.use_bias) {
    parameters.emplace_back("literal_bias", text_of_numbers(layer.bias->values));
  }
  return parameters;
}

/// Fixes the shape of every buffer of the pipeline, in the order of its arguments.
void set_shapes(Halide::Internal::AbstractGenerator& generator,
                const std::vector<KernelArgument>& arguments) {
  auto argument = arguments.begin();
  for (const auto& info : generator.arginfos()) {
    if (info.dir == Halide::Internal::ArgInfoDirection::Output) continue;
    for (Halide::Parameter parameter : generator.input_parameter(info.name)) {
      int index = 0;
      for (const ArgumentDim& dim : argument->dims) {
        parameter.set_min_constraint(index, 0);
        parameter.set_extent_constraint(index, dim.extent);
        parameter.set_stride_constraint(index, dim.stride);
        ++index;
      }
      ++argument;
    }
  }
  for (const Halide::Func& output : generator.output_func("output")) {
    for (Halide::OutputImageParam buffer : output.output_buffers()) {
      int index = 0;
      for (const ArgumentDim& dim : argument->dims) {
        buffer.dim(index).set_bounds(0, dim.extent).set_stride(dim.stride);
        ++index;
      }
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

Halide::Module build_kernel(const LayerSpec& layer, const Plan& plan, const std::string& target,
                            const std::string& symbol) {
  const Halide::Target full = code_target(target);
  const std::string name = generator_name(plan.algorithm);
  auto generator =
      Halide::Internal::GeneratorRegistry::create(name, Halide::GeneratorContext(full));
  for (const auto& [key, value] : kernel_parameters(layer, plan)) {
    generator->set_generatorparam_value(key, value);
  }
  for (const auto& [key, value] : literal_parameters(layer, plan)) {
    generator->set_generatorparam_value(key, value);
  }
  Halide::Pipeline pipeline = generator->build_pipeline();
  set_shapes(*generator, kernel_arguments(layer, plan));

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
