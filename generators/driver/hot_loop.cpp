#include "generators/driver/hot_loop.h"

#include <llvm/MC/MCObjectFileInfo.h>
#include <llvm/Object/ObjectFile.h>
#include <llvm/Support/raw_ostream.h>
#include <llvm/TargetParser/Host.h>

#include <algorithm>

#include "generators/driver/loop_timing.h"

namespace convc {
namespace {

std::vector<Instruction> disassemble(const Processor& processor,
                                     llvm::ArrayRef<std::uint8_t> code) {
  std::vector<Instruction> decoded;
  for (std::uint64_t at = 0; at < code.size();) {
    Instruction next;
    next.address = at;
    const auto status = processor.disassembler->getInstruction(next.inst, next.size, code.slice(at),
                                                               at, llvm::nulls());
    if (status != llvm::MCDisassembler::Success) {  // padding between functions
      at += std::max<std::uint64_t>(next.size, 1);
      continue;
    }
    std::uint64_t target = 0;
    if (processor.analysis->isBranch(next.inst) &&
        processor.analysis->evaluateBranch(next.inst, at, next.size, target)) {
      next.target = target;
    }
    at += next.size;
    decoded.push_back(std::move(next));
  }
  return decoded;
}

/// From the target of a backward branch to the branch.
struct Range {
  std::size_t first, last;  ///< indices of instructions
};

std::vector<Range> innermost_loops(const std::vector<Instruction>& code) {
  std::vector<Range> loops;
  for (std::size_t i = 0; i < code.size(); ++i) {
    if (!code[i].target || *code[i].target > code[i].address) continue;
    const auto first =
        std::lower_bound(code.begin(), code.end(), *code[i].target,
                         [](const Instruction& a, std::uint64_t b) { return a.address < b; });
    const Range loop = {static_cast<std::size_t>(first - code.begin()), i};
    // Loops end in the order of their branches: one that holds an earlier one is not innermost.
    const bool holds_another = std::any_of(loops.begin(), loops.end(), [&](const Range& other) {
      return other.first >= loop.first && other.last <= loop.last;
    });
    if (!holds_another) loops.push_back(loop);
  }
  return loops;
}

/// What the instructions of one loop count as.
class Counter {
 public:
  Counter(const Processor& processor, llvm::ArrayRef<Instruction> body) : processor_(processor) {
    // Code without a frame pointer walks arrays with RBP; then the loop writes it.
    const llvm::MCRegister rbp(register_named("RBP"));
    for (const Instruction& instruction : body) {
      const llvm::MCInstrDesc& desc = processor.instructions->get(instruction.inst.getOpcode());
      rbp_walks_ |= desc.hasDefOfPhysReg(instruction.inst, rbp, *processor.registers);
    }
  }

  [[nodiscard]] bool is_fma(const llvm::MCInst& inst) const {
    const llvm::StringRef name = processor_.instructions->getName(inst.getOpcode());
    return lanes_of(inst) > 0 && (name.contains("FMADD") || name.contains("FNMADD"));
  }

  void add(const llvm::MCInst& inst, InnerLoop& loop) const {
    const llvm::MCInstrDesc& desc = processor_.instructions->get(inst.getOpcode());
    ++loop.instructions;
    const std::int64_t lanes = lanes_of(inst);
    if (lanes == 0) return;
    if (is_fma(inst)) {
      ++loop.fmas;
      loop.fma_lanes += lanes;
    }
    if (!desc.mayLoad() && !desc.mayStore()) return;
    if (is_on_stack(inst, desc)) {
      ++loop.vector_spills;
    } else if (desc.mayStore()) {
      ++loop.vector_stores;
    } else {
      ++loop.vector_loads;
    }
  }

 private:
  /// f32 elements of its widest vector register; 0 when there is none, or just a scalar in one.
  std::int64_t lanes_of(const llvm::MCInst& inst) const {
    std::int64_t lanes = 0;
    for (const llvm::MCOperand& operand : inst) {
      if (!operand.isReg() || !operand.getReg()) continue;
      const llvm::StringRef name = processor_.registers->getName(operand.getReg());
      if (name.starts_with("ZMM")) lanes = std::max<std::int64_t>(lanes, 16);
      if (name.starts_with("YMM")) lanes = std::max<std::int64_t>(lanes, 8);
      if (name.starts_with("XMM")) lanes = std::max<std::int64_t>(lanes, 4);
    }
    return lanes;
  }

  bool is_on_stack(const llvm::MCInst& inst, const llvm::MCInstrDesc& desc) const {
    for (unsigned i = 0; i < inst.getNumOperands() && i < desc.getNumOperands(); ++i) {
      if (desc.operands()[i].OperandType != llvm::MCOI::OPERAND_MEMORY) continue;
      const llvm::MCOperand& base =
          inst.getOperand(i);  // base, scale, index, displacement, segment
      if (!base.isReg() || !base.getReg()) return false;
      const llvm::MCOperand& index = inst.getOperand(i + 2);
      const bool has_index = index.isReg() && index.getReg();  // slots of a frame have none
      const llvm::StringRef name = processor_.registers->getName(base.getReg());
      return name == "RSP" || (name == "RBP" && !has_index && !rbp_walks_);
    }
    return false;
  }

  [[nodiscard]] unsigned register_named(llvm::StringRef name) const {
    unsigned found = 1;
    while (found + 1 < processor_.registers->getNumRegs() &&
           name != processor_.registers->getName(found)) {
      ++found;
    }
    return found;
  }

  const Processor& processor_;
  bool rbp_walks_ = false;
};

std::string text_of(const Processor& processor, const Instruction& instruction) {
  std::string text;
  llvm::raw_string_ostream out(text);
  processor.printer->printInst(&instruction.inst, instruction.address, "", *processor.subtarget,
                               out);
  std::replace(text.begin(), text.end(), '\t', ' ');
  return text.substr(std::min(text.find_first_not_of(' '), text.size()));
}

InnerLoop inspect(const Processor& processor, llvm::ArrayRef<Instruction> body) {
  InnerLoop loop;
  loop.begin = body.front().address;
  loop.end = body.back().address + body.back().size;
  const Counter counter(processor, body);
  std::vector<Instruction> fmas;
  for (const Instruction& instruction : body) {
    counter.add(instruction.inst, loop);
    if (counter.is_fma(instruction.inst)) fmas.push_back(instruction);
  }
  if (fmas.empty()) return loop;
  time_loop(processor, body, fmas, loop);
  for (const Instruction& instruction : body)
    loop.assembly.push_back(text_of(processor, instruction));
  return loop;
}

/// Another processor with the same model: LLVM gives new ones the model of older ones.
std::string model_shared_with(const Processor& processor, const std::string& cpu) {
  const llvm::MCSchedModel* model = &processor.subtarget->getSchedModel();
  for (const llvm::SubtargetSubTypeKV& other : processor.subtarget->getAllProcessorDescriptions()) {
    if (other.SchedModel == model && other.Key != cpu) return other.Key;
  }
  return {};
}

}  // namespace

std::string InnerLoop::bound() const {
  constexpr double kClose = 1.1;
  const double limit = std::max(resource_cycles, issue_cycles);
  if (cycles > limit * kClose)
    return cycles > carried_cycles * kClose ? "scheduling" : "dependencies";
  return resource_cycles >= issue_cycles ? "resource " + resource : "issue width";
}

std::string model_cpu(std::string_view isa, bool runs_here) {
  if (runs_here) {
    const llvm::StringRef host = llvm::sys::getHostCPUName();
    if (host != "generic" && !host.starts_with("x86-64")) return host.str();
  }
  if (isa == "avx512") return "znver4";
  if (isa == "avx2") return "znver3";
  return "sandybridge";
}

std::optional<CodeReport> inspect_code(std::string_view object, const std::string& triple,
                                       const std::string& cpu, std::string* error) {
  Processor processor;
  if (!processor.open(triple, cpu, error)) return std::nullopt;
  const llvm::MemoryBufferRef buffer(llvm::StringRef(object.data(), object.size()), "kernel");
  auto file = llvm::object::ObjectFile::createObjectFile(buffer);
  if (!file) {
    *error = llvm::toString(file.takeError());
    return std::nullopt;
  }
  CodeReport report;
  report.cpu = cpu;
  report.shared_with = model_shared_with(processor, cpu);
  for (const llvm::object::SectionRef& section : (*file)->sections()) {
    if (!section.isText()) continue;
    auto contents = section.getContents();
    if (!contents) {
      *error = llvm::toString(contents.takeError());
      return std::nullopt;
    }
    const llvm::ArrayRef<std::uint8_t> code(contents->bytes_begin(), contents->bytes_end());
    const std::vector<Instruction> decoded = disassemble(processor, code);
    for (const Range& range : innermost_loops(decoded)) {
      InnerLoop loop = inspect(
          processor, llvm::ArrayRef(decoded).slice(range.first, range.last - range.first + 1));
      if (loop.fmas > 0) report.loops.push_back(std::move(loop));
    }
  }
  std::stable_sort(report.loops.begin(), report.loops.end(),
                   [](const InnerLoop& a, const InnerLoop& b) {
                     if (a.sums_products() != b.sums_products()) return a.sums_products();
                     return a.fmas > b.fmas;
                   });
  return report;
}

}  // namespace convc
