/* pack_layout.h: executes one packing of kernel_abi.h. Used by convc_pack at run time and by the
 * compiler when the numbers are known. Portable C99, no state. */
#ifndef CONVC_PACK_LAYOUT_H
#define CONVC_PACK_LAYOUT_H

#include "convc/kernel_abi.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes that the packing's layout takes (f32), whatever packing->bytes says; 0 when a size is not
 * positive, channel_block does not divide channels, the kind is unknown, or 64 bits overflow. */
CONVC_API uint64_t convc_packing_bytes(const convc_packing* packing);

/* Bytes of the variable it reads (f32); 0 in the same cases. */
CONVC_API uint64_t convc_packing_variable_bytes(const convc_packing* packing);

/* Writes convc_packing_bytes(packing) bytes at `destination` (the place of the packing itself:
 * offset_bytes is not added) from the dense HWIO kernel or the bias at `variable`. Both need the
 * alignment of float and must not overlap. Does nothing when convc_packing_bytes is 0. */
CONVC_API void convc_pack_variable(const convc_packing* packing, const void* variable,
                                   void* destination);

#ifdef __cplusplus
}
#endif
#endif
