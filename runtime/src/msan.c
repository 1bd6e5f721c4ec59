/* msan.c: tells MemorySanitizer about generated code's memory (target feature msan). The
 * sanitizer's own functions are weak references: without it these functions do nothing. */
#include "halide_buffer.h"
#include "internal.h"

#if defined(__GNUC__) && defined(__ELF__)
void __msan_check_mem_is_initialized(const volatile void* pointer, size_t bytes)
    __attribute__((weak));
void __msan_unpoison(const volatile void* pointer, size_t bytes) __attribute__((weak));

static void check_bytes(const void* pointer, uint64_t bytes) {
  if (__msan_check_mem_is_initialized) __msan_check_mem_is_initialized(pointer, (size_t)bytes);
}

static void mark_bytes(const void* pointer, uint64_t bytes) {
  if (__msan_unpoison) __msan_unpoison(pointer, (size_t)bytes);
}
#else
static void check_bytes(const void* pointer, uint64_t bytes) {
  (void)pointer;
  (void)bytes;
}

static void mark_bytes(const void* pointer, uint64_t bytes) {
  (void)pointer;
  (void)bytes;
}
#endif

/* Element by element of all dimensions but the innermost dense one: rows need not touch. */
static void visit(const convc_impl_halide_buffer* buffer, int dimension, const uint8_t* host,
                  void (*visit_bytes)(const void*, uint64_t)) {
  const uint64_t element_bytes = ((uint64_t)buffer->type_bits + 7) / 8;
  if (dimension < 0) {
    visit_bytes(host, element_bytes);
    return;
  }
  const convc_impl_halide_dim* dim = &buffer->dim[dimension];
  if (dimension == 0 && dim->stride == 1) {
    visit_bytes(host, element_bytes * (uint64_t)dim->extent);
    return;
  }
  for (int32_t i = 0; i < dim->extent; ++i) {
    visit(buffer, dimension - 1, host + (int64_t)i * dim->stride * (int64_t)element_bytes,
          visit_bytes);
  }
}

static void visit_buffer(const void* opaque, void (*visit_bytes)(const void*, uint64_t)) {
  const convc_impl_halide_buffer* buffer = (const convc_impl_halide_buffer*)opaque;
  if (buffer != NULL && buffer->host != NULL) {
    visit(buffer, buffer->dimensions - 1, buffer->host, visit_bytes);
  }
}

int convc_rt_msan_check_memory_is_initialized(void* user_context, const void* pointer,
                                              uint64_t bytes, const char* name) {
  (void)user_context;
  (void)name;
  check_bytes(pointer, bytes);
  return 0;
}

int convc_rt_msan_check_buffer_is_initialized(void* user_context, struct halide_buffer_t* buffer,
                                              const char* name) {
  (void)user_context;
  (void)name;
  mark_bytes(buffer, sizeof(convc_impl_halide_buffer));
  visit_buffer(buffer, check_bytes);
  return 0;
}

int convc_rt_msan_annotate_memory_is_initialized(void* user_context, const void* pointer,
                                                 uint64_t bytes) {
  (void)user_context;
  mark_bytes(pointer, bytes);
  return 0;
}

int convc_rt_msan_annotate_buffer_is_initialized(void* user_context,
                                                 struct halide_buffer_t* buffer) {
  (void)user_context;
  visit_buffer(buffer, mark_bytes);
  return 0;
}

void convc_rt_msan_annotate_buffer_is_initialized_as_destructor(void* user_context, void* buffer) {
  (void)user_context;
  visit_buffer(buffer, mark_bytes);
}
