// `convc run`: one layer or network on .npy arrays.
#include <cerrno>
#include <cstring>
#include <memory>

#include "convc/kernel_abi.h"
#include "generators/driver/compilation.h"
#include "generators/driver/exit_codes.h"
#include "generators/driver/npy.h"
#include "generators/driver/session.h"
#include "generators/driver/verbs.h"
#include "generators/emit/file_io.h"
#include "generators/emit/names.h"
#include "generators/emit/worker.h"

namespace convc {
namespace {

/// The arrays of one call, checked against the graph.
struct Arrays {
  NpyArray input;
  std::vector<NpyArray> variables;  ///< in the order of variables_of(graph)
};

bool read_array(const std::string& path, NpyArray* array) {
  std::string error;
  std::optional<NpyArray> read = read_npy(path, &error);
  if (!read) {
    print_error(error);
    return false;
  }
  *array = std::move(*read);
  return true;
}

/// The batch axis may be left out where the batch is 1.
bool is_input_shape(const std::vector<std::int64_t>& got,
                    const std::vector<std::int64_t>& expected) {
  return got == expected || (expected[0] == 1 && got == std::vector<std::int64_t>(
                                                            expected.begin() + 1, expected.end()));
}

bool check_shape(const std::string& path, const std::string& what,
                 const std::vector<std::int64_t>& got, const std::vector<std::int64_t>& expected,
                 const std::string& help) {
  if (got == expected) return true;
  print_error(
      path + ": " + what + " has shape " + shape_text(got) + ", expected " + shape_text(expected),
      help);
  return false;
}

/// Keras' name of a variable's file: LAYER.kernel.npy.
std::string variable_file(const Options& options, const Graph& graph, const Variable& variable) {
  const std::string kind = variable.is_bias ? "bias" : "kernel";
  return options.weights_directory + "/" + graph.nodes[variable.node].layer.name + "." + kind +
         ".npy";
}

/// Where each variable's numbers come from; an empty list after printing what is missing.
std::optional<std::vector<std::string>> variable_paths(const Options& options, const Graph& graph) {
  const std::vector<Variable> variables = variables_of(graph);
  std::vector<std::string> paths;
  if (!options.weights_directory.empty()) {
    for (const Variable& variable : variables)
      paths.push_back(variable_file(options, graph, variable));
    return paths;
  }
  if (variables.empty() && !(options.kernel + options.bias).empty()) {
    print_error("the numbers of `" + graph.name +
                "` are in the spec, so it takes no --kernel or --bias");
    return std::nullopt;
  }
  if (graph.nodes.size() > 1 && !variables.empty()) {
    print_error("`" + graph.name + "` has several layers: their numbers come from --weights DIR",
                "DIR holds LAYER.kernel.npy and LAYER.bias.npy of each layer");
    return std::nullopt;
  }
  bool has_bias = false;
  for (const Variable& variable : variables) {
    const std::string& path = variable.is_bias ? options.bias : options.kernel;
    const std::string option = variable.is_bias ? "--bias" : "--kernel";
    has_bias = has_bias || variable.is_bias;
    if (path.empty()) {
      print_error("`" + graph.name + "` needs its " + option.substr(2) + ", " +
                  shape_text(variable.shape) + ", from " + option + " FILE.npy or --weights DIR");
      return std::nullopt;
    }
    paths.push_back(path);
  }
  if (!variables.empty() && !has_bias && !options.bias.empty()) {
    print_error("`" + graph.name + "` has no bias (use_bias=False), so it takes no --bias");
    return std::nullopt;
  }
  return paths;
}

std::optional<Arrays> read_arrays(const Options& options, const Graph& graph) {
  Arrays arrays;
  const Tensor& tensor = graph.tensors[static_cast<std::size_t>(graph.inputs[0])];
  const std::vector<std::int64_t> expected = fixed_shape(tensor);
  if (!read_array(options.input, &arrays.input)) return std::nullopt;
  if (!is_input_shape(arrays.input.shape, expected)) {
    check_shape(options.input, "the input of `" + graph.name + "`", arrays.input.shape, expected,
                expected[0] == 1 ? "height, width, channels; the batch axis may be left out"
                                 : "batch, height, width, channels");
    return std::nullopt;
  }
  const std::optional<std::vector<std::string>> paths = variable_paths(options, graph);
  if (!paths) return std::nullopt;
  const std::vector<Variable> variables = variables_of(graph);
  for (std::size_t i = 0; i < variables.size(); ++i) {
    NpyArray array;
    const std::string what = std::string(variables[i].is_bias ? "bias" : "kernel") + " of layer `" +
                             graph.nodes[variables[i].node].layer.name + "`";
    if (!read_array((*paths)[i], &array) ||
        !check_shape((*paths)[i], what, array.shape, variables[i].shape,
                     variables[i].is_bias
                         ? "(filters,)"
                         : "height, width, input channels / groups, filters (HWIO), "
                           "as Keras has it"))
      return std::nullopt;
    arrays.variables.push_back(std::move(array));
  }
  return arrays;
}

[[noreturn]] void fail_call(const char* function) {
  throw std::runtime_error(std::string(function) + ": " + convc_last_error());
}

using AlignedMemory = std::unique_ptr<void, decltype(&std::free)>;

AlignedMemory aligned_memory(std::size_t bytes) {
  AlignedMemory memory(
      std::aligned_alloc(CONVC_ALIGNMENT, (bytes / CONVC_ALIGNMENT + 1) * CONVC_ALIGNMENT),
      &std::free);
  if (!memory) throw std::bad_alloc();
  return memory;
}

/// In the child: loads, packs, runs; returns the output's bytes.
std::string run_in_child(const Artifact& artifact, const Arrays& arrays, const std::string& isa,
                         unsigned threads) {
  const std::unique_ptr<LoadedLibrary> library = load_in_child(artifact);
  const convc_kernel* kernel = library->kernel(0);
  convc_options options{};
  options.struct_bytes = sizeof options;
  options.threads = threads;
  options.isa = isa.c_str();
  const std::size_t packed_bytes = convc_packed_bytes(kernel, &options);
  const std::size_t workspace_bytes = convc_workspace_bytes(kernel, &options);
  if (packed_bytes == SIZE_MAX || workspace_bytes == SIZE_MAX) fail_call("convc_workspace_bytes");
  const AlignedMemory packed = aligned_memory(packed_bytes),
                      workspace = aligned_memory(workspace_bytes);
  std::vector<const void*> variables;
  for (const NpyArray& array : arrays.variables) variables.push_back(array.values.data());
  if (packed_bytes != 0 &&
      convc_pack(kernel, variables.data(), packed.get(), packed_bytes, &options) != CONVC_OK)
    fail_call("convc_pack");
  std::string output(kernel->outputs[0].bytes, '\0');
  const void* io[] = {arrays.input.values.data(), output.data()};
  if (convc_run(kernel, io, packed.get(), packed_bytes, workspace.get(), workspace_bytes,
                &options) != CONVC_OK)
    fail_call("convc_run");
  return output;
}

/// Writes aside and renames, so that no half a file is ever there under the name.
bool write_output(const std::string& path, const std::string& bytes) {
  const std::size_t slash = path.find_last_of('/');
  const std::string directory =
      slash == std::string::npos ? "." : (slash == 0 ? "/" : path.substr(0, slash));
  const std::optional<std::string> temporary = write_temporary(directory, ".convc-run-", bytes);
  if (temporary && std::rename(temporary->c_str(), path.c_str()) == 0) return true;
  const int reason = errno;
  if (temporary) std::remove(temporary->c_str());
  print_error("--output " + path + ": cannot write: " + std::strerror(reason));
  return false;
}

int choose_graph(Session& session) {
  if (!session.options.layer.empty()) return keep_only_layer(session, session.options.layer);
  if (session.module.graphs.size() == 1) return exit_done;
  std::string names;
  for (const Graph& graph : session.module.graphs)
    names += (names.empty() ? "" : ", ") + graph.name;
  print_error(session.options.files[0] + " holds " + std::to_string(session.module.graphs.size()) +
                  " layers; `--layer N` says which to run",
              "there are: " + names);
  return exit_usage;
}

}  // namespace

int run_run(const Options& options) {
  Session session(options);
  int code = open_session(session, /*must_run_here=*/true);
  if (code == exit_done) code = choose_graph(session);
  if (code != exit_done) return code;
  const Graph& graph = session.module.graphs[0];
  const std::optional<Arrays> arrays = read_arrays(options, graph);
  if (!arrays) return exit_input_wrong;
  const std::optional<ModulePlans> plans = choose_plans(session, options.schedules[0], &code);
  if (!plans) return code;
  const std::optional<Artifact> artifact = compile_session(session, *plans, &code);
  if (!artifact) return code;
  session.diagnostics.print_to_stderr();

  const unsigned threads = options.threads.empty() ? 0 : options.threads[0];
  std::optional<WorkerResult> result;
  WorkerLimits limits;
  limits.memory_bytes = std::uint64_t{1} << 40;
  limits.seconds = 24 * 3600;
  std::string error;
  const std::optional<Failure> failure = run_workers(
      1, limits,
      [&](std::size_t) {
        return run_in_child(*artifact, *arrays, session.targets[0].machine.isa, threads);
      },
      [&](std::size_t, WorkerResult finished) { result = std::move(finished); }, &error);
  if (failure == Failure::interrupted) return exit_interrupted;
  if (failure) {
    print_error(error);
    return exit_environment;
  }
  if (!result->done) throw std::runtime_error("running `" + graph.name + "`: " + result->error);

  std::vector<std::int64_t> shape =
      fixed_shape(graph.tensors[static_cast<std::size_t>(graph.outputs[0])]);
  // As the input was given: with or without the batch axis.
  if (arrays->input.shape.size() + 1 == shape.size()) shape.erase(shape.begin());
  const std::string bytes = to_npy(shape, reinterpret_cast<const float*>(result->bytes.data()));
  return write_output(options.output, bytes) ? exit_done : exit_environment;
}

}  // namespace convc
