// A pitch belongs to a tensor that the caller owns: an input or output of the function.
#include "dsl/row_pitch.h"

#include <algorithm>
#include <map>

#include "dsl/cost.h"
#include "dsl/text.h"

namespace convc {
namespace {

class PitchSetter {
 public:
  PitchSetter(Graph& graph, Diagnostics& diagnostics) : graph_(graph), diagnostics_(diagnostics) {}

  bool set(const Given<std::int64_t>& given, const char* name, TensorId id) {
    if (!given.value) return true;
    given_ = &given;
    name_ = name;
    if (!owned(id)) {
      fail(cat("`", name, "` of a tensor between two layers"))
          .help("only inputs and outputs of a function lie in the caller's memory");
      return false;
    }
    const auto [before, fresh] = pitches_.emplace(id, *given.value);
    if (!fresh && before->second != *given.value) {
      fail(cat("`", name, "` is ", *given.value, " here and ", before->second, " elsewhere"))
          .help("all layers that read or make one tensor give it the same pitch");
      return false;
    }
    return check(tensor(id));
  }

 private:
  Diagnostic& fail(const std::string& message) {
    return diagnostics_.error(Code::row_pitch, given_->range, message);
  }

  [[nodiscard]] bool owned(TensorId id) const {
    const auto in = [id](const std::vector<TensorId>& ids) {
      return std::find(ids.begin(), ids.end(), id) != ids.end();
    };
    return in(graph_.inputs) || in(graph_.outputs);
  }

  [[nodiscard]] Tensor& tensor(TensorId id) const {
    return graph_.tensors[static_cast<std::size_t>(id)];
  }

  static bool is_first(const Tensor& tensor) {
    return tensor.form.layout == Layout::channels_first;
  }
  // Where its shape has the width; the height is before it.
  static std::size_t width_of(const Tensor& tensor) {
    return tensor.shape.size() - (is_first(tensor) ? 1 : 2);
  }

  // Whether a size follows from one of an input that has no greatest size.
  [[nodiscard]] bool unbounded(const Tensor& tensor, std::size_t index) const {
    if (tensor.shape[index].fixed()) return false;
    const std::size_t from_width = width_of(tensor) - index;
    return std::any_of(graph_.inputs.begin(), graph_.inputs.end(), [&](TensorId id) {
      const Tensor& input = this->tensor(id);
      const Dim& dim = input.shape[index == 0 ? 0 : width_of(input) - from_width];
      return !dim.fixed() && dim.max == kMaxElements;
    });
  }

  // Rows fit into the pitch, and all of them can be indexed.
  bool check(Tensor& tensor) {
    const std::int64_t pitch = *given_->value;
    const bool first = is_first(tensor);
    const std::size_t width = width_of(tensor);
    if (unbounded(tensor, width)) {
      fail(cat("`", name_, "` of rows that have no greatest width"))
          .note("a pitch has room for the widest row")
          .help("give the width of the input as Dim(max=...)");
      return false;
    }
    const std::int64_t channels = first ? 1 : tensor.shape.back().max;
    const std::optional<std::int64_t> dense = product_of({tensor.shape[width].max, channels});
    if (!dense || *dense > pitch) {
      fail(cat("`", name_, "` ", pitch, " is less than a row"))
          .note(first ? cat("a row of one channel has ", tensor.shape[width].max, " elements")
                      : cat("a row has ", tensor.shape[width].max, " * ", channels, " = ",
                            dense ? std::to_string(*dense) : "more than 2^63", " elements"))
          .help("the pitch is counted in elements, from one row to the next");
      return false;
    }
    std::vector<std::int64_t> factors = {pitch};
    for (std::size_t i = 0; i < (first ? width : width + 1); ++i) {
      // Where there is no greatest size, the run time checks.
      if (i != width && !unbounded(tensor, i)) factors.push_back(tensor.shape[i].max);
    }
    const std::optional<std::int64_t> elements = product_of(factors);
    if (!elements || *elements > kMaxElements) {
      const bool open = std::any_of(tensor.shape.begin(), tensor.shape.end(),
                                    [](const Dim& dim) { return !dim.fixed(); });
      fail(cat("with `", name_, "` ", pitch, " the tensor spans 2^31 elements or more"))
          .help(open ? "give the open sizes a smaller greatest one, as Dim(max=...)"
                     : "use a smaller pitch");
      return false;
    }
    const bool is_dense = *dense == pitch && tensor.shape[width].fixed();
    tensor.form.row_pitch = is_dense ? 0 : pitch;
    return true;
  }

  Graph& graph_;
  Diagnostics& diagnostics_;
  std::map<TensorId, std::int64_t> pitches_;
  const Given<std::int64_t>* given_ = nullptr;
  const char* name_ = "";
};

}  // namespace

bool set_row_pitches(const GraphDraft& draft, Graph* graph, Diagnostics& diagnostics) {
  PitchSetter setter(*graph, diagnostics);
  for (std::size_t i = 0; i < draft.nodes.size(); ++i) {
    const LayerDraft& layer = draft.nodes[i].layer;
    const Node& node = graph->nodes[i];
    if (!setter.set(layer.input_pitch, "input_pitch", node.inputs.front()) ||
        !setter.set(layer.output_pitch, "output_pitch", node.outputs.front())) {
      return false;
    }
  }
  for (Node& node : graph->nodes) {
    node.layer.input_form = graph->tensors[static_cast<std::size_t>(node.inputs.front())].form;
    node.layer.output_form = graph->tensors[static_cast<std::size_t>(node.outputs.front())].form;
  }
  return true;
}

}  // namespace convc
