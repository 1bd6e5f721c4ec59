// One section per kernel, in the order of the module.
#include "generators/emit/c_header.h"

#include <algorithm>
#include <cstdio>

#include "dsl/cost.h"
#include "dsl/printer.h"
#include "generators/emit/layout_text.h"
#include "generators/emit/names.h"
#include "generators/emit/numerical_contract.h"
#include "generators/emit/tensor_shape.h"
#include "generators/plan/planner.h"

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
  KernelSection(const Artifact& artifact, std::size_t graph, const KernelLayouts& layouts)
      : graph_(artifact.module.graphs[graph]),
        lowered_(artifact.lowered.graphs[graph]),
        layers_(artifact.layers[graph]),
        interface_(layouts.interface),
        variants_(layouts.variants),
        prefix_(kernel_prefix(artifact.module, graph_)),
        macro_(macro_prefix(prefix_)) {}

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
    for (const Node& node : graph_.nodes) {
      if (graph_.form != GraphForm::layer) {
        line(" *   " + comment_text(layer_to_spec_line(node.layer)));
      }
    }
    line(" *");
    tensors_comment();
    const Cost cost = cost_of(graph_);
    line(" * Cost: " + std::to_string(cost.macs) + " multiply-adds, " +
         std::to_string(cost.parameters) + " parameters, " +
         std::to_string(cost.compulsory_bytes()) + " bytes to move" +
         (interface_.sizes.open_count == 0 ? "." : " at typical sizes."));
    for (std::size_t target = 0; target < variants_.size(); ++target) plan_comment(target);
    numbers_comment();
    line(" */");
  }

  /// The spec line of a bare layer; the layers of a network follow.
  std::string title() const {
    if (graph_.form == GraphForm::layer) return layer_to_spec_line(graph_.nodes[0].layer);
    return (graph_.form == GraphForm::sequential ? "a Sequential of " : "a Model of ") +
           std::to_string(graph_.nodes.size()) + " layers";
  }

  void tensors_comment() {
    for (const IoMember& member : io_members_of(graph_)) {
      const Tensor& tensor = tensor_of(member);
      std::string text = " * " + member.member + ": float " +
                         shape_text(lowered_, member.tensor, interface_.sizes) + ", [" +
                         axes_text(tensor) + "]";
      if (tensor.form.row_pitch != 0) {
        text += ", " + std::to_string(tensor.form.row_pitch) + " elements from row to row";
      }
      line(text);
    }
    for (const RunTimeSize& size : interface_.sizes.sizes) {
      if (size.member.empty()) break;
      line(" * " + size.member + ": int64_t, " + std::to_string(size.numbers.min) + " to " +
           std::to_string(size.numbers.max));
    }
    for (const Variable& variable : interface_.variables) {
      line(" * " + variable.member + ": float " + shape_text(variable.shape) + ", [" +
           axes_text(variable, graph_.nodes[variable.node].layer) + "]");
    }
    line(" * The last axis of each array is the innermost in memory.");
  }

  void plan_comment(std::size_t target) {
    const std::vector<std::string> names = step_names(lowered_);
    for (std::size_t node = 0; node < lowered_.nodes.size(); ++node) {
      const bool is_alone = graph_.form == GraphForm::layer && lowered_.nodes.size() == 1;
      const std::string name = is_alone ? "" : ", " + names[node];
      line(" * Plan (" + variants_[target].isa + name +
           "): " + to_text(layers_[target][node].plan));
      const LayerSpec& layer = lowered_.nodes[node].layer;
      if (target == 0 && !is_alone) line(" *   " + comment_text(step_text(layer)));
    }
  }

  /// What bounds a layer's sums.
  struct SumBound {
    std::string layer;
    int tile = 0;  ///< of winograd
    std::int64_t steps = 0;
    double amplification = 1;
    bool leaves_out_zeros = false;
  };

  /// One per layer and size of winograd's tile, which targets may differ in.
  std::vector<SumBound> sum_bounds() const {
    std::vector<SumBound> bounds;
    for (std::size_t node = 0; node < lowered_.nodes.size(); ++node) {
      const LayerSpec& layer = lowered_.nodes[node].layer;
      for (const auto& target : layers_) {
        const Plan& plan = target[node].plan;
        const std::int64_t steps = rounding_steps(layer, plan);
        if (steps == 0) continue;  // no sum
        auto known = std::find_if(bounds.begin(), bounds.end(), [&](const SumBound& bound) {
          return bound.layer == layer.name && bound.tile == plan.output_tile;
        });
        // Phases of one layer are of one length or nearly so.
        if (known == bounds.end())
          known = bounds.insert(
              known, {layer.name, plan.output_tile, steps, term_amplification(layer, plan)});
        known->steps = std::max(known->steps, steps);
        known->leaves_out_zeros = known->leaves_out_zeros || leaves_out_zeros(plan, layer);
      }
    }
    return bounds;
  }

  void numbers_comment() {
    line(" * Numbers: results do not depend on the number of threads. u = 2^-24, gamma(n) =");
    line(
        " * n*u / (1 - n*u). Compared with the exact sum over its own input, the sum of an output");
    const std::vector<SumBound> bounds = sum_bounds();
    for (const SumBound& bound : bounds) {
      const std::string gamma =
          "gamma(" + std::to_string(bound.steps) + ") = " + short_number(gamma_bound(bound.steps));
      line(" *   of " + bound.layer + " is off by at most " + gamma +
           " times the sum of its terms' magnitudes");
      if (bound.leaves_out_zeros) {
        line(
            " *     products with zeros of the literal filter or of the padding are left out: NaN");
        line(" *     and infinities do not reach it through them (they do with --accuracy strict)");
      }
      if (bound.tile == 0) continue;
      const std::string tile = std::to_string(bound.tile);
      line(" *     as winograd in tiles of " + tile +
           " outputs along an axis adds them up: |bias| + " + short_number(bound.amplification) +
           " times");
      line(
          " *     products * max |input| * max |kernel| at most. NaN and infinities spread to the");
      line(" *     other outputs of a tile (not with --accuracy strict)");
    }
    if (bounds.empty()) line(" *   is the input itself");
    line(" * and what follows it is float32: activations are within 4 units in the last place.");
  }

  void macros() {
    for (const auto* tensors : {&interface_.inputs, &interface_.outputs}) {
      for (const IoTensor& tensor : *tensors) {
        if (!tensor.open_shape.empty()) continue;  // convc_input_shape and convc_output_shape tell
        define(macro_prefix(tensor.member) + "_ELEMENTS",
               count(static_cast<std::int64_t>(tensor.bytes / sizeof(float))));
      }
    }
    for (const Variable& variable : interface_.variables) {
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
    if (!interface_.variables.empty()) {
      line("typedef struct " + prefix_ + "_weights {");
      for (const Variable& variable : interface_.variables)
        member("const float *", variable.member);
      line("} " + prefix_ + "_weights;");
    }
    line("typedef struct " + prefix_ + "_io {");
    for (const IoMember& io : io_members_of(graph_)) {
      member(io.is_output ? "float *" : "const float *", io.member);
    }
    for (std::size_t i = 0; i < interface_.sizes.open_count; ++i) {
      member("int64_t ", interface_.sizes.sizes[i].member);
    }
    line("} " + prefix_ + "_io;");
  }

  void functions() {
    line("extern const convc_kernel " + prefix_ + "_kernel;");
    line("size_t " + prefix_ + "_packed_bytes(const convc_options *options);");
    line("size_t " + prefix_ + "_workspace_bytes(const convc_options *options);");
    if (!interface_.variables.empty()) {
      line("convc_status " + prefix_ + "_pack(const " + prefix_ +
           "_weights *weights, void *packed,");
      line("    size_t packed_bytes, const convc_options *options);");
    }
    line("convc_status " + prefix_ + "_run(const " + prefix_ + "_io *io, const void *packed,");
    line("    size_t packed_bytes, void *workspace, size_t workspace_bytes,");
    line("    const convc_options *options);");
    line("");
  }

  const Tensor& tensor_of(const IoMember& member) const {
    return graph_.tensors.at(static_cast<std::size_t>(member.tensor));
  }
  static std::string count(std::int64_t value) {
    return "((size_t)" + std::to_string(value) + "u)";
  }
  void define(const std::string& name, const std::string& value) {
    line("#define " + macro_ + "_" + name + " " + value);
  }
  void member(const std::string& type, const std::string& name) { line("  " + type + name + ";"); }

  const Graph& graph_;
  const Graph& lowered_;
  const std::vector<std::vector<CompiledLayer>>& layers_;  // [target][node of lowered_]
  const KernelInterface& interface_;
  const std::vector<VariantLayout>& variants_;
  const std::string prefix_, macro_;
  std::string out_;
};

std::string targets_text(const Artifact& artifact) {
  std::string text;
  for (const std::string& target : artifact.targets) text += " *   " + target + "\n";
  return text;
}

}  // namespace

std::string c_header(const Artifact& artifact, const std::vector<KernelLayouts>& layouts) {
  const std::string guard = macro_prefix(artifact.library_name) + "_CONVC_H";
  std::string out =
      "/* " + artifact.library_name + ".h: convolution kernels, written by convc. C99.\n";
  out += " * Link with lib" + artifact.library_name +
         ".a and convc's runtime; convc/convc.h says how\n";
  out += " * kernels are called. Accuracy: " + std::string(name_of(artifact.accuracy)) +
         ". Compiled for\n" + targets_text(artifact) + " */\n";
  out += "#ifndef " + guard + "\n#define " + guard + "\n\n#include \"convc/convc.h\"\n\n";
  out += "#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n";
  for (std::size_t graph = 0; graph < layouts.size(); ++graph) {
    out += KernelSection(artifact, graph, layouts[graph]).text();
  }
  return out + "#ifdef __cplusplus\n}\n#endif\n#endif\n";
}

}  // namespace convc
