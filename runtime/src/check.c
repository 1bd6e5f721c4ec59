/* check.c: checks of the caller's pointers. */
#include "internal.h"

convc_status convc_impl_check_pointer(const convc_kernel* kernel, const convc_impl_region* region,
                                      uint64_t alignment_bytes) {
  if (alignment_bytes == 0) {
    return convc_impl_fail(CONVC_INTERNAL,
                           "%s: %s: expected a known dtype, got another (a bug in convc)",
                           kernel->name, region->name);
  }
  if (region->pointer == NULL) {
    return convc_impl_fail(CONVC_NULL_POINTER, "%s: %s: expected %llu bytes of memory, got NULL",
                           kernel->name, region->name, (unsigned long long)region->bytes);
  }
  if ((uintptr_t)region->pointer % alignment_bytes != 0) {
    return convc_impl_fail(CONVC_MISALIGNED, "%s: %s: expected alignment %llu, got address %p",
                           kernel->name, region->name, (unsigned long long)alignment_bytes,
                           region->pointer);
  }
  return CONVC_OK;
}

convc_status convc_impl_check_disjoint(const convc_kernel* kernel, const convc_impl_region* written,
                                       const convc_impl_region* other) {
  /* Differences, not ends: an end can wrap around at the top of the address space. */
  const uintptr_t a = (uintptr_t)written->pointer;
  const uintptr_t b = (uintptr_t)other->pointer;
  const int overlap = b >= a ? b - a < written->bytes : a - b < other->bytes;
  if (!overlap || written->bytes == 0 || other->bytes == 0) return CONVC_OK;
  return convc_impl_fail(
      CONVC_OVERLAP,
      "%s: %s: expected memory of its own, got %llu bytes at %p that overlap %s (%llu bytes at %p)",
      kernel->name, written->name, (unsigned long long)written->bytes, written->pointer,
      other->name, (unsigned long long)other->bytes, other->pointer);
}
