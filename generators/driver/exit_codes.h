// Exit codes of the command; a public contract (docs, CMake code and scripts rely on them).
#pragma once

namespace convc {

enum ExitCode : int {
  exit_done = 0,
  exit_input_wrong = 1,
  exit_usage = 2,
  exit_verification_failed = 3,
  exit_environment = 4,      ///< disk full, not writable, a target this machine cannot run
  exit_internal_error = 70,  ///< a bug in convc (EX_SOFTWARE of sysexits.h)
  exit_interrupted = 130,    ///< 128 + SIGINT, as shells report it
};

}  // namespace convc
