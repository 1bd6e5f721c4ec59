// Checks graphs: what they read, how sizes and layouts flow through them, and how the result is
// connected.
#include "dsl/checker.h"

#include <algorithm>

#include "dsl/axes.h"
#include "dsl/cost.h"
#include "dsl/graph_sizes.h"
#include "dsl/layouts.h"
#include "dsl/merge.h"
#include "dsl/names.h"
#include "dsl/resolve.h"
#include "dsl/row_pitch.h"
#include "dsl/text.h"
#include "dsl/vocabulary.h"

namespace convc {
namespace {

class GraphChecker {
 public:
  GraphChecker(const std::string& library, const GraphDraft& draft, Diagnostics& diagnostics)
      : library_(library), draft_(draft), diagnostics_(diagnostics) {}

  std::optional<Graph> run() {
    std::size_t sound = draft_.nodes.size();  // layers before the first one with an error
    for (std::size_t i = draft_.nodes.size(); i-- > 0;) {
      set_origin(&draft_.nodes[i].layer);
      if (!check_layer(draft_.nodes[i].layer, diagnostics_) || draft_.nodes[i].layer.broken) {
        sound = i;
      }
    }
    set_origin(draft_.nodes.empty() ? nullptr : &draft_.nodes.front().layer);
    const bool inputs_ok = check_inputs();
    const std::optional<Dim> batch = common_batch();
    if (!inputs_ok || !batch || !check_bounds(*batch)) return std::nullopt;
    if (draft_.broken || sound != draft_.nodes.size()) {
      check_part(sound, *batch);
      return std::nullopt;
    }
    const std::optional<std::vector<Layout>> layouts = infer_layouts(draft_, ranks(), diagnostics_);
    if (!layouts || !check_channels(*layouts)) return std::nullopt;
    std::optional<GraphSizes> sizes = resolve_sizes(draft_, *layouts, *batch, diagnostics_);
    if (!sizes) return std::nullopt;
    if (!check_merges(*layouts, sizes->tensors) || !check_softmax(*layouts, *sizes)) {
      return std::nullopt;
    }
    build(*layouts, std::move(*sizes));
    if (!set_row_pitches(draft_, &graph_, diagnostics_) || !check_cost()) return std::nullopt;
    return std::move(graph_);
  }

 private:
  // The sizes of what is before an error are checked all the same.
  void check_part(std::size_t nodes, const Dim& batch) {
    GraphDraft part = draft_;
    part.nodes.resize(nodes);
    const std::optional<std::vector<Layout>> layouts = infer_layouts(part, ranks(), diagnostics_);
    if (layouts && check_channels(*layouts)) resolve_sizes(part, *layouts, batch, diagnostics_);
  }

  void set_origin(const LayerDraft* layer) {
    const bool inner = draft_.form != GraphForm::layer && layer != nullptr;
    diagnostics_.set_origin(inner ? cat(library_, ".", draft_.name, ".", layer->name)
                                  : cat(library_, ".", draft_.name));
  }

  bool check_inputs() {
    bool ok = true;
    for (const InputDraft& input : draft_.inputs) ok = check_input(input) && ok;
    return ok;
  }

  bool check_input(const InputDraft& input) {
    if (!input.shape.present) {
      report_missing_shape();
      return false;
    }
    if (!input.shape.value || input.batch.wrong()) return false;
    bool ok = !input.batch.value || check_dim("the batch", *input.batch.value, input.batch.range);
    for (const Dim& dim : *input.shape.value) {
      if (check_dim("a size of the input's shape", dim, input.shape.range)) continue;
      ok = false;
      break;
    }
    if (input.shape.value->size() < 2 || input.shape.value->size() > 4) {
      diagnostics_.error(Code::wrong_type, input.shape.range,
                         cat("an input has 1 to 3 axes and the channels, not ",
                             count_of(input.shape.value->size(), "size")));
      return false;
    }
    return ok;
  }

  void report_missing_shape() {
    if (draft_.nodes.empty()) return;
    const LayerDraft& first = draft_.nodes.front().layer;
    const bool chain = draft_.form == GraphForm::sequential;
    // What was reported may have been the shape.
    if (chain ? draft_.broken : first.unmatched) return;
    if (first.type->merges()) {
      diagnostics_
          .error(Code::no_input_shape, first.callee,
                 cat(first.type->callable, " reads several tensors and is no function of its own"))
          .help(cat("call it: ", first.type->callable, "()([a, b])"));
      return;
    }
    const std::string shape =
        cat("(", axes_text(first.type->rank == 0 ? 2 : first.type->rank), ", channels)");
    diagnostics_
        .error(Code::no_input_shape, chain ? draft_.range : first.callee,
               chain ? cat("the input shape of Sequential \"", draft_.name, "\" is missing")
                     : std::string("the input shape of this layer is missing"))
        .help(chain ? cat("begin the list with Input(shape=", shape, ")")
                    : cat("add input_shape=", shape));
  }

  bool check_dim(const std::string& what, const Dim& dim, SourceRange range) {
    if (dim.min > dim.max) {
      diagnostics_.error(Code::open_range, range,
                         cat("no size is from ", dim.min, " to ", dim.max));
      return false;
    }
    if (dim.max < 1 || dim.min < 0) {
      diagnostics_.error(Code::bad_size, range, cat(what, " must be at least 1, not ", dim.min));
      return false;
    }
    if (dim.max <= kMaxElements) return true;
    diagnostics_.error(Code::size_too_large, range, cat(what, " is too large: ", dim.max))
        .note(cat("a size is at most 2^31 - 1 = ", kMaxElements));
    return false;
  }

  // All inputs of a function have the same batch; layers may say it too.
  std::optional<Dim> common_batch() {
    const Given<DimDraft>* first = nullptr;
    bool ok = true;
    const auto meet = [&](const Given<DimDraft>& given) {
      if (!given.present) return;
      if (!given.value) {
        ok = false;
        return;
      }
      if (first == nullptr) first = &given;
      if (*given.value == *first->value) return;
      ok = false;
      diagnostics_
          .error(Code::shapes_disagree, given.range,
                 cat("the batch is ", dim_text(*given.value), " here and ", dim_text(*first->value),
                     " elsewhere"))
          .help("give the batch once, with Input(batch_size=...)");
    };
    for (const InputDraft& input : draft_.inputs) meet(input.batch);
    for (const NodeDraft& node : draft_.nodes) {
      meet(node.layer.batch);
      if (!ok) break;
    }
    if (!ok) return std::nullopt;
    graph_.batch_given = first != nullptr;
    return first == nullptr ? Dim{1, 1} : *first->value;
  }

  static std::string dim_text(const Dim& dim) {
    if (dim.fixed()) return std::to_string(dim.min);
    return dim == kNone ? "None" : cat("Dim(", dim.min, ", ", dim.max, ")");
  }

  // What several steps hand to each other has a place of its greatest size.
  bool check_bounds(const Dim& batch) {
    if (draft_.nodes.size() < 2) return true;
    const auto unbounded = [](const Dim& dim) { return !dim.fixed() && dim.max == kMaxElements; };
    for (const InputDraft& input : draft_.inputs) {
      SourceRange range = input.shape.range;
      bool any = std::any_of(input.shape.value->begin(), input.shape.value->end(), unbounded);
      if (!any && unbounded(batch)) {
        any = true;
        range = input.batch.range;
      }
      if (!any) continue;
      diagnostics_
          .error(Code::unbounded_size, range,
                 "a run-time size of a function of several layers needs a maximum")
          .note("its workspace has room for the greatest size");
      return false;
    }
    return true;
  }

  [[nodiscard]] std::vector<int> ranks() const {
    std::vector<int> ranks;
    for (const InputDraft& input : draft_.inputs) {
      ranks.push_back(static_cast<int>(input.shape.value->size()) - 1);
    }
    for (const NodeDraft& node : draft_.nodes) ranks.push_back(ranks[node.inputs.front()]);
    return ranks;
  }

  // Channels and depth are known.
  bool check_channels(const std::vector<Layout>& layouts) {
    for (std::size_t i = 0; i < draft_.inputs.size(); ++i) {
      const ShapeDraft& shape = *draft_.inputs[i].shape.value;
      const bool first = layouts[i] == Layout::channels_first;
      const Dim& channels = first ? shape.front() : shape.back();
      const bool deep = shape.size() == 4;
      const bool open_depth = deep && !(first ? shape[1] : shape[0]).fixed();
      if (channels.fixed() && !open_depth) continue;
      diagnostics_
          .error(Code::open_size, draft_.inputs[i].shape.range,
                 cat("the ", channels.fixed() ? "depth" : "number of channels", " must be known"))
          .note(channels.fixed() ? "height, width and batch may be run-time sizes"
                                 : "the sizes of the filters depend on it");
      return false;
    }
    return true;
  }

  // The result of a sum lies as its first tensor does; so must the one that is not repeated.
  bool check_merges(const std::vector<Layout>& layouts, const std::vector<TensorSizes>& tensors) {
    for (std::size_t i = 0; i < draft_.nodes.size(); ++i) {
      const NodeDraft& node = draft_.nodes[i];
      const Layout made = layouts[draft_.inputs.size() + i];
      if (!node.layer.type->merges() || layouts[main_input(draft_, i, tensors)] == made) continue;
      diagnostics_
          .error(Code::layouts_disagree, node.range,
                 cat("the first tensor of this ", node.layer.type->callable,
                     " is repeated, and the tensor of the result's shape has another layout"))
          .help("list that tensor first");
      return false;
    }
    return true;
  }

  // Softmax and its kin pass all along an axis through an array of constant size.
  bool check_softmax(const std::vector<Layout>& layouts, const GraphSizes& sizes) {
    for (std::size_t i = 0; i < draft_.nodes.size(); ++i) {
      const LayerSpec& layer = sizes.layers[i];
      if (!begins_channelwise(layer.post_ops)) continue;
      const Activation& activation = layer.post_ops.front().activation;
      const std::size_t output = draft_.inputs.size() + i;
      const TensorSizes& made = sizes.tensors[output];
      const Dim size = activation.axis == TensorAxis::height  ? made.height
                       : activation.axis == TensorAxis::width ? made.width
                                                              : Dim{};  // known
      if (size.fixed()) continue;
      const LayerDraft& draft = draft_.nodes[i].layer;
      diagnostics_
          .error(Code::open_size,
                 draft.activation.range.known() ? draft.activation.range : draft.callee,
                 cat(name_of(activation.function), " goes over the ", name_of(activation.axis),
                     " here, which must be known"))
          .note("without `axis` it goes over the last axis, as in Keras")
          .help(cat("over the channels it is the layer Activation(\"", name_of(activation.function),
                    "\", axis=", index_of(TensorAxis::channels, layer.rank, layouts[output]), ")"));
      return false;
    }
    return true;
  }

  // Tensors: inputs by the names of their Inputs, or "input"; then one for each layer by its name,
  // a single output "output".
  void build(const std::vector<Layout>& layouts, GraphSizes sizes) {
    graph_.name = draft_.name;
    graph_.form = draft_.form;
    graph_.location = diagnostics_.locate(draft_.range);
    for (std::size_t i = 0; i < sizes.tensors.size(); ++i) {
      graph_.tensors.push_back(tensor_of(i, sizes.tensors[i], layouts[i]));
    }
    for (std::size_t i = 0; i < draft_.inputs.size(); ++i) {
      graph_.inputs.push_back(static_cast<TensorId>(i));
    }
    for (const std::size_t output : draft_.outputs) {
      graph_.outputs.push_back(static_cast<TensorId>(output));
    }
    for (std::size_t i = 0; i < draft_.nodes.size(); ++i) {
      Node node{std::move(sizes.layers[i]), {}, {}};
      node.layer.location = diagnostics_.locate(draft_.nodes[i].layer.callee);
      connect(i, sizes.tensors, layouts, &node);
      graph_.nodes.push_back(std::move(node));
    }
  }

  Tensor tensor_of(std::size_t index, const TensorSizes& sizes, Layout layout) const {
    Tensor tensor;
    tensor.name = tensor_name(draft_, index);
    tensor.form.layout = layout;
    const Dim channels{sizes.channels, sizes.channels};
    tensor.shape.push_back(sizes.batch);
    if (layout == Layout::channels_first) tensor.shape.push_back(channels);
    for (const Axis axis : axes_of(sizes.rank)) {
      tensor.shape.push_back(axis == Axis::depth    ? sizes.depth
                             : axis == Axis::height ? sizes.height
                                                    : sizes.width);
    }
    if (layout == Layout::channels_last) tensor.shape.push_back(channels);
    return tensor;
  }

  // The main input comes first; the others are the operands of the post_ops.
  void connect(std::size_t index, const std::vector<TensorSizes>& tensors,
               const std::vector<Layout>& layouts, Node* node) const {
    const std::size_t output = draft_.inputs.size() + index;
    std::vector<std::size_t> inputs = draft_.nodes[index].inputs;
    const std::size_t main = main_input(draft_, index, tensors);
    const auto at = std::find(inputs.begin(), inputs.end(), main);
    std::rotate(inputs.begin(), at, at + 1);
    node->inputs.assign(inputs.begin(), inputs.end());
    node->outputs = {static_cast<TensorId>(output)};
    LayerSpec& layer = node->layer;
    layer.input_form.layout = layouts[main];
    layer.output_form.layout = layouts[output];
    if (!draft_.nodes[index].layer.type->merges()) return;
    const auto shape_of = [&](std::size_t tensor) {
      const TensorSizes& s = tensors[tensor];
      return MergeShape<Dim>{{s.depth, s.height, s.width}, {s.channels, s.channels}};
    };
    const PostOp op = layer.post_ops.front();
    layer.post_ops.assign(inputs.size() - 1, op);
    for (std::size_t i = 1; i < inputs.size(); ++i) {
      PostOp& one = layer.post_ops[i - 1];
      one.operand = static_cast<int>(i);
      one.operand_layout = layouts[inputs[i]];
      one.operand_shape = operand_shape<Dim>(shape_of(inputs[i]), shape_of(main), {1, 1})
                              .value_or(OperandShape::full);
    }
  }

  bool check_cost() {
    if (checked_cost_of(graph_)) return true;
    diagnostics_
        .error(Code::overflow, draft_.range,
               cat("the multiply-adds of \"", draft_.name, "\" overflow 64 bits"))
        .note("their sum over all layers is more than 2^63 - 1");
    return false;
  }

  const std::string& library_;
  const GraphDraft& draft_;
  Diagnostics& diagnostics_;
  Graph graph_;
};

}  // namespace

std::optional<Module> check_module(const ModuleDraft& draft, Diagnostics& diagnostics) {
  const std::size_t errors_before = diagnostics.error_count();
  Module module;
  module.name = draft.name;
  bool ok = true;
  for (const GraphDraft& graph : draft.graphs) {
    std::optional<Graph> checked = GraphChecker(draft.name, graph, diagnostics).run();
    ok = ok && checked;
    if (checked) module.graphs.push_back(std::move(*checked));
  }
  check_unique_names(draft, diagnostics);
  diagnostics.set_origin({});
  if (!ok || diagnostics.error_count() != errors_before) return std::nullopt;
  return module;
}

}  // namespace convc
