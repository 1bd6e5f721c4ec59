// A node of a model as the importers see it: attributes with their types checked, and a place to
// say what stands in the way. Sees ONNX' schema.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "dsl/diagnostics.h"
#include "onnx-ml.pb.h"

namespace convc::onnx_import {

class NodeReader {
 public:
  NodeReader(const onnx::NodeProto& proto, int index, std::int64_t opset, Diagnostics& diagnostics);

  [[nodiscard]] const std::string& op() const { return proto_.op_type(); }
  [[nodiscard]] int index() const { return index_; }
  [[nodiscard]] std::int64_t opset() const { return opset_; }
  [[nodiscard]] const onnx::NodeProto& proto() const { return proto_; }

  /// The name of an input or output; empty when it is absent.
  [[nodiscard]] std::string input_name(int input) const;
  [[nodiscard]] std::string output_name(int output) const;
  [[nodiscard]] bool has_input(int input) const { return !input_name(input).empty(); }

  /// Attributes; a wrong type is reported. What is never asked for is reported by `finish`.
  std::int64_t integer(const std::string& name, std::int64_t fallback);
  float real(const std::string& name, float fallback);
  std::string text(const std::string& name, const std::string& fallback);
  std::optional<std::vector<std::int64_t>> integers(const std::string& name);
  std::optional<std::vector<float>> reals(const std::string& name);
  const onnx::TensorProto* tensor(const std::string& name);
  [[nodiscard]] bool has(const std::string& name) const;
  /// An attribute that means nothing here, e.g. the momentum of a training step.
  void ignore(const std::string& name) { known_.insert(name); }

  /// Reports, as "node 3 (Conv "stem"): " and the message.
  Diagnostic& fail(Code code, const std::string& message);
  /// "`auto_pad`: " and the message.
  Diagnostic& fail_attribute(const std::string& name, const std::string& message);
  [[nodiscard]] bool failed() const { return failed_; }
  /// Reports attributes that nothing asked for.
  void finish();

 private:
  const onnx::AttributeProto* find(const std::string& name, int type, const char* expected);

  const onnx::NodeProto& proto_;
  int index_;
  std::int64_t opset_;
  Diagnostics& diagnostics_;
  std::set<std::string> known_;
  bool failed_ = false;
};

/// Text of a model, which may hold anything, shortened and made printable.
std::string shown(const std::string& text);

/// "3 (Conv "stem")" or "3 (Relu)".
std::string node_label(const onnx::NodeProto& proto, int index);

}  // namespace convc::onnx_import
