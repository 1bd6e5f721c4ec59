#include "generators/driver/loop_timing.h"

#include <llvm/MC/MCTargetOptions.h>
#include <llvm/MC/TargetRegistry.h>
#include <llvm/MCA/Context.h>
#include <llvm/MCA/CustomBehaviour.h>
#include <llvm/MCA/InstrBuilder.h>
#include <llvm/MCA/Pipeline.h>
#include <llvm/MCA/SourceMgr.h>
#include <llvm/Support/TargetSelect.h>

#include <algorithm>

namespace convc {
namespace {

/// Cycles per iteration that a loop keeps each resource of the model busy, over the units that
/// share the work.
class Occupancy {
 public:
  explicit Occupancy(const Processor& processor)
      : processor_(processor), busy_(model().getNumProcResourceKinds(), 0.0) {}

  void add(const llvm::MCInst& inst) {
    unsigned index = processor_.instructions->get(inst.getOpcode()).getSchedClass();
    while (model().getSchedClassDesc(index)->isVariant()) {
      index = processor_.subtarget->resolveVariantSchedClass(
          index, &inst, processor_.instructions.get(), model().getProcessorID());
    }
    const llvm::MCSchedClassDesc& described = *model().getSchedClassDesc(index);
    if (!described.isValid()) return;
    micro_ops_ += described.NumMicroOps;
    for (const auto* use = processor_.subtarget->getWriteProcResBegin(&described);
         use != processor_.subtarget->getWriteProcResEnd(&described); ++use) {
      busy_[use->ProcResourceIdx] +=
          static_cast<double>(use->ReleaseAtCycle - use->AcquireAtCycle) /
          model().getProcResource(use->ProcResourceIdx)->NumUnits;
    }
  }

  [[nodiscard]] double cycles() const { return *std::max_element(busy_.begin(), busy_.end()); }
  /// The busiest resource; of several alike the one that `preferred` keeps busiest.
  [[nodiscard]] std::string busiest(const Occupancy& preferred) const {
    std::size_t most = 0;
    for (std::size_t i = 1; i < busy_.size(); ++i) {
      if (std::pair(busy_[i], preferred.busy_[i]) > std::pair(busy_[most], preferred.busy_[most]))
        most = i;
    }
    return units_of(static_cast<unsigned>(most));
  }
  [[nodiscard]] double issue_cycles() const { return micro_ops_ / model().IssueWidth; }

 private:
  [[nodiscard]] const llvm::MCSchedModel& model() const {
    return processor_.subtarget->getSchedModel();
  }
  /// Models have several groups of the same units, under names of what else these do.
  [[nodiscard]] std::string units_of(unsigned index) const {
    const llvm::MCProcResourceDesc& resource = *model().getProcResource(index);
    if (resource.SubUnitsIdxBegin == nullptr) return resource.Name;
    std::string names;
    for (unsigned unit = 0; unit < resource.NumUnits; ++unit) {
      names += names.empty() ? "" : "+";
      names += model().getProcResource(resource.SubUnitsIdxBegin[unit])->Name;
    }
    return names;
  }

  const Processor& processor_;
  std::vector<double> busy_;
  double micro_ops_ = 0;
};

using Sequence = std::vector<std::unique_ptr<llvm::mca::Instruction>>;

/// A loop as llvm-mca has it.
class ModelledLoop {
 public:
  ModelledLoop(const Processor& processor, llvm::ArrayRef<Instruction> body)
      : instruments_(*processor.subtarget, *processor.instructions),
        builder_(*processor.subtarget, *processor.instructions, *processor.registers,
                 processor.analysis.get(), instruments_, kCallLatency) {
    for (const Instruction& instruction : body) {
      auto made = builder_.createInstruction(instruction.inst, {});
      if (!made) {
        llvm::consumeError(made.takeError());
        sequence_.clear();
        return;
      }
      sequence_.push_back(std::move(*made));
    }
  }

  /// Empty when llvm-mca does not know some instruction.
  [[nodiscard]] const Sequence& sequence() const { return sequence_; }

 private:
  static constexpr unsigned kCallLatency = 100;
  llvm::mca::InstrumentManager instruments_;
  llvm::mca::InstrBuilder builder_;  // owns what instructions refer to
  Sequence sequence_;
};

/// When values are ready, were there units without end. Memory is not followed.
class Dependencies {
 public:
  explicit Dependencies(const Processor& processor)
      : processor_(processor), last_(processor.registers->getNumRegUnits()) {}

  void add(const llvm::mca::Instruction& instruction) {
    double start = 0;
    for (const llvm::mca::ReadState& read : instruction.getUses())
      start = std::max(start, start_after(read));
    for (const llvm::mca::WriteState& write : instruction.getDefs()) {
      if (write.getRegisterID() == 0) continue;
      const Write done = {start + write.getLatency(), write.getWriteResourceID()};
      end_ = std::max(end_, done.ready);
      for (const auto unit : processor_.registers->regunits(write.getRegisterID()))
        last_[unit] = done;
    }
  }

  [[nodiscard]] double end() const { return end_; }

 private:
  struct Write {
    double ready = 0;
    unsigned resource = 0;
  };

  /// The accumulator of an FMA with a load is needed after the load only: it may be late.
  [[nodiscard]] double start_after(const llvm::mca::ReadState& read) const {
    double start = 0;
    if (read.getRegisterID() == 0 || read.isIndependentFromDef()) return start;
    const llvm::MCSubtargetInfo& subtarget = *processor_.subtarget;
    const auto* described = subtarget.getSchedModel().getSchedClassDesc(read.getSchedClass());
    for (const auto unit : processor_.registers->regunits(read.getRegisterID())) {
      const int lateness = subtarget.getReadAdvanceCycles(described, read.getDescriptor().UseIndex,
                                                          last_[unit].resource);
      start = std::max(start, last_[unit].ready - lateness);
    }
    return start;
  }

  const Processor& processor_;
  std::vector<Write> last_;  // of each register unit
  double end_ = 0;
};

/// Cycles per iteration that the longest chain of values from iteration to iteration takes.
double carried_cycles(const Processor& processor, const Sequence& sequence) {
  constexpr int kIterations = 20;  // after as many that fill the pipes
  Dependencies dependencies(processor);
  const auto end_of_iterations = [&] {
    for (int iteration = 0; iteration < kIterations; ++iteration)
      for (const auto& instruction : sequence) dependencies.add(*instruction);
    return dependencies.end();
  };
  const double filled = end_of_iterations();
  return (end_of_iterations() - filled) / kIterations;
}

/// Cycles per iteration of the loop run over and over, as llvm-mca has it; 0 when it cannot say.
double simulated_cycles(const Processor& processor, const Sequence& sequence) {
  constexpr unsigned kIterations = 100;
  if (sequence.empty()) return 0;
  namespace mca = llvm::mca;
  const llvm::MCSubtargetInfo& subtarget = *processor.subtarget;
  mca::CircularSourceMgr source(sequence, kIterations);
  mca::CustomBehaviour behaviour(subtarget, source, *processor.instructions);
  mca::Context context(*processor.registers, subtarget);
  const mca::PipelineOptions options(0, 0, 0, 0, 0, 0, /*NoAlias=*/true);
  auto cycles = context.createDefaultPipeline(options, source, behaviour)->run();
  if (!cycles) {
    llvm::consumeError(cycles.takeError());
    return 0;
  }
  return static_cast<double>(*cycles) / kIterations;
}

}  // namespace

bool Processor::open(const std::string& triple, const std::string& cpu, std::string* error) {
  llvm::InitializeAllTargetInfos();
  llvm::InitializeAllTargetMCs();
  llvm::InitializeAllDisassemblers();
  const llvm::Target* target = llvm::TargetRegistry::lookupTarget(triple, *error);
  if (target == nullptr) return false;
  registers.reset(target->createMCRegInfo(triple));
  const llvm::MCTargetOptions options;
  assembly.reset(target->createMCAsmInfo(*registers, triple, options));
  instructions.reset(target->createMCInstrInfo());
  subtarget.reset(target->createMCSubtargetInfo(triple, cpu, ""));
  if (!subtarget->isCPUStringValid(cpu) || !subtarget->getSchedModel().hasInstrSchedModel()) {
    *error = "LLVM has no model of the processor `" + cpu + "`";
    return false;
  }
  context = std::make_unique<llvm::MCContext>(llvm::Triple(triple), assembly.get(), registers.get(),
                                              subtarget.get());
  analysis.reset(target->createMCInstrAnalysis(instructions.get()));
  disassembler.reset(target->createMCDisassembler(*subtarget, *context));
  constexpr unsigned kIntelSyntax = 1;
  printer.reset(target->createMCInstPrinter(llvm::Triple(triple), kIntelSyntax, *assembly,
                                            *instructions, *registers));
  return true;
}

void time_loop(const Processor& processor, llvm::ArrayRef<Instruction> body,
               llvm::ArrayRef<Instruction> fmas, InnerLoop& loop) {
  Occupancy all(processor), of_fmas(processor);
  for (const Instruction& instruction : body) all.add(instruction.inst);
  for (const Instruction& instruction : fmas) of_fmas.add(instruction.inst);
  loop.resource_cycles = all.cycles();
  loop.resource = all.busiest(of_fmas);
  loop.issue_cycles = all.issue_cycles();
  loop.fma_cycles = of_fmas.cycles();
  const ModelledLoop modelled(processor, body);
  loop.cycles = simulated_cycles(processor, modelled.sequence());
  loop.carried_cycles = carried_cycles(processor, modelled.sequence());
}

}  // namespace convc
