// Imports a graph: its inputs, then node by node, then its outputs.
#include "dsl/onnx/importer.h"

#include <algorithm>

#include "dsl/check_numbers.h"
#include "dsl/cost.h"
#include "dsl/onnx/open_sizes.h"
#include "dsl/onnx/ops.h"
#include "dsl/onnx/prune.h"
#include "dsl/resolve.h"
#include "dsl/text.h"

namespace convc::onnx_import {
namespace {

std::string input_label(const NodeReader& node, int index, const std::string& what) {
  return cat("node ", node_label(node.proto(), node.index()), ": input ", index, " (", what, ", \"",
             shown(node.input_name(index)), "\")");
}

}  // namespace

bool Image::is_open() const {
  return std::any_of(dims.begin(), dims.end(), [](const Dim& dim) { return !dim.fixed(); });
}

bool require_known(NodeReader& node, const Constant& constant, const std::string& what) {
  for (std::size_t i = 0; i < constant.open.size(); ++i) {
    if (constant.open[i] == nullptr) continue;
    const std::string name = shown(*constant.open[i]);
    node.fail(Code::onnx_not_supported,
              cat("element ", i, " of ", what,
                  " is known only when the model runs: it depends on \"", name, "\""))
        .help(cat("give that size a number: --dim ", name, "=NUMBER"));
    return false;
  }
  return true;
}

Importer::Importer(const onnx::ModelProto& model, ConstantReader& constants, ModelDims& dims,
                   Diagnostics& diagnostics)
    : model_(model), constants_(constants), dims_(dims), diagnostics_(diagnostics) {}

Diagnostic& Importer::fail(Code code, const std::string& message) {
  return diagnostics_.error(code, {}, message);
}

std::optional<Graph> Importer::run(const std::string& name) {
  const std::size_t errors_before = diagnostics_.error_count();
  graph_.name = name;
  graph_.form = GraphForm::model;
  graph_.batch_given = true;
  if (!check_model()) return std::nullopt;
  count_uses();
  add_initializers();
  add_inputs();
  for (int i = 0; i < model_.graph().node_size(); ++i) import_node(model_.graph().node(i), i);
  if (diagnostics_.error_count() != errors_before) return std::nullopt;
  add_outputs();
  const bool bounded = check_bounds();
  if (!bounded || diagnostics_.error_count() != errors_before) return std::nullopt;
  drop_unused(&graph_, diagnostics_);
  if (!settle_open_sizes(&graph_, diagnostics_)) return std::nullopt;
  if (!checked_cost_of(graph_)) {
    fail(Code::overflow, "the multiply-adds of the model overflow 64 bits");
    return std::nullopt;
  }
  return std::move(graph_);
}

bool Importer::check_model() {
  if (!model_.has_graph()) {
    fail(Code::onnx_damaged, "this file holds no ONNX model").help("is this the file you meant?");
    return false;
  }
  for (const onnx::OperatorSetIdProto& set : model_.opset_import()) {
    if (set.domain().empty() || set.domain() == "ai.onnx") opset_ = set.version();
  }
  if (opset_ < 1) {
    fail(Code::onnx_damaged, "the model does not say the version of ONNX' operators it uses");
    return false;
  }
  if (opset_ > kNewestOpset) {
    diagnostics_.warning(Code::onnx_newer, {},
                         cat("the model uses opset ", opset_, "; the newest that is known is ",
                             kNewestOpset, ", whose meaning is assumed"));
  }
  return true;
}

void Importer::count_uses() {
  for (int i = 0; i < model_.graph().node_size(); ++i) {
    const onnx::NodeProto& node = model_.graph().node(i);
    for (int j = 0; j < node.input_size(); ++j) {
      ++(is_weight_input(node.op_type(), j) ? weight_uses_ : image_uses_)[node.input(j)];
    }
    for (const std::string& output : node.output()) makers_.emplace(output, i);
  }
  for (const onnx::ValueInfoProto& output : model_.graph().output()) ++image_uses_[output.name()];
}

void Importer::define(const std::string& name, Value value, const std::string& by) {
  if (values_.emplace(name, std::move(value)).second) return;
  fail(Code::onnx_damaged, cat(by, ": \"", shown(name), "\" is defined twice"));
}

void Importer::import_node(const onnx::NodeProto& proto, int index) {
  NodeReader node(proto, index, opset_, diagnostics_);
  const Operator* known = find_operator(proto.op_type());
  if (!proto.domain().empty() && proto.domain() != "ai.onnx") {
    node.fail(Code::onnx_not_supported,
              cat("operators of the domain \"", shown(proto.domain()), "\" are not supported"));
  } else if (known == nullptr) {
    node.fail(Code::onnx_not_supported, "this operator is not supported")
        .help("cut the model into parts without it");
  } else if (opset_ < known->first_opset) {
    node.fail(Code::onnx_not_supported,
              cat("this operator of opset ", opset_, " is not supported; that of opset ",
                  known->first_opset, " and later is"));
  } else if (node.output_name(0).empty()) {
    node.fail(Code::onnx_damaged, "has no output");
  }
  for (const std::string& name : proto.input()) {
    if (name.empty() || values_.count(name) != 0) continue;
    const auto maker = makers_.find(name);
    Diagnostic& error =
        node.fail(Code::onnx_damaged,
                  cat("reads \"", shown(name), "\", which ",
                      maker == makers_.end() ? "nothing makes" : "no earlier node makes"));
    if (maker != makers_.end()) {
      error.note(cat("node ", node_label(model_.graph().node(maker->second), maker->second),
                     " makes it: the nodes are a cycle, or out of order"));
    }
  }
  if (!node.failed()) {
    known->import(node, *this);
    node.finish();
  }
  for (int i = 1; i < proto.output_size() && !node.failed(); ++i) {
    if (!is_read(node, i)) continue;
    if (!any_broken_input(node)) {
      node.fail(Code::onnx_not_supported,
                cat("output ", i, " (\"", shown(proto.output(i)), "\") is not supported"));
    }
  }
  for (const std::string& output : proto.output()) {
    if (!output.empty() && values_.count(output) == 0) define(output, Value{}, "");
  }
}

bool Importer::is_read(const NodeReader& node, int index) const {
  const std::string name = node.output_name(index);
  return !name.empty() && (image_uses_.count(name) != 0 || weight_uses_.count(name) != 0);
}

bool Importer::any_broken_input(const NodeReader& node) const {
  for (int i = 0; i < node.proto().input_size(); ++i) {
    const Value* value = input(node, i);
    if (value != nullptr && value->kind == Value::Kind::broken) return true;
  }
  return false;
}

const Value* Importer::input(const NodeReader& node, int index) const {
  const std::string name = node.input_name(index);
  if (name.empty()) return nullptr;
  const auto found = values_.find(name);
  return found == values_.end() ? nullptr : &found->second;
}

std::optional<Image> Importer::image_input(NodeReader& node, int index) {
  const Value* value = input(node, index);
  if (value == nullptr) {
    node.fail(Code::onnx_damaged, cat("input ", index, " is missing"));
    return std::nullopt;
  }
  if (value->kind == Value::Kind::image) return value->image;
  if (value->kind == Value::Kind::broken) return std::nullopt;
  node.fail(Code::onnx_not_supported,
            cat("input ", index, " (\"", shown(node.input_name(index)), "\") is ",
                value->kind == Value::Kind::constant ? "a constant" : "weights",
                "; a tensor that is computed is needed"));
  return std::nullopt;
}

ConstantRef Importer::constant_input(NodeReader& node, int index, const std::string& what) {
  const Value* value = input(node, index);
  if (value == nullptr) {
    node.fail(Code::onnx_damaged, cat("input ", index, " (", what, ") is missing"));
    return nullptr;
  }
  if (value->kind == Value::Kind::constant) {
    const bool known = require_known(node, *value->constant, cat("input ", index, " (", what, ")"));
    return known ? value->constant : nullptr;
  }
  if (value->kind == Value::Kind::broken) return nullptr;
  node.fail(Code::onnx_not_supported,
            cat("input ", index, " (", what, ", \"", shown(node.input_name(index)),
                "\") is known only when the model runs; it must be a constant"));
  return nullptr;
}

void Importer::warn_of_infinite(const NodeReader& node, int index, const std::string& what,
                                const std::vector<float>& values) {
  convc::warn_of_infinite(input_label(node, index, what), values, {}, diagnostics_);
}

void Importer::warn_of_zero_root(const NodeReader& node, int index, const std::string& what,
                                 const PostOp& step) {
  convc::warn_of_zero_root(input_label(node, index, what), step.variance->values, step.epsilon, {},
                           diagnostics_);
}

std::optional<float> Importer::scalar_input(NodeReader& node, int index, const std::string& what,
                                            float fallback) {
  if (!node.has_input(index)) return fallback;
  const ConstantRef constant = constant_input(node, index, what);
  if (!constant) return std::nullopt;
  if (!constant->is_float() || element_count(constant->shape) != 1) {
    node.fail(Code::shapes_disagree, cat("input ", index, " (", what, ") is not one number"));
    return std::nullopt;
  }
  return constant->floats->values.front();
}

std::optional<std::vector<std::int64_t>> Importer::integers_input(NodeReader& node, int index,
                                                                  const std::string& what) {
  const ConstantRef constant = constant_input(node, index, what);
  if (!constant) return std::nullopt;
  if (constant->is_float() || constant->shape.size() > 1) {
    node.fail(Code::shapes_disagree,
              cat("input ", index, " (", what, ") is not a list of integers"));
    return std::nullopt;
  }
  return constant->integers;
}

LayerSpec Importer::layer_on(const NodeReader& node, LayerKind kind, const Image& image) {
  LayerSpec layer;
  layer.kind = kind;
  layer.rank = image.rank();
  std::string op = node.op();
  std::transform(op.begin(), op.end(), op.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  const std::string& name = node.proto().name();
  layer.name = unique_name(name.empty() ? cat(op, "_", node.index()) : name, layer_names_);
  layer.batch = image.batch();
  layer.in_channels = layer.filters = image.channels();
  const std::size_t last = image.sizes.size() - 1;
  layer.in.width = image.sizes[last];
  if (layer.rank >= 2) layer.in.height = image.sizes[last - 1];
  if (layer.rank == 3) layer.in.depth = image.sizes[last - 2];
  layer.out = layer.in;
  if (!image.dims[0].fixed()) layer.open.batch = image.dims[0];
  if (!image.dims[last].fixed()) layer.open.width = image.dims[last];
  if (layer.rank >= 2 && !image.dims[last - 1].fixed()) layer.open.height = image.dims[last - 1];
  layer.input_form.layout = layer.output_form.layout = Layout::channels_first;
  if (layer.has_kernel()) layer.kernel_layout = KernelLayout::filters_first;
  layer.use_bias = false;
  return layer;
}

bool Importer::append(NodeReader& node, LayerSpec layer, const std::vector<Image>& inputs,
                      const std::string& tensor_name, Image* output) {
  const std::optional<std::int64_t> elements = element_count(output->sizes);
  if (!elements) {
    node.fail(Code::tensor_too_large, cat("its output has the shape ", shape_text(output->sizes),
                                          ", which is 2^31 elements or more"));
    return false;
  }
  if (!checked_cost_of(layer)) {
    node.fail(Code::overflow, "its multiply-adds overflow 64 bits");
    return false;
  }
  Node step;
  step.layer = std::move(layer);
  for (const Image& image : inputs) step.inputs.push_back(image.id);
  step.outputs = {add_tensor(tensor_name, *output)};
  graph_.nodes.push_back(std::move(step));
  return true;
}

void Importer::add_layer(NodeReader& node, LayerSpec layer, const std::vector<Image>& inputs,
                         Image output) {
  if (!append(node, std::move(layer), inputs, node.output_name(0), &output)) return;
  define(node.output_name(0), {Value::Kind::image, std::move(output), nullptr, {}},
         cat("node ", node_label(node.proto(), node.index())));
}

std::optional<Image> Importer::add_inner_step(NodeReader& node, PostOp post_op,
                                              const Image& image) {
  LayerSpec layer = layer_on(node, LayerKind::elementwise, image);
  layer.post_ops.push_back(std::move(post_op));
  const std::string name = layer.name;
  Image output = image;
  return append(node, std::move(layer), {image}, name, &output) ? std::optional(output)
                                                                : std::nullopt;
}

void Importer::add_post_op(NodeReader& node, PostOp post_op, const std::vector<Image>& inputs) {
  LayerSpec layer = layer_on(node, LayerKind::elementwise, inputs.front());
  layer.post_ops.push_back(std::move(post_op));
  add_layer(node, std::move(layer), inputs, inputs.front());
}

void Importer::set_constant(NodeReader& node, ConstantRef constant) {
  define(node.output_name(0), {Value::Kind::constant, {}, std::move(constant), {}},
         cat("node ", node_label(node.proto(), node.index())));
}

void Importer::set_alias(NodeReader& node) {
  const Value* value = input(node, 0);
  if (value == nullptr) {
    node.fail(Code::onnx_damaged, "input 0 is missing");
  } else {
    define(node.output_name(0), *value, cat("node ", node_label(node.proto(), node.index())));
  }
}

}  // namespace convc::onnx_import
