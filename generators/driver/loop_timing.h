// One loop of machine code on LLVM's model of a processor: how long an iteration takes there, and
// what could keep it from being faster. For hot_loop.cpp alone: it shows LLVM's MC.
#pragma once

#include <llvm/MC/MCAsmInfo.h>
#include <llvm/MC/MCContext.h>
#include <llvm/MC/MCDisassembler/MCDisassembler.h>
#include <llvm/MC/MCInst.h>
#include <llvm/MC/MCInstPrinter.h>
#include <llvm/MC/MCInstrAnalysis.h>
#include <llvm/MC/MCInstrInfo.h>
#include <llvm/MC/MCRegisterInfo.h>
#include <llvm/MC/MCSubtargetInfo.h>

#include <memory>

#include "generators/driver/hot_loop.h"

namespace convc {

struct Instruction {
  std::uint64_t address = 0, size = 0;
  llvm::MCInst inst;
  std::optional<std::uint64_t> target;  ///< of a branch
};

/// LLVM's descriptions of one processor, in the order in which they need each other.
struct Processor {
  /// False, with a sentence in `*error`, when LLVM does not know it.
  bool open(const std::string& triple, const std::string& cpu, std::string* error);

  std::unique_ptr<llvm::MCRegisterInfo> registers;
  std::unique_ptr<llvm::MCAsmInfo> assembly;
  std::unique_ptr<llvm::MCInstrInfo> instructions;
  std::unique_ptr<llvm::MCSubtargetInfo> subtarget;
  std::unique_ptr<llvm::MCContext> context;
  std::unique_ptr<llvm::MCInstrAnalysis> analysis;
  std::unique_ptr<llvm::MCDisassembler> disassembler;
  std::unique_ptr<llvm::MCInstPrinter> printer;
};

/// Sets the cycles, the resource and what else the model knows. `fmas` are those instructions of
/// the body that multiply and add.
void time_loop(const Processor& processor, llvm::ArrayRef<Instruction> body,
               llvm::ArrayRef<Instruction> fmas, InnerLoop& loop);

}  // namespace convc
