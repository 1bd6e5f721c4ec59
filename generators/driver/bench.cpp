// `convc bench`: compile, verify, then measure under Google Benchmark, all in child processes.
#include <llvm/Support/Path.h>
#include <llvm/Support/Regex.h>
#include <llvm/Support/raw_ostream.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <set>

#include "dsl/cost.h"
#include "generators/driver/bench_session.h"
#include "generators/driver/compilation.h"
#include "generators/driver/exit_codes.h"
#include "generators/driver/peer.h"
#include "generators/driver/session.h"
#include "generators/driver/sized_graph.h"
#include "generators/driver/verbs.h"
#include "generators/driver/verification.h"
#include "generators/emit/tensor_shape.h"
#include "generators/emit/worker.h"
#include "generators/plan/lowering.h"

namespace convc {
namespace {

/// A graph as it is measured: at one choice of its run-time sizes, where it has any.
struct SizedGraph {
  std::size_t graph = 0;            ///< of the module
  std::string suffix;               ///< of the benchmark's name: "/size:112"
  std::vector<InputSize> sizes;     ///< of its inputs
  Graph fixed;                      ///< the graph with these sizes
  std::optional<std::size_t> twin;  ///< of a graph with run-time sizes: which of the twins
  std::string why_not;              ///< the size that was asked for lies outside a range
};

/// A library compiled with one schedule. Twins are kernels for just the sizes at which the run-time
/// sized ones are measured.
struct Candidate {
  std::string schedule;
  Artifact artifact;
  std::optional<Artifact> twins;
};

/// "auto", "naive", or the stem of a plan file.
std::string schedule_name(const std::string& schedule) {
  if (schedule == "auto" || schedule == "naive") return schedule;
  return llvm::sys::path::stem(schedule).str();
}

/// Names begin with LIBRARY/LAYER/SCHEDULE/threads:N; the ISA follows, then the size that was
/// asked for.
std::string benchmark_name(const Session& session, const SizedGraph& sized,
                           const std::string& schedule, unsigned threads, const std::string& isa) {
  return session.module.name + "/" + session.module.graphs[sized.graph].name + "/" +
         schedule_name(schedule) + "/threads:" + std::to_string(threads) + "/" + isa + sized.suffix;
}

/// The representative sizes with `size` for every run-time height and width.
SizedGraph sized_at(const Graph& graph, std::int64_t size) {
  SizedGraph sized;
  sized.suffix = "/size:" + std::to_string(size);
  sized.sizes = representative_sizes(graph);
  for (std::size_t i = 0; i < sized.sizes.size(); ++i) {
    const Tensor& input = graph.tensors[static_cast<std::size_t>(graph.inputs[i])];
    const ShapeAxes axes = axes_of(input);
    const auto set = [&](std::int64_t& extent, const Dim& dim, const char* axis) {
      if (dim.fixed()) return;
      extent = std::clamp(size, dim.min, dim.max);
      if (extent == size) return;
      sized.why_not = "--sizes " + std::to_string(size) + ": `" + graph.name + "` has a " + axis +
                      " from " + std::to_string(dim.min) + " to " + std::to_string(dim.max);
    };
    set(sized.sizes[i].width, input.shape[axes.width], "width");
    if (axes.height) set(sized.sizes[i].height, input.shape[*axes.height], "height");
  }
  return sized;
}

/// What --sizes makes of the module. A network of several inputs stays as it is: their sizes follow
/// from each other.
std::vector<SizedGraph> sized_graphs(const Session& session) {
  std::vector<SizedGraph> result;
  for (std::size_t g = 0; g < session.module.graphs.size(); ++g) {
    const Graph& graph = session.module.graphs[g];
    const bool is_open = has_open_sizes(graph);
    const auto add = [&](SizedGraph sized) {
      sized.graph = g;
      sized.fixed = with_sizes(graph, sized.sizes);
      result.push_back(std::move(sized));
    };
    if (!is_open || graph.inputs.size() > 1 || session.options.sizes.empty()) {
      SizedGraph usual;
      usual.sizes = representative_sizes(graph);
      add(std::move(usual));
    } else {
      for (const std::int64_t size : session.options.sizes) add(sized_at(graph, size));
    }
  }
  return result;
}

/// Numbers the twins of the graphs with run-time sizes, and gives the module that they are.
Module twins_of(const Session& session, std::vector<SizedGraph>& sized) {
  Module twins;
  twins.name = session.module.name;
  for (SizedGraph& each : sized) {
    if (!has_open_sizes(session.module.graphs[each.graph])) continue;
    each.twin = twins.graphs.size();
    Graph graph = each.fixed;
    graph.name = "twin_" + std::to_string(twins.graphs.size());
    if (graph.form == GraphForm::layer) graph.nodes[0].layer.name = graph.name;
    twins.graphs.push_back(std::move(graph));
  }
  return twins;
}

/// --filter as Google Benchmark has it: a POSIX extended regex that is searched for in the name,
/// and a leading - inverts.
class NameFilter {
 public:
  explicit NameFilter(llvm::StringRef pattern)
      : inverted_(pattern.consume_front("-")), regex_(pattern.empty() ? "." : pattern) {}
  bool is_valid(std::string& error) const { return regex_.isValid(error); }
  bool matches(const std::string& name) const { return regex_.match(name) != inverted_; }

 private:
  bool inverted_;
  llvm::Regex regex_;
};

std::vector<unsigned> thread_counts(const Options& options) {
  return options.threads.empty() ? std::vector<unsigned>{1} : options.threads;
}

bool is_wanted(const Session& session, const NameFilter& filter, const SizedGraph& sized) {
  for (const std::string& schedule : session.options.schedules)
    for (unsigned threads : thread_counts(session.options))
      for (const TargetInfo& target : session.targets)
        if (filter.matches(benchmark_name(session, sized, schedule, threads, target.machine.isa)))
          return true;
  return false;
}

/// Before a kernel is timed it must be right: exact data find every error of indexing and of
/// threads, and cost one run of the reference.
int verify_candidate(Session& session, const Artifact& artifact, const std::string& schedule) {
  ExerciseOptions exercise;
  exercise.seed = session.options.seed;
  exercise.kinds = {DataKind::integers};
  exercise.threads = thread_counts(session.options);
  exercise.all_placements = false;
  return verify_artifact(session, artifact, schedule, exercise, [](const VerifiedKernel&) {});
}

/// Libraries are numbered in the order of `candidates`, each followed by its twins.
std::vector<BenchCase> make_cases(const Session& session, const NameFilter& filter,
                                  const std::vector<SizedGraph>& sized_graphs,
                                  const std::vector<Candidate>& candidates) {
  std::vector<BenchCase> cases;
  std::size_t library = 0;
  for (const Candidate& candidate : candidates) {
    for (const SizedGraph& sized : sized_graphs) {
      for (unsigned threads : thread_counts(session.options)) {
        for (const std::vector<CompiledLayer>& layers : candidate.artifact.layers[sized.graph]) {
          BenchCase bench;
          bench.name = benchmark_name(session, sized, candidate.schedule, threads, layers[0].isa);
          if (!filter.matches(bench.name)) continue;
          bench.library = library;
          bench.graph = sized.graph;
          bench.written = &candidate.artifact.module.graphs[sized.graph];
          bench.isa = layers[0].isa;
          bench.threads = threads;
          bench.label = algorithms_of(layers);
          const Cost cost = cost_of(sized.fixed);
          bench.work = {cost.flops(), cost.compulsory_bytes()};
          bench.sizes = sized.sizes;
          if (sized.twin) bench.fixed_kernel = {library + 1, *sized.twin};
          std::string why_not;
          bench.peer_request = peer_request(sized.fixed, &why_not).value_or("");
          cases.push_back(std::move(bench));
        }
      }
    }
    library += candidate.twins ? 2 : 1;
  }
  return cases;
}

/// In a child, so that a kernel that crashes does not take convc along: results go to the same
/// stdout and stderr as they come.
int measure_in_child(const Options& options, const std::vector<Candidate>& candidates,
                     const std::vector<BenchCase>& cases) {
  const int out = dup(STDOUT_FILENO), err = dup(STDERR_FILENO);
  std::optional<WorkerResult> result;
  WorkerLimits limits;
  limits.memory_bytes = std::uint64_t{1} << 40;
  limits.seconds = 7 * 24 * 3600;
  std::string error;
  const std::optional<Failure> failure = run_workers(
      1, limits,
      [&](std::size_t) -> std::string {
        dup2(out, STDOUT_FILENO);
        dup2(err, STDERR_FILENO);
        std::vector<std::unique_ptr<LoadedLibrary>> libraries;
        for (const Candidate& candidate : candidates) {
          libraries.push_back(load_in_child(candidate.artifact));
          if (candidate.twins) libraries.push_back(load_in_child(*candidate.twins));
        }
        BenchSettings settings;
        settings.json = options.format == OutputFormat::json;
        settings.min_time_seconds = options.min_time_seconds;
        settings.rounds = options.rounds;
        settings.peers = options.peers;
        settings.accuracy = name_of(options.limits.accuracy);
        run_benchmarks(cases, libraries, settings);
        std::cout.flush();
        return std::cout.good() ? "" : "cannot write the output";
      },
      [&](std::size_t, WorkerResult finished) { result = std::move(finished); }, &error);
  close(out);
  close(err);
  if (failure == Failure::interrupted) return exit_interrupted;
  if (!failure && result->done) error = result->bytes;
  if (!failure && !result->done) throw std::runtime_error("while measuring: " + result->error);
  if (error.empty()) return exit_done;
  print_error(error, failure ? kTooManyProcesses : "make room, or give stdout another place");
  return exit_environment;
}

}  // namespace

int run_bench(const Options& options) {
  NameFilter filter(options.filter);
  std::string error;
  if (!filter.is_valid(error)) {
    print_error("--filter `" + options.filter + "`: " + error,
                "it is a regular expression; -REGEX takes what does not match");
    return exit_usage;
  }
  Session session(options);
  int code = open_session(session, /*must_run_here=*/true);
  if (code != exit_done) return code;
  std::set<std::size_t> wanted;
  for (const SizedGraph& each : sized_graphs(session)) {
    if (!is_wanted(session, filter, each)) continue;
    wanted.insert(each.graph);
    if (each.why_not.empty()) continue;
    print_error(each.why_not, "--filter chooses what is measured: layers, or /size:N of some");
    return exit_usage;
  }
  const std::vector<Graph>& graphs = session.module.graphs;
  std::set<std::string> names;
  for (const std::size_t g : wanted) names.insert(graphs[g].name);
  keep_graphs(session, [&](const Graph& graph) { return names.count(graph.name) != 0; });
  if (session.module.graphs.empty()) {
    print_error("--filter `" + options.filter + "` matches no benchmark",
                "names are LIBRARY/LAYER/SCHEDULE/threads:N/ISA, with --sizes and /size:N");
    return exit_usage;
  }

  std::vector<SizedGraph> sized = sized_graphs(session);
  Session twins(options);
  twins.module = twins_of(session, sized);
  twins.lowered = lower(twins.module);
  twins.targets = session.targets;
  std::vector<Candidate> candidates;
  for (const std::string& schedule : options.schedules) {
    const std::optional<ModulePlans> plans = choose_plans(session, schedule, &code);
    if (!plans) return code;
    std::optional<Artifact> artifact = compile_session(session, *plans, &code);
    if (!artifact) return code;
    code = verify_candidate(session, *artifact, schedule);
    if (code != exit_done) {
      session.diagnostics.print_to_stderr();
      return code;
    }
    candidates.push_back({schedule, std::move(*artifact), std::nullopt});
    if (twins.module.graphs.empty()) continue;
    // A plan file is for the layers of the spec.
    const std::optional<ModulePlans> twin_plans =
        choose_plans(twins, schedule == "naive" ? schedule : "auto", &code);
    if (!twin_plans) return code;
    candidates.back().twins = compile_session(twins, *twin_plans, &code);
    if (!candidates.back().twins) return code;
  }
  session.diagnostics.print_to_stderr();
  return measure_in_child(options, candidates, make_cases(session, filter, sized, candidates));
}

}  // namespace convc
