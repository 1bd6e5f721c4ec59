// LoadedLibrary: an Artifact's very objects linked into this process, so that verify, run and bench
// execute what compile writes. Code is placed, never generated.
#pragma once

#include <memory>
#include <string>

#include "convc/kernel_abi.h"
#include "generators/emit/artifact.h"

namespace convc {

class LoadedLibrary {
 public:
  /// Links all members against the runtime in this program. On failure returns nullptr and sets
  /// `*error` to a sentence. Objects for other architectures are refused; whether this processor
  /// can run a variant is decided by the runtime, call by call.
  static std::unique_ptr<LoadedLibrary> load(const Artifact& artifact, std::string* error);
  ~LoadedLibrary();

  /// The descriptor of the graph with this index in Artifact::module. Valid while this object
  /// lives.
  [[nodiscard]] const convc_kernel* kernel(std::size_t graph) const;
  /// The descriptor of the graph with this name; nullptr when there is none.
  [[nodiscard]] const convc_kernel* kernel(const std::string& graph_name) const;

 private:
  struct Linker;
  LoadedLibrary();
  std::unique_ptr<Linker> linker_;
};

}  // namespace convc
