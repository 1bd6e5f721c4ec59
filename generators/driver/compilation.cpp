#include "generators/driver/compilation.h"

#include "convc/convc.h"
#include "generators/driver/exit_codes.h"
#include "generators/driver/progress.h"
#include "generators/emit/compile.h"
#include "generators/emit/internal_error.h"
#include "generators/emit/kernel_cache.h"

namespace convc {

std::optional<Artifact> compile_session(Session& session, const ModulePlans& plans,
                                        int* exit_code) {
  CompileOptions options;
  options.accuracy = session.options.limits.accuracy;
  // The CPUs this process may run on.
  options.workers.jobs = session.options.jobs ? session.options.jobs : convc_get_threads();
  if (session.options.use_cache)
    options.cache_directory = session.options.cache_directory.empty()
                                  ? default_cache_directory()
                                  : std::optional(session.options.cache_directory);
  std::optional<Progress> line;
  options.progress = [&line](std::size_t done, std::size_t total, const std::string& layer) {
    if (!line) line.emplace("compiling", total);
    line->show(done, layer);
  };
  CompileResult result =
      compile_module(session.module, session.targets, plans, options, session.diagnostics);
  line.reset();
  *exit_code = exit_done;
  if (result.artifact) return std::move(result.artifact);
  session.diagnostics.print_to_stderr();
  *exit_code = exit_code_of(result.failure);
  return std::nullopt;
}

int exit_code_of(Failure failure) {
  switch (failure) {
    case Failure::input:
      return exit_input_wrong;
    case Failure::environment:
      return exit_environment;
    case Failure::internal:
      return exit_internal_error;
    case Failure::interrupted:
      return exit_interrupted;
  }
  return exit_internal_error;
}

std::unique_ptr<LoadedLibrary> load_in_child(const Artifact& artifact) {
  std::string error;
  std::unique_ptr<LoadedLibrary> library = LoadedLibrary::load(artifact, &error);
  if (!library) throw InternalError("cannot link the compiled kernels: " + error);
  return library;
}

std::string algorithms_of(const std::vector<CompiledLayer>& layers) {
  std::string text;
  for (const CompiledLayer& layer : layers) {
    const std::string name(name_of(layer.plan.algorithm));
    if (text.find(name) == std::string::npos) text += (text.empty() ? "" : ", ") + name;
  }
  return text;
}

}  // namespace convc
