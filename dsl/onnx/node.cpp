// Attributes of nodes, with their types checked.
#include "dsl/onnx/node.h"

#include <algorithm>

#include "dsl/text.h"

namespace convc::onnx_import {

using Attribute = onnx::AttributeProto;

std::string shown(const std::string& text) {
  constexpr std::size_t kLongest = 80;
  std::string out;
  for (const char c : text.substr(0, kLongest)) {
    const auto byte = static_cast<unsigned char>(c);
    out += byte < 0x20 || byte >= 0x7F || c == '"' ? '?' : c;
  }
  return text.size() > kLongest ? out + "..." : out;
}

std::string node_label(const onnx::NodeProto& proto, int index) {
  const std::string name = proto.name().empty() ? "" : cat(" \"", shown(proto.name()), "\"");
  return cat(index, " (", shown(proto.op_type()), name, ")");
}

NodeReader::NodeReader(const onnx::NodeProto& proto, int index, std::int64_t opset,
                       Diagnostics& diagnostics)
    : proto_(proto), index_(index), opset_(opset), diagnostics_(diagnostics) {}

std::string NodeReader::input_name(int input) const {
  return input < proto_.input_size() ? proto_.input(input) : std::string();
}

std::string NodeReader::output_name(int output) const {
  return output < proto_.output_size() ? proto_.output(output) : std::string();
}

bool NodeReader::has(const std::string& name) const {
  return std::any_of(proto_.attribute().begin(), proto_.attribute().end(),
                     [&](const Attribute& attribute) { return attribute.name() == name; });
}

const Attribute* NodeReader::find(const std::string& name, int type, const char* expected) {
  known_.insert(name);
  for (const Attribute& attribute : proto_.attribute()) {
    if (attribute.name() != name) continue;
    if (attribute.type() == type) return &attribute;
    fail_attribute(name, cat("is not ", expected));
    return nullptr;
  }
  return nullptr;
}

std::int64_t NodeReader::integer(const std::string& name, std::int64_t fallback) {
  const Attribute* attribute = find(name, Attribute::INT, "an integer");
  return attribute != nullptr ? attribute->i() : fallback;
}

float NodeReader::real(const std::string& name, float fallback) {
  const Attribute* attribute = find(name, Attribute::FLOAT, "a number");
  return attribute != nullptr ? attribute->f() : fallback;
}

std::string NodeReader::text(const std::string& name, const std::string& fallback) {
  const Attribute* attribute = find(name, Attribute::STRING, "a string");
  return attribute != nullptr ? attribute->s() : fallback;
}

std::optional<std::vector<std::int64_t>> NodeReader::integers(const std::string& name) {
  const Attribute* attribute = find(name, Attribute::INTS, "a list of integers");
  if (attribute == nullptr) return std::nullopt;
  return std::vector<std::int64_t>(attribute->ints().begin(), attribute->ints().end());
}

std::optional<std::vector<float>> NodeReader::reals(const std::string& name) {
  const Attribute* attribute = find(name, Attribute::FLOATS, "a list of numbers");
  if (attribute == nullptr) return std::nullopt;
  return std::vector<float>(attribute->floats().begin(), attribute->floats().end());
}

const onnx::TensorProto* NodeReader::tensor(const std::string& name) {
  const Attribute* attribute = find(name, Attribute::TENSOR, "a tensor");
  return attribute != nullptr ? &attribute->t() : nullptr;
}

Diagnostic& NodeReader::fail(Code code, const std::string& message) {
  failed_ = true;
  return diagnostics_.error(code, {}, cat("node ", node_label(proto_, index_), ": ", message));
}

Diagnostic& NodeReader::fail_attribute(const std::string& name, const std::string& message) {
  return fail(Code::onnx_not_supported, cat("attribute `", shown(name), "` ", message));
}

void NodeReader::finish() {
  std::set<std::string> seen;
  for (const Attribute& attribute : proto_.attribute()) {
    if (!seen.insert(attribute.name()).second) {
      fail_attribute(attribute.name(), "is given twice");
    } else if (!attribute.ref_attr_name().empty()) {
      fail_attribute(attribute.name(), "refers to a function's attribute");
    } else if (known_.count(attribute.name()) == 0) {
      fail_attribute(attribute.name(), "is not known");
    }
  }
}

}  // namespace convc::onnx_import
