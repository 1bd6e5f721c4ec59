// What a kernel's machine code does where it spends its time: its innermost loops, disassembled,
// counted, and run through LLVM's model of a processor (loop_timing.h).
// Knows nothing of layers and plans.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace convc {

/// A loop without loops in it, per iteration.
struct InnerLoop {
  std::uint64_t begin = 0, end = 0;  ///< offsets in the code, of the first byte and behind the last
  std::int64_t instructions = 0;
  std::int64_t fmas = 0;           ///< vector multiply-add instructions
  std::int64_t fma_lanes = 0;      ///< multiply-adds: fmas times the elements of each
  std::int64_t vector_loads = 0;   ///< also those that are part of an FMA
  std::int64_t vector_stores = 0;  ///< to memory that is not the stack
  std::int64_t vector_spills = 0;  ///< of vector registers to or from the stack
  double cycles = 0;               ///< of the processor's model, caches always hit
  double resource_cycles = 0;      ///< of the resource that is busiest
  std::string resource;            ///< names of its units in LLVM's scheduling model, joined by +
  double fma_cycles = 0;           ///< of the busiest resource were there only the multiply-adds
  double issue_cycles = 0;         ///< micro-operations over the width of the front end
  double carried_cycles = 0;       ///< of values that an iteration passes to the next
  std::vector<std::string> assembly;

  /// Of the multiply-adds that the modelled processor does at most.
  [[nodiscard]] double peak_fraction() const { return cycles == 0 ? 0 : fma_cycles / cycles; }

  /// Nothing is stored, and the sums of an iteration are those of the next: a loop over channels or
  /// taps. Of what a transform keeps on the stack nothing is carried on but the counter.
  [[nodiscard]] bool sums_products() const {
    constexpr double kOfCounter = 1;
    return vector_stores == 0 && carried_cycles > kOfCounter;
  }

  /// What keeps the model from being faster: "resource NAME", "issue width", "dependencies" between
  /// iterations, or "scheduling" when none of these explains the cycles: instructions wait for each
  /// other within an iteration, and the model's queues are too short to begin the next.
  [[nodiscard]] std::string bound() const;
};

struct CodeReport {
  std::string cpu;          ///< LLVM's name of the processor modelled
  std::string shared_with;  ///< another processor to which LLVM gives the same model, if any
  /// Those with multiply-adds: first sums of products, which run once for each channel where
  /// transforms run once for each tile; of these the one with most.
  std::vector<InnerLoop> loops;
};

/// The processor whose model fits best: this one's when LLVM has a model and code for `isa` runs
/// here, else a common one with that ISA.
std::string model_cpu(std::string_view isa, bool runs_here);

/// Inspects an ELF object. Nullopt and a sentence in `*error` when LLVM cannot read the object or
/// does not know `cpu` for `triple`.
std::optional<CodeReport> inspect_code(std::string_view object, const std::string& triple,
                                       const std::string& cpu, std::string* error);

}  // namespace convc
