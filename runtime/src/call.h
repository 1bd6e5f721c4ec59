/* call.h: the state of one convc_run, all of it on the caller's stack. Generated code sees it as
 * `user_context`, one per thread that works on the call. */
#ifndef CONVC_CALL_H
#define CONVC_CALL_H

#include <stdatomic.h>

#include "internal.h"

/* A stretch of the workspace from which generated code allocates: a stack, except that blocks may
 * be freed in any order (Halide frees early); space comes back when all blocks above it are free.
 */
typedef struct convc_impl_arena {
  unsigned char* base; /* aligned to CONVC_ALIGNMENT */
  uint64_t capacity_bytes;
  uint64_t used_bytes;
  uint32_t count;
  uint64_t
      starts[CONVC_MAX_LIVE_ALLOCATIONS]; /* offsets; FREED marks one that waits for those above */
} convc_impl_arena;

/* What all threads of the call share. */
typedef struct convc_impl_call {
  const convc_pool* pool; /* NULL: the runtime's own */
  uint32_t workers;       /* threads that may run a loop; the workspace has a slice for each */
  unsigned char* slices;
  uint64_t slice_bytes;
  _Atomic uint64_t missing_bytes; /* > 0: an allocation did not fit its arena (a bug in convc) */
  _Atomic int pool_is_broken;     /* the caller's pool returned before the loop was done */
} convc_impl_call;

/* What user_context points at. */
typedef struct convc_impl_task {
  convc_impl_call* call;
  int in_loop; /* loops within a parallel loop are serial */
  convc_impl_arena arena;
} convc_impl_task;

/* Prepares `arena` for use; the records of blocks need no initial value. */
void convc_impl_arena_init(convc_impl_arena* arena, unsigned char* base, uint64_t capacity_bytes);

#endif
