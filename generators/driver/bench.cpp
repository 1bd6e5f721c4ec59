// `convc bench`: compile, verify, then measure under Google Benchmark, all in child processes.
#include <llvm/Support/Path.h>
#include <llvm/Support/Regex.h>
#include <llvm/Support/raw_ostream.h>
#include <unistd.h>

#include <iostream>

#include "dsl/cost.h"
#include "generators/driver/bench_session.h"
#include "generators/driver/compilation.h"
#include "generators/driver/exit_codes.h"
#include "generators/driver/peer.h"
#include "generators/driver/session.h"
#include "generators/driver/verbs.h"
#include "generators/driver/verification.h"
#include "generators/emit/worker.h"

namespace convc {
namespace {

/// A library compiled with one schedule.
struct Candidate {
  std::string schedule;
  Artifact artifact;
};

/// "auto", "naive", or the stem of a plan file.
std::string schedule_name(const std::string& schedule) {
  if (schedule == "auto" || schedule == "naive") return schedule;
  return llvm::sys::path::stem(schedule).str();
}

/// Names begin with LIBRARY/LAYER/SCHEDULE/threads:N; the ISA follows.
std::string benchmark_name(const Session& session, const std::string& layer,
                           const std::string& schedule, unsigned threads, const std::string& isa) {
  return session.module.name + "/" + layer + "/" + schedule_name(schedule) +
         "/threads:" + std::to_string(threads) + "/" + isa;
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

bool is_wanted(const Session& session, const NameFilter& filter, const Graph& graph) {
  for (const std::string& schedule : session.options.schedules)
    for (unsigned threads : thread_counts(session.options))
      for (const TargetInfo& target : session.targets)
        if (filter.matches(
                benchmark_name(session, graph.name, schedule, threads, target.machine.isa)))
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

std::vector<BenchCase> make_cases(const Session& session, const NameFilter& filter,
                                  const std::vector<Candidate>& candidates) {
  std::vector<BenchCase> cases;
  for (std::size_t c = 0; c < candidates.size(); ++c) {
    const Artifact& artifact = candidates[c].artifact;
    for (std::size_t g = 0; g < artifact.module.graphs.size(); ++g) {
      const Graph& graph = artifact.module.graphs[g];
      for (unsigned threads : thread_counts(session.options)) {
        for (const std::vector<CompiledLayer>& layers : artifact.layers[g]) {
          BenchCase bench;
          bench.name =
              benchmark_name(session, graph.name, candidates[c].schedule, threads, layers[0].isa);
          if (!filter.matches(bench.name)) continue;
          bench.library = c;
          bench.graph = g;
          bench.written = &graph;
          bench.isa = layers[0].isa;
          bench.threads = threads;
          bench.label = algorithms_of(layers);
          const Cost cost = cost_of(graph);
          bench.work = {cost.flops(), cost.compulsory_bytes()};
          std::string why_not;
          bench.peer_request = peer_request(graph, &why_not).value_or("");
          cases.push_back(std::move(bench));
        }
      }
    }
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
        for (const Candidate& candidate : candidates)
          libraries.push_back(load_in_child(candidate.artifact));
        BenchSettings settings;
        settings.json = options.format == OutputFormat::json;
        settings.min_time_seconds = options.min_time_seconds;
        settings.rounds = options.rounds;
        settings.peers = options.peers;
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
  print_error(error);
  return exit_environment;
}

}  // namespace

int run_bench(const Options& options) {
  NameFilter filter(options.filter);
  std::string error;
  if (!filter.is_valid(error)) {
    print_error("--filter `" + options.filter + "`: " + error);
    return exit_usage;
  }
  Session session(options);
  int code = open_session(session, /*must_run_here=*/true);
  if (code != exit_done) return code;
  keep_graphs(session, [&](const Graph& graph) { return is_wanted(session, filter, graph); });
  if (session.module.graphs.empty()) {
    print_error("--filter `" + options.filter + "` matches no benchmark",
                "names are LIBRARY/LAYER/SCHEDULE/threads:N/ISA");
    return exit_usage;
  }

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
    candidates.push_back({schedule, std::move(*artifact)});
  }
  session.diagnostics.print_to_stderr();
  return measure_in_child(options, candidates, make_cases(session, filter, candidates));
}

}  // namespace convc
