#include "generators/driver/read_bandwidth.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <memory>

#include "generators/driver/gang.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace convc {
namespace {

constexpr std::size_t kBytesPerStep = 512;  // eight loads of 64 bytes, sixteen of 32

// Loads are kept by telling the compiler that their values are used; nothing is added up, so that
// arithmetic is never what limits the loop.
#if defined(__x86_64__)
__attribute__((target("avx512f"))) void read_avx512(const char* data, std::size_t bytes) {
  for (const char* p = data; p != data + bytes; p += kBytesPerStep) {
#pragma GCC unroll 8
    for (std::size_t i = 0; i < kBytesPerStep; i += 64) {
      __m512 value = _mm512_load_ps(p + i);
      asm volatile("" : : "v"(value));
    }
  }
}

__attribute__((target("avx2"))) void read_avx2(const char* data, std::size_t bytes) {
  for (const char* p = data; p != data + bytes; p += kBytesPerStep) {
#pragma GCC unroll 16
    for (std::size_t i = 0; i < kBytesPerStep; i += 32) {
      __m256 value = _mm256_load_ps(reinterpret_cast<const float*>(p + i));
      asm volatile("" : : "x"(value));
    }
  }
}
#endif

void read_base(const char* data, std::size_t bytes) {
  using Vector128 = float __attribute__((vector_size(16)));
  for (const char* p = data; p != data + bytes; p += kBytesPerStep) {
#pragma GCC unroll 32
    for (std::size_t i = 0; i < kBytesPerStep; i += 16) {
      Vector128 value = *reinterpret_cast<const Vector128*>(p + i);
#if defined(__x86_64__)
      asm volatile("" : : "x"(value));
#else
      asm volatile("" : : "w"(value));
#endif
    }
  }
}

using ReadLoop = void (*)(const char* data, std::size_t bytes);

ReadLoop loop_for([[maybe_unused]] const std::string& isa) {
#if defined(__x86_64__)
  if (isa == "avx512") return read_avx512;
  if (isa == "avx2") return read_avx2;
#endif
  return read_base;
}

struct FreeDeleter {
  void operator()(char* pointer) const { std::free(pointer); }
};
using Buffer = std::unique_ptr<char, FreeDeleter>;

Buffer make_buffer(std::size_t bytes) {
  Buffer buffer(static_cast<char*>(std::aligned_alloc(4096, (bytes + 4095) / 4096 * 4096)));
  if (!buffer) throw std::bad_alloc();
  std::fill_n(buffer.get(), bytes, char{1});  // touched, so that it has pages of its own
  return buffer;
}

double measure_gbytes(ReadLoop loop, unsigned threads, std::size_t bytes_per_thread,
                      unsigned rounds, double sample_seconds) {
  std::vector<Buffer> buffers;
  for (unsigned i = 0; i < threads; ++i) buffers.push_back(make_buffer(bytes_per_thread));
  const auto run = [&](std::size_t repetitions) {
    return run_together(threads, [&](unsigned index) {
      for (std::size_t r = 0; r < repetitions; ++r) loop(buffers[index].get(), bytes_per_thread);
    });
  };
  const std::size_t repetitions = repetitions_for(sample_seconds, run);
  std::vector<double> samples;
  for (unsigned round = 0; round < rounds; ++round)
    samples.push_back(static_cast<double>(bytes_per_thread) * static_cast<double>(repetitions) *
                      threads / run(repetitions) / 1e9);
  return median(samples);
}

/// Size in bytes as the operating system says, or `fallback` where it does not know.
std::int64_t cache_bytes(int name, std::int64_t fallback) {
  const long bytes = sysconf(name);
  return bytes > 0 ? bytes : fallback;
}

}  // namespace

std::vector<MemoryLevel> measure_memory_levels(const std::string& isa, unsigned threads,
                                               unsigned rounds, double sample_seconds) {
  const std::int64_t l1 = cache_bytes(_SC_LEVEL1_DCACHE_SIZE, 32 << 10);
  const std::int64_t l2 = cache_bytes(_SC_LEVEL2_CACHE_SIZE, 512 << 10);
  const std::int64_t l3 = cache_bytes(_SC_LEVEL3_CACHE_SIZE, 0);
  std::vector<MemoryLevel> levels = {{"L1", l1 * threads, 0}, {"L2", l2 * threads, 0}};
  if (l3 > l2) levels.push_back({"L3", std::max(l3, l2 * threads), 0});
  // Memory: four times the last cache, but no more than a quarter of a gigabyte.
  const std::int64_t beyond =
      std::min<std::int64_t>(4 * levels.back().bytes, std::int64_t{256} << 20);
  levels.push_back({"memory", std::numeric_limits<std::int64_t>::max(), 0});

  for (MemoryLevel& level : levels) {
    const std::int64_t total = level.name == "memory" ? beyond : level.bytes / 2;
    const std::size_t per_thread =
        std::max(static_cast<std::size_t>(total / threads) / kBytesPerStep, std::size_t{1}) *
        kBytesPerStep;
    level.read_gbytes = measure_gbytes(loop_for(isa), threads, per_thread, rounds, sample_seconds);
  }
  return levels;
}

const MemoryLevel& level_that_holds(const std::vector<MemoryLevel>& levels, std::int64_t bytes) {
  for (const MemoryLevel& level : levels)
    if (bytes <= level.bytes) return level;
  return levels.back();
}

}  // namespace convc
