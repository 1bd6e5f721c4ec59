#include "dsl/check_numbers.h"

#include <algorithm>
#include <cmath>

#include "dsl/text.h"

namespace convc {

void warn_of_infinite(const std::string& subject, const std::vector<float>& values,
                      const SourceRange& range, Diagnostics& diagnostics) {
  const auto count = std::count_if(values.begin(), values.end(),
                                   [](float value) { return !std::isfinite(value); });
  if (count == 0) return;
  diagnostics
      .warning(Code::not_finite, range,
               cat(subject, " has ", count_of(static_cast<std::size_t>(count), "number"), " that ",
                   count == 1 ? "is" : "are", " not finite"))
      .note("what they are multiplied with becomes infinite or no number at all");
}

void warn_of_zero_root(const std::string& subject, const std::vector<float>& variances,
                       float epsilon, const SourceRange& range, Diagnostics& diagnostics) {
  const auto count = std::count_if(variances.begin(), variances.end(), [&](float variance) {
    return double{variance} + double{epsilon} == 0;
  });
  if (count == 0) return;
  diagnostics
      .warning(Code::not_finite, range,
               cat(subject, " has ", count_of(static_cast<std::size_t>(count), "number"), " that ",
                   count == 1 ? "is" : "are", " 0, and epsilon is 0"))
      .note("their channels are divided by 0; as that is part of the weights, they are no numbers")
      .help("give a small epsilon, e.g. 1e-5");
}

std::optional<std::string> negative_variance(const std::vector<float>& values) {
  const auto negative =
      std::find_if(values.begin(), values.end(), [](float value) { return value < 0; });
  if (negative == values.end()) return std::nullopt;
  return cat("has a negative number, ", *negative, ", for channel ", negative - values.begin());
}

}  // namespace convc
