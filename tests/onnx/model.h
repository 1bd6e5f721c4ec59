// Makes small models for the tests, and loads them.
#pragma once

#include <fstream>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "dsl/onnx/load_files.h"
#include "onnx-ml.pb.h"

namespace convc::test {

using Sizes = std::vector<std::int64_t>;

struct Loaded {
  std::optional<Module> module;
  std::string text;  ///< of the diagnostics, without the help that belongs to their codes
  [[nodiscard]] const Graph& graph() const { return module->graphs.at(0); }
  [[nodiscard]] const LayerSpec& layer(std::size_t index = 0) const {
    return graph().nodes.at(index).layer;
  }
};

inline std::string scratch(const std::string& name) {
  return std::string(CONVC_SCRATCH) + "/" + name;
}

inline void write_bytes(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

inline Loaded load_path(const std::string& path, const std::string& library = "net",
                        const std::map<std::string, Dim>& given = {}) {
  Diagnostics diagnostics;
  Loaded loaded;
  loaded.module = load_files({path}, library, ModelDims(given), diagnostics);
  loaded.text = diagnostics.render(false);
  const auto remove = [&](const std::string& part) {
    for (std::size_t at; (at = loaded.text.find(part)) != std::string::npos;)
      loaded.text.erase(at, part.size());
  };
  remove(scratch(""));  // the folder of the tests is no part of what they expect
  for (const CodeInfo& info : kCodes) remove("      = help: " + std::string(info.help) + "\n");
  return loaded;
}

/// A node whose attributes can be given in a chain.
class NodeMaker {
 public:
  explicit NodeMaker(onnx::NodeProto* proto) : proto_(proto) {}
  NodeMaker& set(const std::string& name, std::int64_t value) {
    add(name, onnx::AttributeProto::INT)->set_i(value);
    return *this;
  }
  NodeMaker& set(const std::string& name, int value) {
    return set(name, static_cast<std::int64_t>(value));
  }
  NodeMaker& set(const std::string& name, float value) {
    add(name, onnx::AttributeProto::FLOAT)->set_f(value);
    return *this;
  }
  NodeMaker& set(const std::string& name, const char* value) {
    add(name, onnx::AttributeProto::STRING)->set_s(value);
    return *this;
  }
  NodeMaker& set(const std::string& name, const Sizes& values) {
    onnx::AttributeProto* attribute = add(name, onnx::AttributeProto::INTS);
    for (const std::int64_t value : values) attribute->add_ints(value);
    return *this;
  }
  NodeMaker& set(const std::string& name, const onnx::TensorProto& value) {
    *add(name, onnx::AttributeProto::TENSOR)->mutable_t() = value;
    return *this;
  }
  NodeMaker& named(const std::string& name) {
    proto_->set_name(name);
    return *this;
  }

 private:
  onnx::AttributeProto* add(const std::string& name, onnx::AttributeProto::AttributeType type) {
    onnx::AttributeProto* attribute = proto_->add_attribute();
    attribute->set_name(name);
    attribute->set_type(type);
    return attribute;
  }
  onnx::NodeProto* proto_;
};

inline onnx::TensorProto float_tensor(const std::string& name, const Sizes& shape,
                                      const std::vector<float>& values) {
  onnx::TensorProto tensor;
  tensor.set_name(name);
  tensor.set_data_type(onnx::TensorProto::FLOAT);
  for (const std::int64_t size : shape) tensor.add_dims(size);
  for (const float value : values) tensor.add_float_data(value);
  return tensor;
}

inline onnx::TensorProto integer_tensor(const std::string& name, const Sizes& shape,
                                        const Sizes& values) {
  onnx::TensorProto tensor;
  tensor.set_name(name);
  tensor.set_data_type(onnx::TensorProto::INT64);
  for (const std::int64_t size : shape) tensor.add_dims(size);
  for (const std::int64_t value : values) tensor.add_int64_data(value);
  return tensor;
}

class ModelMaker {
 public:
  explicit ModelMaker(std::int64_t opset = 17) {
    model.set_ir_version(8);
    model.add_opset_import()->set_version(opset);
  }

  onnx::TypeProto::Tensor* input(const std::string& name, const Sizes& shape) {
    return add_value(model.mutable_graph()->add_input(), name, shape);
  }
  void output(const std::string& name) { model.mutable_graph()->add_output()->set_name(name); }
  void floats(const std::string& name, const Sizes& shape, const std::vector<float>& values) {
    *model.mutable_graph()->add_initializer() = float_tensor(name, shape, values);
  }
  void integers(const std::string& name, const Sizes& values) {
    *model.mutable_graph()->add_initializer() =
        integer_tensor(name, {static_cast<std::int64_t>(values.size())}, values);
  }
  /// Floats of a shape, all `value`.
  void filled(const std::string& name, const Sizes& shape, float value = 1) {
    std::size_t count = 1;
    for (const std::int64_t size : shape) count *= static_cast<std::size_t>(size);
    floats(name, shape, std::vector<float>(count, value));
  }
  NodeMaker node(const std::string& op, std::initializer_list<const char*> inputs,
                 std::initializer_list<const char*> outputs) {
    onnx::NodeProto* proto = model.mutable_graph()->add_node();
    proto->set_op_type(op);
    for (const char* name : inputs) proto->add_input(name);
    for (const char* name : outputs) proto->add_output(name);
    return NodeMaker(proto);
  }

  [[nodiscard]] std::string bytes() const { return model.SerializeAsString(); }
  [[nodiscard]] Loaded load(const std::string& file = "model.onnx",
                            const std::map<std::string, Dim>& given = {}) const {
    write_bytes(scratch(file), bytes());
    return load_path(scratch(file), "net", given);
  }
  /// With sizes for its open dimensions.
  [[nodiscard]] Loaded load_with(const std::map<std::string, Dim>& given) const {
    return load("model.onnx", given);
  }

  onnx::ModelProto model;

 private:
  static onnx::TypeProto::Tensor* add_value(onnx::ValueInfoProto* info, const std::string& name,
                                            const Sizes& shape) {
    info->set_name(name);
    onnx::TypeProto::Tensor* type = info->mutable_type()->mutable_tensor_type();
    type->set_elem_type(onnx::TensorProto::FLOAT);
    type->mutable_shape();
    for (const std::int64_t size : shape) type->mutable_shape()->add_dim()->set_dim_value(size);
    return type;
  }
};

/// A size of an input, to give it a name.
inline onnx::TensorShapeProto::Dimension* dim(ModelMaker& model, int input, int index) {
  return model.model.mutable_graph()
      ->mutable_input(input)
      ->mutable_type()
      ->mutable_tensor_type()
      ->mutable_shape()
      ->mutable_dim(index);
}

/// y = Relu(x).
inline ModelMaker relu(const Sizes& shape) {
  ModelMaker model;
  model.input("x", shape);
  model.node("Relu", {"x"}, {"y"});
  model.output("y");
  return model;
}

}  // namespace convc::test
