// What this machine can do at best: f32 multiply-adds per second with a given ISA and thread count.
// The yardstick of `peak_fraction`.
#pragma once

#include <cstddef>
#include <string>

namespace convc {

/// Times a loop of independent f32 multiply-adds in registers. The loop for "avx512" or "avx2" may
/// only be made on a processor that has it (convc_cpu_features); any other name gives 128-bit
/// vectors of the base instruction set: SSE multiply and add on x86-64.
class FmaPeakMeter {
 public:
  /// `sample_seconds`: how long one sample takes, about.
  FmaPeakMeter(const std::string& isa, unsigned threads, double sample_seconds);

  /// Takes one sample; returns the seconds (of a Stopwatch, gang.h).
  [[nodiscard]] double sample_seconds() const { return run_seconds(repetitions_); }
  /// Floating-point operations of one sample, all threads together; a multiply-add counts as two.
  [[nodiscard]] double sample_flops() const {
    return loop_.flops_per_repetition * static_cast<double>(repetitions_) * threads_;
  }
  /// Takes one sample; returns 1e9 operations per second.
  [[nodiscard]] double sample_gflops() const { return sample_flops() / sample_seconds() / 1e9; }

 private:
  struct Loop {
    void (*run)(std::size_t repetitions);
    double flops_per_repetition;
  };
  static Loop loop_for(const std::string& isa);
  double run_seconds(std::size_t repetitions) const;

  Loop loop_;
  unsigned threads_;
  std::size_t repetitions_ = 1;
};

}  // namespace convc
