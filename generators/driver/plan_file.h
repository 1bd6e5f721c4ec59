// Plan files: what `convc plan` prints and `--schedule FILE` reads. One line per layer and ISA,
//
//   down avx512: direct lanes=16 tile=1x14x2 ...
//   edge_net/conv2d avx2: pointwise lanes=8 ...
//
// where a layer of a Sequential or a Model carries its name before a slash. A layer of several
// steps has a line for each: up.1, up.2. Blank lines and text from `#` on are ignored.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "dsl/diagnostics.h"
#include "dsl/module.h"
#include "generators/plan/plan.h"

namespace convc {

/// How plan files and reports call the steps of a lowered graph: step_names (emit/names.h), in a
/// Sequential or a Model behind GRAPH/.
std::vector<std::string> step_paths(const Graph& lowered);

/// One line of a plan file, without newline.
std::string plan_file_line(const std::string& layer, const std::string& isa, const Plan& plan);

struct PlanFile {
  struct Entry {
    Plan plan;
    SourceRange layer;  ///< where it is named
    SourceRange range;  ///< of the plan
  };
  std::map<std::pair<std::string, std::string>, Entry> plans;  ///< by layer path and ISA
  std::string path;

  /// Null where the file has no line for it.
  [[nodiscard]] const Entry* find(const std::string& layer, const std::string& isa) const {
    const auto entry = plans.find({layer, isa});
    return entry == plans.end() ? nullptr : &entry->second;
  }
};

/// Reads a plan file that `diagnostics` has as `file`. Everything wrong with it is reported, and
/// the other lines are read nevertheless.
PlanFile parse_plan_file(std::uint32_t file, const std::string& path, Diagnostics& diagnostics);

}  // namespace convc
