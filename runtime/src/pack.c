/* pack.c: convc_pack. Checks what the caller and the descriptor say, then executes the variant's
 * packings. Portable: any machine packs for any variant. */
#include <string.h>

#include "convc/pack_layout.h"
#include "internal.h"

/* A variable that a packing names: of this many f32 elements, or absent. */
static int is_variable(const convc_kernel* kernel, uint32_t index, uint64_t elements) {
  if (index == CONVC_NO_VARIABLE) return 1;
  return index < kernel->variable_count && elements <= UINT64_MAX / sizeof(float) &&
         kernel->variables[index].bytes == elements * sizeof(float);
}

/* The descriptor's own numbers: a failure here is a bug in convc, not in the caller. */
static convc_status check_packing(const convc_kernel* kernel, const convc_variant* variant,
                                  const convc_packing* packing) {
  const uint64_t bytes = convc_packing_bytes(packing);
  /* When bytes is not 0, groups * filters is at most bytes, so it cannot overflow. */
  const uint64_t filters = bytes != 0 ? (uint64_t)packing->groups * (uint64_t)packing->filters : 0;
  const int normalizes = packing->variance != CONVC_NO_VARIABLE;
  const int sound = bytes != 0 && bytes <= packing->bytes &&
                    packing->offset_bytes >= CONVC_PACKED_HEADER_BYTES &&
                    packing->offset_bytes % sizeof(float) == 0 &&
                    packing->offset_bytes <= variant->packed_bytes &&
                    packing->bytes <= variant->packed_bytes - packing->offset_bytes &&
                    is_variable(kernel, packing->variable, packing->variable_elements) &&
                    (!normalizes || (is_variable(kernel, packing->gamma, filters) &&
                                     is_variable(kernel, packing->beta, filters) &&
                                     is_variable(kernel, packing->mean, filters) &&
                                     is_variable(kernel, packing->variance, filters)));
  if (sound) return CONVC_OK;
  return convc_impl_fail(CONVC_INTERNAL,
                         "%s: packing at byte %llu: expected sizes within the descriptor's, got "
                         "%llu bytes (a bug in convc)",
                         kernel->name, (unsigned long long)packing->offset_bytes,
                         (unsigned long long)bytes);
}

static convc_impl_region variable_region(const convc_kernel* kernel, const void* const* weights,
                                         uint32_t index) {
  convc_impl_region region = {kernel->variables[index].name, NULL, kernel->variables[index].bytes};
  /* memcpy: the generated struct's members are float pointers, not void pointers. */
  memcpy(&region.pointer, weights + index, sizeof region.pointer);
  return region;
}

static convc_status check_variables(const convc_kernel* kernel, const void* const* weights,
                                    const convc_impl_region* packed) {
  if (weights == NULL && kernel->variable_count > 0) {
    return convc_impl_fail(CONVC_NULL_POINTER,
                           "%s: weights: expected a struct of pointers, got NULL", kernel->name);
  }
  for (uint32_t i = 0; i < kernel->variable_count; ++i) {
    const convc_impl_region region = variable_region(kernel, weights, i);
    convc_status status = convc_impl_check_pointer(
        kernel, &region, convc_impl_element_bytes(kernel->variables[i].dtype));
    if (status == CONVC_OK) status = convc_impl_check_disjoint(kernel, packed, &region);
    if (status != CONVC_OK) return status;
  }
  return CONVC_OK;
}

static void write_packed(const convc_variant* variant, const void* const* weights,
                         unsigned char* packed) {
  memset(packed, 0, (size_t)variant->packed_bytes); /* also the gaps: equal weights, equal bytes */
  for (uint32_t i = 0; i < variant->packing_count; ++i) {
    const convc_packing* packing = &variant->packings[i];
    convc_pack_variable(packing, weights, packed + packing->offset_bytes);
  }
  const convc_packed_header header = {.magic = CONVC_PACKED_MAGIC,
                                      .abi_version = CONVC_ABI_VERSION,
                                      .header_bytes = CONVC_PACKED_HEADER_BYTES,
                                      .identity = {variant->identity[0], variant->identity[1]},
                                      .packed_bytes = variant->packed_bytes};
  memcpy(packed, &header, sizeof header);
}

convc_status convc_pack(const convc_kernel* kernel, const void* const* weights, void* packed,
                        size_t packed_bytes, const convc_options* options) {
  convc_impl_request request;
  convc_status status = convc_impl_begin(kernel, options, 1, &request);
  if (status != CONVC_OK) return status;
  const convc_variant* variant = request.variant;
  if (variant->packed_bytes == 0) return CONVC_OK;

  const convc_impl_region region = {"packed", packed, variant->packed_bytes};
  status = convc_impl_check_pointer(kernel, &region, CONVC_ALIGNMENT);
  if (status != CONVC_OK) return status;
  if (packed_bytes < variant->packed_bytes) {
    return convc_impl_fail(CONVC_TOO_SMALL, "%s: packed_bytes: expected at least %llu, got %zu",
                           kernel->name, (unsigned long long)variant->packed_bytes, packed_bytes);
  }
  status = check_variables(kernel, weights, &region);
  for (uint32_t i = 0; i < variant->packing_count && status == CONVC_OK; ++i) {
    status = check_packing(kernel, variant, &variant->packings[i]);
  }
  if (status == CONVC_OK) write_packed(variant, weights, (unsigned char*)packed);
  return status;
}
