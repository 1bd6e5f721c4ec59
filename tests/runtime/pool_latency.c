/* pool_latency.c: what the pool adds to a loop. Each loop is a meeting: every thread waits until
 * all have come, so its time is that of waking the others up and of joining them. Prints, per
 * thread count and gap between loops, the median and the 90th percentile. A tool, not a test:
 * docs/decisions/0002-own-thread-pool.md quotes it.
 *
 *   runtime_pool_latency [THREADS...]      default: 2; at most as many as there are CPUs */
#if defined(__linux__)
#define _GNU_SOURCE
#endif
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "convc/kernel_abi.h"
#include "runtime/src/internal.h"

enum { LOOPS = 1001 };

static int64_t now_nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* What lies between two loops of a program: serial work, or waiting for input. */
static void busy_for(int64_t nanoseconds) {
  const int64_t end = now_nanoseconds() + nanoseconds;
  while (now_nanoseconds() < end) {
  }
}

typedef struct meeting {
  _Atomic size_t arrived;
  size_t expected;
} meeting;

static void meet(void* data, size_t index) {
  meeting* m = (meeting*)data;
  (void)index;
  atomic_fetch_add(&m->arrived, 1);
  while (atomic_load(&m->arrived) < m->expected) {
  }
}

static int compare(const void* a, const void* b) {
  const int64_t x = *(const int64_t*)a, y = *(const int64_t*)b;
  return (x > y) - (x < y);
}

static void measure(size_t threads, int64_t gap_nanoseconds) {
  static int64_t times[LOOPS];
  for (int i = 0; i < LOOPS; ++i) {
    busy_for(gap_nanoseconds);
    meeting m = {0, threads};
    const int64_t start = now_nanoseconds();
    convc_impl_pool_run(meet, &m, threads);
    times[i] = now_nanoseconds() - start;
  }
  qsort(times, LOOPS, sizeof times[0], compare);
  const size_t median = LOOPS / 2, ninetieth = LOOPS * 9 / 10;
  printf("threads %zu, gap %4lld us: median %5.2f us, 90th percentile %5.2f us\n", threads,
         (long long)gap_nanoseconds / 1000, (double)times[median] / 1000,
         (double)times[ninetieth] / 1000);
}

int main(int argc, char** argv) {
  /* A thread that never comes would be waited for for ever. */
  if (convc_start_threads(2) < 2) return 1;
  static const int64_t gaps[] = {0, 10000, 200000};
  for (size_t g = 0; g < sizeof gaps / sizeof gaps[0]; ++g) {
    if (argc < 2) measure(2, gaps[g]);
    for (int i = 1; i < argc; ++i) measure((size_t)strtoul(argv[i], NULL, 10), gaps[g]);
  }
  convc_shutdown();
  return 0;
}
