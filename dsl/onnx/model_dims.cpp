// Sizes that are given for the names of models.
#include "dsl/onnx/model_dims.h"

#include <string_view>
#include <vector>

#include "dsl/snippet.h"
#include "dsl/text.h"

namespace convc {

std::optional<Dim> ModelDims::find(const std::string& name) const {
  const auto found = given_.find(name);
  return found == given_.end() ? std::nullopt : std::optional(found->second);
}

bool ModelDims::check_all_met(Diagnostics& diagnostics) const {
  constexpr std::size_t kShown = 20;
  std::string known;
  std::size_t count = 0;
  for (const std::string& name : met_) {
    if (count++ < kShown) known += cat(known.empty() ? "" : ", ", printable(name));
  }
  if (count > kShown) known += ", ...";
  const std::vector<std::string_view> names(met_.begin(), met_.end());
  const std::size_t errors = diagnostics.error_count();
  diagnostics.set_origin("--dim");
  for (const auto& [name, dim] : given_) {
    if (met_.count(name) != 0) continue;
    Diagnostic& error =
        diagnostics.error(Code::onnx_dim, {}, cat("no size of the model is called \"", name, "\""));
    // Among names of one letter, any is near.
    if (const std::string_view close = nearest(name, names); close.size() > 1) {
      error.help(cat("did you mean ", printable(close), "?"));
    }
    error.help(known.empty() ? "all sizes of its inputs are numbers; remove it"
                             : cat("its open sizes are: ", known));
  }
  diagnostics.set_origin({});
  return diagnostics.error_count() == errors;
}

}  // namespace convc
