/* variant.c: which of a kernel's ISA variants a call runs, and the sizes that follow from it. */
#include <stdio.h>
#include <string.h>

#include "internal.h"

convc_status convc_impl_check_descriptor(const convc_kernel* kernel) {
  if (kernel == NULL) {
    return convc_impl_fail(CONVC_NULL_POINTER, "convc: kernel: expected a descriptor, got NULL");
  }
  if (kernel->abi_version != CONVC_ABI_VERSION || kernel->struct_bytes < sizeof(convc_kernel)) {
    /* The name's place may differ in another version, so the text does without it. */
    return convc_impl_fail(CONVC_ABI_MISMATCH,
                           "convc: kernel: expected a descriptor of ABI version %u and %zu bytes, "
                           "got version %u and %u bytes; compile the library with this runtime's "
                           "convc %s",
                           CONVC_ABI_VERSION, sizeof(convc_kernel), (unsigned)kernel->abi_version,
                           (unsigned)kernel->struct_bytes, convc_version());
  }
  return CONVC_OK;
}

static convc_status fail_unknown_isa(const convc_kernel* kernel,
                                     const convc_impl_options* options) {
  char names[256] = "";
  size_t used = 0;
  for (uint32_t i = 0; i < kernel->variant_count; ++i) {
    const int written = snprintf(names + used, sizeof names - used, "%s\"%s\"", i > 0 ? ", " : "",
                                 kernel->variants[i].isa);
    if (written < 0 || (size_t)written >= sizeof names - used) break;
    used += (size_t)written;
  }
  return convc_impl_fail(CONVC_UNSUPPORTED_CPU, "%s: %s: expected one of %s, got \"%s\"",
                         kernel->name, options->isa_is_global ? "convc_set_isa" : "options.isa",
                         names, options->isa);
}

static convc_status fail_missing_features(const convc_kernel* kernel,
                                          const convc_variant* variant) {
  char needed[200];
  char missing[200];
  convc_impl_feature_names(variant->cpu_features, needed, sizeof needed);
  convc_impl_feature_names(variant->cpu_features & ~convc_cpu_features(), missing, sizeof missing);
  return convc_impl_fail(CONVC_UNSUPPORTED_CPU,
                         "%s: cpu: expected %s (variant \"%s\"), got a CPU or operating system "
                         "without %s",
                         kernel->name, needed, variant->isa, missing);
}

static convc_status choose_variant(const convc_kernel* kernel, int packing_only,
                                   convc_impl_request* request) {
  const convc_impl_options* options = &request->options;
  const int any_cpu = packing_only && options->isa != NULL && !options->isa_is_global;
  const uint64_t cpu = convc_cpu_features();
  const convc_variant* closest = NULL; /* the least demanding one is last */
  for (uint32_t i = 0; i < kernel->variant_count; ++i) {
    const convc_variant* variant = &kernel->variants[i];
    if (options->isa != NULL && strcmp(options->isa, variant->isa) != 0) continue;
    if (any_cpu || (variant->cpu_features & ~cpu) == 0) {
      request->variant = variant;
      return CONVC_OK;
    }
    closest = variant;
  }
  if (closest != NULL) return fail_missing_features(kernel, closest);
  if (options->isa != NULL) return fail_unknown_isa(kernel, options);
  return convc_impl_fail(CONVC_INTERNAL, "%s: variants: expected at least one, got none",
                         kernel->name);
}

convc_status convc_impl_begin(const convc_kernel* kernel, const convc_options* options,
                              int packing_only, convc_impl_request* request) {
  convc_status status = convc_impl_check_descriptor(kernel);
  if (status == CONVC_OK) {
    status = convc_impl_read_options(kernel->name, options, &request->options);
  }
  if (status == CONVC_OK) status = choose_variant(kernel, packing_only, request);
  return status;
}

uint32_t convc_impl_workers(const convc_variant* variant, uint32_t threads) {
  uint32_t tasks = 1;
  for (uint32_t i = 0; i < variant->step_count; ++i) {
    if (variant->steps[i].max_tasks > tasks) tasks = variant->steps[i].max_tasks;
  }
  return threads < tasks ? threads : tasks;
}

uint64_t convc_impl_workspace_bytes(const convc_variant* variant, uint32_t threads) {
  return CONVC_WORKSPACE_TOTAL_BYTES(variant->workspace_bytes, variant->thread_scratch_bytes,
                                     (uint64_t)convc_impl_workers(variant, threads));
}

const char* convc_kernel_isa(const convc_kernel* kernel, const convc_options* options) {
  convc_impl_request request;
  if (convc_impl_begin(kernel, options, 0, &request) != CONVC_OK) return NULL;
  return request.variant->isa;
}

size_t convc_packed_bytes(const convc_kernel* kernel, const convc_options* options) {
  convc_impl_request request;
  if (convc_impl_begin(kernel, options, 1, &request) != CONVC_OK) return SIZE_MAX;
  return (size_t)request.variant->packed_bytes;
}

size_t convc_workspace_bytes(const convc_kernel* kernel, const convc_options* options) {
  convc_impl_request request;
  if (convc_impl_begin(kernel, options, 0, &request) != CONVC_OK) return SIZE_MAX;
  return (size_t)convc_impl_workspace_bytes(request.variant, request.options.threads);
}
