/* Links three generated libraries and an ordinary Halide library that brings its own runtime.
 * Checks one output of each against a sum by hand, from C99. Exit code 0: all is right. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "HalideRuntime.h"
#include "one.h"
#include "ordinary.h"
#include "three.h"
#include "two.h"

static int failures = 0;

static void expect_near(const char* what, double got, double expected) {
  const double difference = got > expected ? got - expected : expected - got;
  if (difference <= 1e-4) return;
  printf("%s: expected %g, got %g\n", what, expected, got);
  ++failures;
}

static void expect_ok(const char* what, convc_status status) {
  if (status == CONVC_OK) return;
  printf("%s: %s: %s\n", what, convc_status_name(status), convc_last_error());
  ++failures;
}

static float* numbers(size_t count, float value) {
  float* data = malloc(count * sizeof *data);
  size_t i;
  for (i = 0; i < count; ++i) data[i] = value;
  return data;
}

/* A macro must be a constant expression. */
static char sizes_are_constant[ONE_A_WORKSPACE_BYTES(2) + ONE_A_PACKED_BYTES + 1];

static void run_one(const convc_options* options) {
  float* input = numbers(ONE_A_INPUT_ELEMENTS, 0.5f);
  float* output = numbers(ONE_A_OUTPUT_ELEMENTS, -1.0f);
  float* kernel = numbers(ONE_A_KERNEL_ELEMENTS, 0.25f);
  float* bias = numbers(ONE_A_BIAS_ELEMENTS, 2.0f);
  const size_t packed_bytes = one_a_packed_bytes(options);
  const size_t workspace_bytes = one_a_workspace_bytes(options);
  void* packed = aligned_alloc(CONVC_ALIGNMENT, packed_bytes);
  void* workspace = aligned_alloc(CONVC_ALIGNMENT, workspace_bytes + CONVC_ALIGNMENT);
  one_a_weights weights;
  one_a_io io;
  weights.kernel = kernel;
  weights.bias = bias;
  io.input = input;
  io.output = output;
  if (packed_bytes > ONE_A_PACKED_BYTES || workspace_bytes > ONE_A_WORKSPACE_BYTES(2)) {
    printf("the macros are smaller than the functions' sizes\n");
    ++failures;
  }
  expect_ok("one_a_pack", one_a_pack(&weights, packed, packed_bytes, options));
  expect_ok("one_a_run", one_a_run(&io, packed, packed_bytes, workspace, workspace_bytes, options));
  /* 3x3x4 products of 0.5 * 0.25, and the bias; "valid", so no corner differs. */
  expect_near("one_a", output[0], 36 * 0.125 + 2);
  expect_near("one_a, last", output[ONE_A_OUTPUT_ELEMENTS - 1], 36 * 0.125 + 2);
  free(input), free(output), free(kernel), free(bias), free(packed), free(workspace);
}

static void run_two(const convc_options* options) {
  /* The same layer as one_a: both libraries hold its code. */
  float* input = numbers(TWO_SAME_INPUT_ELEMENTS, 1.0f);
  float* output = numbers(TWO_SAME_OUTPUT_ELEMENTS, -1.0f);
  float* kernel = numbers(TWO_SAME_KERNEL_ELEMENTS, 1.0f);
  float* bias = numbers(TWO_SAME_BIAS_ELEMENTS, 0.0f);
  const size_t packed_bytes = two_same_packed_bytes(options);
  const size_t workspace_bytes = two_same_workspace_bytes(options);
  void* packed = aligned_alloc(CONVC_ALIGNMENT, packed_bytes);
  void* workspace = aligned_alloc(CONVC_ALIGNMENT, workspace_bytes + CONVC_ALIGNMENT);
  two_same_weights weights;
  two_same_io io;
  weights.kernel = kernel;
  weights.bias = bias;
  io.input = input;
  io.output = output;
  expect_ok("two_same_pack", two_same_pack(&weights, packed, packed_bytes, options));
  expect_ok("two_same_run",
            two_same_run(&io, packed, packed_bytes, workspace, workspace_bytes, options));
  expect_near("two_same", output[0], 36);
  free(input), free(output), free(kernel), free(bias), free(packed), free(workspace);
}

static void run_open(const convc_options* options) {
  /* A run-time size: the height. */
  const int64_t height = 3;
  int64_t shape[4] = {0, 0, 0, 0};
  size_t bytes = 0;
  float* input = numbers(9 * 5, 2.0f);
  float* output = numbers(9 * 5, -1.0f);
  float factor = 4.0f;
  void* packed = aligned_alloc(CONVC_ALIGNMENT, TWO_OPEN_PACKED_BYTES);
  void* workspace =
      aligned_alloc(CONVC_ALIGNMENT, two_open_workspace_bytes(options) + CONVC_ALIGNMENT);
  two_open_weights weights;
  two_open_io io;
  weights.kernel = &factor;
  io.input = input;
  io.output = output;
  io.height = height;
  expect_ok("convc_output_shape", convc_output_shape(&two_open_kernel, 0, &height, shape, &bytes));
  expect_near("two_open, height", (double)shape[1], 3);
  expect_near("two_open, bytes", (double)bytes, 3 * 5 * sizeof(float));
  expect_ok("two_open_pack", two_open_pack(&weights, packed, TWO_OPEN_PACKED_BYTES, options));
  expect_ok("two_open_run", two_open_run(&io, packed, TWO_OPEN_PACKED_BYTES, workspace,
                                         two_open_workspace_bytes(options), options));
  expect_near("two_open", output[3 * 5 - 1], 8);
  expect_near("two_open, beyond", output[3 * 5], -1);
  io.height = 10;
  if (two_open_run(&io, packed, TWO_OPEN_PACKED_BYTES, workspace, two_open_workspace_bytes(options),
                   options) != CONVC_WRONG_SIZE) {
    puts("two_open: a height beyond its range was taken");
    ++failures;
  }
  free(input), free(output), free(packed), free(workspace);
}

static void run_three(const convc_options* options) {
  float* input = numbers(THREE_EDGES_INPUT_ELEMENTS, 0.0f);
  float* output = numbers(THREE_EDGES_OUTPUT_ELEMENTS, -1.0f);
  void* workspace =
      aligned_alloc(CONVC_ALIGNMENT, three_edges_workspace_bytes(options) + CONVC_ALIGNMENT);
  three_edges_io io;
  io.input = input;
  io.output = output;
  input[2 * 9 + 2] = 3.0f; /* row 2, column 2 of 9 */
  expect_ok("three_edges_run", three_edges_run(&io, NULL, 0, workspace,
                                               three_edges_workspace_bytes(options), options));
  expect_near("three_edges", output[0], -3); /* the last column of the filter */
  expect_near("three_edges", output[2], 3);  /* the first one */
  free(input), free(output), free(workspace);
}

static void run_ordinary(void) {
  int32_t data[16] = {0};
  halide_dimension_t dimension = {0, 16, 1, 0};
  halide_buffer_t buffer;
  memset(&buffer, 0, sizeof buffer);
  buffer.host = (uint8_t*)data;
  buffer.type.code = halide_type_int;
  buffer.type.bits = 32;
  buffer.type.lanes = 1;
  buffer.dimensions = 1;
  buffer.dim = &dimension;
  if (ordinary(&buffer) != 0) ++failures;
  expect_near("ordinary", data[5], 10);
}

int main(void) {
  convc_options options = {0};
  const char* isas[] = {NULL, "sse", "avx2", "avx512"};
  size_t i;
  (void)sizes_are_constant;
  options.struct_bytes = sizeof options;
  options.threads = 2;
  for (i = 0; i < sizeof isas / sizeof isas[0]; ++i) {
    options.isa = isas[i];
    if (convc_kernel_isa(&one_a_kernel, &options) == NULL) {
      printf("skipped: %s\n", convc_last_error());
      continue;
    }
    run_one(&options);
    run_two(&options);
    run_open(&options);
    run_ordinary();
    run_three(&options);
  }
  convc_shutdown();
  halide_shutdown_thread_pool();
  puts(failures == 0 ? "all right" : "wrong");
  return failures == 0 ? 0 : 1;
}
