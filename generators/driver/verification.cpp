#include "generators/driver/verification.h"

#include <llvm/ADT/StringRef.h>

#include <algorithm>
#include <cctype>
#include <optional>

#include "generators/driver/compilation.h"
#include "generators/driver/exercise_json.h"
#include "generators/driver/exit_codes.h"
#include "generators/driver/fault_report.h"
#include "generators/driver/progress.h"
#include "generators/emit/worker.h"

namespace convc {
namespace {

// The kernels under test, not this process, decide how much time and memory are right: what is here
// only stops a runaway.
constexpr double kMaxSeconds = 24 * 3600;
constexpr std::uint64_t kMaxMemoryBytes = std::uint64_t{1} << 40;

/// In the child: loads the library and exercises one kernel.
std::string exercise_in_child(const Artifact& artifact, const ExerciseOptions& options,
                              std::size_t graph_index, std::size_t target_index) {
  report_faults();
  const std::unique_ptr<LoadedLibrary> library = load_in_child(artifact);
  ExerciseSubject subject;
  subject.kernel = library->kernel(graph_index);
  subject.written = &artifact.module.graphs[graph_index];
  subject.lowered = &artifact.lowered.graphs[graph_index];
  subject.isa = artifact.layers[graph_index][target_index][0].isa;
  for (const CompiledLayer& layer : artifact.layers[graph_index][target_index])
    subject.plans.push_back(layer.plan);
  return to_json(exercise_kernel(subject, options)).dump();
}

ExerciseResult result_of(const WorkerResult& worker) {
  if (worker.done) return exercise_result_from(worker.bytes);
  ExerciseResult result;
  result.verdict = Verdict::failed;
  result.message = "the kernel stopped: " + worker.error;
  const llvm::StringRef log = llvm::StringRef(worker.log).trim();
  if (!log.empty()) result.message += ": " + log.str();
  return result;
}

std::string shell_word(const std::string& text) {
  const bool plain = !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
           llvm::StringRef("_-./,:=+@%").contains(c);
  });
  if (plain) return text;
  std::string quoted = "'";
  for (char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

/// The options that narrowed the planner's choice.
std::string limits_text(const Options& options) {
  const PlanLimits& limits = options.limits;
  std::string text = limits.accuracy == Accuracy::strict ? " --accuracy strict" : "";
  for (const Algorithm algorithm : limits.algorithms)
    text += (algorithm == limits.algorithms.front() ? " --algorithms " : ",") +
            std::string(name_of(algorithm));
  if (limits.packed_bytes != INT64_MAX)
    text += " --max-packed " + std::to_string(limits.packed_bytes);
  if (options.most_workspace_bytes)
    text += " --max-workspace " + std::to_string(*options.most_workspace_bytes);
  return text;
}

/// The command that runs this one kernel again.
std::string repro_command(const Session& session, const std::string& target,
                          const std::string& schedule, const ExerciseOptions& exercise,
                          const VerifiedKernel& verified) {
  const Options& options = session.options;
  std::string command = "convc verify";
  for (const std::string& file : options.files) command += " " + shell_word(file);
  if (!options.library_name.empty()) command += " --name " + shell_word(options.library_name);
  command += " --layer " + shell_word(session.module.graphs[verified.graph].name) + " --target " +
             shell_word(target);
  command += limits_text(options);
  if (schedule != "auto") command += " --schedule " + shell_word(schedule);
  return command + " --seed " + std::to_string(exercise.seed);
}

void report_problem(Session& session, const Artifact& artifact, const std::string& schedule,
                    const ExerciseOptions& exercise, const VerifiedKernel& verified) {
  const Graph& graph = session.module.graphs[verified.graph];
  const CompiledLayer& first = artifact.layers[verified.graph][verified.target][0];
  const char* complaint = verified.result.verdict == Verdict::mistrusted
                              ? " cannot be trusted"
                              : " disagrees with the naive reference";
  const ScopedOrigin origin(session.diagnostics, graph.name);
  session.diagnostics
      .error(Code::none, session.diagnostics.range_at(graph.location),
             "the " + first.isa + " kernel of `" + graph.name + "`" + complaint)
      .note(verified.result.message)
      .note("repeat with: " + repro_command(session, first.target, schedule, exercise, verified))
      .help(verified.result.verdict == Verdict::mistrusted
                ? "give the layer other numbers, with which its outputs differ"
                : "this is a bug in convc: report it; --schedule naive may do until it is mended");
}

}  // namespace

int verify_artifact(Session& session, const Artifact& artifact, const std::string& schedule,
                    const ExerciseOptions& options,
                    const std::function<void(const VerifiedKernel&)>& report) {
  const std::size_t targets = artifact.targets.size();
  const std::size_t count = artifact.module.graphs.size() * targets;
  WorkerLimits limits;
  limits.jobs = session.options.jobs ? session.options.jobs : convc_get_threads();
  limits.seconds = kMaxSeconds;
  limits.memory_bytes = kMaxMemoryBytes;

  Progress progress("verifying", count);
  std::vector<std::optional<ExerciseResult>> results(count);
  std::size_t finished = 0, reported = 0;
  int exit_code = exit_done;
  const auto on_finished = [&](std::size_t index, const WorkerResult& worker) {
    results[index] = result_of(worker);
    progress.show(++finished, artifact.module.graphs[index / targets].name);
    for (; reported < count && results[reported]; ++reported) {
      const VerifiedKernel verified{reported / targets, reported % targets, *results[reported]};
      if (verified.result.verdict != Verdict::passed) {
        exit_code = exit_verification_failed;
        report_problem(session, artifact, schedule, options, verified);
      }
      progress.clear();
      report(verified);
    }
  };
  std::string error;
  const std::optional<Failure> failure = run_workers(
      count, limits,
      [&](std::size_t index) {
        return exercise_in_child(artifact, options, index / targets, index % targets);
      },
      on_finished, &error);
  progress.clear();
  if (!failure) return exit_code;
  if (*failure == Failure::interrupted) return exit_interrupted;
  print_error(error, kTooManyProcesses);
  return exit_environment;
}

}  // namespace convc
