#include "generators/driver/expectation.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "convc/reference.h"
#include "generators/emit/internal_error.h"
#include "generators/emit/numerical_contract.h"
#include "generators/plan/literal_filter.h"

namespace convc {
namespace {

constexpr double kUnitRoundoff = 0x1p-24;
constexpr double kUnderflow = 0x1p-126;  // the smallest normal number

convc_conv2d reference_of(const LayerSpec& layer) {
  convc_conv2d conv{};
  conv.batch = layer.batch;
  conv.in_height = layer.in.height;
  conv.in_width = layer.in.width;
  conv.in_channels = layer.in_channels;
  conv.filters = layer.filters;
  conv.kernel_height = layer.kernel_size.height;
  conv.kernel_width = layer.kernel_size.width;
  conv.stride_height = layer.strides.height;
  conv.stride_width = layer.strides.width;
  conv.dilation_height = layer.dilation_rate.height;
  conv.dilation_width = layer.dilation_rate.width;
  conv.pad_top = layer.padding.top;
  conv.pad_bottom = layer.padding.bottom;
  conv.pad_left = layer.padding.left;
  conv.pad_right = layer.padding.right;
  conv.groups = layer.groups;
  switch (layer.activation) {
    case Activation::linear:
      conv.activation = CONVC_ACTIVATION_LINEAR;
      break;
    case Activation::relu:
      conv.activation = CONVC_ACTIVATION_RELU;
      break;
  }
  return conv;
}

std::size_t output_elements(const LayerSpec& layer) {
  return static_cast<std::size_t>(layer.batch * layer.out.height * layer.out.width * layer.filters);
}

/// Runs the reference; `magnitude` as it has it.
void run_reference(const LayerSpec& layer, const std::vector<float>& input,
                   const std::vector<float>& kernel, const std::vector<float>& bias,
                   std::vector<double>& output, std::vector<double>& magnitude) {
  const convc_conv2d conv = reference_of(layer);
  std::int64_t height = 0, width = 0;
  if (convc_reference_output_size(&conv, &height, &width) != 0 || height != layer.out.height ||
      width != layer.out.width)
    throw InternalError("the reference and the checker disagree about the output size of `" +
                        layer.name + "`");
  output.resize(output_elements(layer));
  magnitude.resize(output_elements(layer));
  convc_reference_conv2d(&conv, input.data(), kernel.data(), bias.empty() ? nullptr : bias.data(),
                         output.data(), magnitude.data());
}

/// conv(|w|, E) for errors E of the input.
std::vector<double> propagate(const LayerSpec& layer, const std::vector<double>& error,
                              const std::vector<float>& kernel) {
  std::vector<float> rounded_up(error.size());
  std::transform(error.begin(), error.end(), rounded_up.begin(),
                 [](double value) { return std::nextafter(static_cast<float>(value), HUGE_VALF); });
  std::vector<double> output, magnitude;
  run_reference(layer, rounded_up, kernel, {}, output, magnitude);
  return magnitude;
}

}  // namespace

Expectation expect(const Graph& graph, const std::vector<Plan>& plans, const TestData& data,
                   bool exact) {
  Expectation expected;
  std::vector<float> input = data.inputs[0];
  std::vector<double> error;  // of `input`; empty: none
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    const LayerSpec& layer = graph.nodes[i].layer;
    const LayerWeights& weights = data.weights[i];
    std::vector<double> magnitude;
    run_reference(layer, input, weights.kernel, weights.bias, expected.output, magnitude);
    const bool is_last = i + 1 == graph.nodes.size();
    if (is_last) {
      expected.reachable.resize(magnitude.size());
      std::transform(magnitude.begin(), magnitude.end(), expected.reachable.begin(),
                     [](double value) { return value > 0; });
    }
    if (!exact) {
      const std::int64_t steps = rounding_steps(layer, plans[i]);
      const double gamma = gamma_bound(steps);
      std::vector<double> carried(magnitude.size(), 0.0);
      if (!error.empty()) carried = propagate(layer, error, weights.kernel);
      error.resize(magnitude.size());
      for (std::size_t e = 0; e < error.size(); ++e) {
        error[e] = carried[e] + gamma * (magnitude[e] + carried[e]) +
                   static_cast<double>(steps) * kUnderflow;
        // What the next layer gets here is rounded to float32 once more than in the kernel.
        if (!is_last) error[e] += kUnitRoundoff * std::fabs(expected.output[e]) + kUnderflow;
      }
    }
    if (!is_last) input.assign(expected.output.begin(), expected.output.end());
  }
  expected.allowed_error = std::move(error);
  return expected;
}

bool keeps_integers(const Graph& graph, const std::vector<Plan>& plans) {
  const auto is_integer = [](float value) { return value == std::floor(value); };
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    if (plans[i].algorithm != Algorithm::separable) continue;
    const std::optional<std::vector<SeparableSlice>> slices = separate(graph.nodes[i].layer);
    if (!slices) return false;
    for (const SeparableSlice& slice : *slices)
      if (!std::all_of(slice.vertical.begin(), slice.vertical.end(), is_integer) ||
          !std::all_of(slice.horizontal.begin(), slice.horizontal.end(), is_integer))
        return false;
  }
  return true;
}

}  // namespace convc
