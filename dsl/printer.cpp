// The canonical form of specs.
#include "dsl/printer.h"

#include "dsl/numbers.h"
#include "dsl/text.h"

namespace convc {
namespace {

std::string size_text(const Size2D& size) {
  if (size.height == size.width) return std::to_string(size.height);
  return cat("(", size.height, ", ", size.width, ")");
}

std::string pairs_text(const Padding2D& pad) {
  return cat("((", pad.top, ", ", pad.bottom, "), (", pad.left, ", ", pad.right, "))");
}

// Nested lists in row-major order. Recursion is as deep as the rank, at most 4.
void append_literal(const Literal& literal, std::size_t axis, std::size_t* next, std::string* out) {
  if (axis == literal.shape.size()) {
    *out += float_text(literal.values[(*next)++]);
    return;
  }
  *out += '[';
  for (std::int64_t i = 0; i < literal.shape[axis]; ++i) {
    if (i != 0) *out += ", ";
    append_literal(literal, axis + 1, next, out);
  }
  *out += ']';
}

std::string literal_text(const Literal& literal) {
  std::string out;
  std::size_t next = 0;
  append_literal(literal, 0, &next, &out);
  return out;
}

// Everything of a layer but where its input comes from.
std::string arguments_text(const LayerSpec& layer) {
  std::string out = cat("filters=", layer.filters, ", kernel_size=", size_text(layer.kernel_size));
  if (layer.strides != Size2D{1, 1}) out += ", strides=" + size_text(layer.strides);
  if (layer.padding_mode == PaddingMode::same) out += ", padding=\"same\"";
  if (layer.padding_mode == PaddingMode::explicit_pairs) {
    out += ", padding=" + pairs_text(layer.padding);
  }
  if (layer.dilation_rate != Size2D{1, 1})
    out += ", dilation_rate=" + size_text(layer.dilation_rate);
  if (layer.groups != 1) out += cat(", groups=", layer.groups);
  if (layer.activation == Activation::relu) out += ", activation=\"relu\"";
  if (!layer.use_bias) out += ", use_bias=False";
  if (layer.kernel) out += ", kernel=" + literal_text(*layer.kernel);
  if (layer.bias) out += ", bias=" + literal_text(*layer.bias);
  return out;
}

std::string shape_text(const LayerSpec& layer) {
  return cat("(", layer.in.height, ", ", layer.in.width, ", ", layer.in_channels, ")");
}

std::string bare_layer(const LayerSpec& layer, bool with_batch) {
  return cat("Conv2D(", arguments_text(layer), ", input_shape=", shape_text(layer),
             with_batch ? cat(", batch=", layer.batch) : "", ", name=\"", layer.name, "\")");
}

std::string sequential(const Graph& graph) {
  const LayerSpec& first = graph.nodes.front().layer;
  std::string out =
      cat("Sequential(name=\"", graph.name, "\", layers=[\n    Input(shape=", shape_text(first),
          graph.batch_given ? cat(", batch_size=", first.batch) : "", "),\n");
  for (const Node& node : graph.nodes) {
    out += cat("    Conv2D(", arguments_text(node.layer), ", name=\"", node.layer.name, "\"),\n");
  }
  return out + "])";
}

}  // namespace

std::string print(const Module& module) {
  std::string out;
  for (const Graph& graph : module.graphs) {
    out += graph.is_sequential ? sequential(graph)
                               : bare_layer(graph.nodes.front().layer, graph.batch_given);
    out += '\n';
  }
  return out;
}

std::string layer_to_spec_line(const LayerSpec& layer) {
  return bare_layer(layer, layer.batch != 1);
}

std::string canonical_layer_text(const LayerSpec& layer) {
  const char* activation = layer.activation == Activation::relu ? "relu" : "linear";
  std::string out =
      cat("conv2d f32 nhwc batch=", layer.batch, " in=", layer.in.height, "x", layer.in.width, "x",
          layer.in_channels, " filters=", layer.filters, " kernel=", layer.kernel_size.height, "x",
          layer.kernel_size.width, " strides=", layer.strides.height, "x", layer.strides.width,
          " dilation=", layer.dilation_rate.height, "x", layer.dilation_rate.width,
          " padding=", pairs_text(layer.padding), " groups=", layer.groups,
          " activation=", activation, " bias=", layer.use_bias ? 1 : 0);
  if (layer.kernel) out += " kernel_values=" + literal_text(*layer.kernel);
  if (layer.bias) out += " bias_values=" + literal_text(*layer.bias);
  return out;
}

}  // namespace convc
