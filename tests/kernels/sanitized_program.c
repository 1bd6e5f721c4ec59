/* Runs every kernel of sanitized.conv on buffers of exactly its sizes, with one and several
 * threads. Built with the sanitizer that the kernels are instrumented for, which is what can fail
 * here; that an output is written whole and the same each time is checked too. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "convc/kernel_abi.h"
#include "sanitized.h"

#ifdef __SANITIZE_THREAD__
/* Halide's LLVM calls these; GCC 12's runtime has the same only as interceptors of the plain names.
 */
void* __tsan_memset(void* destination, int value, size_t bytes);
void* __tsan_memset(void* destination, int value, size_t bytes) {
  return memset(destination, value, bytes);
}
void* __tsan_memcpy(void* destination, const void* source, size_t bytes);
void* __tsan_memcpy(void* destination, const void* source, size_t bytes) {
  return memcpy(destination, source, bytes);
}
#endif

static float* numbers(uint64_t bytes) {
  float* data = malloc(bytes);
  if (data == NULL) exit(2);
  for (uint64_t i = 0; i < bytes / sizeof(float); ++i) data[i] = (float)(i * 7 % 11) - 5;
  return data;
}

static void* aligned(size_t bytes) {
  void* memory = NULL;
  if (bytes != 0 && posix_memalign(&memory, CONVC_ALIGNMENT, bytes) != 0) exit(2);
  return memory;
}

static void check(convc_status status) {
  if (status == CONVC_OK) return;
  fprintf(stderr, "%s: %s\n", convc_status_name(status), convc_last_error());
  exit(1);
}

/* One call; returns the output. */
static float* run_once(const convc_kernel* kernel, const float* input, const void* packed,
                       size_t packed_bytes, uint32_t threads) {
  convc_options options;
  memset(&options, 0, sizeof options);
  options.struct_bytes = sizeof options;
  options.threads = threads;
  const size_t output_bytes = kernel->outputs[0].bytes;
  float* output = malloc(output_bytes);
  if (output == NULL) exit(2);
  memset(output, 0xff, output_bytes); /* NaN */
  const size_t workspace_bytes = convc_workspace_bytes(kernel, &options);
  void* workspace = aligned(workspace_bytes);
  const void* io[2] = {input, output};
  check(convc_run(kernel, io, packed, packed_bytes, workspace, workspace_bytes, &options));
  free(workspace);
  for (size_t i = 0; i < output_bytes / sizeof(float); ++i) {
    if (isnan(output[i])) {
      fprintf(stderr, "%s: output element %zu is not written\n", kernel->name, i);
      exit(1);
    }
  }
  return output;
}

static void run_kernel(const convc_kernel* kernel) {
  float* input = numbers(kernel->inputs[0].bytes);
  const void* weights[8];
  for (uint32_t i = 0; i < kernel->variable_count; ++i) {
    weights[i] = numbers(kernel->variables[i].bytes);
  }
  const size_t packed_bytes = convc_packed_bytes(kernel, NULL);
  void* packed = aligned(packed_bytes);
  if (packed_bytes != 0) check(convc_pack(kernel, weights, packed, packed_bytes, NULL));
  float* one = run_once(kernel, input, packed, packed_bytes, 1);
  float* several = run_once(kernel, input, packed, packed_bytes, 4);
  if (memcmp(one, several, kernel->outputs[0].bytes) != 0) {
    fprintf(stderr, "%s: 1 and 4 threads differ\n", kernel->name);
    exit(1);
  }
  printf("%s: %s\n", kernel->name, convc_kernel_isa(kernel, NULL));
  free(several);
  free(one);
  free(packed);
  for (uint32_t i = 0; i < kernel->variable_count; ++i) free((void*)weights[i]);
  free(input);
}

int main(void) {
  const convc_kernel* kernels[] = {
      &sanitized_direct_kernel,         &sanitized_direct_unpadded_kernel,
      &sanitized_channel_blocks_kernel, &sanitized_pointwise_kernel,
      &sanitized_subsampled_kernel,     &sanitized_few_channels_kernel,
      &sanitized_split_channels_kernel, &sanitized_grouped_kernel,
      &sanitized_taps_kernel,           &sanitized_separable_kernel,
      &sanitized_chain_kernel};
  for (size_t i = 0; i < sizeof kernels / sizeof kernels[0]; ++i) run_kernel(kernels[i]);
  convc_shutdown();
  puts("all kernels are clean");
  return 0;
}
