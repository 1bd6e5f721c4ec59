/* kernel_abi.h: the data a generated library hands to the runtime. Written by convc as constant
 * data (generators/emit/descriptor_object.cpp), read by runtime/src. Users need not look here.
 * Only fixed-width integers and pointers, no padding left to the compiler, so that the writer can
 * lay it out for any 64-bit target. Arrays are pointers with counts. */
#ifndef CONVC_KERNEL_ABI_H
#define CONVC_KERNEL_ABI_H

#include "convc/convc.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { CONVC_DTYPE_F32 = 0 };

/* A size known only when the kernel runs. OPEN sizes are members of the io struct (int64_t, after
 * all pointers, in the order of their first appearance) and are checked against [min, max]; DERIVED
 * ones follow from an earlier size: floor((size[source] * multiplier + addend) / divisor) + offset.
 */
enum { CONVC_SIZE_OPEN = 0, CONVC_SIZE_DERIVED = 1 };
typedef struct convc_size {
  const char* name; /* OPEN: member of the io struct, for error texts */
  uint32_t kind;    /* CONVC_SIZE_* */
  uint32_t source;  /* DERIVED: index of an earlier size */
  int64_t min, max; /* OPEN: the range allowed; DERIVED: below min is an error of the caller's */
  int64_t multiplier, addend, divisor, offset;
} convc_size;

/* factor * sizes[0] * sizes[1] ..: an extent, a stride or a count of elements. */
enum { CONVC_MAX_PRODUCT_SIZES = 4, CONVC_MAX_SIZES = 64, CONVC_OFFSET_PRODUCTS = 2 };
typedef struct convc_product {
  int64_t factor;
  uint32_t count;                          /* of sizes; 0: a fixed number */
  uint32_t sizes[CONVC_MAX_PRODUCT_SIZES]; /* indices into the kernel's sizes */
  uint32_t reserved;
} convc_product;

/* An input, an output, or a variable (weights) of the kernel. Row-major in the order of its shape;
 * dense, but for the rows of a tensor with a row pitch. `bytes` spans from the first element to the
 * last. */
typedef struct convc_tensor {
  const char* name;     /* as the member of the generated struct */
  const int64_t* shape; /* an open size has its largest value here */
  uint32_t rank;
  uint32_t dtype; /* CONVC_DTYPE_* */
  uint64_t bytes; /* with the largest sizes */
  /* NULL without run-time sizes; else `rank` extents. */
  const convc_product* open_shape;
  /* open_elements - open_gap elements are what `bytes` counts: all rows, less what a pitch leaves
   * behind the last one. */
  convc_product open_elements, open_gap;
} convc_tensor;

/* Where a kernel argument lies. */
enum {
  CONVC_SOURCE_INPUT = 0,     /* index: input */
  CONVC_SOURCE_OUTPUT = 1,    /* index: output */
  CONVC_SOURCE_PACKED = 2,    /* offset_bytes from the start of `packed` (its header included) */
  CONVC_SOURCE_WORKSPACE = 3, /* offset_bytes from the start of `workspace` */
  CONVC_SOURCE_CONSTANT = 4   /* `constant` points at read-only data in the library */
};

typedef struct convc_dim {
  int32_t extent; /* elements */
  int32_t stride; /* elements */
} convc_dim;

typedef struct convc_open_dim {
  convc_product extent;
  convc_product stride;
} convc_open_dim;

typedef struct convc_argument {
  uint32_t source; /* CONVC_SOURCE_* */
  uint32_t index;
  uint64_t offset_bytes;
  const void* constant;
  const convc_dim* dims; /* innermost first, as Halide has them; NULL where open_dims is not */
  const convc_open_dim* open_dims;
  /* Elements on top of offset_bytes, e.g. rows and planes; the sum. Factor 0: none. */
  convc_product open_offset[CONVC_OFFSET_PRODUCTS];
  uint32_t rank;
  uint32_t dtype;
} convc_argument;

/* One call of generated code. `function` is Halide's argv form: argv[0] points at the user-context
 * pointer, argv[1..] are halide_buffer_t*. A non-zero return is an error. Every argument lies
 * within its tensor, `packed` or the workspace's shared part. A step one of whose arguments has an
 * extent of 0 (a phase that run-time sizes leave without output) is left out. */
typedef struct convc_step {
  int32_t (*function)(void** argv);
  const convc_argument* arguments;
  uint32_t argument_count; /* at most CONVC_MAX_ARGUMENTS */
  uint32_t max_tasks;      /* iterations of its parallel loop; 1: serial */
  const char* layer;       /* for error texts */
} convc_step;

enum { CONVC_MAX_ARGUMENTS = 64, CONVC_MAX_RANK = 8, CONVC_MAX_LIVE_ALLOCATIONS = 64 };

enum { CONVC_PACK_PANELS = 0, CONVC_PACK_VECTOR = 1, CONVC_MAX_TRANSFORMED = 1024 };
#define CONVC_NO_VARIABLE UINT32_MAX

/* How one part of `packed` is made from variables.
 *
 * PANELS: filters -> [groups][ceil(filters/filter_panel)][channels/channel_block][kernel_depth]
 *   [kernel_height][kernel_width][channel_block][filter_panel], zeros beyond `filters`. `filters`
 * and `channels` are those of one group; channel_block divides channels. Element (g, k, c, d, i, j)
 * is element first + g*group_stride + k*filter_stride + c*channel_stride + d*depth_stride +
 *   i*row_stride + j*column_stride of `variable`; strides may be negative or 0.
 *
 * With row_transform, a matrix [transformed_height][kernel_height], packed row i' is the sum over i
 * of row_transform[i'][i] times row i, and transformed_height takes the place of kernel_height in
 * the layout; column_transform alike. All in double. PANELS only; NULL and 0: none.
 *
 * merges_groups: the filters of all groups in turn form one run of panels, [1][ceil(groups*filters/
 *   filter_panel)].., zeros beyond the last group's.
 *
 * VECTOR: one number per filter -> [groups][ceil(filters/filter_panel) * filter_panel], zeros
 * beyond. Element (g, k) is element first + g*group_stride + k*filter_stride of `variable`, or
 * `value` when variable is CONVC_NO_VARIABLE. kernel_*, channels and channel_block are 1.
 *
 * Normalization, where `variance` is a variable: n = g*filters + k indexes gamma, beta, mean and
 * variance, and s[n] = gamma[n] / sqrt(variance[n] + epsilon) in double (1 / sqrt(..) without
 * gamma). PANELS and VECTOR with is_offset = 0: each element is multiplied by s[n]. VECTOR with
 * is_offset = 1: (element - mean[n]) * s[n] + beta[n] (+ 0 without beta). Rounded to f32 once. */
typedef struct convc_packing {
  uint32_t kind;         /* CONVC_PACK_* */
  uint32_t variable;     /* index into the kernel's variables, or CONVC_NO_VARIABLE (VECTOR) */
  uint64_t offset_bytes; /* from the start of `packed`; at least CONVC_PACKED_HEADER_BYTES */
  uint64_t bytes;
  uint64_t variable_elements; /* of `variable`, as a check; 0 without one */
  int64_t groups, filters, channels;
  int64_t kernel_depth, kernel_height, kernel_width;
  int64_t filter_panel, channel_block;
  int64_t first, group_stride, filter_stride, channel_stride;
  int64_t depth_stride, row_stride, column_stride;
  uint32_t gamma, beta, mean, variance; /* variables [groups * filters], or CONVC_NO_VARIABLE */
  uint32_t is_offset, merges_groups;
  double value, epsilon;
  int64_t transformed_height, transformed_width; /* at most CONVC_MAX_TRANSFORMED */
  const double *row_transform, *column_transform;
} convc_packing;

/* The workspace: a guard line, the shared part (offsets count from its start), one slice per
 * worker, a guard line. Halide reads up to 8 bytes before and beyond what it allocates; the guards
 * keep that inside the workspace. Allocations outside parallel loops come from the shared part at
 * scratch_offset_bytes, those inside from the worker's slice. Each counts its bytes as passed to
 * convc_rt_malloc, rounded up to CONVC_ALIGNMENT; the sum over a step's allocation sites, and the
 * largest sum over the steps, is always enough (frees come in any order; a step or task holds at
 * most CONVC_MAX_LIVE_ALLOCATIONS at a time). Scratch that is planned too small costs a call its
 * result (CONVC_INTERNAL) but no memory safety. */
#define CONVC_ALIGN_UP(bytes) (((bytes) + UINT64_C(63)) / UINT64_C(64) * UINT64_C(64))
#define CONVC_WORKSPACE_GUARD_BYTES UINT64_C(64)

/* Bytes of workspace that convc_run asks for, given the variant's workspace_bytes and
 * thread_scratch_bytes. `workers` is the smaller of the call's threads and the largest max_tasks of
 * the variant's steps. */
#define CONVC_WORKSPACE_TOTAL_BYTES(shared, slice, workers)                                   \
  ((shared) + (slice) == 0                                                                    \
       ? UINT64_C(0)                                                                          \
       : CONVC_ALIGN_UP((uint64_t)(shared)) + CONVC_ALIGN_UP((uint64_t)(slice)) * (workers) + \
             2 * CONVC_WORKSPACE_GUARD_BYTES)

/* The kernel compiled for one ISA. */
typedef struct convc_variant {
  const char* isa;               /* "avx512", ... */
  uint64_t cpu_features;         /* CONVC_CPU_* the code needs */
  uint64_t identity[2];          /* hash of what packed weights must match */
  uint64_t packed_bytes;         /* header included; 0: takes no packed weights */
  uint64_t workspace_bytes;      /* shared part: tensors between steps and kernels' own scratch */
  uint64_t scratch_offset_bytes; /* where kernels' shared scratch starts within the shared part */
  uint64_t thread_scratch_bytes; /* per thread, on top */
  const convc_packing* packings;
  const convc_step* steps;
  uint32_t packing_count;
  uint32_t step_count;
} convc_variant;

struct convc_kernel {
  uint32_t abi_version;  /* CONVC_ABI_VERSION */
  uint32_t struct_bytes; /* sizeof(convc_kernel) */
  const char* name;      /* e.g. "edge_down" */
  const convc_tensor* inputs;
  const convc_tensor* outputs;
  const convc_tensor* variables;
  const convc_variant* variants; /* best first */
  uint32_t input_count, output_count, variable_count, variant_count;
  const convc_size* sizes;         /* run-time sizes; at most CONVC_MAX_SIZES */
  uint32_t size_count, open_count; /* the first open_count are OPEN */
};

/* The first bytes of `packed`; 64 bytes, then the packings. Offsets of packings and of
 * CONVC_SOURCE_PACKED count from the start of `packed`, so the first is 64. */
typedef struct convc_packed_header {
  uint64_t magic; /* CONVC_PACKED_MAGIC */
  uint32_t abi_version;
  uint32_t header_bytes; /* 64 */
  uint64_t identity[2];
  uint64_t packed_bytes;
  uint64_t reserved[3];
} convc_packed_header;
#define CONVC_PACKED_MAGIC UINT64_C(0x636e7076636f6e76) /* "vnocvpnc" in memory order */
#define CONVC_PACKED_HEADER_BYTES 64u

/* Bits of convc_variant.cpu_features; CPUID names, plus the operating system's consent (XCR0). */
#define CONVC_CPU_SSE41 (UINT64_C(1) << 0)
#define CONVC_CPU_AVX (UINT64_C(1) << 1)
#define CONVC_CPU_F16C (UINT64_C(1) << 2)
#define CONVC_CPU_FMA (UINT64_C(1) << 3)
#define CONVC_CPU_AVX2 (UINT64_C(1) << 4)
#define CONVC_CPU_AVX512F (UINT64_C(1) << 5)
#define CONVC_CPU_AVX512CD (UINT64_C(1) << 6)
#define CONVC_CPU_AVX512VL (UINT64_C(1) << 7)
#define CONVC_CPU_AVX512DQ (UINT64_C(1) << 8)
#define CONVC_CPU_AVX512BW (UINT64_C(1) << 9)
#define CONVC_CPU_AVX512IFMA (UINT64_C(1) << 10)
#define CONVC_CPU_AVX512VBMI (UINT64_C(1) << 11)
#define CONVC_CPU_AVX512VBMI2 (UINT64_C(1) << 12)
#define CONVC_CPU_AVX512VNNI (UINT64_C(1) << 13)
#define CONVC_CPU_AVX512BITALG (UINT64_C(1) << 14)
#define CONVC_CPU_AVX512VPOPCNTDQ (UINT64_C(1) << 15)
#define CONVC_CPU_AVX512BF16 (UINT64_C(1) << 16)
#define CONVC_CPU_AVXVNNI (UINT64_C(1) << 17)
#define CONVC_CPU_AVX512FP16 (UINT64_C(1) << 18)
/* What compilers take for granted beside AVX2 (x86-64-v3). */
#define CONVC_CPU_POPCNT (UINT64_C(1) << 19)
#define CONVC_CPU_MOVBE (UINT64_C(1) << 20)
#define CONVC_CPU_LZCNT (UINT64_C(1) << 21)
#define CONVC_CPU_BMI1 (UINT64_C(1) << 22)
#define CONVC_CPU_BMI2 (UINT64_C(1) << 23)

/* Features of this CPU as CONVC_CPU_* bits; 0 on other architectures than x86-64. */
CONVC_API uint64_t convc_cpu_features(void);

/* What generated code calls instead of Halide's runtime (emit renames the references
 * halide_X -> convc_rt_X). `user_context` points at the call's state. These are all that CPU code
 * compiled with no_runtime, no_asserts, no_bounds_query and user_context can reference, with or
 * without asan, tsan and msan. A schedule with .async() (halide_do_parallel_tasks,
 * halide_semaphore_*), memoize, or a target with profile or trace_* references more; emit refuses
 * those. */
struct halide_buffer_t;
CONVC_API void* convc_rt_malloc(void* user_context, size_t bytes);
CONVC_API void convc_rt_free(void* user_context, void* pointer);
CONVC_API int convc_rt_do_par_for(void* user_context,
                                  int (*task)(void* user_context, int index, uint8_t* closure),
                                  int min, int size, uint8_t* closure);
CONVC_API int convc_rt_error_out_of_memory(void* user_context);
CONVC_API int convc_rt_msan_check_memory_is_initialized(void* user_context, const void* pointer,
                                                        uint64_t bytes, const char* name);
CONVC_API int convc_rt_msan_check_buffer_is_initialized(void* user_context,
                                                        struct halide_buffer_t* buffer,
                                                        const char* name);
CONVC_API int convc_rt_msan_annotate_memory_is_initialized(void* user_context, const void* pointer,
                                                           uint64_t bytes);
CONVC_API int convc_rt_msan_annotate_buffer_is_initialized(void* user_context,
                                                           struct halide_buffer_t* buffer);
CONVC_API void convc_rt_msan_annotate_buffer_is_initialized_as_destructor(void* user_context,
                                                                          void* buffer);

#ifdef __cplusplus
}
#endif
#endif
