// Options: what the command line asks for, checked and plain. Every option, with its help, is in
// options.td. May touch llvm::opt only in options.cpp.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "dsl/layer_spec.h"
#include "generators/plan/planner.h"

namespace convc {

enum class Verb { summary, plan, compile, verify, run, bench, explain };
enum class OutputFormat { console, json };

struct Options {
  Verb verb = Verb::summary;
  std::vector<std::string> files;  ///< at least one

  std::vector<std::string> targets;               ///< as the user wrote them; empty: host
  std::vector<std::string> schedules = {"auto"};  ///< or "naive" or plan files; never empty
  PlanLimits limits;
  /// Of a step with one thread. Known when a kernel is lowered, not when it is planned.
  std::optional<std::int64_t> most_workspace_bytes;
  std::string library_name;         ///< empty: the stem of the only file
  std::map<std::string, Dim> dims;  ///< sizes of ONNX models, by their names
  std::string layer;                ///< empty: all
  OutputFormat format = OutputFormat::console;

  std::string output_directory;
  std::string depfile;
  bool slow_path_is_error = false;
  unsigned jobs = 0;            ///< 0: the CPUs of this process
  std::string cache_directory;  ///< empty: the default place
  bool use_cache = true;

  std::vector<unsigned> threads;  ///< empty: the verb's default
  std::uint64_t seed = 1;

  std::vector<std::string> inputs, outputs;  ///< FILE or NAME=FILE
  std::string weights_directory, kernel, bias;

  std::string filter;
  double min_time_seconds = 0.5;
  unsigned rounds = 7;
  std::vector<std::int64_t> sizes;  ///< of run-time heights and widths; empty: representative
  std::string cpu;                  ///< empty: the best fitting
  std::vector<std::string> peers;   ///< names, as in convc-peer-NAME
};

/// Parses `arguments` (without the program's name). Returns nullopt when there is nothing to run:
/// help or version was printed on stdout (`*exit_code` 0), or a usage error on stderr (2).
std::optional<Options> parse_command_line(const std::vector<std::string>& arguments,
                                          int* exit_code);

/// "compile" and so on.
const char* name_of(Verb verb);

}  // namespace convc
