// See archive.h.
#include "generators/emit/archive.h"

#include <llvm/Object/ArchiveWriter.h>
#include <llvm/Support/MemoryBuffer.h>

#include "generators/emit/internal_error.h"

namespace convc {

std::string archive(const std::vector<std::pair<std::string, std::string>>& members) {
  std::vector<llvm::NewArchiveMember> list;
  for (const auto& [name, bytes] : members) {
    llvm::NewArchiveMember member(llvm::MemoryBufferRef(bytes, name));
    list.push_back(std::move(member));
  }
  auto buffer = llvm::writeArchiveToBuffer(list, llvm::SymtabWritingMode::NormalSymtab,
                                           llvm::object::Archive::K_GNU, /*Deterministic=*/true,
                                           /*Thin=*/false);
  if (!buffer) throw InternalError("writing an archive: " + llvm::toString(buffer.takeError()));
  return (*buffer)->getBuffer().str();
}

}  // namespace convc
