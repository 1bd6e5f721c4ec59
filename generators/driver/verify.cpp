// `convc verify`: every kernel against the naive reference.
#include <llvm/Support/raw_ostream.h>

#include <algorithm>

#include "generators/driver/compilation.h"
#include "generators/driver/exercise_json.h"
#include "generators/driver/exit_codes.h"
#include "generators/driver/session.h"
#include "generators/driver/table.h"
#include "generators/driver/verbs.h"
#include "generators/driver/verification.h"

namespace convc {
namespace {

std::string padded(const std::string& text, std::size_t width) {
  return text + std::string(width > text.size() ? width - text.size() : 0, ' ');
}

/// Prints one line per kernel as results arrive, so columns have fixed widths.
class ConsoleReport {
 public:
  explicit ConsoleReport(const Artifact& artifact) : artifact_(artifact) {
    for (const Graph& graph : artifact.module.graphs) width_ = std::max(width_, graph.name.size());
    llvm::outs() << padded("Kernel", width_)
                 << "  ISA      Algorithm   Max error  Allowed   Of bound  "
                 << "Max ulp   Exact  Verdict\n"
                 << std::string(width_ + 74, '=') << "\n";
  }

  void add(const VerifiedKernel& verified) {
    const std::vector<CompiledLayer>& layers = artifact_.layers[verified.graph][verified.target];
    // The error of uniform numbers is what users will see; the bound must hold for all kinds.
    KindResult reals;
    double of_bound = 0;
    std::string exact = "-";
    for (const KindResult& kind : verified.result.kinds) {
      if (kind.kind == DataKind::reals) reals = kind;
      of_bound = std::max(of_bound, kind.max_error_over_bound);
      if (kind.exact) exact = kind.max_abs_error == 0 ? "yes" : "NO";
    }
    llvm::raw_ostream& out = llvm::outs();
    out << padded(artifact_.module.graphs[verified.graph].name, width_) << "  "
        << padded(layers[0].isa, 7) << "  " << padded(algorithms_of(layers), 10) << "  "
        << padded(significant(reals.max_abs_error, 3), 9) << "  "
        << padded(significant(reals.allowed_at_max, 3), 8) << "  "
        << padded(significant(of_bound, 2), 8) << "  " << padded(significant(reals.max_ulp, 3), 8)
        << "  " << padded(exact, 5) << "  " << name_of(verified.result.verdict) << "\n";
    out.flush();
    ++counts_[static_cast<int>(verified.result.verdict)];
  }

  void finish() const {
    const int total = counts_[0] + counts_[1] + counts_[2];
    llvm::outs() << std::string(width_ + 74, '=') << "\n"
                 << total << (total == 1 ? " kernel: " : " kernels: ") << counts_[0] << " passed, "
                 << counts_[1] << " failed, " << counts_[2] << " mistrusted\n";
  }

 private:
  const Artifact& artifact_;
  std::size_t width_ = 6;
  int counts_[3] = {0, 0, 0};  // by Verdict
};

nlohmann::ordered_json json_of(const Artifact& artifact, const VerifiedKernel& verified) {
  const std::vector<CompiledLayer>& layers = artifact.layers[verified.graph][verified.target];
  nlohmann::ordered_json json = {{"kernel", artifact.module.graphs[verified.graph].name},
                                 {"isa", layers[0].isa},
                                 {"target", layers[0].target},
                                 {"algorithm", algorithms_of(layers)}};
  json.update(to_json(verified.result));
  return json;
}

}  // namespace

int run_verify(const Options& options) {
  Session session(options);
  int code = open_session(session, /*must_run_here=*/true);
  if (code == exit_done && !options.layer.empty()) code = keep_only_layer(session, options.layer);
  if (code != exit_done) return code;
  const std::optional<ModulePlans> plans = choose_plans(session, options.schedules[0], &code);
  if (!plans) return code;
  const std::optional<Artifact> artifact = compile_session(session, *plans, &code);
  if (!artifact) return code;

  ExerciseOptions exercise;
  exercise.seed = options.seed;
  if (!options.threads.empty()) exercise.threads = options.threads;
  if (options.format == OutputFormat::json) {
    nlohmann::ordered_json document = {{"library", artifact->library_name}, {"seed", options.seed}};
    document["kernels"] = nlohmann::ordered_json::array();
    code = verify_artifact(session, *artifact, exercise, [&](const VerifiedKernel& verified) {
      document["kernels"].push_back(json_of(*artifact, verified));
    });
    if (code != exit_interrupted) llvm::outs() << document.dump(2) << "\n";
  } else {
    ConsoleReport report(*artifact);
    code = verify_artifact(session, *artifact, exercise,
                           [&](const VerifiedKernel& verified) { report.add(verified); });
    if (code != exit_interrupted) report.finish();
  }
  llvm::outs().flush();
  session.diagnostics.print_to_stderr();
  return code;
}

}  // namespace convc
