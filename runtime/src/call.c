/* call.c: what generated code calls while it runs: memory from the workspace, and parallel loops.
 */
#include "call.h"

#include <stdlib.h>

/* ---- memory ---- */

#define FREED UINT64_C(1) /* offsets are multiples of 64, so bit 0 is spare */

void convc_impl_arena_init(convc_impl_arena* arena, unsigned char* base, uint64_t capacity_bytes) {
  arena->base = base;
  arena->capacity_bytes = capacity_bytes;
  arena->used_bytes = 0;
  arena->count = 0;
}

/* Generated code has no check for NULL (no_asserts), so a plan that is too small must not fail
 * here: the system's memory carries the call to its end, which then reports CONVC_INTERNAL. */
static void* allocate_beyond_plan(convc_impl_call* call, uint64_t bytes) {
  atomic_fetch_add(&call->missing_bytes, bytes > 0 ? bytes : 1);
  if (bytes > SIZE_MAX - 2 * CONVC_ALIGNMENT) return NULL;
  unsigned char* block = (unsigned char*)aligned_alloc(
      CONVC_ALIGNMENT, (size_t)CONVC_ALIGN_UP(bytes) + 2 * CONVC_ALIGNMENT);
  return block == NULL ? NULL : block + CONVC_ALIGNMENT; /* a guard line on both sides */
}

void* convc_rt_malloc(void* user_context, size_t bytes) {
  convc_impl_task* task = (convc_impl_task*)user_context;
  convc_impl_arena* arena = &task->arena;
  const uint64_t room = arena->capacity_bytes - arena->used_bytes;
  const uint64_t padded = bytes > 0 ? CONVC_ALIGN_UP((uint64_t)bytes) : CONVC_ALIGNMENT;
  if (padded < bytes || padded > room || arena->count == CONVC_MAX_LIVE_ALLOCATIONS) {
    return allocate_beyond_plan(task->call, bytes);
  }
  arena->starts[arena->count++] = arena->used_bytes;
  void* block = arena->base + arena->used_bytes;
  arena->used_bytes += padded;
  return block;
}

void convc_rt_free(void* user_context, void* pointer) {
  if (pointer == NULL) return;
  convc_impl_arena* arena = &((convc_impl_task*)user_context)->arena;
  const uintptr_t offset = (uintptr_t)pointer - (uintptr_t)arena->base;
  if (offset >= arena->capacity_bytes) {
    free((unsigned char*)pointer - CONVC_ALIGNMENT);
    return;
  }
  for (uint32_t i = arena->count; i-- > 0;) {
    if (arena->starts[i] == offset) {
      arena->starts[i] |= FREED;
      break;
    }
  }
  while (arena->count > 0 && (arena->starts[arena->count - 1] & FREED)) {
    arena->used_bytes = arena->starts[--arena->count] & ~FREED;
  }
}

int convc_rt_error_out_of_memory(void* user_context) {
  (void)user_context;
  return -11; /* halide_error_code_out_of_memory */
}

/* ---- parallel loops ---- */

typedef struct loop {
  convc_impl_call* call;
  int (*body)(void* user_context, int index, uint8_t* closure);
  uint8_t* closure;
  int min;
  uint32_t size;
  uint32_t workers;
  _Atomic uint32_t next;        /* iterations handed out */
  _Atomic uint32_t next_worker; /* workspace slices handed out */
  _Atomic int result;           /* of the first iteration that failed */
} loop;

/* Takes the next iterations: a quarter of an even share of what is left, so that a worker's pieces
 * are neighbours in memory at first, and small at the end, when they level out differences in
 * speed. */
static uint32_t take_iterations(loop* l, uint32_t* first) {
  uint32_t next = atomic_load_explicit(&l->next, memory_order_relaxed);
  uint32_t count;
  do {
    if (next >= l->size) return 0;
    count = (l->size - next) / (4 * l->workers);
    if (count == 0) count = 1;
  } while (!atomic_compare_exchange_weak_explicit(&l->next, &next, next + count,
                                                  memory_order_relaxed, memory_order_relaxed));
  *first = next;
  return count;
}

/* The unsigned sum is exact modulo 2^32 and the index fits int. */
static int iteration_index(const loop* l, uint32_t i) {
  return (int)((uint32_t)l->min + i);
}

static void run_worker(void* data, size_t index) {
  loop* l = (loop*)data;
  (void)index; /* a slice per call keeps workers apart, whatever indices a foreign pool gives */
  const uint32_t slice = atomic_fetch_add(&l->next_worker, 1);
  if (slice >= l->workers) return;
  convc_impl_task task;
  task.call = l->call;
  task.in_loop = 1;
  convc_impl_arena_init(&task.arena, l->call->slices + slice * l->call->slice_bytes,
                        l->call->slice_bytes);
  uint32_t first = 0;
  for (uint32_t count = take_iterations(l, &first); count > 0; count = take_iterations(l, &first)) {
    for (uint32_t i = first; i < first + count; ++i) {
      if (atomic_load_explicit(&l->result, memory_order_relaxed) != 0) break;
      const int result = l->body(&task, iteration_index(l, i), l->closure);
      int none = 0;
      if (result != 0) atomic_compare_exchange_strong(&l->result, &none, result);
    }
  }
}

static int run_serially(convc_impl_task* task, const loop* l) {
  int result = 0;
  for (uint32_t i = 0; i < l->size && result == 0; ++i) {
    result = l->body(task, iteration_index(l, i), l->closure);
  }
  return result;
}

int convc_rt_do_par_for(void* user_context,
                        int (*body)(void* user_context, int index, uint8_t* closure), int min,
                        int size, uint8_t* closure) {
  convc_impl_task* task = (convc_impl_task*)user_context;
  convc_impl_call* call = task->call;
  if (size <= 0) return 0;
  loop l = {.call = call, .body = body, .closure = closure, .min = min, .size = (uint32_t)size};
  l.workers = call->workers < l.size ? call->workers : l.size;
  if (task->in_loop) return run_serially(task, &l);
  if (l.workers == 1) {
    run_worker(&l, 0);
  } else if (call->pool != NULL) {
    call->pool->parallel_for(call->pool->context, run_worker, &l, l.workers);
    if (atomic_load(&l.next) < l.size) atomic_store(&call->pool_is_broken, 1);
  } else {
    convc_impl_pool_run(run_worker, &l, l.workers);
  }
  return atomic_load(&l.result);
}
