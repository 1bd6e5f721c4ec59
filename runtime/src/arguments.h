/* arguments.h: what a call of convc_run was given, after its checks, and the buffers that generated
 * code gets from it. */
#ifndef CONVC_ARGUMENTS_H
#define CONVC_ARGUMENTS_H

#include "halide_buffer.h"
#include "internal.h"

typedef struct convc_impl_arguments {
  const convc_kernel* kernel;
  const convc_variant* variant;
  const void* const* io;
  const void* packed;
  unsigned char* shared; /* of the workspace: past its first guard line */
  convc_impl_sizes sizes;
} convc_impl_arguments;

/* The descriptor of input or output number `index` of the io struct. */
const convc_tensor* convc_impl_tensor(const convc_kernel* kernel, uint32_t index);

/* Where that tensor lies. Its bytes are 0 when its sizes cannot be computed: CONVC_WRONG_SIZE,
 * CONVC_INTERNAL. */
convc_status convc_impl_read_tensor(const convc_impl_arguments* a, uint32_t index,
                                    convc_impl_region* region);
/* The same of a tensor that was read before. */
convc_impl_region convc_impl_tensor_region(const convc_impl_arguments* a, uint32_t index);

typedef enum convc_impl_buffer_result {
  CONVC_IMPL_BUFFER_MADE,
  CONVC_IMPL_BUFFER_EMPTY,  /* an extent is 0: the step has nothing to do */
  CONVC_IMPL_BUFFER_UNSOUND /* the descriptor names what is not there, or leaves its memory */
} convc_impl_buffer_result;

/* Makes a buffer of one argument. `dims` has room for CONVC_MAX_RANK. */
convc_impl_buffer_result convc_impl_make_buffer(const convc_impl_arguments* a,
                                                const convc_argument* argument,
                                                convc_impl_halide_buffer* buffer,
                                                convc_impl_halide_dim* dims);

#endif
