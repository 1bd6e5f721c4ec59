/* library_kernel.h: what the libraries of the link tests hold: a kernel that adds 1 to 16 floats in
 * a parallel loop. C99, made by hand in library_kernel.c, as convc would emit it. */
#ifndef CONVC_TESTS_LIBRARY_KERNEL_H
#define CONVC_TESTS_LIBRARY_KERNEL_H

#include "convc/convc.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Compiled once for each library, under the names first_* and second_*. */
#define DECLARE_LIBRARY(name)                                                              \
  extern CONVC_API const convc_kernel name##_kernel;                                       \
  CONVC_API convc_status name##_run(const float* input, float* output, void* workspace,    \
                                    size_t workspace_bytes, const convc_options* options); \
  CONVC_API size_t name##_workspace_bytes(const convc_options* options);                   \
  /* Where this library's copy of the runtime keeps its state, and what it says. */        \
  CONVC_API const void* name##_runtime(void);                                              \
  CONVC_API uint32_t name##_threads(void);

DECLARE_LIBRARY(first)
DECLARE_LIBRARY(second)

#ifdef __cplusplus
}
#endif
#endif
