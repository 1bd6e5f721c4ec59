// `convc run`: one layer or network on .npy arrays.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <stdexcept>

#include "convc/kernel_abi.h"
#include "generators/driver/compilation.h"
#include "generators/driver/exit_codes.h"
#include "generators/driver/npy.h"
#include "generators/driver/prepared_kernel.h"
#include "generators/driver/run_arrays.h"
#include "generators/driver/session.h"
#include "generators/driver/verbs.h"
#include "generators/emit/input_error.h"
#include "generators/emit/worker.h"
#include "generators/emit/write_library.h"

namespace convc {
namespace {

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

/// Rows of a dense array to where they lie in the kernel's memory, and back.
void spread(const float* dense, const Rows& rows, float* memory) {
  for (std::int64_t row = 0; row < rows.rows; ++row)
    std::copy_n(dense + row * rows.length, rows.length, memory + row * rows.pitch);
}
void gather(const float* memory, const Rows& rows, float* dense) {
  for (std::int64_t row = 0; row < rows.rows; ++row)
    std::copy_n(memory + row * rows.pitch, rows.length, dense + row * rows.length);
}

/// In the child: loads, packs, runs; returns the outputs' numbers one after the other.
class ChildRun {
 public:
  ChildRun(const Artifact& artifact, const CallArrays& arrays, const std::string& isa,
           unsigned threads)
      : library_(load_in_child(artifact)), kernel_(library_->kernel(0)), arrays_(arrays) {
    options_.struct_bytes = sizeof options_;
    options_.threads = threads;
    options_.isa = isa.c_str();
  }

  std::string outputs() {
    pack();
    run();
    std::string bytes;
    for (std::size_t i = 0; i < arrays_.outputs.size(); ++i) {
      const Rows& rows = arrays_.outputs[i].rows;
      std::vector<float> dense(static_cast<std::size_t>(rows.rows * rows.length));
      gather(outputs_[i].data(), rows, dense.data());
      bytes.append(reinterpret_cast<const char*>(dense.data()), dense.size() * sizeof(float));
    }
    return bytes;
  }

 private:
  void pack() {
    packed_bytes_ = convc_packed_bytes(kernel_, &options_);
    if (packed_bytes_ == SIZE_MAX) fail_call("convc_packed_bytes");
    packed_ = aligned_memory(packed_bytes_);
    std::vector<const void*> variables;
    for (const NpyArray& array : arrays_.variables) variables.push_back(array.values.data());
    if (packed_bytes_ != 0 &&
        convc_pack(kernel_, variables.data(), packed_.get(), packed_bytes_, &options_) != CONVC_OK)
      fail_call("convc_pack");
  }

  void run() {
    const std::size_t workspace_bytes = convc_workspace_bytes(kernel_, &options_);
    if (workspace_bytes == SIZE_MAX) fail_call("convc_workspace_bytes");
    const AlignedMemory workspace = aligned_memory(workspace_bytes);
    std::vector<const void*> io;
    std::vector<std::vector<float>> inputs;
    for (std::size_t i = 0; i < arrays_.inputs.size(); ++i) {
      const Rows& rows = arrays_.inputs[i].rows;
      inputs.emplace_back(static_cast<std::size_t>(rows.span()));
      spread(arrays_.input_arrays[i].values.data(), rows, inputs.back().data());
    }
    for (const std::vector<float>& input : inputs) io.push_back(input.data());
    for (const CallTensor& output : arrays_.outputs)
      outputs_.emplace_back(static_cast<std::size_t>(output.rows.span()));
    for (const std::vector<float>& output : outputs_) io.push_back(output.data());
    append_sizes(io, arrays_.open_sizes);
    if (convc_run(kernel_, io.data(), packed_.get(), packed_bytes_, workspace.get(),
                  workspace_bytes, &options_) != CONVC_OK)
      fail_call("convc_run");
  }

  std::unique_ptr<LoadedLibrary> library_;
  const convc_kernel* kernel_;
  const CallArrays& arrays_;
  convc_options options_{};
  AlignedMemory packed_{nullptr, &std::free};
  std::size_t packed_bytes_ = 0;
  std::vector<std::vector<float>> outputs_;
};

/// The .npy files of the outputs; with the batch axis as the first input was given.
std::vector<NewFile> output_files(const CallArrays& arrays, const std::string& bytes) {
  std::vector<NewFile> files;
  std::size_t offset = 0;
  for (const CallTensor& output : arrays.outputs) {
    std::vector<float> values(static_cast<std::size_t>(output.rows.rows * output.rows.length));
    std::memcpy(values.data(), bytes.data() + offset, values.size() * sizeof(float));
    offset += values.size() * sizeof(float);
    std::vector<std::int64_t> shape = output.shape;
    if (!arrays.has_batch_axis && shape[0] == 1) shape.erase(shape.begin());
    files.emplace_back(output.path, to_npy(shape, values.data()));
  }
  return files;
}

int check_one_graph(const Session& session) {
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
  if (code == exit_done) code = check_one_graph(session);
  if (code != exit_done) return code;
  const Graph& graph = session.module.graphs[0];
  std::optional<CallArrays> arrays;
  try {
    arrays = read_arrays(options, graph, interface_of(graph, session.lowered.graphs[0]),
                         session.diagnostics);
  } catch (const InputError& error) {
    session.diagnostics
        .error(Code::none, session.diagnostics.range_at(graph.location),
               "`" + graph.name + "`: " + error.what())
        .help(error.help());
  }
  if (!arrays) {
    session.diagnostics.print_to_stderr();
    return exit_input_wrong;
  }
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
        return ChildRun(*artifact, *arrays, session.targets[0].machine.isa, threads).outputs();
      },
      [&](std::size_t, WorkerResult finished) { result = std::move(finished); }, &error);
  if (failure == Failure::interrupted) return exit_interrupted;
  if (failure) {
    print_error(error, kTooManyProcesses);
    return exit_environment;
  }
  if (!result->done) throw std::runtime_error("running `" + graph.name + "`: " + result->error);

  Diagnostics diagnostics;
  const std::optional<Failure> unwritten =
      write_files(output_files(*arrays, result->bytes), diagnostics);
  diagnostics.print_to_stderr();
  return unwritten ? exit_code_of(*unwritten) : exit_done;
}

}  // namespace convc
