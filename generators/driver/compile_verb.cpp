// `convc compile`: spec files to libNAME.a, NAME.h and NAME.json.
#include "generators/driver/compilation.h"
#include "generators/driver/exit_codes.h"
#include "generators/driver/session.h"
#include "generators/driver/verbs.h"
#include "generators/emit/write_library.h"
#include "generators/plan/planner.h"

namespace convc {
namespace {

void tell_performance_notes(Session& session, const ModulePlans& plans) {
  for (std::size_t g = 0; g < session.module.graphs.size(); ++g) {
    const Graph& graph = session.module.graphs[g];
    for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
      const LayerSpec& layer = graph.nodes[n].layer;
      session.diagnostics.set_origin(layer.name);
      for (const std::string& note : performance_notes(layer, plans[g][0][n]))
        session.diagnostics.performance(session.diagnostics.range_at(layer.location), note);
    }
  }
}

}  // namespace

int run_compile(const Options& options) {
  Session session(options);
  int code = open_session(session, /*must_run_here=*/false);
  if (code != exit_done) return code;
  const std::optional<ModulePlans> plans = choose_plans(session, options.schedules[0], &code);
  if (!plans) return code;
  tell_performance_notes(session, *plans);
  const std::optional<Artifact> artifact = compile_session(session, *plans, &code);
  if (!artifact) return code;

  std::vector<NewFile> files = library_files(*artifact, options.output_directory);
  if (!options.depfile.empty()) {
    std::vector<std::string> outputs, inputs = options.files;
    for (const NewFile& file : files) outputs.push_back(file.first);
    const std::string& schedule = options.schedules[0];
    if (schedule != "auto" && schedule != "naive") inputs.push_back(schedule);
    files.emplace_back(options.depfile, depfile_text(outputs, inputs));
  }
  const std::optional<Failure> failure = write_files(files, session.diagnostics);
  session.diagnostics.print_to_stderr();
  return failure ? exit_code_of(*failure) : exit_done;
}

}  // namespace convc
