/* pack_layout.h: executes one packing of kernel_abi.h. Used by convc_pack at run time and by the
 * compiler when the numbers are known. Portable C99, no state. */
#ifndef CONVC_PACK_LAYOUT_H
#define CONVC_PACK_LAYOUT_H

#include "convc/kernel_abi.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes that the packing's layout takes (f32), whatever packing->bytes says; 0 when the packing is
 * not sound: a size that is not positive, a channel_block that does not divide channels, an unknown
 * kind, an element beyond variable_elements, PANELS without a variable, is_offset without a
 * variance and a mean, or 64 bits overflow. */
CONVC_API uint64_t convc_packing_bytes(const convc_packing* packing);

/* Writes convc_packing_bytes(packing) bytes at `destination` (the place of the packing itself:
 * offset_bytes is not added). `variables` are those of the kernel, in its order: dense f32 arrays,
 * aligned as float, that do not overlap `destination`; the packing reads those that it names.
 * `variable` holds variable_elements numbers, those of a normalization groups * filters each. Does
 * nothing when convc_packing_bytes is 0. */
CONVC_API void convc_pack_variable(const convc_packing* packing, const void* const* variables,
                                   void* destination);

#ifdef __cplusplus
}
#endif
#endif
