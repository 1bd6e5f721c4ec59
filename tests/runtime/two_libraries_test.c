/* two_libraries_test.c: one C99 program, two shared libraries that embed the runtime. Compiled
 * twice: with both libraries sharing one copy of the runtime, and (PRIVATE_COPIES) with one each.
 */
#include <stdio.h>
#include <string.h>

#include "tests/runtime/library_kernel.h"

static int failures = 0;

static void expect(int condition, const char* what) {
  if (condition) return;
  ++failures;
  printf("FAILED: %s\n", what);
}

typedef convc_status (*run_function)(const float*, float*, void*, size_t, const convc_options*);

static union {
  unsigned char bytes[64 * 64];
  double alignment;
} memory;

static void* aligned_memory(void) {
  unsigned char* p = memory.bytes;
  return p + (64 - (size_t)p % 64) % 64;
}

static void check_run(run_function run, size_t workspace_bytes, const char* what) {
  float in[16], out[16];
  convc_options options;
  int i;
  memset(&options, 0, sizeof options);
  options.struct_bytes = sizeof options;
  options.threads = 3;
  for (i = 0; i < 16; ++i) in[i] = (float)i;
  expect(workspace_bytes == 64 + 3 * 64 + 64, what);
  expect(run(in, out, aligned_memory(), workspace_bytes, &options) == CONVC_OK, what);
  for (i = 0; i < 16; ++i) expect(out[i] == (float)i + 1, what);
  expect(run(in, in, aligned_memory(), workspace_bytes, &options) == CONVC_OVERLAP, what);
}

int main(void) {
  convc_options options;
  memset(&options, 0, sizeof options);
  options.struct_bytes = sizeof options;
  options.threads = 3;
  check_run(first_run, first_workspace_bytes(&options), "first library");
  check_run(second_run, second_workspace_bytes(&options), "second library");
#ifdef PRIVATE_COPIES
  expect(first_runtime() != second_runtime(), "each library has a runtime of its own");
  expect(strstr((const char*)first_runtime(), "first:") != NULL, "errors of the first library");
  expect(strstr((const char*)second_runtime(), "second:") != NULL, "errors of the second library");
#else
  expect(first_runtime() == second_runtime(), "the libraries share one runtime");
  expect(strstr(convc_last_error(), "second:") != NULL, "and so does the program");
  convc_set_threads(5);
  expect(first_threads() == 5 && second_threads() == 5, "one thread count for all");
  convc_shutdown();
#endif
  puts(failures == 0 ? "ok" : "failed");
  return failures == 0 ? 0 : 1;
}
