// Importer: the state of importing one model: what each name of the model stands for, and the Graph
// being made. The functions of ops.h fill it, a node at a time. Sees ONNX' schema.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "dsl/module.h"
#include "dsl/onnx/constant.h"
#include "dsl/onnx/model_dims.h"
#include "dsl/onnx/node.h"

namespace convc::onnx_import {

/// A tensor of the Graph and what the model says of it.
struct Image {
  TensorId id = 0;
  int model_rank = 4;               ///< sizes in the model; below 3, sizes of 1 follow
  std::vector<Dim> dims;            ///< [batch, channels, spatial..]
  std::vector<std::int64_t> sizes;  ///< the same; where open, a representative size
  std::vector<std::string> names;   ///< of an input's open sizes (ModelDims); "" where fixed

  [[nodiscard]] int rank() const { return static_cast<int>(dims.size()) - 2; }
  [[nodiscard]] std::int64_t batch() const { return sizes[0]; }
  [[nodiscard]] std::int64_t channels() const { return sizes[1]; }
  /// The sizes as the model has them.
  [[nodiscard]] std::vector<std::int64_t> model_sizes() const {
    return {sizes.begin(), sizes.begin() + model_rank};
  }
  [[nodiscard]] bool is_open() const;
};

/// What a name of the model stands for.
struct Value {
  enum class Kind {
    image,     ///< computed when the function runs
    constant,  ///< known now
    variable,  ///< weights that are an input of the graph
    broken,    ///< of a node that has been reported: nothing more is to be said
  };
  Kind kind = Kind::broken;
  Image image;
  ConstantRef constant;
  std::vector<std::int64_t> shape;  ///< of a variable
};

/// False, reported, when an element of the constant, e.g. "input 1 (pads)" in messages, is open.
bool require_known(NodeReader& node, const Constant& constant, const std::string& what);

class Importer {
 public:
  Importer(const onnx::ModelProto& model, ConstantReader& constants, ModelDims& dims,
           Diagnostics& diagnostics);

  /// The graph, called `name`; nullopt when anything has been reported.
  std::optional<Graph> run(const std::string& name);

  // --- What the importers of nodes use.

  /// Input `index` of a node; null when the node does not have it.
  const Value* input(const NodeReader& node, int index) const;
  /// The image that input `index` is. Otherwise reports why it is not; nothing where the reason has
  /// been reported.
  std::optional<Image> image_input(NodeReader& node, int index);
  /// The constant that input `index` is, `what` in messages; otherwise reports.
  ConstantRef constant_input(NodeReader& node, int index, const std::string& what);
  /// Warns of numbers of input `index`, `what` in messages, that are infinite or none at all.
  void warn_of_infinite(const NodeReader& node, int index, const std::string& what,
                        const std::vector<float>& values);
  /// Of the variances of a BatchNormalization.
  void warn_of_zero_root(const NodeReader& node, int index, const std::string& what,
                         const PostOp& step);
  /// One number, by input `index` or `fallback` when the node does not have it.
  std::optional<float> scalar_input(NodeReader& node, int index, const std::string& what,
                                    float fallback);
  std::optional<std::vector<std::int64_t>> integers_input(NodeReader& node, int index,
                                                          const std::string& what);
  /// True when something that has been reported stands in the way.
  [[nodiscard]] bool any_broken_input(const NodeReader& node) const;

  /// A layer that reads `image`, with the node's name and an output of the input's own size.
  LayerSpec layer_on(const NodeReader& node, LayerKind kind, const Image& image);
  /// Appends a layer whose output has the sizes of `output` and is output 0 of the node.
  void add_layer(NodeReader& node, LayerSpec layer, const std::vector<Image>& inputs, Image output);
  /// A layer of one step whose output only the layers of this node read; nullopt, reported, when it
  /// is too large.
  std::optional<Image> add_inner_step(NodeReader& node, PostOp post_op, const Image& image);
  /// An elementwise layer with one step.
  void add_post_op(NodeReader& node, PostOp post_op, const std::vector<Image>& inputs);

  void set_constant(NodeReader& node, ConstantRef constant);
  /// Output 0 is input 0 itself.
  void set_alias(NodeReader& node);
  /// True when something reads output `index` of the node.
  [[nodiscard]] bool is_read(const NodeReader& node, int index) const;

  ConstantReader& constants() { return constants_; }

 private:
  bool check_model();
  void count_uses();
  void add_initializers();
  void add_inputs();
  void add_input(const onnx::ValueInfoProto& input);
  std::optional<Image> image_of(const onnx::ValueInfoProto& info, const std::string& what);
  bool add_size(const onnx::ValueInfoProto& info, const std::string& what, int index, Image* image);
  void import_node(const onnx::NodeProto& proto, int index);
  bool check_bounds();
  void add_outputs();
  void add_output(const onnx::ValueInfoProto& output);
  void define(const std::string& name, Value value, const std::string& by);
  void define_broken(const NodeReader& node);
  bool append(NodeReader& node, LayerSpec layer, const std::vector<Image>& inputs,
              const std::string& tensor_name, Image* output);
  TensorId add_tensor(const std::string& model_name, Image& image);
  Diagnostic& fail(Code code, const std::string& message);
  std::string unique_name(const std::string& model_name, std::set<std::string>& used);

  const onnx::ModelProto& model_;
  ConstantReader& constants_;
  ModelDims& dims_;
  Diagnostics& diagnostics_;
  std::int64_t opset_ = 0;
  Graph graph_;
  std::map<std::string, Value> values_;
  std::map<std::string, int> makers_;        // name -> index of the node that makes it
  std::map<std::string, int> image_uses_;    // readers that want an image or a constant
  std::map<std::string, int> weight_uses_;   // readers that want weights
  std::vector<std::string> tensor_sources_;  // by TensorId: its name in the model
  std::set<std::string> tensor_names_, layer_names_;
};

}  // namespace convc::onnx_import
