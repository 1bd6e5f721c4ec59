// Whole files and pipes, with a limit. Plain C++.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

namespace convc {

/// The bytes of a file or pipe; of one that has more than `most`, one more than that. Nullopt with
/// errno set when it cannot be read.
std::optional<std::string> read_bytes(const std::string& path, std::size_t most);

}  // namespace convc
