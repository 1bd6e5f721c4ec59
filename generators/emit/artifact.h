// Artifact: what this room makes of a Module. The only room that writes files.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dsl/module.h"
#include "generators/plan/plan.h"

namespace convc {

/// Machine code of one layer for one target, relocatable, position independent.
struct KernelObject {
  std::string symbol;              ///< Halide argv entry is symbol + "_argv"
  std::string object;              ///< bytes of an ELF object; undefined halide_* already renamed
  std::int64_t scratch_bytes = 0;  ///< allocations outside the parallel loop
  std::int64_t thread_scratch_bytes = 0;  ///< allocations inside it, per thread
  std::int32_t max_tasks = 1;             ///< extent of the parallel loop (see scratch_size.h)
  std::int64_t code_bytes = 0;            ///< size of the text sections
  double compile_seconds = 0;             ///< 0 when it came from the cache
  bool from_cache = false;
};

/// One step (a node of a lowered graph) for one target.
struct CompiledLayer {
  std::string target;  ///< full Halide target string
  std::string isa;     ///< variant name in the runtime
  Plan plan;
  KernelObject object;
};

/// A library in memory, ready to be written (write_library) or loaded (driver/loader.h).
struct Artifact {
  std::string library_name;
  Module module;   ///< as written: names, variables, inputs and outputs are its
  Module lowered;  ///< what is compiled (generators/plan/lowering.h)
  std::vector<std::string> targets;
  Accuracy accuracy = Accuracy::fast;  ///< that the plans were chosen with
  /// [graph][target][node of the lowered graph]
  std::vector<std::vector<std::vector<CompiledLayer>>> layers;
  std::string header;                                        ///< NAME.h
  std::string manifest;                                      ///< NAME.json
  std::vector<std::pair<std::string, std::string>> members;  ///< archive members: name, bytes
};

}  // namespace convc
