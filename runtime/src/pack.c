/* pack.c: weights into the layouts of kernel_abi.h. Portable: any machine packs for any variant. */
#include <string.h>

#include "convc/pack_layout.h"
#include "internal.h"

/* Product of two sizes; 0 stands for "no valid size" and stays. */
static uint64_t times(uint64_t a, uint64_t b) {
  if (a == 0 || b == 0 || a > UINT64_MAX / b) return 0;
  return a * b;
}

static uint64_t size_of(int64_t extent) {
  return extent > 0 ? (uint64_t)extent : 0;
}

/* Panels that hold all filters; 0 when a size is invalid. */
static uint64_t panel_count(const convc_packing* p) {
  if (p->filters <= 0 || p->filter_panel <= 0) return 0;
  return (size_of(p->filters) - 1) / size_of(p->filter_panel) + 1;
}

uint64_t convc_packing_bytes(const convc_packing* p) {
  const uint64_t padded_filters = times(panel_count(p), size_of(p->filter_panel));
  if (p->kind == CONVC_PACK_BIAS) return times(padded_filters, sizeof(float));
  if (p->kind != CONVC_PACK_PANELS || p->channel_block <= 0 ||
      p->channels % p->channel_block != 0) {
    return 0;
  }
  const uint64_t taps = times(size_of(p->kernel_height), size_of(p->kernel_width));
  return times(times(times(padded_filters, taps), size_of(p->channels)), sizeof(float));
}

uint64_t convc_packing_variable_bytes(const convc_packing* p) {
  if (convc_packing_bytes(p) == 0)
    return 0; /* the larger of the two, so it cannot overflow below */
  const uint64_t filters = size_of(p->filters);
  if (p->kind == CONVC_PACK_BIAS) return filters * sizeof(float);
  return size_of(p->kernel_height) * size_of(p->kernel_width) * size_of(p->channels) * filters *
         sizeof(float);
}

static void pack_bias(const convc_packing* p, const float* bias, float* destination) {
  const size_t filters = (size_t)p->filters;
  const size_t padded = (size_t)(convc_packing_bytes(p) / sizeof(float));
  memcpy(destination, bias, filters * sizeof(float));
  memset(destination + filters, 0, (padded - filters) * sizeof(float));
}

/* One panel of one tap and channel: `used` filters, then zeros. */
static float* pack_row(float* destination, const float* source, size_t used, size_t panel) {
  memcpy(destination, source, used * sizeof(float));
  memset(destination + used, 0, (panel - used) * sizeof(float));
  return destination + panel;
}

static void pack_panels(const convc_packing* p, const float* kernel, float* destination) {
  const size_t panel = (size_t)p->filter_panel, block = (size_t)p->channel_block;
  const size_t channels = (size_t)p->channels, filters = (size_t)p->filters;
  const size_t taps = (size_t)p->kernel_height * (size_t)p->kernel_width; /* i, j as one index */
  for (size_t first = 0; first < filters; first += panel) {
    const size_t used = filters - first < panel ? filters - first : panel;
    for (size_t block_start = 0; block_start < channels; block_start += block) {
      for (size_t tap = 0; tap < taps; ++tap) {
        for (size_t c = block_start; c < block_start + block; ++c) {
          destination =
              pack_row(destination, kernel + (tap * channels + c) * filters + first, used, panel);
        }
      }
    }
  }
}

void convc_pack_variable(const convc_packing* packing, const void* variable, void* destination) {
  if (convc_packing_bytes(packing) == 0) return;
  if (packing->kind == CONVC_PACK_BIAS) {
    pack_bias(packing, (const float*)variable, (float*)destination);
  } else {
    pack_panels(packing, (const float*)variable, (float*)destination);
  }
}

/* The descriptor's own numbers: a failure here is a bug in convc, not in the caller. */
static convc_status check_packing(const convc_kernel* kernel, const convc_variant* variant,
                                  const convc_packing* packing) {
  const uint64_t bytes = convc_packing_bytes(packing);
  const int sound =
      packing->variable < kernel->variable_count && bytes != 0 && bytes <= packing->bytes &&
      packing->offset_bytes >= CONVC_PACKED_HEADER_BYTES &&
      packing->offset_bytes % sizeof(float) == 0 &&
      packing->offset_bytes <= variant->packed_bytes &&
      packing->bytes <= variant->packed_bytes - packing->offset_bytes &&
      kernel->variables[packing->variable].bytes == convc_packing_variable_bytes(packing);
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

static void write_packed(const convc_kernel* kernel, const convc_variant* variant,
                         const void* const* weights, unsigned char* packed) {
  memset(packed, 0, (size_t)variant->packed_bytes); /* also the gaps: equal weights, equal bytes */
  for (uint32_t i = 0; i < variant->packing_count; ++i) {
    const convc_packing* packing = &variant->packings[i];
    const convc_impl_region variable = variable_region(kernel, weights, packing->variable);
    convc_pack_variable(packing, variable.pointer, packed + packing->offset_bytes);
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
  if (status == CONVC_OK) write_packed(kernel, variant, weights, (unsigned char*)packed);
  return status;
}
