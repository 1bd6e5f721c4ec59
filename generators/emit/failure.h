// Failure: the four ways in which work of this room can end without a result. The words are in the
// Diagnostics that every function here takes; the class decides the command's exit code.
#pragma once

namespace convc {

enum class Failure {
  input,        ///< the spec, a plan or a target string is wrong
  environment,  ///< the disk is full, a directory cannot be written, no process can be started
  internal,     ///< a bug in convc
  interrupted,  ///< SIGINT, SIGTERM or SIGHUP arrived; nothing is left behind
};

}  // namespace convc
