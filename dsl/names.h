// Names: Keras' automatic ones, and what may be a name in generated C and C++.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "dsl/diagnostics.h"
#include "dsl/draft.h"

namespace convc {

/// Keras' automatic names: conv2d, conv2d_1, conv2d_2, ..., counted per prefix and per file. As in
/// Keras, given names do not count.
class AutoNames {
 public:
  std::string next(const std::string& prefix);

 private:
  std::map<std::string, int> used_;
};

/// Reports and returns false unless `name` can stand in generated code. `what` is the subject of
/// the message ("the name", "the library's name"); `help` is what stands before the better name,
/// with an opening quote if there is to be one.
bool check_name(std::string_view name, const std::string& what, Code code, SourceRange range,
                const std::string& help, Diagnostics& diagnostics);

/// The nearest C identifier: other characters become '_', a leading digit gets one before it.
std::string to_identifier(std::string_view name);

/// Reports names that are given twice, and names that differ but give the same C name or macro in
/// the generated header (the macros are in capitals).
void check_unique_names(const ModuleDraft& module, Diagnostics& diagnostics);

}  // namespace convc
