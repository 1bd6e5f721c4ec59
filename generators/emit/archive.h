// ar archives. Touches LLVM only.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace convc {

/// A GNU archive with a symbol table; no dates and no owners, so equal members give equal bytes.
/// Throws InternalError.
std::string archive(const std::vector<std::pair<std::string, std::string>>& members);

}  // namespace convc
