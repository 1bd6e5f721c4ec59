// Feeds any bytes to the spec language. Nothing may crash or hang, errors must be told, and a
// text that is accepted must survive printing and reading.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "dsl/canonical.h"
#include "dsl/load.h"
#include "dsl/printer.h"

namespace {

// The fuzzer keeps the input and this text.
void require(bool holds, const char* what, const std::string& text) {
  if (holds) return;
  std::fprintf(stderr, "parser_fuzz: %s\n%s\n", what, text.c_str());
  std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  convc::Diagnostics diagnostics;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto module = convc::load_spec_text(text, "fuzz.conv", "fuzz", diagnostics);
  const std::string messages = diagnostics.render(true);
  require(module.has_value() != diagnostics.has_errors(), "a module and errors, or neither",
          messages);
  require(diagnostics.empty() == messages.empty(), "diagnostics without text", messages);
  require(messages.find('\0') == std::string::npos, "a zero byte in a message", messages);
  if (!module) return 0;

  const std::string printed = convc::print(*module);
  convc::Diagnostics again;
  const auto read = convc::load_spec_text(printed, "printed.conv", "fuzz", again);
  require(read.has_value(), "what was printed is refused", printed + again.render(false));
  require(*read == *module, "what was printed reads differently", printed);
  for (const convc::Graph& graph : module->graphs) {
    for (const convc::Node& node : graph.nodes) {
      const std::string line = convc::layer_to_spec_line(node.layer);
      convc::Diagnostics ignored;
      const auto one = convc::load_spec_text(line, "line.conv", "fuzz", ignored);
      require(one.has_value(), "a repro line is refused", line + ignored.render(false));
      // Within a graph the typical size of a run-time size follows from that of its inputs.
      if (node.layer.open.any() && graph.nodes.size() > 1) continue;
      require(one->graphs[0].nodes[0].layer == node.layer, "a repro line reads differently", line);
      require(convc::canonical_layer_text(one->graphs[0].nodes[0].layer) ==
                  convc::canonical_layer_text(node.layer),
              "a repro line identifies another kernel", line);
    }
  }
  return 0;
}
