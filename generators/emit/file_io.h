// Whole files, read and written with every error told. POSIX.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace convc {

/// The file's bytes; nullopt with errno set.
std::optional<std::string> read_file(const std::string& path);

/// Creates a new file in `directory` whose name begins with `prefix`, holding `bytes`, with the
/// permissions that a program's output has. Returns its path; on failure nothing is left behind and
/// nullopt comes back with errno set.
std::optional<std::string> write_temporary(const std::string& directory, const std::string& prefix,
                                           std::string_view bytes);

/// Creates `path` and the directories above it. False with errno set.
bool make_directories(const std::string& path);

}  // namespace convc
