// From an LLVM module to an ELF object. Private to this room; touches LLVM only.
#pragma once

#include <memory>
#include <string>

namespace llvm {
class Module;
class TargetMachine;
}  // namespace llvm

namespace convc {

/// A code generator for position independent code. Throws InternalError for an unknown triple.
std::unique_ptr<llvm::TargetMachine> make_target_machine(const std::string& triple);

/// `module` must have the machine's triple and data layout. Throws InternalError.
std::string to_object(llvm::Module& module, llvm::TargetMachine& machine);

}  // namespace convc
