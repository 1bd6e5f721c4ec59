// Every option of every verb, once. llvm-tblgen turns this into options.inc (see options.cpp); which
// verbs take an option is its Visibility. Options and their text for --help live here only.
include "llvm/Option/OptParser.td"

def SummaryVerb : OptionVisibility;
def PlanVerb : OptionVisibility;
def CompileVerb : OptionVisibility;
def VerifyVerb : OptionVisibility;
def RunVerb : OptionVisibility;
def BenchVerb : OptionVisibility;
def ExplainVerb : OptionVisibility;

defvar every_verb = [SummaryVerb, PlanVerb, CompileVerb, VerifyVerb, RunVerb, BenchVerb, ExplainVerb];
defvar planning_verbs = every_verb;
defvar compiling_verbs = [CompileVerb, VerifyVerb, RunVerb, BenchVerb, ExplainVerb];

// --name VALUE and --name=VALUE.
multiclass Value<string name, string metavar, string help, list<OptionVisibility> verbs> {
  def NAME : Separate<["--"], name>, MetaVarName<metavar>, HelpText<help>, Visibility<verbs>;
  def NAME # _eq : Joined<["--"], name # "=">, Alias<!cast<Separate>(NAME)>, Visibility<verbs>;
}

def help : Flag<["--"], "help">, HelpText<"Print this text">, Visibility<every_verb>;
def help_h : Flag<["-"], "h">, Alias<help>, Visibility<every_verb>;
def version : Flag<["--"], "version">, HelpText<"Print the versions of convc and its libraries">,
              Visibility<every_verb>;

defm target : Value<"target", "<T[,T...]>",
  "Halide target strings, or aliases such as avx2, avx512; default: host", planning_verbs>;
defm schedule : Value<"schedule", "<S>",
  "auto (the planner's choice, default), naive (plain loops), or a file that `convc plan` wrote. "
  "bench takes a list: auto,naive", planning_verbs>;
defm accuracy : Value<"accuracy", "<A>",
  "fast (default): Winograd's algorithm where it is faster; its errors are at most 100 times those "
  "of the plain sum in the worst case, and a NaN may spread to neighbours or be left out where a "
  "literal filter or the padding is 0. strict: plain sums only",
  planning_verbs>;
defm algorithms : Value<"algorithms", "<A[,A...]>",
  "Choose among these algorithms only: direct, few_channels, pointwise, subsampled, split_channels, "
  "depthwise, grouped, planar, winograd; for layers with one filter bank, the others have one "
  "algorithm each", planning_verbs>;
defm max_packed : Value<"max-packed", "<bytes>",
  "A layer's packed weights take at most so much; Winograd's take up to 4 times those of others",
  planning_verbs>;
defm max_workspace : Value<"max-workspace", "<bytes>",
  "A layer's workspace takes at most so much with one thread; each further one takes what "
  "the manifest says", planning_verbs>;
defm layer : Value<"layer", "<N>", "Only the layer or network of this name",
  [PlanVerb, VerifyVerb, RunVerb, ExplainVerb]>;
defm library_name : Value<"name", "<NAME>",
  "The library's name; default: the stem of the only input file", every_verb>;
defm dim : Value<"dim", "<NAME=N|NAME=MIN:MAX>",
  "A size that an ONNX model names instead of giving a number, e.g. batch=1 or height=64:512; once "
  "per name", every_verb>;
defm format : Value<"format", "<F>", "console (default) or json",
  [SummaryVerb, PlanVerb, VerifyVerb, BenchVerb, ExplainVerb]>;

def output_directory : JoinedOrSeparate<["-"], "o">, MetaVarName<"<dir>">,
  HelpText<"Where libNAME.a, NAME.h and NAME.json go; made if missing">, Visibility<[CompileVerb]>;
defm depfile : Value<"depfile", "<file>", "Write a Makefile rule that names all inputs",
  [CompileVerb]>;

defm error : Value<"error", "<W>",
  "slow-path: a layer that is predicted to run at under a quarter of its roofline is an error",
  [SummaryVerb, CompileVerb]>;

def jobs : JoinedOrSeparate<["-"], "j">, MetaVarName<"<n>">,
  HelpText<"Kernels compiled at the same time; default: the CPUs of this process">,
  Visibility<compiling_verbs>;
defm cache : Value<"cache", "<dir>",
  "The kernel cache; default: $XDG_CACHE_HOME/convc or ~/.cache/convc", compiling_verbs>;
def no_cache : Flag<["--"], "no-cache">, HelpText<"Neither read nor write the kernel cache">,
  Visibility<compiling_verbs>;

defm threads : Value<"threads", "<n[,n...]>",
  "Thread counts to run with; default: 1,2,3,4 for verify, 1 for bench, all CPUs for run",
  [VerifyVerb, RunVerb, BenchVerb]>;
defm seed : Value<"seed", "<n>", "Seed of the random data; default: 1", [VerifyVerb, BenchVerb]>;

defm input : Value<"input", "<[NAME=]x.npy>",
  "An input array in the layer's layout, e.g. (batch,) height, width, channels; once per input",
  [RunVerb]>;
defm weights : Value<"weights", "<dir>",
  "Directory of LAYER.VARIABLE.npy, with Keras' names and shapes, e.g. down.kernel.npy", [RunVerb]>;
defm kernel : Value<"kernel", "<k.npy>", "The kernel of a single layer", [RunVerb]>;
defm bias : Value<"bias", "<b.npy>", "The bias of a single layer", [RunVerb]>;
defm output : Value<"output", "<[NAME=]y.npy>", "Where a result goes; once per output",
  [RunVerb]>;

defm filter : Value<"filter", "<regex>",
  "Only benchmarks whose name matches (POSIX extended; a leading - inverts)", [BenchVerb]>;
defm min_time : Value<"min-time", "<seconds>", "Least time of each benchmark; default: 0.5",
  [BenchVerb]>;
defm rounds : Value<"rounds", "<n>",
  "Interleaved rounds of FMA peak and kernel behind peak_fraction; at least 5; default: 7",
  [BenchVerb]>;
defm sizes : Value<"sizes", "<n[,n...]>",
  "Heights and widths at which layers with run-time sizes are measured; default: those that the "
  "planner assumes. time_over_fixed compares with a kernel of just that size", [BenchVerb]>;
defm peers : Value<"peers", "<P[,P...]>",
  "Other libraries to measure in turn with each kernel: onednn, onnxruntime, openvino, xnnpack, "
  "iree (programs convc-peer-P); one that is not there is skipped with its reason", [BenchVerb]>;

defm cpu : Value<"cpu", "<name>",
  "The processor to model, by LLVM's name; default: this one, or a common one with the target's ISA",
  [ExplainVerb]>;
