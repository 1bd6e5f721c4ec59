/* cpu.c: what this processor can run, and what the operating system lets it. */
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "internal.h"

#if defined(__x86_64__)
#include <cpuid.h>

enum { EAX = 0, EBX = 1, ECX = 2, EDX = 3 };

/* Register state that the operating system saves, by XCR0 bit. */
enum {
  XCR0_AVX = 0x6,    /* xmm, ymm */
  XCR0_AVX512 = 0xe6 /* and opmask, upper halves, zmm16-31 */
};

/* A feature is there when its CPUID bit is set and XCR0 has all of `state`. */
typedef struct feature_rule {
  uint64_t feature;
  uint32_t leaf, subleaf, reg, bit, state;
} feature_rule;

static const feature_rule rules[] = {
    {CONVC_CPU_SSE41, 1, 0, ECX, 19, 0},
    {CONVC_CPU_AVX, 1, 0, ECX, 28, XCR0_AVX},
    {CONVC_CPU_F16C, 1, 0, ECX, 29, XCR0_AVX},
    {CONVC_CPU_FMA, 1, 0, ECX, 12, XCR0_AVX},
    {CONVC_CPU_AVX2, 7, 0, EBX, 5, XCR0_AVX},
    {CONVC_CPU_AVX512F, 7, 0, EBX, 16, XCR0_AVX512},
    {CONVC_CPU_AVX512CD, 7, 0, EBX, 28, XCR0_AVX512},
    {CONVC_CPU_AVX512VL, 7, 0, EBX, 31, XCR0_AVX512},
    {CONVC_CPU_AVX512DQ, 7, 0, EBX, 17, XCR0_AVX512},
    {CONVC_CPU_AVX512BW, 7, 0, EBX, 30, XCR0_AVX512},
    {CONVC_CPU_AVX512IFMA, 7, 0, EBX, 21, XCR0_AVX512},
    {CONVC_CPU_AVX512VBMI, 7, 0, ECX, 1, XCR0_AVX512},
    {CONVC_CPU_AVX512VBMI2, 7, 0, ECX, 6, XCR0_AVX512},
    {CONVC_CPU_AVX512VNNI, 7, 0, ECX, 11, XCR0_AVX512},
    {CONVC_CPU_AVX512BITALG, 7, 0, ECX, 12, XCR0_AVX512},
    {CONVC_CPU_AVX512VPOPCNTDQ, 7, 0, ECX, 14, XCR0_AVX512},
    {CONVC_CPU_AVX512BF16, 7, 1, EAX, 5, XCR0_AVX512},
    {CONVC_CPU_AVXVNNI, 7, 1, EAX, 4, XCR0_AVX},
    {CONVC_CPU_AVX512FP16, 7, 0, EDX, 23, XCR0_AVX512},
    {CONVC_CPU_POPCNT, 1, 0, ECX, 23, 0},
    {CONVC_CPU_MOVBE, 1, 0, ECX, 22, 0},
    {CONVC_CPU_LZCNT, 0x80000001u, 0, ECX, 5, 0},
    {CONVC_CPU_BMI1, 7, 0, EBX, 3, 0},
    {CONVC_CPU_BMI2, 7, 0, EBX, 8, 0},
};

static uint32_t saved_state(void) {
  uint32_t registers[4];
  if (!__get_cpuid(1, &registers[EAX], &registers[EBX], &registers[ECX], &registers[EDX])) return 0;
  if ((registers[ECX] & (1u << 27)) == 0) return 0; /* OSXSAVE: XGETBV may be used */
  uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  (void)high;
  return low;
}

static uint32_t cpuid_register(const feature_rule* rule) {
  uint32_t registers[4];
  /* Subleaf 1 of leaf 7 exists only where subleaf 0 says so in EAX. */
  if (rule->subleaf > 0) {
    if (!__get_cpuid_count(rule->leaf, 0, &registers[EAX], &registers[EBX], &registers[ECX],
                           &registers[EDX]) ||
        registers[EAX] < rule->subleaf) {
      return 0;
    }
  }
  if (!__get_cpuid_count(rule->leaf, rule->subleaf, &registers[EAX], &registers[EBX],
                         &registers[ECX], &registers[EDX])) {
    return 0;
  }
  return registers[rule->reg];
}

static uint64_t detect(void) {
  const uint32_t state = saved_state();
  uint64_t features = 0;
  for (size_t i = 0; i < sizeof rules / sizeof rules[0]; ++i) {
    if ((state & rules[i].state) != rules[i].state) continue;
    if ((cpuid_register(&rules[i]) >> rules[i].bit) & 1u) features |= rules[i].feature;
  }
  return features;
}
#else
static uint64_t detect(void) {
  return 0;
}
#endif

uint64_t convc_cpu_features(void) {
  /* CPUID traps to the hypervisor on virtual machines (microseconds), so its answer is kept. Two
   * threads that race here store the same value. */
  static const uint64_t known = UINT64_C(1) << 63;
  static _Atomic uint64_t cache;
  uint64_t features = atomic_load_explicit(&cache, memory_order_relaxed);
  if ((features & known) == 0) {
    features = detect() | known;
    atomic_store_explicit(&cache, features, memory_order_relaxed);
  }
  return features & ~known;
}

void convc_impl_feature_names(uint64_t features, char* text, size_t text_bytes) {
  static const char* const names[] = {
      "sse4.1",          "avx",        "f16c",        "fma",        "avx2",
      "avx512f",         "avx512cd",   "avx512vl",    "avx512dq",   "avx512bw",
      "avx512ifma",      "avx512vbmi", "avx512vbmi2", "avx512vnni", "avx512bitalg",
      "avx512vpopcntdq", "avx512bf16", "avxvnni",     "avx512fp16", "popcnt",
      "movbe",           "lzcnt",      "bmi1",        "bmi2"};
  size_t used = 0;
  text[0] = '\0';
  for (unsigned bit = 0; bit < 64; ++bit) {
    if (((features >> bit) & 1u) == 0) continue;
    const char* separator = used > 0 ? " " : "";
    const int written =
        bit < sizeof names / sizeof names[0]
            ? snprintf(text + used, text_bytes - used, "%s%s", separator, names[bit])
            : snprintf(text + used, text_bytes - used, "%sfeature-%u", separator, bit);
    if (written < 0 || (size_t)written >= text_bytes - used) return;
    used += (size_t)written;
  }
}
