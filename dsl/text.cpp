#include "dsl/text.h"

#include "llvm/ADT/StringRef.h"

namespace convc {

std::string lower_case(std::string_view text) {
  return llvm::StringRef(text.data(), text.size()).lower();
}

}  // namespace convc
