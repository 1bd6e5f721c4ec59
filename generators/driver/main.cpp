// The `convc` command: parse the arguments, run the verb, turn what happened into an exit code.
#include <llvm/Support/raw_ostream.h>

#include <cerrno>
#include <exception>
#include <new>
#include <string>
#include <vector>

#include "generators/driver/exit_codes.h"
#include "generators/driver/options.h"
#include "generators/driver/verbs.h"

namespace convc {
namespace {

int run_verb(const Options& options) {
  switch (options.verb) {
    case Verb::summary:
      return run_summary(options);
    case Verb::plan:
      return run_plan(options);
    case Verb::compile:
      return run_compile(options);
    case Verb::verify:
      return run_verify(options);
    case Verb::run:
      return run_run(options);
    case Verb::bench:
      return run_bench(options);
    case Verb::explain:
      return run_explain(options);
  }
  return exit_internal_error;
}

int report_internal_error(const std::string& what, const std::vector<std::string>& arguments) {
  llvm::errs() << "convc: internal error: " << what
               << "\nThis is a bug in convc, not in your input. "
               << "Please report it with this command line:\n  convc";
  for (const std::string& argument : arguments) llvm::errs() << " " << argument;
  llvm::errs() << "\n";
  return exit_internal_error;
}

int run(const std::vector<std::string>& arguments) {
  try {
    int exit_code = exit_done;
    const std::optional<Options> options = parse_command_line(arguments, &exit_code);
    return options ? run_verb(*options) : exit_code;
  } catch (const std::bad_alloc&) {
    llvm::errs() << "convc: error: out of memory\n";
    return exit_environment;
  } catch (const std::exception& error) {
    return report_internal_error(error.what(), arguments);
  } catch (...) {
    return report_internal_error("an exception of unknown type", arguments);
  }
}

/// Nothing was done when the results could not be written, except where nobody reads any more
/// (`convc plan x.conv | head`).
int close_stdout(int exit_code) {
  llvm::raw_fd_ostream& out = llvm::outs();
  out.flush();
  if (!out.has_error()) return exit_code;
  const std::error_code error = out.error();
  out.clear_error();
  if (error == std::errc::broken_pipe) return exit_code;
  llvm::errs() << "convc: error: cannot write the output: " << error.message() << "\n";
  return exit_environment;
}

}  // namespace
}  // namespace convc

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + (argc > 0 ? 1 : 0), argv + argc);
  return convc::close_stdout(convc::run(arguments));
}
