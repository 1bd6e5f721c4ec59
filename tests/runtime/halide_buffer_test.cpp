// The runtime's own copy of Halide's buffer type against Halide's header, at compile time.
#include <HalideRuntime.h>

#include <catch2/catch.hpp>
#include <cstddef>

#include "runtime/src/halide_buffer.h"

// The size of a member is checked by the offset of the next.
#define CHECK_MEMBER(ours, theirs) \
  static_assert(offsetof(convc_impl_halide_buffer, ours) == offsetof(halide_buffer_t, theirs))
CHECK_MEMBER(device, device);
CHECK_MEMBER(device_interface, device_interface);
CHECK_MEMBER(host, host);
CHECK_MEMBER(flags, flags);
CHECK_MEMBER(dimensions, dimensions);
CHECK_MEMBER(dim, dim);
CHECK_MEMBER(padding, padding);
static_assert(sizeof(convc_impl_halide_buffer) == sizeof(halide_buffer_t));

static_assert(offsetof(convc_impl_halide_buffer, type_code) == offsetof(halide_buffer_t, type));
static_assert(offsetof(halide_type_t, code) == 0 && sizeof(halide_type_t::code) == 1);
static_assert(offsetof(convc_impl_halide_buffer, type_bits) ==
              offsetof(halide_buffer_t, type) + offsetof(halide_type_t, bits));
static_assert(offsetof(convc_impl_halide_buffer, type_lanes) ==
              offsetof(halide_buffer_t, type) + offsetof(halide_type_t, lanes));
static_assert(int{CONVC_IMPL_HALIDE_FLOAT} == int{halide_type_float});

#define CHECK_DIM(member)                                                                          \
  static_assert(offsetof(convc_impl_halide_dim, member) == offsetof(halide_dimension_t, member) && \
                sizeof(convc_impl_halide_dim::member) == sizeof(halide_dimension_t::member))
CHECK_DIM(min);
CHECK_DIM(extent);
CHECK_DIM(stride);
CHECK_DIM(flags);
static_assert(sizeof(convc_impl_halide_dim) == sizeof(halide_dimension_t));

TEST_CASE("Halide's out-of-memory code is what the runtime returns") {
  CHECK(halide_error_code_out_of_memory == -11);
}
