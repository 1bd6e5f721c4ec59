// Checks of weights, wherever they come from: literals, .npy files, ONNX models. Plain dsl.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "dsl/diagnostics.h"

namespace convc {

/// Warns of variances that are 0 with `epsilon`: what is divided by their root is infinite.
void warn_of_zero_root(const std::string& subject, const std::vector<float>& variances,
                       float epsilon, const SourceRange& range, Diagnostics& diagnostics);

/// Warns of numbers that are infinite or none at all; `subject` is what has them.
void warn_of_infinite(const std::string& subject, const std::vector<float>& values,
                      const SourceRange& range, Diagnostics& diagnostics);

/// What a message says of the first negative variance: "has a negative number, -1, for channel 2";
/// nullopt where there is none.
std::optional<std::string> negative_variance(const std::vector<float>& values);

}  // namespace convc
