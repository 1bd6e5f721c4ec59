/* options.c: convc_options with defaults filled in, and the process-wide defaults themselves. */
#if defined(__linux__)
#define _GNU_SOURCE /* sched_getaffinity */
#include <sched.h>
#endif
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"

/* ---- threads ---- */

static _Atomic uint32_t default_threads; /* 0: not counted yet */

uint32_t convc_impl_clamp_threads(uint32_t threads) {
  return threads < CONVC_MAX_THREADS ? threads : CONVC_MAX_THREADS;
}

static uint32_t count_cpus(void) {
  long count = 0;
#if defined(__linux__)
  /* The main thread's mask: a caller that is pinned to one CPU does not stand for the process. */
  cpu_set_t cpus;
  if (sched_getaffinity(getpid(), sizeof cpus, &cpus) == 0) count = CPU_COUNT(&cpus);
#endif
  if (count < 1) count = sysconf(_SC_NPROCESSORS_ONLN);
  if (count < 1) return 1;
  return convc_impl_clamp_threads(count < (long)CONVC_MAX_THREADS ? (uint32_t)count
                                                                  : CONVC_MAX_THREADS);
}

void convc_set_threads(uint32_t threads) {
  if (threads == 0) threads = count_cpus();
  atomic_store_explicit(&default_threads, convc_impl_clamp_threads(threads), memory_order_relaxed);
}

uint32_t convc_get_threads(void) {
  uint32_t threads = atomic_load_explicit(&default_threads, memory_order_relaxed);
  if (threads != 0) return threads;
  /* Only the first to count stores, so that a racing convc_set_threads is not lost. */
  const uint32_t counted = count_cpus();
  if (atomic_compare_exchange_strong(&default_threads, &threads, counted)) return counted;
  return threads;
}

/* ---- isa ---- */

enum { MAX_ISA_NAMES = 32, ISA_NAME_BYTES = 32 };

/* Names given to convc_set_isa live for ever, so that a reader needs no lock. */
static char isa_names[MAX_ISA_NAMES][ISA_NAME_BYTES];
static _Atomic int isa_name_ready[MAX_ISA_NAMES];
static _Atomic uint32_t isa_name_count;
static _Atomic(const char*) global_isa;

static const char* intern_isa(const char* isa, size_t length) {
  for (uint32_t i = 0; i < MAX_ISA_NAMES; ++i) {
    if (atomic_load_explicit(&isa_name_ready[i], memory_order_acquire) &&
        strcmp(isa_names[i], isa) == 0) {
      return isa_names[i];
    }
  }
  uint32_t slot = atomic_load(&isa_name_count);
  do {
    if (slot >= MAX_ISA_NAMES) return NULL;
  } while (!atomic_compare_exchange_weak(&isa_name_count, &slot, slot + 1));
  memcpy(isa_names[slot], isa, length + 1);
  atomic_store_explicit(&isa_name_ready[slot], 1, memory_order_release);
  return isa_names[slot];
}

convc_status convc_set_isa(const char* isa) {
  const char* name = NULL;
  if (isa != NULL) {
    const size_t length = strnlen(isa, ISA_NAME_BYTES);
    if (length >= ISA_NAME_BYTES) {
      return convc_impl_fail(CONVC_INVALID_OPTIONS,
                             "convc_set_isa: isa: expected a name of at most %d characters, got "
                             "\"%.*s...\"",
                             ISA_NAME_BYTES - 1, ISA_NAME_BYTES - 1, isa);
    }
    name = intern_isa(isa, length);
    if (name == NULL) {
      return convc_impl_fail(CONVC_INVALID_OPTIONS,
                             "convc_set_isa: isa: expected at most %d different names, got one "
                             "more: \"%s\"",
                             MAX_ISA_NAMES, isa);
    }
  }
  atomic_store_explicit(&global_isa, name, memory_order_release);
  return CONVC_OK;
}

/* ---- options of a call ---- */

/* Larger than the struct can ever grow; more is an uninitialized field, not a newer caller. */
enum { MAX_OPTIONS_BYTES = 1024 };

static convc_status check_struct_bytes(const char* kernel_name, const unsigned char* bytes,
                                       size_t struct_bytes) {
  if (struct_bytes < sizeof(size_t) || struct_bytes > MAX_OPTIONS_BYTES ||
      struct_bytes % sizeof(void*) != 0) {
    return convc_impl_fail(
        CONVC_INVALID_OPTIONS,
        "%s: options.struct_bytes: expected sizeof(convc_options) = %zu, got %zu", kernel_name,
        sizeof(convc_options), struct_bytes);
  }
  for (size_t i = sizeof(convc_options); i < struct_bytes; ++i) {
    if (bytes[i] != 0) {
      return convc_impl_fail(CONVC_INVALID_OPTIONS,
                             "%s: options: expected zeros beyond the %zu bytes that this runtime "
                             "knows, got 0x%02x at byte %zu (options of a newer runtime)",
                             kernel_name, sizeof(convc_options), bytes[i], i);
    }
  }
  return CONVC_OK;
}

convc_status convc_impl_read_options(const char* kernel_name, const convc_options* options,
                                     convc_impl_options* result) {
  convc_options known = {0};
  if (options != NULL) {
    size_t struct_bytes;
    memcpy(&struct_bytes, options, sizeof struct_bytes);
    const convc_status status =
        check_struct_bytes(kernel_name, (const unsigned char*)options, struct_bytes);
    if (status != CONVC_OK) return status;
    memcpy(&known, options, struct_bytes < sizeof known ? struct_bytes : sizeof known);
  }
  if (known.reserved != 0) {
    return convc_impl_fail(CONVC_INVALID_OPTIONS, "%s: options.reserved: expected 0, got %u",
                           kernel_name, (unsigned)known.reserved);
  }
  if (known.pool != NULL && known.pool->parallel_for == NULL) {
    return convc_impl_fail(CONVC_INVALID_OPTIONS,
                           "%s: options.pool->parallel_for: expected a function, got NULL",
                           kernel_name);
  }
  result->threads =
      known.threads != 0 ? convc_impl_clamp_threads(known.threads) : convc_get_threads();
  result->pool = known.pool;
  result->isa_is_global = known.isa == NULL;
  result->isa =
      known.isa != NULL ? known.isa : atomic_load_explicit(&global_isa, memory_order_acquire);
  return CONVC_OK;
}
