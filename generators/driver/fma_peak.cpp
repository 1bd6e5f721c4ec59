// The loops keep enough accumulators in flight to hide the latency: a core that starts 2 FMAs a
// cycle with a latency of 5 needs 10. AVX-512 has 32 registers, so 24 accumulators fit; AVX2 and
// SSE have 16, so 12 fit beside the two factors. They are assembly because compilers spill some of
// 24 accumulators written in C++, which halves the "peak".
#include "generators/driver/fma_peak.h"

#include "generators/driver/gang.h"

namespace convc {
namespace {

constexpr float kFactor = 0.75f, kTerm = 0.25f;  // sums go to 1: never denormal, never infinite

#if defined(__x86_64__)

#define CONVC_12_TIMES(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11)
#define CONVC_24_TIMES(X) \
  CONVC_12_TIMES(X) X(12) X(13) X(14) X(15) X(16) X(17) X(18) X(19) X(20) X(21) X(22) X(23)

constexpr int kAvx512Accumulators = 24;

__attribute__((target("avx512f"))) void avx512_loop(std::size_t repetitions) {
#define CONVC_CLEAR(i) "vpxord %%zmm" #i ", %%zmm" #i ", %%zmm" #i "\n\t"
#define CONVC_FMA(i) "vfmadd213ps %%zmm31, %%zmm30, %%zmm" #i "\n\t"
  asm volatile(
      "vbroadcastss %[factor], %%zmm30\n\t"
      "vbroadcastss %[term], %%zmm31\n\t"  //
      CONVC_24_TIMES(CONVC_CLEAR)          //
      ".p2align 5\n"
      "1:\n\t"                   //
      CONVC_24_TIMES(CONVC_FMA)  //
      "dec %[count]\n\t"
      "jnz 1b\n\t"
      "vzeroupper\n\t"
      : [count] "+r"(repetitions)
      : [factor] "m"(kFactor), [term] "m"(kTerm)
      : "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9",
        "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "xmm16", "xmm17", "xmm18", "xmm19",
        "xmm20", "xmm21", "xmm22", "xmm23", "xmm30", "xmm31");
#undef CONVC_CLEAR
#undef CONVC_FMA
}

constexpr int kAvx2Accumulators = 12;

__attribute__((target("avx2,fma"))) void avx2_loop(std::size_t repetitions) {
#define CONVC_CLEAR(i) "vxorps %%ymm" #i ", %%ymm" #i ", %%ymm" #i "\n\t"
#define CONVC_FMA(i) "vfmadd213ps %%ymm15, %%ymm14, %%ymm" #i "\n\t"
  asm volatile(
      "vbroadcastss %[factor], %%ymm14\n\t"
      "vbroadcastss %[term], %%ymm15\n\t"  //
      CONVC_12_TIMES(CONVC_CLEAR)          //
      ".p2align 5\n"
      "1:\n\t"                   //
      CONVC_12_TIMES(CONVC_FMA)  //
      "dec %[count]\n\t"
      "jnz 1b\n\t"
      "vzeroupper\n\t"
      : [count] "+r"(repetitions)
      : [factor] "m"(kFactor), [term] "m"(kTerm)
      : "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9",
        "xmm10", "xmm11", "xmm14", "xmm15");
#undef CONVC_CLEAR
#undef CONVC_FMA
}

constexpr int kBaseAccumulators = 12;

void base_loop(std::size_t repetitions) {
#define CONVC_CLEAR(i) "xorps %%xmm" #i ", %%xmm" #i "\n\t"
#define CONVC_FMA(i) "mulps %%xmm14, %%xmm" #i "\n\taddps %%xmm15, %%xmm" #i "\n\t"
  asm volatile(
      "movss %[factor], %%xmm14\n\t"
      "shufps $0, %%xmm14, %%xmm14\n\t"
      "movss %[term], %%xmm15\n\t"
      "shufps $0, %%xmm15, %%xmm15\n\t"  //
      CONVC_12_TIMES(CONVC_CLEAR)        //
      ".p2align 5\n"
      "1:\n\t"                   //
      CONVC_12_TIMES(CONVC_FMA)  //
      "dec %[count]\n\t"
      "jnz 1b\n\t"
      : [count] "+r"(repetitions)
      : [factor] "m"(kFactor), [term] "m"(kTerm)
      : "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9",
        "xmm10", "xmm11", "xmm14", "xmm15");
#undef CONVC_CLEAR
#undef CONVC_FMA
}

#else

using Vector128 = float __attribute__((vector_size(16)));
constexpr int kBaseAccumulators = 12;

// The compiler must assume that the value is used, and may be anything.
float opaque(float value) {
  asm volatile("" : "+m"(value));
  return value;
}

Vector128 splat(float value) {
  return Vector128{value, value, value, value};
}

void base_loop(std::size_t repetitions) {
  const Vector128 a = splat(opaque(kFactor)), b = splat(opaque(kTerm));
  Vector128 sums[kBaseAccumulators];
#pragma GCC unroll 12
  for (int i = 0; i < kBaseAccumulators; ++i) sums[i] = splat(opaque(static_cast<float>(i)));
  for (std::size_t r = 0; r < repetitions; ++r) {
#pragma GCC unroll 12
    for (int i = 0; i < kBaseAccumulators; ++i) sums[i] = sums[i] * a + b;
  }
  Vector128 total = b;
#pragma GCC unroll 12
  for (int i = 0; i < kBaseAccumulators; ++i) total += sums[i];
  opaque(total[0] + total[1] + total[2] + total[3]);
}

#endif

constexpr double flops_of(int accumulators, int lanes) {
  return 2.0 * accumulators * lanes;
}

}  // namespace

FmaPeakMeter::Loop FmaPeakMeter::loop_for([[maybe_unused]] const std::string& isa) {
#if defined(__x86_64__)
  if (isa == "avx512") return {avx512_loop, flops_of(kAvx512Accumulators, 16)};
  if (isa == "avx2") return {avx2_loop, flops_of(kAvx2Accumulators, 8)};
#endif
  return {base_loop, flops_of(kBaseAccumulators, 4)};
}

FmaPeakMeter::FmaPeakMeter(const std::string& isa, unsigned threads, double sample_seconds)
    : loop_(loop_for(isa)), threads_(threads) {
  repetitions_ = repetitions_for(sample_seconds, [this](std::size_t n) { return run_seconds(n); });
}

double FmaPeakMeter::run_seconds(std::size_t repetitions) const {
  return run_together(threads_, [&](unsigned) { loop_.run(repetitions); });
}

}  // namespace convc
