// Rules for names.
#include "dsl/names.h"

#include <algorithm>
#include <functional>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include "dsl/snippet.h"
#include "dsl/text.h"
#include "dsl/vocabulary.h"

namespace convc {
namespace {

// Keywords of C (up to C23) and of C++ (up to C++20), and the alternative operator names.
const std::set<std::string_view>& keywords() {
  static const std::set<std::string_view> words = {"alignas",
                                                   "alignof",
                                                   "and",
                                                   "and_eq",
                                                   "asm",
                                                   "auto",
                                                   "bitand",
                                                   "bitor",
                                                   "bool",
                                                   "break",
                                                   "case",
                                                   "catch",
                                                   "char",
                                                   "char16_t",
                                                   "char32_t",
                                                   "char8_t",
                                                   "class",
                                                   "co_await",
                                                   "co_return",
                                                   "co_yield",
                                                   "compl",
                                                   "concept",
                                                   "const",
                                                   "const_cast",
                                                   "consteval",
                                                   "constexpr",
                                                   "constinit",
                                                   "continue",
                                                   "decltype",
                                                   "default",
                                                   "delete",
                                                   "do",
                                                   "double",
                                                   "dynamic_cast",
                                                   "else",
                                                   "enum",
                                                   "explicit",
                                                   "export",
                                                   "extern",
                                                   "false",
                                                   "float",
                                                   "for",
                                                   "friend",
                                                   "goto",
                                                   "if",
                                                   "inline",
                                                   "int",
                                                   "long",
                                                   "mutable",
                                                   "namespace",
                                                   "new",
                                                   "noexcept",
                                                   "not",
                                                   "not_eq",
                                                   "nullptr",
                                                   "operator",
                                                   "or",
                                                   "or_eq",
                                                   "private",
                                                   "protected",
                                                   "public",
                                                   "register",
                                                   "reinterpret_cast",
                                                   "requires",
                                                   "restrict",
                                                   "return",
                                                   "short",
                                                   "signed",
                                                   "sizeof",
                                                   "static",
                                                   "static_assert",
                                                   "static_cast",
                                                   "struct",
                                                   "switch",
                                                   "template",
                                                   "this",
                                                   "thread_local",
                                                   "throw",
                                                   "true",
                                                   "try",
                                                   "typedef",
                                                   "typeid",
                                                   "typename",
                                                   "typeof",
                                                   "typeof_unqual",
                                                   "union",
                                                   "unsigned",
                                                   "using",
                                                   "virtual",
                                                   "void",
                                                   "volatile",
                                                   "wchar_t",
                                                   "while",
                                                   "xor",
                                                   "xor_eq"};
  return words;
}

// Prefixes of names that belong to the runtime and to Halide.
constexpr std::string_view kReservedPrefixes[] = {"convc", "halide"};

bool is_identifier(std::string_view name) {
  const auto letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  };
  const auto word = [&](char c) { return letter(c) || (c >= '0' && c <= '9'); };
  return !name.empty() && letter(name[0]) && std::all_of(name.begin(), name.end(), word);
}

// What linkers, debuggers and other compilers' name limits take without complaint.
constexpr std::size_t kMaxName = 200;

// The names of the variables that a layer may have, as Keras names them.
std::vector<std::string_view> variable_names(const LayerType& type) {
  switch (type.role) {
    case LayerRole::convolution:
      if (type.kind == LayerKind::separable_conv) {
        return {"depthwise_kernel", "pointwise_kernel", "bias"};
      }
      if (type.kind == LayerKind::depthwise_conv) return {"depthwise_kernel", "bias"};
      return {"kernel", "bias"};
    case LayerRole::prelu:
      return {"alpha"};
    case LayerRole::batch_normalization:
      return {"gamma", "beta", "moving_mean", "moving_variance"};
    default:
      return {};
  }
}

// The names of the inputs and outputs.
std::vector<std::string> io_names(const GraphDraft& graph) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < graph.inputs.size(); ++i) names.push_back(tensor_name(graph, i));
  for (const std::size_t output : graph.outputs) names.push_back(tensor_name(graph, output));
  return names;
}

// The identifiers and macros a generated header has for a function, in small letters.
std::vector<std::string> header_symbols(const std::string& library, const GraphDraft& graph) {
  const std::string kernel = lower_case(cat(library, "_", graph.name));
  std::vector<std::string> symbols;
  for (const char* ending :
       {"_run", "_pack", "_weights", "_io", "_kernel", "_packed_bytes", "_workspace_bytes"}) {
    symbols.push_back(kernel + ending);
  }
  for (const std::string& name : io_names(graph)) {
    symbols.push_back(cat(kernel, "_", lower_case(name), "_elements"));
  }
  for (const NodeDraft& node : graph.nodes) {
    const std::string layer =
        graph.form == GraphForm::layer ? kernel : cat(kernel, "_", lower_case(node.layer.name));
    for (const std::string_view variable : variable_names(*node.layer.type)) {
      symbols.push_back(cat(layer, "_", variable, "_elements"));
    }
  }
  return symbols;
}

// Whether two symbols of the library may be the same: their hashes are. Where none are, as nearly
// always, this takes a small part of the time that a table of all symbols would.
bool may_clash(const ModuleDraft& module) {
  std::vector<std::size_t> hashes;
  for (const GraphDraft& graph : module.graphs) {
    for (const std::string& symbol : header_symbols(module.name, graph)) {
      hashes.push_back(std::hash<std::string>{}(symbol));
    }
  }
  std::sort(hashes.begin(), hashes.end());
  return std::adjacent_find(hashes.begin(), hashes.end()) != hashes.end();
}

// Names seen so far, and where.
class SeenNames {
 public:
  SeenNames(std::string scope, Diagnostics& diagnostics)
      : scope_(std::move(scope)), diagnostics_(diagnostics) {}

  // A name and where it stands.
  using Seen = std::pair<const std::string, SourceRange>;

  // What add_symbols takes; null when the name was seen before (then it is reported).
  const Seen* add(const std::string& name, SourceRange range) {
    const auto [before, fresh] = exact_.emplace(name, range);
    if (!fresh) {
      Diagnostic& error = diagnostics_.error(
          Code::duplicate_name, range, cat("the name \"", name, "\" is used twice in ", scope_));
      if (before->second.known()) error.note("it is first used here", before->second);
      return nullptr;
    }
    return &*before;
  }

  // Reports when one of `symbols` (in small letters), which `made_from` makes, was made from
  // another name.
  void add_symbols(std::vector<std::string> symbols, const Seen& made_from) {
    for (std::string& symbol : symbols) {
      const auto [found, fresh] = symbols_.emplace(std::move(symbol), &made_from);
      const Seen& before = *found->second;
      if (fresh || before.first == made_from.first) continue;
      Diagnostic& error =
          diagnostics_.error(Code::c_name_clash, made_from.second,
                             cat("the names \"", before.first, "\" and \"", made_from.first,
                                 "\" clash in the generated C code"));
      error.note(cat("both make ", found->first, ", or a macro of that name in capitals"));
      if (before.second.known()) error.note("the other one is here", before.second);
      return;
    }
  }

 private:
  std::string scope_;
  Diagnostics& diagnostics_;
  std::unordered_map<std::string, SourceRange> exact_;  // its elements stay where they are
  std::unordered_map<std::string, const Seen*> symbols_;
};

}  // namespace

std::string AutoNames::next(const std::string& prefix) {
  const int number = used_[prefix]++;
  return number == 0 ? prefix : cat(prefix, "_", number);
}

std::string to_identifier(std::string_view name) {
  std::string out;
  for (const char c : name.substr(0, kMaxName)) {
    if ((static_cast<unsigned char>(c) & 0xC0) == 0x80) continue;
    out += is_identifier(std::string{'_', c}) ? c : '_';
  }
  if (out.empty() || (out[0] >= '0' && out[0] <= '9')) out.insert(0, 1, '_');
  return out;
}

bool check_name(std::string_view name, const std::string& what, Code code, SourceRange range,
                const std::string& help, Diagnostics& diagnostics) {
  const std::string shown = printable(name.substr(0, 60));
  const char* close = help.ends_with('"') ? "\"" : "";
  if (!is_identifier(name)) {
    diagnostics.error(code, range, cat(what, " \"", shown, "\" is not a C identifier"))
        .note("letters, digits and _, not beginning with a digit")
        .help(cat(help, to_identifier(name.substr(0, 60)), close));
    return false;
  }
  if (name.size() > kMaxName) {
    diagnostics.error(code, range, cat(what, " is too long: ", name.size(), " characters"))
        .note(cat("at most ", kMaxName))
        .help("use a shorter name");
    return false;
  }
  const Code reserved = code == Code::library_name ? code : Code::reserved_name;
  if (keywords().count(name) != 0) {
    diagnostics.error(reserved, range, cat(what, " \"", shown, "\" is a keyword of C or C++"))
        .help(cat(help, name, "_", close));
    return false;
  }
  if (code != Code::library_name) return true;
  for (const std::string_view prefix : kReservedPrefixes) {
    if (lower_case(name) != prefix && lower_case(name).rfind(cat(prefix, "_"), 0) != 0) continue;
    diagnostics
        .error(reserved, range,
               cat(what, " \"", shown, "\" begins with \"", prefix, "\", which is reserved"))
        .help(cat(help, "my_", name, close));
    return false;
  }
  return true;
}

void check_unique_names(const ModuleDraft& module, Diagnostics& diagnostics) {
  SeenNames kernels("this library", diagnostics);
  const bool checks_symbols = may_clash(module);
  for (const GraphDraft& graph : module.graphs) {
    diagnostics.set_origin(cat(module.name, ".", graph.name));
    const SourceRange where = graph.name_range;
    const SeenNames::Seen* kernel = kernels.add(graph.name, where);
    if (kernel != nullptr && checks_symbols) {
      kernels.add_symbols(header_symbols(module.name, graph), *kernel);
    }
    if (graph.form == GraphForm::layer) continue;
    const char* form = graph.form == GraphForm::sequential ? "Sequential" : "Model";
    SeenNames layers(cat("the ", form, " \"", graph.name, "\""), diagnostics);
    for (const NodeDraft& node : graph.nodes) {
      const std::string& name = node.layer.name;
      const SeenNames::Seen* layer = layers.add(name, node.layer.name_range);
      if (layer == nullptr) continue;
      std::vector<std::string> symbols;
      for (const std::string_view variable : variable_names(*node.layer.type)) {
        symbols.push_back(cat(lower_case(name), "_", variable));
      }
      if (symbols.empty()) symbols.push_back(lower_case(name));
      layers.add_symbols(std::move(symbols), *layer);
    }
    SeenNames ends(cat("the inputs and outputs of \"", graph.name, "\""), diagnostics);
    const std::vector<std::string> names = io_names(graph);
    for (std::size_t i = 0; i < names.size(); ++i) {
      const SourceRange range = i < graph.inputs.size() ? graph.inputs[i].name_range : where;
      const SeenNames::Seen* end = ends.add(names[i], range);
      if (end != nullptr) ends.add_symbols({lower_case(names[i])}, *end);
    }
  }
}

}  // namespace convc
