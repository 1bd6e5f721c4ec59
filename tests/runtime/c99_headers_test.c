/* c99_headers_test.c: the public headers in plain C99, each function used through its declared
 * type. */
#include <stdio.h>

#include "convc/convc.h"
#include "convc/kernel_abi.h"
#include "convc/pack_layout.h"
#include "convc/reference.h"

int main(void) {
  convc_options options = {0};
  convc_conv conv = {0};
  convc_packing packing = {0};
  int64_t out[3];
  size_t (*const sizes[])(const convc_kernel*, const convc_options*) = {convc_packed_bytes,
                                                                        convc_workspace_bytes};
  options.struct_bytes = sizeof options;
  if (sizes[0](NULL, &options) != SIZE_MAX || sizes[1](NULL, NULL) != SIZE_MAX) return 1;
  if (convc_kernel_isa(NULL, NULL) != NULL) return 2;
  if (convc_run(NULL, NULL, NULL, 0, NULL, 0, NULL) != CONVC_NULL_POINTER) return 3;
  if (convc_pack(NULL, NULL, NULL, 0, NULL) != CONVC_NULL_POINTER) return 4;
  conv.groups = 2; /* of one channel */
  if (convc_reference_output_size(&conv, out) == 0) return 5;
  if (convc_packing_bytes(&packing) != 0) return 6;
  if (convc_get_threads() < 1 || convc_abi_version() != CONVC_ABI_VERSION) return 7;
  printf("convc %s, cpu features %llx\n", convc_version(),
         (unsigned long long)convc_cpu_features());
  return 0;
}
