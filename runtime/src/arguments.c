/* arguments.c: kernel arguments of the descriptor into Halide's buffers, with run-time sizes put
 * in. What does not lie within its memory is refused. */
#include "arguments.h"

#include <string.h>

const convc_tensor* convc_impl_tensor(const convc_kernel* kernel, uint32_t index) {
  return index < kernel->input_count ? &kernel->inputs[index]
                                     : &kernel->outputs[index - kernel->input_count];
}

convc_status convc_impl_read_tensor(const convc_impl_arguments* a, uint32_t index,
                                    convc_impl_region* region) {
  const convc_tensor* tensor = convc_impl_tensor(a->kernel, index);
  region->name = tensor->name;
  region->bytes = 0;
  /* memcpy: the generated struct's members are float pointers, not void pointers. */
  memcpy(&region->pointer, a->io + index, sizeof region->pointer);
  return convc_impl_tensor_bytes(a->kernel, tensor, &a->sizes, &region->bytes);
}

convc_impl_region convc_impl_tensor_region(const convc_impl_arguments* a, uint32_t index) {
  convc_impl_region region;
  (void)convc_impl_read_tensor(a, index, &region);
  return region;
}

/* The memory that an argument lies in; its pointer is NULL when the descriptor is not sound. The
 * size of a constant is not known, but for Halide's limit. */
static convc_impl_region memory_of(const convc_impl_arguments* a, const convc_argument* argument) {
  const convc_kernel* kernel = a->kernel;
  convc_impl_region none = {NULL, NULL, 0};
  switch (argument->source) {
    case CONVC_SOURCE_INPUT:
      if (argument->index >= kernel->input_count) return none;
      return convc_impl_tensor_region(a, argument->index);
    case CONVC_SOURCE_OUTPUT:
      if (argument->index >= kernel->output_count) return none;
      return convc_impl_tensor_region(a, kernel->input_count + argument->index);
    case CONVC_SOURCE_PACKED:
      return (convc_impl_region){"packed", a->packed, a->variant->packed_bytes};
    case CONVC_SOURCE_WORKSPACE:
      return (convc_impl_region){"workspace", a->shared, a->variant->workspace_bytes};
    case CONVC_SOURCE_CONSTANT:
      return (convc_impl_region){"constant", argument->constant, (uint64_t)INT32_MAX * 8};
    default:
      return none;
  }
}

static int is_32_bits(int64_t value) {
  return value <= INT32_MAX && value >= -INT32_MAX;
}

/* Writes the extents and strides, each within 32 bits. */
static int read_dims(const convc_impl_arguments* a, const convc_argument* argument,
                     convc_impl_halide_dim* dims) {
  if (argument->rank > CONVC_MAX_RANK) return 0;
  if (argument->rank > 0 && argument->dims == NULL && argument->open_dims == NULL) return 0;
  for (uint32_t d = 0; d < argument->rank; ++d) {
    int64_t extent, stride;
    if (argument->dims != NULL) {
      extent = argument->dims[d].extent;
      stride = argument->dims[d].stride;
    } else if (!convc_impl_evaluate(&argument->open_dims[d].extent, &a->sizes, &extent) ||
               !convc_impl_evaluate(&argument->open_dims[d].stride, &a->sizes, &stride)) {
      return 0;
    }
    if (extent < 0 || !is_32_bits(extent) || !is_32_bits(stride)) return 0;
    dims[d] = (convc_impl_halide_dim){0, (int32_t)extent, (int32_t)stride, 0};
  }
  return 1;
}

/* The first element of the argument, counted from the start of its memory. */
static int read_offset(const convc_impl_arguments* a, const convc_argument* argument,
                       uint32_t element_bytes, int64_t* offset) {
  *offset = (int64_t)(argument->offset_bytes / element_bytes);
  for (uint32_t i = 0; i < CONVC_OFFSET_PRODUCTS; ++i) {
    int64_t elements;
    if (!convc_impl_evaluate(&argument->open_offset[i], &a->sizes, &elements) ||
        !is_32_bits(elements)) {
      return 0;
    }
    *offset += elements;
  }
  return 1;
}

/* Whether the first element, `offset` elements into `elements`, and all others lie inside. */
static int lies_inside(const convc_impl_halide_dim* dims, uint32_t rank, int64_t offset,
                       int64_t elements) {
  int64_t least = offset, most = offset;
  if (offset < 0 || offset >= elements) return 0;
  for (uint32_t d = 0; d < rank; ++d) {
    const int64_t reach = (int64_t)(dims[d].extent - 1) * dims[d].stride;
    if (reach < 0) {
      least += reach;
    } else {
      most += reach;
    }
    if (least < 0 || most >= elements) return 0; /* each time: the whole sum could overflow */
  }
  return 1;
}

convc_impl_buffer_result convc_impl_make_buffer(const convc_impl_arguments* a,
                                                const convc_argument* argument,
                                                convc_impl_halide_buffer* buffer,
                                                convc_impl_halide_dim* dims) {
  const convc_impl_region memory = memory_of(a, argument);
  const uint32_t element_bytes = convc_impl_element_bytes(argument->dtype);
  int64_t offset;
  if (memory.pointer == NULL || element_bytes == 0 || !read_dims(a, argument, dims) ||
      argument->offset_bytes % element_bytes != 0 || argument->offset_bytes >= memory.bytes ||
      !read_offset(a, argument, element_bytes, &offset)) {
    return CONVC_IMPL_BUFFER_UNSOUND;
  }
  for (uint32_t d = 0; d < argument->rank; ++d) {
    if (dims[d].extent == 0) return CONVC_IMPL_BUFFER_EMPTY;
  }
  if (!lies_inside(dims, argument->rank, offset, (int64_t)(memory.bytes / element_bytes))) {
    return CONVC_IMPL_BUFFER_UNSOUND;
  }
  memset(buffer, 0, sizeof *buffer);
  /* Halide has one buffer type for inputs and outputs. */
  buffer->host = (uint8_t*)(uintptr_t)memory.pointer + offset * element_bytes;
  buffer->type_code = CONVC_IMPL_HALIDE_FLOAT;
  buffer->type_bits = (uint8_t)(element_bytes * 8);
  buffer->type_lanes = 1;
  buffer->dimensions = (int32_t)argument->rank;
  buffer->dim = dims;
  return CONVC_IMPL_BUFFER_MADE;
}
