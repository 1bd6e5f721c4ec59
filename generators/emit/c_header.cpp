// One section per kernel, in the order of the module.
#include "generators/emit/c_header.h"

#include <algorithm>
#include <cstdio>

#include "dsl/cost.h"
#include "dsl/printer.h"
#include "generators/emit/names.h"
#include "generators/emit/numerical_contract.h"

namespace convc {
namespace {

/// A line of a spec that can stand in a C comment and stays readable: literal numbers of a filter
/// bank are cut.
std::string comment_text(std::string text) {
  constexpr std::size_t kMaxLength = 400;
  if (text.size() > kMaxLength) text = text.substr(0, kMaxLength) + "...";
  for (std::size_t at = text.find("*/"); at != std::string::npos; at = text.find("*/", at)) {
    text.insert(at + 1, " ");
  }
  return text;
}

std::string shape_text(const std::vector<std::int64_t>& shape) {
  std::string text = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) {
    text += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
  }
  return text + "]";
}

std::string short_number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g", value);
  return text;
}

/// Writes one kernel's section.
class KernelSection {
 public:
  KernelSection(const Artifact& artifact, std::size_t graph,
                const std::vector<VariantLayout>& variants)
      : graph_(artifact.module.graphs[graph]),
        layers_(artifact.layers[graph]),
        variants_(variants),
        prefix_(kernel_prefix(artifact.module, graph_)),
        macro_(macro_prefix(prefix_)),
        variables_(variables_of(graph_)) {}

  std::string text() {
    comment();
    macros();
    line("");
    structs();
    line("");
    functions();
    return std::move(out_);
  }

 private:
  void line(const std::string& text) { out_ += text + "\n"; }

  void comment() {
    line("/* " + prefix_ + ": " + comment_text(title()));
    line(" *");
    for (const IoMember& member : io_members_of(graph_)) {
      line(" * " + member.member + ": float " + shape_text(shape_of(member)) +
           ", [batch, height, width, channels], channels innermost");
    }
    for (const Variable& variable : variables_) {
      line(" * " + variable.member + ": float " + shape_text(variable.shape) +
           (variable.is_bias ? ""
                             : ", [height, width, input channels, filters], filters innermost"));
    }
    const Cost cost = cost_of(graph_);
    line(" * Cost: " + std::to_string(cost.macs) + " multiply-adds, " +
         std::to_string(cost.parameters) + " parameters, " +
         std::to_string(cost.compulsory_bytes()) + " bytes to move.");
    for (std::size_t target = 0; target < variants_.size(); ++target) plan_comment(target);
    numbers_comment();
    line(" */");
  }

  /// The spec line of a bare layer; the layers of a Sequential follow in the plans.
  std::string title() const {
    return graph_.is_sequential
               ? "a Sequential of " + std::to_string(graph_.nodes.size()) + " layers"
               : layer_to_spec_line(graph_.nodes[0].layer);
  }

  void plan_comment(std::size_t target) {
    for (std::size_t node = 0; node < graph_.nodes.size(); ++node) {
      const LayerSpec& layer = graph_.nodes[node].layer;
      const std::string name = graph_.is_sequential ? ", " + layer.name : "";
      if (graph_.is_sequential && target == 0)
        line(" *   " + comment_text(layer_to_spec_line(layer)));
      line(" * Plan (" + variants_[target].isa + name +
           "): " + to_text(layers_[target][node].plan));
    }
  }

  void numbers_comment() {
    line(
        " * Numbers: u = 2^-24, gamma(n) = n*u / (1 - n*u). Results do not depend on the number "
        "of");
    line(" * threads. Compared with the exact result" +
         std::string(graph_.nodes.size() > 1 ? " for its own input" : "") + ", each output");
    for (const Node& node : graph_.nodes) {
      std::int64_t steps = 0;
      const auto index = static_cast<std::size_t>(&node - graph_.nodes.data());
      for (const auto& target : layers_) {
        steps = std::max(steps, rounding_steps(node.layer, target[index].plan));
      }
      line(" *   of " + node.layer.name + " is off by at most gamma(" + std::to_string(steps) +
           ") = " + short_number(gamma_bound(steps)) + " times the sum of its terms' magnitudes");
    }
  }

  void macros() {
    for (const IoMember& member : io_members_of(graph_)) {
      define(macro_prefix(member.member) + "_ELEMENTS", count(element_count(shape_of(member))));
    }
    for (const Variable& variable : variables_) {
      define(macro_prefix(variable.member) + "_ELEMENTS", count(element_count(variable.shape)));
    }
    std::uint64_t packed = 0, one = 0, slice = 0;
    std::uint32_t tasks = 1;
    for (const VariantLayout& variant : variants_) {
      packed = std::max(packed, variant.packed_bytes);
      one = std::max(one, total_workspace_bytes(variant, 1));
      slice =
          std::max(slice, total_workspace_bytes(variant, 2) - total_workspace_bytes(variant, 1));
      tasks = std::max(tasks, max_tasks(variant));
    }
    line(
        "/* Sizes that are enough for every ISA, constant expressions when `threads` (at least 1) "
        "is;");
    line(" * " + prefix_ + "_packed_bytes and _workspace_bytes tell what one ISA needs. */");
    define("PACKED_BYTES", count(static_cast<std::int64_t>(packed)));
    workspace_macro(one, slice, tasks);
  }

  /// Bytes for one thread and for each further one that finds work.
  void workspace_macro(std::uint64_t one, std::uint64_t slice, std::uint32_t tasks) {
    const std::string fixed = std::to_string(one) + "u";
    const std::string most = std::to_string(tasks) + "u";
    line("#define " + macro_ + "_WORKSPACE_BYTES(threads) \\");
    line("  ((size_t)" + fixed + " + (size_t)" + std::to_string(slice) + "u * \\");
    line("   (((size_t)(threads) < " + most + " ? (size_t)(threads) : (size_t)" + most +
         ") - 1u))");
  }

  void structs() {
    if (!variables_.empty()) {
      line("typedef struct " + prefix_ + "_weights {");
      for (const Variable& variable : variables_) member("const float *", variable.member);
      line("} " + prefix_ + "_weights;");
    }
    line("typedef struct " + prefix_ + "_io {");
    for (const IoMember& io : io_members_of(graph_)) {
      member(io.is_output ? "float *" : "const float *", io.member);
    }
    line("} " + prefix_ + "_io;");
  }

  void functions() {
    line("extern const convc_kernel " + prefix_ + "_kernel;");
    line("size_t " + prefix_ + "_packed_bytes(const convc_options *options);");
    line("size_t " + prefix_ + "_workspace_bytes(const convc_options *options);");
    if (!variables_.empty()) {
      line("convc_status " + prefix_ + "_pack(const " + prefix_ +
           "_weights *weights, void *packed,");
      line("    size_t packed_bytes, const convc_options *options);");
    }
    line("convc_status " + prefix_ + "_run(const " + prefix_ + "_io *io, const void *packed,");
    line("    size_t packed_bytes, void *workspace, size_t workspace_bytes,");
    line("    const convc_options *options);");
    line("");
  }

  std::vector<std::int64_t> shape_of(const IoMember& member) const {
    return fixed_shape(graph_.tensors.at(static_cast<std::size_t>(member.tensor)));
  }
  static std::string count(std::int64_t value) {
    return "((size_t)" + std::to_string(value) + "u)";
  }
  void define(const std::string& name, const std::string& value) {
    line("#define " + macro_ + "_" + name + " " + value);
  }
  void member(const std::string& type, const std::string& name) { line("  " + type + name + ";"); }

  const Graph& graph_;
  const std::vector<std::vector<CompiledLayer>>& layers_;  // [target][node]
  const std::vector<VariantLayout>& variants_;
  const std::string prefix_, macro_;
  const std::vector<Variable> variables_;
  std::string out_;
};

std::string targets_text(const Artifact& artifact) {
  std::string text;
  for (const std::string& target : artifact.targets) text += " *   " + target + "\n";
  return text;
}

}  // namespace

std::string c_header(const Artifact& artifact, const ModuleLayouts& layouts) {
  const std::string guard = macro_prefix(artifact.library_name) + "_CONVC_H";
  std::string out =
      "/* " + artifact.library_name + ".h: convolution kernels, written by convc. C99.\n";
  out += " * Link with lib" + artifact.library_name +
         ".a and convc's runtime; convc/convc.h says how\n";
  out += " * kernels are called. Compiled for\n" + targets_text(artifact) + " */\n";
  out += "#ifndef " + guard + "\n#define " + guard + "\n\n#include \"convc/convc.h\"\n\n";
  out += "#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n";
  for (std::size_t graph = 0; graph < layouts.size(); ++graph) {
    out += KernelSection(artifact, graph, layouts[graph]).text();
  }
  return out + "#ifdef __cplusplus\n}\n#endif\n#endif\n";
}

}  // namespace convc
