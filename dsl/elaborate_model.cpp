// Models of the functional style: which calls lie between their inputs and outputs.
#include <algorithm>

#include "dsl/elaborate.h"
#include "dsl/values.h"

namespace convc {

// Model(inputs, outputs, name).
Handle Elaborator::make_model(const Expr& expr, const Arguments& arguments) {
  GraphDraft graph;
  graph.form = GraphForm::model;
  graph.range = graph.name_range = expr.compound->callee->range;
  bool ok = read_name(arguments, "functional", &graph.name, &graph.name_range);
  ok = ok && !arguments_broken_;
  const auto tensors = [&](const char* name, const char* what) {
    const auto found = arguments.find(name);
    return found == arguments.end() ? std::vector<Handle>{}
                                    : read_tensors(*found->second, what, &ok);
  };
  const bool inputs_given = arguments.count("inputs") != 0;
  const std::vector<Handle> inputs = tensors("inputs", "a Model begins with tensors, not with");
  const std::vector<Handle> outputs = tensors("outputs", "a Model ends with tensors, not with");
  for (const Handle& output : outputs) use(output);
  if (ok && outputs.empty()) {
    diagnostics_.error(Code::missing_argument, graph.range, "Model needs `outputs`")
        .help("write Model(inputs=x, outputs=y)");
    ok = false;
  }
  if (!ok || !collect_model(graph, inputs, inputs_given, outputs)) {
    model_broken_ = true;
    return {Handle::Kind::broken, 0};
  }
  models_.push_back(std::move(graph));
  return made(Handle::Kind::model, models_.size() - 1);
}

// What lies between the outputs and the inputs, in the order of the calls.
bool Elaborator::collect_model(GraphDraft& graph, std::vector<Handle> inputs, bool inputs_given,
                               const std::vector<Handle>& outputs) {
  std::set<std::size_t> calls;
  std::set<std::size_t> reached;  // inputs
  for (std::vector<Handle> next = outputs; !next.empty();) {
    const Handle handle = next.back();
    next.pop_back();
    if (handle.kind == Handle::Kind::input) {
      reached.insert(handle.index);
    } else if (calls.insert(handle.index).second) {
      const std::vector<Handle>& reads = calls_[handle.index].reads;
      next.insert(next.end(), reads.begin(), reads.end());
    }
  }
  if (!inputs_given) {
    for (const std::size_t index : reached) inputs.push_back({Handle::Kind::input, index});
  }
  Tensors tensors;
  if (!add_inputs(graph, inputs, reached, &tensors)) return false;
  for (const std::size_t index : calls) {
    if (!add_call(graph, index, &tensors)) return false;
  }
  for (const Handle& output : outputs) {
    if (output.kind == Handle::Kind::input) {
      return refuse_model(graph, Code::not_connected, "an output of this Model is an Input",
                          "put a layer between them, e.g. Identity()(x)");
    }
    const std::size_t tensor = tensors.at({Handle::Kind::tensor, output.index});
    if (std::find(graph.outputs.begin(), graph.outputs.end(), tensor) != graph.outputs.end()) {
      return refuse_model(graph, Code::not_connected,
                          "one of the outputs of this Model is listed twice",
                          "remove it from outputs=");
    }
    graph.outputs.push_back(tensor);
  }
  return true;
}

bool Elaborator::refuse_model(const GraphDraft& graph, Code code, const char* message,
                              const char* help, SourceRange place) {
  Diagnostic& error = diagnostics_.error(code, graph.range, message);
  error.help(help);
  if (place.known()) error.note("this is it", place);
  return false;
}

// The inputs of a Model are those that its outputs depend on.
bool Elaborator::add_inputs(GraphDraft& graph, const std::vector<Handle>& inputs,
                            const std::set<std::size_t>& reached, Tensors* tensors) {
  for (const Handle& input : inputs) {
    if (input.kind != Handle::Kind::input) {
      return refuse_model(graph, Code::not_supported_yet,
                          "a Model that begins within another is not supported yet",
                          "list tensors that Input(...) makes under inputs=");
    }
    const SourceRange place = inputs_[input.index].range;
    if (reached.count(input.index) == 0) {
      return refuse_model(graph, Code::not_connected,
                          "the outputs of this Model do not depend on one of its inputs",
                          "remove it from inputs=", place);
    }
    if (!tensors->emplace(std::pair(input.kind, input.index), graph.inputs.size()).second) {
      return refuse_model(graph, Code::not_connected,
                          "one of the inputs of this Model is listed twice",
                          "remove it from inputs=", place);
    }
    graph.inputs.push_back(inputs_[input.index]);
  }
  for (const std::size_t index : reached) {
    if (tensors->count({Handle::Kind::input, index}) != 0) continue;
    return refuse_model(graph, Code::not_connected,
                        "the outputs of this Model depend on an Input that it does not list",
                        "add it to inputs=", inputs_[index].range);
  }
  return true;
}

// What the call reads is in `tensors` already.
bool Elaborator::add_call(GraphDraft& graph, std::size_t index, Tensors* tensors) {
  LayerCall& call = calls_[index];
  if (call.in_model) {
    return refuse_model(graph, Code::not_supported_yet,
                        "one layer in two Models is not supported yet",
                        "make one Model with several outputs", call.range);
  }
  call.in_model = true;
  NodeDraft node{layers_[call.layer], {}, call.range};
  for (const Handle& read : call.reads) {
    node.inputs.push_back(tensors->at({read.kind, read.index}));
  }
  graph.broken = graph.broken || node.layer.broken;
  (*tensors)[{Handle::Kind::tensor, index}] = graph.inputs.size() + graph.nodes.size();
  graph.nodes.push_back(std::move(node));
  return true;
}

}  // namespace convc
