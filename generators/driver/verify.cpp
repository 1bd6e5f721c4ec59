// `convc verify`: every kernel against the naive reference.
#include <llvm/Support/raw_ostream.h>

#include <algorithm>
#include <array>

#include "generators/driver/compilation.h"
#include "generators/driver/exercise_json.h"
#include "generators/driver/exit_codes.h"
#include "generators/driver/session.h"
#include "generators/driver/table.h"
#include "generators/driver/verbs.h"
#include "generators/driver/verification.h"

namespace convc {
namespace {

/// Prints one line per kernel as results arrive, so the widths are set before the first.
class ConsoleReport {
 public:
  explicit ConsoleReport(const Artifact& artifact) : artifact_(artifact) {
    for (std::size_t g = 0; g < artifact.layers.size(); ++g) {
      widths_[0] = std::max(widths_[0], artifact.module.graphs[g].name.size());
      for (const auto& layers : artifact.layers[g])
        widths_[2] = std::max(widths_[2], algorithms_of(layers).size());
    }
    print({"Kernel", "ISA", "Algorithm", "Max error", "Allowed", "Of bound", "Max ulp", "Exact",
           "Verdict"});
    print_rule();
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
    print({artifact_.module.graphs[verified.graph].name, layers[0].isa, algorithms_of(layers),
           significant(reals.max_abs_error, 3), significant(reals.allowed_at_max, 3),
           significant(of_bound, 2), significant(reals.max_ulp, 3), exact,
           name_of(verified.result.verdict)});
    ++counts_[static_cast<int>(verified.result.verdict)];
  }

  void finish() const {
    const int total = counts_[0] + counts_[1] + counts_[2];
    print_rule();
    llvm::outs() << total << (total == 1 ? " kernel: " : " kernels: ") << counts_[0] << " passed, "
                 << counts_[1] << " failed, " << counts_[2] << " mistrusted\n";
  }

 private:
  using Line = std::array<std::string, 9>;

  void print(const Line& cells) const {
    std::string text;
    for (std::size_t c = 0; c < cells.size(); ++c) {
      const bool is_last = c + 1 == cells.size();
      const std::size_t space =
          is_last ? 0 : widths_[c] - std::min(widths_[c], cells[c].size()) + 2;
      text += cells[c] + std::string(space, ' ');
    }
    llvm::outs() << text << "\n";
    llvm::outs().flush();
  }

  void print_rule() const {
    std::size_t width = 2 * (widths_.size() - 1);
    for (std::size_t column : widths_) width += column;
    llvm::outs() << std::string(width, '=') << "\n";
  }

  const Artifact& artifact_;
  std::array<std::size_t, 9> widths_ = {6, 7, 9, 9, 8, 8, 8, 5, 10};
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
    code = verify_artifact(session, *artifact, options.schedules[0], exercise,
                           [&](const VerifiedKernel& verified) {
                             document["kernels"].push_back(json_of(*artifact, verified));
                           });
    if (code != exit_interrupted) llvm::outs() << document.dump(2) << "\n";
  } else {
    ConsoleReport report(*artifact);
    code = verify_artifact(session, *artifact, options.schedules[0], exercise,
                           [&](const VerifiedKernel& verified) { report.add(verified); });
    if (code != exit_interrupted) report.finish();
  }
  llvm::outs().flush();
  session.diagnostics.print_to_stderr();
  return code;
}

}  // namespace convc
