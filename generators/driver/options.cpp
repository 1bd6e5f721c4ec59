// The command line, through llvm::opt. options.td holds the table, this file what the table cannot
// say: verbs, numbers, lists, and which options need each other.
#include "generators/driver/options.h"

#include <llvm/ADT/StringExtras.h>
#include <llvm/ADT/StringRef.h>
#include <llvm/Option/Arg.h>
#include <llvm/Option/ArgList.h>
#include <llvm/Option/OptTable.h>
#include <llvm/Option/Option.h>
#include <llvm/Support/raw_ostream.h>

#include <algorithm>
#include <array>
#include <utility>

#include "dsl/onnx/load_files.h"
#include "dsl/resolve.h"
#include "generators/driver/exit_codes.h"
#include "generators/driver/version.h"

namespace convc {
namespace {

using llvm::StringRef;

// Bits of Visibility; options.td names them.
enum : unsigned {
  SummaryVerb = 1u << 1,
  PlanVerb = 1u << 2,
  CompileVerb = 1u << 3,
  VerifyVerb = 1u << 4,
  RunVerb = 1u << 5,
  BenchVerb = 1u << 6,
  ExplainVerb = 1u << 7,
};
constexpr unsigned DefaultVis = llvm::opt::DefaultVis;

enum OptionId : unsigned {
  OPT_INVALID = 0,
#define OPTION(...) LLVM_MAKE_OPT_ID(__VA_ARGS__),
#include "options.inc"
#undef OPTION
};

#define PREFIX(NAME, VALUE)                                           \
  constexpr llvm::StringLiteral NAME##_with_end[] = VALUE;            \
  constexpr llvm::ArrayRef<llvm::StringLiteral> NAME(NAME##_with_end, \
                                                     std::size(NAME##_with_end) - 1);
#include "options.inc"
#undef PREFIX

using namespace llvm::opt;  // the table's rows name HelpHidden and the like

constexpr OptTable::Info kOptionRows[] = {
#define OPTION(...) LLVM_CONSTRUCT_OPT_INFO(__VA_ARGS__),
#include "options.inc"
#undef OPTION
};

class ConvcOptions : public GenericOptTable {
 public:
  ConvcOptions() : GenericOptTable(kOptionRows) { setDashDashParsing(true); }
};

struct VerbRow {
  Verb verb;
  unsigned visibility;
  const char* name;
  const char* usage;
  const char* purpose;
};

constexpr std::array<VerbRow, 7> kVerbs = {{
    {Verb::summary, SummaryVerb, "summary", "FILE...",
     "Table of the layers: output shapes, parameters, MACs, bytes, algorithm"},
    {Verb::plan, PlanVerb, "plan", "FILE...", "Each layer's plan and the reason for it"},
    {Verb::compile, CompileVerb, "compile", "FILE... -o DIR",
     "Write libNAME.a, NAME.h and NAME.json"},
    {Verb::verify, VerifyVerb, "verify", "FILE...",
     "Compile, and compare every kernel with the naive reference"},
    {Verb::run, RunVerb, "run", "FILE --input x.npy --output y.npy",
     "Compile one layer or network and run it on .npy arrays"},
    {Verb::bench, BenchVerb, "bench", "FILE...",
     "Compile, verify, and measure under Google Benchmark"},
    {Verb::explain, ExplainVerb, "explain", "FILE...",
     "Compile, and show the loops where kernels spend their time, and what bounds them"},
}};

int usage_error(const std::string& message, const std::string& help_topic) {
  llvm::errs() << "convc: error: " << message << "\n"
               << "help: convc " << help_topic << (help_topic.empty() ? "--help" : " --help")
               << " lists what there is\n";
  return exit_usage;
}

void print_overview(llvm::raw_ostream& out) {
  out << "convc, the convolution compiler: layer specs in, static libraries out\n\n"
         "usage: convc VERB FILE... [options]\n\nverbs:\n";
  for (const VerbRow& row : kVerbs) {
    out << "  " << row.name << std::string(10 - StringRef(row.name).size(), ' ') << row.purpose
        << "\n";
  }
  out << "\n`convc VERB --help` lists a verb's options; `convc --version` prints versions.\n"
         "A FILE is a .conv spec or an .onnx model. Exit codes: 0 done, 1 the input is wrong,\n"
         "2 usage, 3 verification failed, 4 the environment (disk full, not writable), 70 a\n"
         "bug in convc, 130 interrupted.\n";
}

const VerbRow* find_verb(StringRef name) {
  for (const VerbRow& row : kVerbs)
    if (name == row.name) return &row;
  return nullptr;
}

int refuse_verb(StringRef name) {
  if (name == "tune" || name == "report")
    return usage_error("`convc " + name.str() + "` is not supported yet", "");
  if (name.starts_with("-"))
    return usage_error("unknown option `" + name.str() + "` before the verb", "");
  std::string message = "unknown verb `" + name.str() + "`";
  for (const VerbRow& row : kVerbs)
    if (name.edit_distance(row.name) <= 2)
      message += "; did you mean `" + std::string(row.name) + "`?";
  return usage_error(message, "");
}

/// Reads one verb's options out of the parsed arguments; the first thing wrong ends up in `error`.
class OptionReader {
 public:
  OptionReader(const InputArgList& arguments) : arguments_(arguments) {}

  std::string text(OptSpecifier id) { return arguments_.getLastArgValue(id).str(); }

  std::vector<std::string> list(OptSpecifier id) {
    std::vector<std::string> items;
    for (const Arg* argument : arguments_.filtered(id)) {
      for (StringRef part : llvm::split(argument->getValue(), ',')) {
        if (part.trim().empty()) fail(*argument, "has an empty item");
        items.push_back(part.trim().str());
        if (std::count(items.begin(), items.end(), items.back()) > 1)
          fail(*argument, "has `" + items.back() + "` twice");
      }
    }
    return items;
  }

  template <typename T>
  T number(OptSpecifier id, T fallback, T least, T most) {
    const Arg* argument = arguments_.getLastArg(id);
    return argument ? parse_number(*argument, argument->getValue(), least, most) : fallback;
  }

  template <typename T>
  std::vector<T> numbers(OptSpecifier id, T least, T most) {
    std::vector<T> values;
    const Arg* argument = arguments_.getLastArg(id);
    if (!argument) return values;
    for (StringRef part : llvm::split(argument->getValue(), ','))
      values.push_back(parse_number(*argument, part.trim(), least, most));
    return values;
  }

  /// NAME=N or NAME=MIN:MAX. A name may hold anything.
  std::map<std::string, Dim> dims(OptSpecifier id) {
    std::map<std::string, Dim> dims;
    for (const Arg* argument : arguments_.filtered(id)) {
      const auto [name, sizes] = StringRef(argument->getValue()).rsplit('=');
      if (name.empty() || sizes.empty() || name.size() == StringRef(argument->getValue()).size()) {
        fail(*argument, "is `" + std::string(argument->getValue()) +
                            "`; it takes NAME=NUMBER or NAME=MIN:MAX");
        continue;
      }
      const auto [least, most] = sizes.split(':');
      Dim dim;
      dim.min = dim.max = parse_number<std::int64_t>(*argument, least, 1, kMaxElements);
      if (sizes.contains(':'))
        dim.max = parse_number<std::int64_t>(*argument, most, 1, kMaxElements);
      if (dim.min > dim.max)
        fail(*argument, "is `" + sizes.str() + "`: the least size comes first");
      if (!dims.emplace(name.str(), dim).second) fail(*argument, "has `" + name.str() + "` twice");
    }
    return dims;
  }

  OutputFormat format(OptSpecifier id) {
    const Arg* argument = arguments_.getLastArg(id);
    if (!argument || StringRef(argument->getValue()) == "console") return OutputFormat::console;
    if (StringRef(argument->getValue()) != "json")
      fail(*argument, "is `" + std::string(argument->getValue()) + "`; known: console, json");
    return OutputFormat::json;
  }

  Accuracy accuracy(OptSpecifier id) {
    const Arg* argument = arguments_.getLastArg(id);
    if (!argument || StringRef(argument->getValue()) == "fast") return Accuracy::fast;
    if (StringRef(argument->getValue()) != "strict")
      fail(*argument, "is `" + std::string(argument->getValue()) + "`; known: fast, strict");
    return Accuracy::strict;
  }

  std::vector<Algorithm> algorithms(OptSpecifier id) {
    std::vector<Algorithm> chosen;
    for (const std::string& name : list(id)) {
      std::string known;
      const std::size_t before = chosen.size();
      for (const Algorithm algorithm : filter_bank_algorithms()) {
        if (name == name_of(algorithm)) chosen.push_back(algorithm);
        known += (known.empty() ? "" : ", ") + std::string(name_of(algorithm));
      }
      if (chosen.size() == before)
        fail(*arguments_.getLastArg(id), "has `" + name + "`; known: " + known);
    }
    return chosen;
  }

  /// True when the option is given; its only value is `value`.
  bool flag(OptSpecifier id, const char* value) {
    const Arg* argument = arguments_.getLastArg(id);
    if (argument && StringRef(argument->getValue()) != value)
      fail(*argument, "is `" + std::string(argument->getValue()) + "`; known: " + value);
    return argument != nullptr;
  }

  std::string error;

 private:
  template <typename T>
  T parse_number(const Arg& argument, StringRef text, T least, T most) {
    T value{};
    bool bad = false;
    if constexpr (std::is_floating_point_v<T>)
      bad = text.getAsDouble(value);
    else
      bad = text.getAsInteger(10, value);
    if (bad || !(value >= least && value <= most)) {
      std::string range;
      llvm::raw_string_ostream(range) << least << " to " << most;
      fail(argument, "is `" + text.str() + "`; it takes a number from " + range);
    }
    return value;
  }

  void fail(const Arg& argument, const std::string& complaint) {
    if (error.empty())
      error = "option `" + argument.getOption().getUnaliasedOption().getPrefixedName().str() +
              "` " + complaint;
  }

  const InputArgList& arguments_;
};

constexpr unsigned kMaxThreads = 256;  // CONVC_MAX_THREADS

std::string read_options(const InputArgList& arguments, Options& options) {
  OptionReader reader(arguments);
  options.files = arguments.getAllArgValues(OPT_INPUT);
  options.targets = reader.list(OPT_target);
  if (arguments.hasArg(OPT_schedule)) options.schedules = reader.list(OPT_schedule);
  options.limits.accuracy = reader.accuracy(OPT_accuracy);
  options.limits.algorithms = reader.algorithms(OPT_algorithms);
  options.limits.packed_bytes =
      reader.number<std::int64_t>(OPT_max_packed, INT64_MAX, 0, INT64_MAX);
  if (arguments.hasArg(OPT_max_workspace))
    options.most_workspace_bytes =
        reader.number<std::int64_t>(OPT_max_workspace, INT64_MAX, 0, INT64_MAX);
  options.library_name = reader.text(OPT_library_name);
  options.dims = reader.dims(OPT_dim);
  options.layer = reader.text(OPT_layer);
  options.format = reader.format(OPT_format);
  options.output_directory = reader.text(OPT_output_directory);
  options.depfile = reader.text(OPT_depfile);
  options.jobs = reader.number(OPT_jobs, 0u, 1u, 4096u);
  options.cache_directory = reader.text(OPT_cache);
  options.use_cache = !arguments.hasArg(OPT_no_cache);
  options.threads = reader.numbers(OPT_threads, 1u, kMaxThreads);
  options.seed = reader.number<std::uint64_t>(OPT_seed, 1, 0, UINT64_MAX);
  options.inputs = arguments.getAllArgValues(OPT_input);
  options.outputs = arguments.getAllArgValues(OPT_output);
  options.slow_path_is_error = reader.flag(OPT_error, "slow-path");
  options.weights_directory = reader.text(OPT_weights);
  options.kernel = reader.text(OPT_kernel);
  options.bias = reader.text(OPT_bias);
  options.filter = reader.text(OPT_filter);
  options.cpu = reader.text(OPT_cpu);
  options.min_time_seconds = reader.number(OPT_min_time, 0.5, 0.0, 3600.0);
  options.rounds = reader.number(OPT_rounds, 7u, 5u, 10000u);
  options.sizes = reader.numbers<std::int64_t>(OPT_sizes, 1, INT32_MAX);
  if (arguments.hasArg(OPT_peers)) options.peers = reader.list(OPT_peers);
  return reader.error;
}

/// What a verb needs beyond what the table says; empty when all is there.
std::string missing_or_conflicting(const Options& options) {
  if (options.files.empty()) return "no input file";
  if (!options.dims.empty() &&
      std::none_of(options.files.begin(), options.files.end(), is_model_path))
    return "`--dim` is for ONNX models; a spec says `Dim(min=, max=)` itself";
  if (options.schedules.size() > 1 && options.verb != Verb::bench)
    return "`--schedule` takes one schedule here; only bench takes several";
  if (options.verb == Verb::summary && options.targets.size() > 1)
    return "summary takes one target";
  if (!options.use_cache && !options.cache_directory.empty())
    return "`--cache` and `--no-cache` exclude each other";
  if (options.verb == Verb::compile && options.output_directory.empty())
    return "`-o DIR` is missing: where should the library go?";
  if (options.verb != Verb::run) return "";
  if (options.files.size() > 1) return "run takes one input file";
  if (options.targets.size() > 1) return "run takes one target";
  if (options.threads.size() > 1) return "run takes one thread count";
  if (options.inputs.empty()) return "`--input x.npy` is missing";
  if (options.outputs.empty()) return "`--output y.npy` is missing";
  if (!options.weights_directory.empty() && !(options.kernel + options.bias).empty())
    return "`--weights` and `--kernel`/`--bias` exclude each other";
  return "";
}

std::string unknown_option(const ConvcOptions& table, const VerbRow& row, StringRef spelled) {
  std::string message = "unknown option `" + spelled.str() + "` for `convc " + row.name + "`";
  std::string nearest;
  const StringRef name = spelled.split('=').first;
  if (table.findNearest(name, nearest, Visibility(row.visibility), 3, 2) <= 2)
    message += "; did you mean `" + StringRef(nearest).rtrim('=').str() + "`?";
  else if (table.findExact(name, nearest))
    message += ": only other verbs have it";
  return message;
}

std::optional<Options> parse_verb(const VerbRow& row, const std::vector<std::string>& words,
                                  int* exit_code) {
  const ConvcOptions table;
  std::vector<const char*> pointers;
  for (std::size_t i = 1; i < words.size(); ++i) pointers.push_back(words[i].c_str());

  unsigned missing_index = 0, missing_count = 0;
  const InputArgList arguments =
      table.ParseArgs(pointers, missing_index, missing_count, Visibility(row.visibility));
  if (arguments.hasArg(OPT_help)) {
    const std::string usage = std::string("convc ") + row.name + " " + row.usage + " [options]";
    table.printHelp(llvm::outs(), usage.c_str(), row.purpose, false, false,
                    Visibility(row.visibility));
    *exit_code = exit_done;
    return std::nullopt;
  }
  if (arguments.hasArg(OPT_version)) {
    llvm::outs() << version_text();
    *exit_code = exit_done;
    return std::nullopt;
  }

  Options options;
  options.verb = row.verb;
  std::string error;
  if (missing_count != 0)
    error = "option `" + std::string(pointers[missing_index]) + "` needs a value";
  else if (const Arg* unknown = arguments.getLastArg(OPT_UNKNOWN))
    error = unknown_option(table, row, unknown->getAsString(arguments));
  if (error.empty()) error = read_options(arguments, options);
  if (error.empty()) error = missing_or_conflicting(options);
  if (!error.empty()) {
    *exit_code = usage_error(error, row.name);
    return std::nullopt;
  }
  return options;
}

}  // namespace

const char* name_of(Verb verb) {
  for (const VerbRow& row : kVerbs)
    if (row.verb == verb) return row.name;
  return "?";
}

std::optional<Options> parse_command_line(const std::vector<std::string>& arguments,
                                          int* exit_code) {
  if (arguments.empty()) {
    print_overview(llvm::errs());
    *exit_code = exit_usage;
    return std::nullopt;
  }
  const std::string& first = arguments[0];
  *exit_code = exit_done;
  if (first == "--version") {
    llvm::outs() << version_text();
    return std::nullopt;
  }
  if (first == "--help" || first == "-h" || (first == "help" && arguments.size() == 1)) {
    print_overview(llvm::outs());
    return std::nullopt;
  }
  if (first == "help") return parse_command_line({arguments[1], "--help"}, exit_code);
  if (const VerbRow* row = find_verb(first)) return parse_verb(*row, arguments, exit_code);
  *exit_code = refuse_verb(first);
  return std::nullopt;
}

}  // namespace convc
