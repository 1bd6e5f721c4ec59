// LLVM's linker layer: objects are added as they are. No IR ever reaches the session.
#include "generators/emit/loaded_library.h"

#include <dlfcn.h>
#include <llvm/ExecutionEngine/Orc/ExecutionUtils.h>
#include <llvm/ExecutionEngine/Orc/LLJIT.h>
#include <llvm/ExecutionEngine/Orc/ObjectLinkingLayer.h>
#include <llvm/Object/ObjectFile.h>
#include <llvm/Support/MemoryBuffer.h>
#include <llvm/TargetParser/Host.h>

#include <map>
#include <vector>

#include "generators/emit/internal_error.h"
#include "generators/emit/llvm_object.h"
#include "generators/emit/names.h"
#include "generators/emit/object_symbols.h"

namespace convc {
namespace {

void check(llvm::Error error) {
  if (error) throw InternalError(llvm::toString(std::move(error)));
}

template <typename T>
T take(llvm::Expected<T> value) {
  check(value.takeError());
  return std::move(*value);
}

/// The addresses of everything that members may refer to outside the library.
std::map<std::string, void*> outside_symbols() {
  std::map<std::string, void*> symbols = {
      {"convc_pack", reinterpret_cast<void*>(convc_pack)},
      {"convc_run", reinterpret_cast<void*>(convc_run)},
      {"convc_packed_bytes", reinterpret_cast<void*>(convc_packed_bytes)},
      {"convc_workspace_bytes", reinterpret_cast<void*>(convc_workspace_bytes)},
      {"convc_rt_malloc", reinterpret_cast<void*>(convc_rt_malloc)},
      {"convc_rt_free", reinterpret_cast<void*>(convc_rt_free)},
      {"convc_rt_do_par_for", reinterpret_cast<void*>(convc_rt_do_par_for)},
      {"convc_rt_error_out_of_memory", reinterpret_cast<void*>(convc_rt_error_out_of_memory)},
  };
  for (const std::string& name : libc_functions()) {
    if (void* address = ::dlsym(RTLD_DEFAULT, name.c_str())) symbols[name] = address;
  }
  return symbols;
}

/// Throws unless the object is for this process' architecture.
void check_architecture(const std::string& object) {
  const auto file =
      take(llvm::object::ObjectFile::createObjectFile(llvm::MemoryBufferRef(object, "member")));
  const llvm::Triple process(llvm::sys::getProcessTriple());
  if (file->getArch() != process.getArch()) {
    throw InternalError("code for " + llvm::Triple::getArchTypeName(file->getArch()).str() +
                        " cannot run on " + process.getArchName().str());
  }
}

}  // namespace

struct LoadedLibrary::Linker {
  explicit Linker(const Artifact& artifact) {
    make_target_machine(llvm::sys::getProcessTriple());  // registers the architecture with LLVM
    llvm::orc::LLJITBuilder builder;
    builder.setPlatformSetUp(llvm::orc::setUpInactivePlatform);
    builder.setLinkProcessSymbolsByDefault(false);
    builder.setObjectLinkingLayerCreator(
        [](llvm::orc::ExecutionSession& execution,
           const llvm::Triple&) -> llvm::Expected<std::unique_ptr<llvm::orc::ObjectLayer>> {
          return std::make_unique<llvm::orc::ObjectLinkingLayer>(execution);
        });
    session = take(builder.create());
    define_outside_symbols();
    for (const auto& [name, bytes] : artifact.members) {
      check_architecture(bytes);
      check(session->addObjectFile(llvm::MemoryBuffer::getMemBufferCopy(bytes, name)));
    }
    for (const Graph& graph : artifact.module.graphs) {
      const std::string symbol = kernel_prefix(artifact.module, graph) + "_kernel";
      kernels.push_back(take(session->lookup(symbol)).toPtr<const convc_kernel*>());
      names[graph.name] = kernels.size() - 1;
    }
  }

  void define_outside_symbols() {
    llvm::orc::SymbolMap map;
    for (const auto& [name, address] : outside_symbols()) {
      map[session->mangleAndIntern(name)] = {llvm::orc::ExecutorAddr::fromPtr(address),
                                             llvm::JITSymbolFlags::Exported};
    }
    check(session->getMainJITDylib().define(llvm::orc::absoluteSymbols(std::move(map))));
  }

  std::unique_ptr<llvm::orc::LLJIT> session;
  std::vector<const convc_kernel*> kernels;
  std::map<std::string, std::size_t> names;
};

LoadedLibrary::LoadedLibrary() = default;
LoadedLibrary::~LoadedLibrary() = default;

std::unique_ptr<LoadedLibrary> LoadedLibrary::load(const Artifact& artifact, std::string* error) {
  try {
    std::unique_ptr<LoadedLibrary> library(new LoadedLibrary);
    library->linker_ = std::make_unique<Linker>(artifact);
    return library;
  } catch (const InternalError& failure) {
    *error = "library `" + artifact.library_name + "` cannot be loaded: " + failure.what();
    return nullptr;
  }
}

const convc_kernel* LoadedLibrary::kernel(std::size_t graph) const {
  return linker_->kernels.at(graph);
}

const convc_kernel* LoadedLibrary::kernel(const std::string& graph_name) const {
  const auto found = linker_->names.find(graph_name);
  return found == linker_->names.end() ? nullptr : linker_->kernels[found->second];
}

}  // namespace convc
