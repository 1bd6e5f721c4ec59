/* internal.h: what the files of the runtime share. Hidden symbols, all named convc_impl_*. */
#ifndef CONVC_INTERNAL_H
#define CONVC_INTERNAL_H

#include "convc/convc.h"
#include "convc/kernel_abi.h"

#ifdef __cplusplus /* tests look inside */
extern "C" {
#endif

#if defined(__GNUC__)
#define CONVC_PRINTF(format_index) __attribute__((format(printf, format_index, format_index + 1)))
#else
#define CONVC_PRINTF(format_index)
#endif

/* status.c. Sets this thread's error text and returns `status`. The form of a text is
 * "kernel: argument: expected X, got Y". */
convc_status convc_impl_fail(convc_status status, const char* format, ...) CONVC_PRINTF(2);

/* options.c. Options as they stand after defaults; `isa` is NULL for automatic. */
typedef struct convc_impl_options {
  uint32_t threads; /* 1 to CONVC_MAX_THREADS */
  const char* isa;
  int isa_is_global; /* from convc_set_isa, not from the call */
  const convc_pool* pool;
} convc_impl_options;
convc_status convc_impl_read_options(const char* kernel_name, const convc_options* options,
                                     convc_impl_options* result);
uint32_t convc_impl_clamp_threads(uint32_t threads);

/* variant.c. Whether the descriptor is there and of this runtime's ABI. */
convc_status convc_impl_check_descriptor(const convc_kernel* kernel);

/* variant.c. What every entry point does first: checks the descriptor, reads the options and
 * chooses the variant. `packing_only` calls may name a variant that this CPU cannot run. */
typedef struct convc_impl_request {
  convc_impl_options options;
  const convc_variant* variant;
} convc_impl_request;
convc_status convc_impl_begin(const convc_kernel* kernel, const convc_options* options,
                              int packing_only, convc_impl_request* request);

/* variant.c. Workers that `threads` threads can make use of, and the workspace they need. */
uint32_t convc_impl_workers(const convc_variant* variant, uint32_t threads);
uint64_t convc_impl_workspace_bytes(const convc_variant* variant, uint32_t threads);

/* cpu.c. Writes the names of the CONVC_CPU_* bits in `features`, separated by blanks. */
void convc_impl_feature_names(uint64_t features, char* text, size_t text_bytes);

/* check.c. A stretch of memory and its name in error texts. */
typedef struct convc_impl_region {
  const char* name;
  const void* pointer;
  uint64_t bytes;
} convc_impl_region;
convc_status convc_impl_check_pointer(const convc_kernel* kernel, const convc_impl_region* region,
                                      uint64_t alignment_bytes);
convc_status convc_impl_check_disjoint(const convc_kernel* kernel, const convc_impl_region* written,
                                       const convc_impl_region* other);
/* Element size of CONVC_DTYPE_*; 0 when unknown. Inline: divisions by it become shifts. */
static inline uint32_t convc_impl_element_bytes(uint32_t dtype) {
  return dtype == CONVC_DTYPE_F32 ? 4 : 0;
}

/* sizes.c. The run-time sizes of one call: of a kernel without any, count is 0. */
typedef struct convc_impl_sizes {
  uint32_t count;
  int64_t values[CONVC_MAX_SIZES];
} convc_impl_sizes;
/* Reads the open sizes at `open` (open_count int64_t, of any alignment; may be NULL when there are
 * none), checks their ranges and derives the others. CONVC_WRONG_SIZE, CONVC_INTERNAL. */
convc_status convc_impl_read_sizes(const convc_kernel* kernel, const void* open,
                                   convc_impl_sizes* sizes);
/* These return 0, and leave *result alone, when 64 bits overflow or a size does not exist. */
int convc_impl_multiply(int64_t a, int64_t b, int64_t* result);
int convc_impl_multiply_sizes(const convc_product* product, const convc_impl_sizes* sizes,
                              int64_t* result);
/* A call evaluates some fifty products, and most are numbers. */
static inline int convc_impl_evaluate(const convc_product* product, const convc_impl_sizes* sizes,
                                      int64_t* result) {
  if (product->count > 0) return convc_impl_multiply_sizes(product, sizes, result);
  *result = product->factor;
  return 1;
}
/* Bytes from the tensor's first element to its last. CONVC_WRONG_SIZE when there are 2^31 elements
 * or more: generated code counts elements in 32 bits. */
convc_status convc_impl_tensor_bytes(const convc_kernel* kernel, const convc_tensor* tensor,
                                     const convc_impl_sizes* sizes, uint64_t* bytes);

/* A square root that needs no math library. */
#if defined(__GNUC__) /* compiled with -fno-math-errno: one instruction */
#define convc_impl_sqrt(x) __builtin_sqrt(x)
#else
#include <math.h>
#define convc_impl_sqrt(x) sqrt(x)
#endif

/* pool.c. Calls task(data, i) once for each i in [0, count), on this thread and the pool's, and
 * returns when all have returned. Runs on fewer threads, down to this one, when there are no more.
 */
void convc_impl_pool_run(void (*task)(void* data, size_t index), void* data, size_t count);

#ifdef __cplusplus
}
#endif

#endif
