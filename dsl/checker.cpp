// Checks graphs: where shapes come from and how they flow from layer to layer.
#include "dsl/checker.h"

#include "dsl/cost.h"
#include "dsl/names.h"
#include "dsl/resolve.h"
#include "dsl/text.h"

namespace convc {
namespace {

std::string shape_text(const ImageShape& shape) {
  return cat("(", shape[0], ", ", shape[1], ", ", shape[2], ")");
}

ImageShape shape_of(const InputShape& input) {
  return {input.size.height, input.size.width, input.channels};
}

class GraphChecker {
 public:
  GraphChecker(const std::string& library, const GraphDraft& draft, Diagnostics& diagnostics)
      : library_(library), draft_(draft), diagnostics_(diagnostics) {}

  std::optional<Graph> run() {
    graph_.name = draft_.name;
    graph_.is_sequential = draft_.is_sequential;
    graph_.location = diagnostics_.locate(draft_.range);
    bool ok = !draft_.broken;
    std::optional<InputShape> shape = first_input();
    for (const LayerDraft& layer : draft_.layers) {
      set_origin(layer);
      const bool sound = check_layer(layer, diagnostics_) && !layer.broken;
      if (shape && !agrees(layer, *shape)) shape.reset();
      std::optional<LayerSpec> resolved;
      if (sound && shape) resolved = resolve_layer(layer, *shape, diagnostics_);
      ok = ok && resolved;
      shape.reset();
      if (!resolved) continue;
      shape = InputShape{resolved->batch, resolved->out, resolved->filters};
      append(std::move(*resolved));
    }
    set_origin(draft_.layers.empty() ? LayerDraft{} : draft_.layers.front());
    if (!ok || !check_cost()) return std::nullopt;
    return std::move(graph_);
  }

 private:
  void set_origin(const LayerDraft& layer) {
    diagnostics_.set_origin(draft_.is_sequential ? cat(library_, ".", draft_.name, ".", layer.name)
                                                 : cat(library_, ".", draft_.name));
  }

  // What the first layer reads: from Input, or from its own input_shape.
  std::optional<InputShape> first_input() {
    if (draft_.layers.empty()) return std::nullopt;
    const LayerDraft& first = draft_.layers.front();
    set_origin(first);
    const bool from_input = draft_.input.has_value();
    const Given<ImageShape>& given = from_input ? draft_.input->shape : first.input_shape;
    const Given<std::int64_t>& batch =
        from_input && draft_.input->batch.present ? draft_.input->batch : first.batch;
    if (!given.present) {
      // What was reported may have been the shape.
      const bool unknown = draft_.is_sequential ? draft_.broken : first.unmatched;
      if (unknown) return std::nullopt;
      Diagnostic& error = diagnostics_.error(
          Code::no_input_shape, draft_.is_sequential ? draft_.range : first.callee,
          draft_.is_sequential
              ? cat("the input shape of Sequential \"", draft_.name, "\" is missing")
              : std::string("the input shape of this layer is missing"));
      error.help(draft_.is_sequential ? "begin the list with Input(shape=(height, width, channels))"
                                      : "add input_shape=(height, width, channels)");
      return std::nullopt;
    }
    if (!given.value || batch.wrong()) return std::nullopt;
    graph_.batch_given = batch.present;
    InputShape shape;
    shape.batch = batch.value.value_or(1);
    shape.size = {(*given.value)[0], (*given.value)[1]};
    shape.channels = (*given.value)[2];
    // The layer's own arguments are checked, and reported, with the layer.
    if (from_input && !check_input(shape, given.range, batch.range, diagnostics_)) {
      return std::nullopt;
    }
    return shape;
  }

  // A layer that says what it reads must be right.
  bool agrees(const LayerDraft& layer, const InputShape& input) {
    bool ok = !layer.input_shape.wrong() && !layer.batch.wrong();
    if (layer.input_shape.value && *layer.input_shape.value != shape_of(input)) {
      diagnostics_
          .error(Code::shapes_disagree, layer.input_shape.range,
                 cat("`input_shape` is ", shape_text(*layer.input_shape.value),
                     ", but this layer reads ", shape_text(shape_of(input))))
          .help("leave `input_shape` out: only the first layer of a chain needs it");
      ok = false;
    }
    if (layer.batch.value && *layer.batch.value != input.batch) {
      diagnostics_
          .error(Code::shapes_disagree, layer.batch.range,
                 cat("`batch` is ", *layer.batch.value, ", but this layer reads a batch of ",
                     input.batch))
          .help("give the batch once, with Input(batch_size=...)");
      ok = false;
    }
    return ok;
  }

  TensorId add_tensor(const std::string& name, std::int64_t batch, const Size2D& size,
                      std::int64_t channels) {
    Tensor tensor;
    tensor.name = name;
    for (const std::int64_t extent : {batch, size.height, size.width, channels}) {
      tensor.shape.push_back({extent, extent});
    }
    graph_.tensors.push_back(std::move(tensor));
    return static_cast<TensorId>(graph_.tensors.size()) - 1;
  }

  // Tensors are "input", then one per layer by its name, the last one "output".
  void append(LayerSpec layer) {
    if (graph_.tensors.empty()) {
      graph_.inputs = {add_tensor("input", layer.batch, layer.in, layer.in_channels)};
    }
    const bool last = graph_.nodes.size() + 1 == draft_.layers.size();
    const TensorId input = static_cast<TensorId>(graph_.tensors.size()) - 1;
    const TensorId output =
        add_tensor(last ? "output" : layer.name, layer.batch, layer.out, layer.filters);
    graph_.outputs = {output};
    graph_.nodes.push_back({std::move(layer), {input}, {output}});
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
