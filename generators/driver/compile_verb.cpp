// `convc compile`: spec files to libNAME.a, NAME.h and NAME.json.
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "generators/driver/compilation.h"
#include "generators/driver/exit_codes.h"
#include "generators/driver/session.h"
#include "generators/driver/verbs.h"
#include "generators/emit/write_library.h"

namespace convc {
namespace {

/// Whether files can be made in `directory`, which may not exist yet; told before minutes of
/// compiling rather than after. What passes here can still fail in write_files.
bool can_write_to(const std::filesystem::path& directory) {
  std::error_code error;
  std::filesystem::path existing = std::filesystem::absolute(directory, error);
  while (!std::filesystem::exists(existing, error) && existing.has_relative_path())
    existing = existing.parent_path();
  int reason = 0;
  if (!std::filesystem::is_directory(existing, error))
    reason = ENOTDIR;
  else if (access(existing.c_str(), W_OK | X_OK) != 0)
    reason = errno;
  if (reason != 0)
    print_error("cannot write to " + directory.string() + ": " + existing.string() + ": " +
                    std::strerror(reason),
                "write to another folder, or change its permissions");
  return reason == 0;
}

}  // namespace

int run_compile(const Options& options) {
  Session session(options);
  int code = open_session(session, /*must_run_here=*/false);
  if (code != exit_done) return code;
  const std::filesystem::path depfile_directory =
      std::filesystem::path(options.depfile).parent_path();
  if (!can_write_to(options.output_directory) ||
      (!depfile_directory.empty() && !can_write_to(depfile_directory)))
    return exit_environment;
  const std::optional<ModulePlans> plans = choose_plans(session, options.schedules[0], &code);
  if (!plans) return code;
  tell_performance_notes(session, *plans);
  if (session.diagnostics.has_errors()) {
    session.diagnostics.print_to_stderr();
    return exit_input_wrong;
  }
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
