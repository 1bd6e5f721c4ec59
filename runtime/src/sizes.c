/* sizes.c: sizes that are known only when a kernel runs: reads and checks them, derives others from
 * them, and computes the extents and bytes that follow. */
#include <string.h>

#include "internal.h"

int convc_impl_multiply(int64_t a, int64_t b, int64_t* result) {
  int64_t product;
  if (__builtin_mul_overflow(a, b, &product)) return 0;
  /* INT64_MIN has no absolute value. */
  if (a == INT64_MIN || b == INT64_MIN || product == INT64_MIN) return 0;
  *result = product;
  return 1;
}

int convc_impl_multiply_sizes(const convc_product* product, const convc_impl_sizes* sizes,
                              int64_t* result) {
  if (product->count > CONVC_MAX_PRODUCT_SIZES) return 0;
  int64_t value = product->factor;
  for (uint32_t i = 0; i < product->count; ++i) {
    const uint32_t index = product->sizes[i];
    if (index >= sizes->count || !convc_impl_multiply(value, sizes->values[index], &value)) {
      return 0;
    }
  }
  *result = value;
  return 1;
}

static int64_t floor_divide(int64_t a, int64_t b) { /* b > 0 */
  return a / b - (a % b < 0 ? 1 : 0);
}

/* floor((source * multiplier + addend) / divisor) + offset; returns 0 when that leaves 32 bits. */
static int derive(const convc_size* size, int64_t source, int64_t* value) {
  int64_t product;
  if (!convc_impl_multiply(source, size->multiplier, &product)) return 0;
  /* Halves: neither sum below leaves 64 bits. */
  const int64_t half = INT64_MAX / 2;
  if (product > half || product < -half || size->addend > half || size->addend < -half) return 0;
  const int64_t quotient = floor_divide(product + size->addend, size->divisor);
  if (quotient > half || quotient < -half || size->offset > half || size->offset < -half) return 0;
  *value = quotient + size->offset;
  return *value <= INT32_MAX && *value >= -INT32_MAX;
}

static convc_status fail_descriptor(const convc_kernel* kernel) {
  return convc_impl_fail(CONVC_INTERNAL,
                         "%s: sizes: expected a sound descriptor, got one that is not (a bug in "
                         "convc)",
                         kernel->name);
}

static convc_status check_open(const convc_kernel* kernel, const convc_size* size, int64_t value) {
  const int64_t max = size->max < INT32_MAX ? size->max : INT32_MAX;
  if (value >= size->min && value <= max) return CONVC_OK;
  return convc_impl_fail(CONVC_WRONG_SIZE, "%s: %s: expected %lld to %lld, got %lld", kernel->name,
                         size->name, (long long)size->min, (long long)max, (long long)value);
}

/* The open size that size number `index` comes from. Sources are earlier ones: this ends. */
static uint32_t root_of(const convc_kernel* kernel, uint32_t index) {
  while (index >= kernel->open_count) index = kernel->sizes[index].source;
  return index;
}

/* Computes size number `index` from earlier ones. */
static convc_status derive_size(const convc_kernel* kernel, uint32_t index,
                                convc_impl_sizes* sizes) {
  const convc_size* size = &kernel->sizes[index];
  if (size->source >= index || size->divisor <= 0) return fail_descriptor(kernel);
  const uint32_t root = root_of(kernel, index);
  const char* name = kernel->sizes[root].name;
  const long long got = (long long)sizes->values[root];
  if (!derive(size, sizes->values[size->source], &sizes->values[index])) {
    return convc_impl_fail(CONVC_WRONG_SIZE,
                           "%s: %s: expected one whose outputs have less than 2^31 elements along "
                           "this axis, got %lld",
                           kernel->name, name, got);
  }
  if (sizes->values[index] >= size->min) return CONVC_OK;
  return convc_impl_fail(CONVC_WRONG_SIZE,
                         "%s: %s: expected one whose outputs have at least %lld elements along "
                         "this axis, got %lld, which gives %lld",
                         kernel->name, name, (long long)size->min, got,
                         (long long)sizes->values[index]);
}

convc_status convc_impl_read_sizes(const convc_kernel* kernel, const void* open,
                                   convc_impl_sizes* sizes) {
  sizes->count = 0;
  if (kernel->size_count == 0 && kernel->open_count == 0) return CONVC_OK;
  if (kernel->sizes == NULL || kernel->size_count > CONVC_MAX_SIZES ||
      kernel->open_count > kernel->size_count) {
    return fail_descriptor(kernel);
  }
  if (open == NULL) {
    return convc_impl_fail(CONVC_NULL_POINTER, "%s: sizes: expected %u numbers, got NULL",
                           kernel->name, (unsigned)kernel->open_count);
  }
  memcpy(sizes->values, open, kernel->open_count * sizeof(int64_t));
  for (uint32_t i = 0; i < kernel->size_count; ++i) {
    const convc_size* size = &kernel->sizes[i];
    const int is_open = i < kernel->open_count;
    if (size->kind != (is_open ? CONVC_SIZE_OPEN : CONVC_SIZE_DERIVED)) {
      return fail_descriptor(kernel);
    }
    const convc_status status =
        is_open ? check_open(kernel, size, sizes->values[i]) : derive_size(kernel, i, sizes);
    if (status != CONVC_OK) return status;
  }
  sizes->count = kernel->size_count;
  return CONVC_OK;
}

convc_status convc_impl_tensor_bytes(const convc_kernel* kernel, const convc_tensor* tensor,
                                     const convc_impl_sizes* sizes, uint64_t* bytes) {
  const uint32_t element_bytes = convc_impl_element_bytes(tensor->dtype);
  if (element_bytes == 0) {
    return convc_impl_fail(CONVC_INTERNAL,
                           "%s: %s: expected a known dtype, got another (a bug in convc)",
                           kernel->name, tensor->name);
  }
  if (tensor->open_shape == NULL) {
    *bytes = tensor->bytes;
    return CONVC_OK;
  }
  int64_t elements, gap;
  if (!convc_impl_evaluate(&tensor->open_elements, sizes, &elements) ||
      !convc_impl_evaluate(&tensor->open_gap, sizes, &gap) || elements > INT32_MAX) {
    return convc_impl_fail(CONVC_WRONG_SIZE,
                           "%s: %s: expected sizes that make less than 2^31 elements, got more",
                           kernel->name, tensor->name);
  }
  if (gap < 0 || elements <= gap) return fail_descriptor(kernel);
  *bytes = (uint64_t)(elements - gap) * element_bytes;
  return CONVC_OK;
}

static convc_status tensor_shape(const convc_kernel* kernel, const convc_tensor* tensor,
                                 const int64_t* open_sizes, int64_t* shape, size_t* bytes) {
  convc_impl_sizes sizes;
  uint64_t wide_bytes = 0;
  convc_status status = convc_impl_read_sizes(kernel, open_sizes, &sizes);
  if (status == CONVC_OK) status = convc_impl_tensor_bytes(kernel, tensor, &sizes, &wide_bytes);
  if (status != CONVC_OK) return status;
  for (uint32_t d = 0; shape != NULL && d < tensor->rank; ++d) {
    shape[d] = tensor->shape[d];
    if (tensor->open_shape != NULL &&
        !convc_impl_evaluate(&tensor->open_shape[d], &sizes, &shape[d])) {
      return fail_descriptor(kernel);
    }
  }
  if (bytes != NULL) *bytes = (size_t)wide_bytes;
  return CONVC_OK;
}

static convc_status check_index(const convc_kernel* kernel, uint32_t index, uint32_t count) {
  if (index < count) return CONVC_OK;
  return convc_impl_fail(CONVC_WRONG_SIZE, "%s: index: expected less than %u, got %u", kernel->name,
                         (unsigned)count, (unsigned)index);
}

convc_status convc_input_shape(const convc_kernel* kernel, uint32_t index,
                               const int64_t* open_sizes, int64_t* shape, size_t* bytes) {
  convc_status status = convc_impl_check_descriptor(kernel);
  if (status == CONVC_OK) status = check_index(kernel, index, kernel->input_count);
  if (status != CONVC_OK) return status;
  return tensor_shape(kernel, &kernel->inputs[index], open_sizes, shape, bytes);
}

convc_status convc_output_shape(const convc_kernel* kernel, uint32_t index,
                                const int64_t* open_sizes, int64_t* shape, size_t* bytes) {
  convc_status status = convc_impl_check_descriptor(kernel);
  if (status == CONVC_OK) status = check_index(kernel, index, kernel->output_count);
  if (status != CONVC_OK) return status;
  return tensor_shape(kernel, &kernel->outputs[index], open_sizes, shape, bytes);
}
