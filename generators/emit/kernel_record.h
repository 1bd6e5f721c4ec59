// A KernelObject as bytes: what a worker sends to its parent and what the cache keeps. The form is
// private to one build of convc (its id is part of every cache key), so it has no versions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "generators/emit/artifact.h"

namespace convc {

/// Ends with a checksum of all that precedes it.
std::string to_record(const KernelObject& kernel);

/// The inverse; nullopt when the bytes are damaged or cut short.
std::optional<KernelObject> parse_record(std::string_view record);

}  // namespace convc
