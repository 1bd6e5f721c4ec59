/* halide_buffer.h: Halide's buffer descriptor as generated code reads it, so that neither the
 * runtime nor its users need Halide's headers. tests/runtime/halide_buffer_test.cpp compares the
 * two. */
#ifndef CONVC_HALIDE_BUFFER_H
#define CONVC_HALIDE_BUFFER_H

#include <stdint.h>

typedef struct convc_impl_halide_dim {
  int32_t min, extent, stride; /* elements */
  uint32_t flags;
} convc_impl_halide_dim;

enum { CONVC_IMPL_HALIDE_FLOAT = 2 }; /* halide_type_float */

typedef struct convc_impl_halide_buffer {
  uint64_t device;
  const void* device_interface;
  uint8_t* host;
  uint64_t flags;
  uint8_t type_code, type_bits;
  uint16_t type_lanes;
  int32_t dimensions;
  convc_impl_halide_dim* dim;
  void* padding;
} convc_impl_halide_buffer;

#endif
