// Joins what the two front ends load.
#include "dsl/onnx/load_files.h"

#include <algorithm>
#include <set>
#include <utility>

#include "dsl/load.h"
#include "dsl/onnx/load_onnx.h"
#include "dsl/text.h"

namespace convc {
namespace {

// Functions are told apart without regard to case, as the macros of the generated header are.
bool check_functions(const Module& module, Diagnostics& diagnostics) {
  std::set<std::string> seen;
  bool ok = true;
  for (const Graph& graph : module.graphs) {
    std::string name = graph.name;
    std::transform(name.begin(), name.end(), name.begin(), [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    if (seen.insert(name).second) continue;
    diagnostics.error(Code::duplicate_name, {},
                      cat("two functions of this library are called \"", graph.name, "\""));
    ok = false;
  }
  return ok;
}

}  // namespace

bool is_model_path(const std::string& path) {
  return path.size() > 5 && path.compare(path.size() - 5, 5, ".onnx") == 0;
}

std::optional<Module> load_files(const std::vector<std::string>& paths,
                                 const std::string& library_name, ModelDims dims,
                                 Diagnostics& diagnostics) {
  std::vector<std::string> specs, models;
  for (const std::string& path : paths) (is_model_path(path) ? models : specs).push_back(path);
  if (models.empty()) return load_spec_files(specs, library_name, diagnostics);
  if (paths.size() > 1 && library_name.empty()) {
    diagnostics.error(Code::name_needed, {}, "several files make one library, which needs a name");
    return std::nullopt;
  }
  Module module;
  module.name = library_name;
  bool ok = true;
  const auto add = [&](std::optional<Module> part) {
    ok = ok && part.has_value();
    if (!part) return;
    if (module.name.empty()) module.name = part->name;
    for (Graph& graph : part->graphs) module.graphs.push_back(std::move(graph));
  };
  if (!specs.empty()) add(load_spec_files(specs, library_name, diagnostics));
  for (const std::string& path : models) add(load_onnx_file(path, library_name, dims, diagnostics));
  // Of a model that cannot be read no names are known.
  if (ok || dims.any_met()) ok = dims.check_all_met(diagnostics) && ok;
  if (!ok || !check_functions(module, diagnostics)) return std::nullopt;
  return module;
}

}  // namespace convc
