// ModelDims: sizes for what models name in place of a number. Standard library and dsl only.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>

#include "dsl/diagnostics.h"
#include "dsl/layer_spec.h"

namespace convc {

/// What is known of the sizes that models leave open, by the name that a model gives them (ONNX'
/// dim_param); one without a name is called INPUT.AXIS, e.g. "x.0". It remembers which names it has
/// met, because one that no model has is a mistake.
class ModelDims {
 public:
  ModelDims() = default;
  /// Precondition: 1 <= min <= max < 2^31.
  explicit ModelDims(std::map<std::string, Dim> given) : given_(std::move(given)) {}

  /// A model has this name.
  void meet(const std::string& name) { met_.insert(name); }
  /// What is given for it; nullopt where nothing is.
  [[nodiscard]] std::optional<Dim> find(const std::string& name) const;
  [[nodiscard]] bool any_met() const { return !met_.empty(); }
  /// Reports names that are given and that nothing has; false when there are any.
  bool check_all_met(Diagnostics& diagnostics) const;

 private:
  std::map<std::string, Dim> given_;
  std::set<std::string> met_;
};

}  // namespace convc
