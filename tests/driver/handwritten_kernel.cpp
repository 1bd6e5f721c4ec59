#include "tests/driver/handwritten_kernel.h"

#include <algorithm>
#include <cstddef>
#include <iterator>

#include "convc/pack_layout.h"
#include "runtime/src/halide_buffer.h"

namespace convc::test {

float* floats(void** argv, int index) {
  return static_cast<float*>(
      static_cast<void*>(static_cast<convc_impl_halide_buffer*>(argv[index])->host));
}

Graph make_graph(const LayerSizes& s) {
  Graph graph;
  graph.name = "layer";
  graph.tensors.resize(2);
  graph.tensors[0].shape = {
      {s.batch, s.batch}, {s.height, s.height}, {s.width, s.width}, {s.channels, s.channels}};
  graph.tensors[1].shape = {{s.batch, s.batch},
                            {s.out_height(), s.out_height()},
                            {s.out_width(), s.out_width()},
                            {s.filters, s.filters}};
  Node node;
  LayerSpec& layer = node.layer;
  layer.name = "layer";
  layer.batch = s.batch;
  layer.in = {s.height, s.width};
  layer.out = {s.out_height(), s.out_width()};
  layer.strides = {s.stride, s.stride};
  layer.in_channels = s.channels;
  layer.filters = s.filters;
  layer.kernel_size = {3, 3};
  layer.padding_rule = PaddingRule::explicit_pairs;
  layer.padding = {1, 1, 1, 1};
  PostOp relu;
  relu.activation = default_activation(ActivationFunction::relu);
  layer.post_ops = {relu};
  graph.tensors[0].form.row_pitch = layer.input_form.row_pitch = s.in_pitch;
  graph.tensors[1].form.row_pitch = layer.output_form.row_pitch = s.out_pitch;
  node.inputs = {0};
  node.outputs = {1};
  graph.nodes = {node};
  graph.inputs = {0};
  graph.outputs = {1};
  return graph;
}

void HandwrittenKernel::set_packings(const LayerSizes& s, const double* transform,
                                     std::int64_t transformed) {
  convc_packing& panels = packings_[0];
  panels.kind = CONVC_PACK_PANELS;
  panels.offset_bytes = CONVC_PACKED_HEADER_BYTES;
  panels.variable_elements = static_cast<std::uint64_t>(9 * s.channels * s.filters);
  panels.groups = panels.kernel_depth = 1;
  panels.filters = panels.channel_stride = s.filters;
  panels.channels = panels.channel_block = s.channels;
  panels.kernel_height = panels.kernel_width = 3;
  panels.filter_panel = s.panel;
  panels.filter_stride = 1;
  panels.column_stride = s.channels * s.filters;
  panels.row_stride = 3 * s.channels * s.filters;
  panels.gamma = panels.beta = panels.mean = panels.variance = CONVC_NO_VARIABLE;
  convc_packing& vector = packings_[1] = panels;
  panels.row_transform = panels.column_transform = transform;
  panels.transformed_height = panels.transformed_width = transformed;
  panels.bytes = convc_packing_bytes(&panels);
  vector.kind = CONVC_PACK_VECTOR;
  vector.variable = 1;
  vector.offset_bytes = CONVC_ALIGN_UP(panels.offset_bytes + panels.bytes);
  vector.variable_elements = static_cast<std::uint64_t>(s.filters);
  vector.channels = vector.channel_block = vector.kernel_height = vector.kernel_width = 1;
  vector.bytes = convc_packing_bytes(&vector);
}

HandwrittenKernel::HandwrittenKernel(const LayerSizes& s, std::int32_t (*run)(void** argv),
                                     const double* transform, std::int64_t transformed)
    : input_shape_{s.batch, s.height, s.width, s.channels},
      output_shape_{s.batch, s.out_height(), s.out_width(), s.filters},
      kernel_shape_{3, 3, s.channels, s.filters},
      bias_shape_{s.filters} {
  const auto bytes = [](std::int64_t elements) {
    return static_cast<std::uint64_t>(elements) * sizeof(float);
  };
  constexpr convc_product none{};
  const std::int64_t more_in_rows = s.batch * s.height - 1;
  const std::int64_t more_out_rows = s.batch * s.out_height() - 1;
  input_ = {"input",
            input_shape_,
            4,
            CONVC_DTYPE_F32,
            bytes(more_in_rows * s.in_row() + s.width * s.channels),
            nullptr,
            none,
            none};
  output_ = {"output",
             output_shape_,
             4,
             CONVC_DTYPE_F32,
             bytes(more_out_rows * s.out_row() + s.out_width() * s.filters),
             nullptr,
             none,
             none};
  variables_[0] = {"kernel", kernel_shape_, 4,   CONVC_DTYPE_F32, bytes(9 * s.channels * s.filters),
                   nullptr,  none,          none};
  variables_[1] = {"bias", bias_shape_, 1, CONVC_DTYPE_F32, bytes(s.filters), nullptr, none, none};
  set_packings(s, transform, transformed);

  static constexpr convc_dim dims[] = {{1, 1}};
  const auto argument = [](std::uint32_t source, std::uint64_t offset) {
    return convc_argument{source, 0, offset, nullptr, dims, nullptr, {}, 1, CONVC_DTYPE_F32};
  };
  arguments_[0] = argument(CONVC_SOURCE_INPUT, 0);
  arguments_[1] = argument(CONVC_SOURCE_PACKED, packings_[0].offset_bytes);
  arguments_[2] = argument(CONVC_SOURCE_PACKED, packings_[1].offset_bytes);
  arguments_[3] = argument(CONVC_SOURCE_OUTPUT, 0);
  step_ = {run, arguments_, 4, 1, "layer"};
  variant_.isa = "any";
  variant_.identity[0] = 1;
  variant_.packed_bytes = CONVC_ALIGN_UP(packings_[1].offset_bytes + packings_[1].bytes);
  variant_.packings = packings_;
  variant_.packing_count = 2;
  variant_.steps = &step_;
  variant_.step_count = 1;
  kernel_.abi_version = CONVC_ABI_VERSION;
  kernel_.struct_bytes = sizeof kernel_;
  kernel_.name = "test_layer";
  kernel_.inputs = &input_;
  kernel_.outputs = &output_;
  kernel_.variables = variables_;
  kernel_.variants = &variant_;
  kernel_.input_count = kernel_.output_count = kernel_.variant_count = 1;
  kernel_.variable_count = 2;
}

}  // namespace convc::test
