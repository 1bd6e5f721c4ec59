#include "tests/driver/broken_kernel.h"

#include <algorithm>
#include <cstring>

#include "runtime/src/halide_buffer.h"

namespace convc::test {

Defect defect = Defect::none;
bool pitched = false;

float* floats(void** argv, int index) {
  return static_cast<float*>(
      static_cast<void*>(static_cast<convc_impl_halide_buffer*>(argv[index])->host));
}

namespace {

int calls = 0;

std::int64_t in_row() {
  return pitched ? kInPitch : kInRow;
}
std::int64_t out_row() {
  return pitched ? kOutPitch : kOutRow;
}

float padded_input(const float* input, std::int64_t n, std::int64_t y, std::int64_t x,
                   std::int64_t c) {
  if (defect == Defect::wrong_border) {
    y = std::clamp<std::int64_t>(y, 0, kHeight - 1);
    x = std::clamp<std::int64_t>(x, 0, kWidth - 1);
  }
  if (y < 0 || y >= kHeight || x < 0 || x >= kWidth) return 0;
  return input[(n * kHeight + y) * in_row() + x * kChannels + c];
}

float output_at(const float* input, const float* kernel, const float* bias, std::int64_t n,
                std::int64_t y, std::int64_t x, std::int64_t k) {
  float sum = defect == Defect::forgets_bias ? 0 : bias[k];
  for (std::int64_t i = 0; i < 3; ++i)
    for (std::int64_t j = 0; j < 3; ++j)
      for (std::int64_t c = 0; c < kChannels; ++c) {
        if (defect == Defect::forgets_channel && k == kFilters - 1 && c == kChannels - 1) continue;
        const std::int64_t row = defect == Defect::flipped_filter ? 2 - i : i;
        // Packed: [panel][kernel row][kernel column][channel][filter of the panel].
        const float weight = kernel[((row * 3 + j) * kChannels + c) * kPanel + k];
        sum += weight * padded_input(input, n, y + i - 1, x + j - 1, c);
      }
  if (defect == Defect::rounds_to_half) {
    std::uint32_t bits = 0;
    std::memcpy(&bits, &sum, sizeof bits);
    bits &= 0xffffe000u;  // 10 bits of fraction
    std::memcpy(&sum, &bits, sizeof bits);
  }
  return defect == Defect::no_relu || sum > 0 ? sum : 0;
}

std::int32_t run(void** argv) {
  float* input = floats(argv, 1);
  const float* kernel = floats(argv, 2);
  const float* bias = floats(argv, 3);
  float* output = floats(argv, 4);
  constexpr std::int64_t kInputs = kBatch * kHeight * kInRow;
  constexpr std::int64_t kOutputs = kBatch * kHeight * kOutRow;
  ++calls;
  for (std::int64_t n = 0; n < kBatch; ++n)
    for (std::int64_t y = 0; y < kHeight; ++y)
      for (std::int64_t x = 0; x < kWidth; ++x)
        for (std::int64_t k = 0; k < kFilters; ++k) {
          const std::int64_t row = n * kHeight + y, at = row * out_row() + x * kFilters + k;
          if (defect == Defect::skips_last && at == kOutputs - 1) continue;
          output[at] = output_at(input, kernel, bias, n, y, x, k);
          if (defect == Defect::reads_gaps) output[at] += input[kInRow] * 0;
        }
  volatile float* volatile_input = input;
  switch (defect) {
    case Defect::reads_beyond:
      (void)volatile_input[kInputs];
      break;
    case Defect::reads_before:
      (void)volatile_input[-1];
      break;
    case Defect::writes_beyond:
      output[kOutputs] = 0;
      break;
    case Defect::changes_input:
      volatile_input[3] = 0;
      break;
    case Defect::keeps_state:
      if (calls % 2 == 0) output[7] = -output[7] - 1;
      break;
    case Defect::writes_gaps:
      output[kOutRow] = 1;
      break;
    case Defect::returns_error:
      return -1;
    default:
      break;
  }
  return 0;
}

}  // namespace

Graph make_graph() {
  Graph graph;
  graph.name = "layer";
  graph.tensors.resize(2);
  graph.tensors[0].shape = {
      {kBatch, kBatch}, {kHeight, kHeight}, {kWidth, kWidth}, {kChannels, kChannels}};
  graph.tensors[1].shape = {
      {kBatch, kBatch}, {kHeight, kHeight}, {kWidth, kWidth}, {kFilters, kFilters}};
  Node node;
  LayerSpec& layer = node.layer;
  layer.name = "layer";
  layer.batch = kBatch;
  layer.in = layer.out = {kHeight, kWidth};
  layer.in_channels = kChannels;
  layer.filters = kFilters;
  layer.kernel_size = {3, 3};
  layer.padding_rule = PaddingRule::same;
  layer.padding = {1, 1, 1, 1};
  PostOp relu;
  relu.activation = default_activation(ActivationFunction::relu);
  layer.post_ops = {relu};
  if (pitched) {
    graph.tensors[0].form.row_pitch = layer.input_form.row_pitch = kInPitch;
    graph.tensors[1].form.row_pitch = layer.output_form.row_pitch = kOutPitch;
  }
  node.inputs = {0};
  node.outputs = {1};
  graph.nodes = {node};
  graph.inputs = {0};
  graph.outputs = {1};
  return graph;
}

const convc_kernel* descriptor() {
  static constexpr std::int64_t input_shape[] = {kBatch, kHeight, kWidth, kChannels};
  static constexpr std::int64_t output_shape[] = {kBatch, kHeight, kWidth, kFilters};
  static constexpr std::int64_t kernel_shape[] = {3, 3, kChannels, kFilters};
  static constexpr std::int64_t bias_shape[] = {kFilters};
  constexpr convc_product none{};
  const auto span = [](std::int64_t row, std::int64_t pitch) {
    const std::int64_t rows = kBatch * kHeight;
    return static_cast<std::uint64_t>((rows - 1) * (pitched ? pitch : row) + row) * sizeof(float);
  };
  static convc_tensor input, output;
  input = {"input", input_shape, 4, CONVC_DTYPE_F32, span(kInRow, kInPitch), nullptr, none, none};
  output = {"output", output_shape, 4,   CONVC_DTYPE_F32, span(kOutRow, kOutPitch),
            nullptr,  none,         none};
  static constexpr convc_tensor variables[] = {
      {"kernel", kernel_shape, 4, CONVC_DTYPE_F32, 9 * kChannels * kFilters * 4, nullptr, none,
       none},
      {"bias", bias_shape, 1, CONVC_DTYPE_F32, kFilters * 4, nullptr, none, none}};
  constexpr std::uint64_t kernel_bytes = 9 * kChannels * kPanel * 4, bias_bytes = kPanel * 4;
  constexpr std::uint64_t kernel_at = CONVC_PACKED_HEADER_BYTES,
                          bias_at = CONVC_ALIGN_UP(kernel_at + kernel_bytes);
  static convc_packing packings[2];
  convc_packing& panels = packings[0];
  panels.kind = CONVC_PACK_PANELS;
  panels.offset_bytes = kernel_at;
  panels.bytes = kernel_bytes;
  panels.variable_elements = 9 * kChannels * kFilters;
  panels.groups = panels.kernel_depth = 1;
  panels.filters = panels.channel_stride = kFilters;
  panels.channels = panels.channel_block = kChannels;
  panels.kernel_height = panels.kernel_width = 3;
  panels.filter_panel = kPanel;
  panels.filter_stride = 1;
  panels.column_stride = kChannels * kFilters;
  panels.row_stride = 3 * kChannels * kFilters;
  panels.gamma = panels.beta = panels.mean = panels.variance = CONVC_NO_VARIABLE;
  convc_packing& vector = packings[1] = panels;
  vector.kind = CONVC_PACK_VECTOR;
  vector.variable = 1;
  vector.offset_bytes = bias_at;
  vector.bytes = bias_bytes;
  vector.variable_elements = kFilters;
  vector.channels = vector.channel_block = vector.kernel_height = vector.kernel_width = 1;
  static constexpr convc_dim dims[] = {{1, 1}};
  static constexpr convc_argument arguments[] = {
      {CONVC_SOURCE_INPUT, 0, 0, nullptr, dims, nullptr, {}, 1, CONVC_DTYPE_F32},
      {CONVC_SOURCE_PACKED, 0, kernel_at, nullptr, dims, nullptr, {}, 1, CONVC_DTYPE_F32},
      {CONVC_SOURCE_PACKED, 0, bias_at, nullptr, dims, nullptr, {}, 1, CONVC_DTYPE_F32},
      {CONVC_SOURCE_OUTPUT, 0, 0, nullptr, dims, nullptr, {}, 1, CONVC_DTYPE_F32}};
  static constexpr convc_step step = {run, arguments, 4, 1, "layer"};
  static convc_variant variant{};
  variant.isa = "any";
  variant.identity[0] = 1;
  variant.packed_bytes = CONVC_ALIGN_UP(bias_at + bias_bytes);
  variant.packings = packings;
  variant.packing_count = 2;
  variant.steps = &step;
  variant.step_count = 1;
  static convc_kernel kernel{};
  kernel.abi_version = CONVC_ABI_VERSION;
  kernel.struct_bytes = sizeof kernel;
  kernel.name = "test_layer";
  kernel.inputs = &input;
  kernel.outputs = &output;
  kernel.variables = variables;
  kernel.variants = &variant;
  kernel.input_count = kernel.output_count = kernel.variant_count = 1;
  kernel.variable_count = 2;
  return &kernel;
}

}  // namespace convc::test
