// Feeds any bytes to the ONNX front end. Nothing may crash or hang, errors must be told, and a
// model that is accepted must print as text that the spec language reads as the same layers.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "dsl/canonical.h"
#include "dsl/load.h"
#include "dsl/onnx/load_onnx.h"
#include "dsl/printer.h"

namespace {

// The fuzzer keeps the input and this text.
void require(bool holds, const char* what, const std::string& text) {
  if (holds) return;
  std::fprintf(stderr, "onnx_fuzz: %s\n%s\n", what, text.c_str());
  std::abort();
}

// External data would be looked for beside it; there is none.
constexpr const char* kPath = "no-such-folder/fuzz.onnx";

// A spec has one batch for a whole graph, and inputs of one rank in a layer.
bool specs_can_say(const convc::Graph& graph) {
  for (const convc::TensorId input : graph.inputs) {
    const auto& shape = graph.tensors[static_cast<std::size_t>(input)].shape;
    if (shape.front() != graph.tensors[static_cast<std::size_t>(graph.inputs[0])].shape.front()) {
      return false;
    }
  }
  return true;
}

void check_text(const convc::Module& module) {
  const std::string printed = convc::print(module);
  convc::Diagnostics diagnostics;
  const auto read = convc::load_spec_text(printed, "printed.conv", "fuzz", diagnostics);
  require(read.has_value(), "what was printed is refused", printed + diagnostics.render(false));
  const auto& nodes = module.graphs[0].nodes;
  const auto& again = read->graphs[0].nodes;
  require(again.size() == nodes.size(), "what was printed has other layers", printed);
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    require(
        convc::canonical_layer_text(again[i].layer) == convc::canonical_layer_text(nodes[i].layer),
        "what was printed identifies another kernel", printed);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  // Sizes for names that models use, so that those of several layers are accepted too.
  convc::ModelDims dims({{"N", {1, 8}}, {"batch", {2, 2}}, {"H", {8, 64}}, {"W", {16, 32}}});
  convc::Diagnostics diagnostics;
  const auto module = convc::load_onnx_bytes(bytes, kPath, "fuzz", dims, diagnostics);
  const std::string messages = diagnostics.render(true);
  require(module.has_value() != diagnostics.has_errors(), "a module and errors, or neither",
          messages);
  require(diagnostics.empty() == messages.empty(), "diagnostics without text", messages);
  require(messages.find('\0') == std::string::npos, "a zero byte in a message", messages);
  if (module && specs_can_say(module->graphs[0])) check_text(*module);
  return 0;
}
