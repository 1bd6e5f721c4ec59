// convc_run: what generated code is given, and every refusal of the caller's arguments.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cstring>

#include "tests/runtime/fake_kernel.h"
#include "tests/support/guarded_buffer.h"

using namespace convc::test;

namespace {

/// output = input + second + first packed bias, through the tensor in the workspace.
std::int32_t add_step(void** argv) {
  float* between = floats_of(argv, kWorkspaceTensor);
  for (std::size_t i = 0; i < kTensorElements; ++i) {
    between[i] = floats_of(argv, kInput)[i] + floats_of(argv, kSecond)[i];
  }
  for (std::size_t i = 0; i < kTensorElements; ++i) {
    floats_of(argv, kOutput)[i] = between[i] + floats_of(argv, kPackedBias)[0];
  }
  return 0;
}

bool untouched(const Call& call) {
  return call.output == std::vector<float>(kTensorElements, -1.0F);
}

convc_packed_header header_of(const Call& call) {
  convc_packed_header header;
  std::memcpy(&header, call.packed, sizeof header);
  return header;
}

}  // namespace

TEST_CASE("a right call runs, again and again") {
  const FakeKernel fake(add_step);
  Call call(fake);
  call.prepare();
  for (int i = 0; i < 3; ++i) {
    REQUIRE(call.run() == CONVC_OK);
    CHECK(call.output[0] == 0.5F + 7);
    CHECK(call.output[15] == 15.5F + 7);
  }
}

TEST_CASE("inputs may be one buffer, element aligned, read only and beside inaccessible memory") {
  const FakeKernel fake(add_step);
  Call call(fake);
  call.prepare();
  GuardedBuffer input(kTensorElements), output(kTensorElements, Flush::start);
  input.fill(2);
  call.io = {input.data(), input.data(), output.data()};
  REQUIRE(call.run() == CONVC_OK);
  CHECK(output[15] == 2 + 2 + 7);
}

TEST_CASE("generated code gets buffers as the descriptor says") {
  static int checked;
  checked = 0;
  const FakeKernel fake([](void** argv) -> std::int32_t {
    const convc_impl_halide_buffer& output = buffer_of(argv, kOutput);
    const bool right = output.device == 0 && output.device_interface == nullptr &&
                       output.type_code == 2 && output.type_bits == 32 && output.type_lanes == 1 &&
                       output.dimensions == 2 && output.dim->min == 0 && output.dim->extent == 4 &&
                       output.dim->stride == 1 && output.dim[1].stride == 4 &&
                       buffer_of(argv, kPackedBias).dimensions == 1 &&
                       buffer_of(argv, kPackedBias).dim->extent == 8;
    checked += right ? 1 : 0;
    return 0;
  });
  Call call(fake);
  call.prepare();
  CHECK(call.run() == CONVC_OK);
  CHECK(checked == 1);
}

TEST_CASE("steps run in order and constants come from the library") {
  FakeKernel fake(add_step);
  static const float constant[kTensorElements] = {100};
  std::array<convc_step, 2> steps{fake.steps[0], fake.steps[0]};
  std::array<convc_argument, 6> arguments = fake.arguments;
  arguments[0].source = CONVC_SOURCE_CONSTANT;
  arguments[0].constant = constant;
  steps[1].arguments = arguments.data();
  for (convc_variant& variant : fake.variants) {
    variant.steps = steps.data();
    variant.step_count = 2;
  }
  Call call(fake);
  call.prepare();
  REQUIRE(call.run() == CONVC_OK);
  CHECK(call.output[0] == 100 + 0.5F + 7);
}

TEST_CASE("a wrong call is refused, names the argument, and touches no output") {
  FakeKernel fake(add_step);
  Call call(fake);
  call.prepare();
  Aligned bytes(4096);
  convc_status expected = CONVC_OK;
  std::string text;

  SECTION("no input") {
    call.io[0] = nullptr;
    expected = CONVC_NULL_POINTER;
    text = "fake_kernel: input: expected 64 bytes of memory, got NULL";
  }
  SECTION("no output") {
    call.io[2] = nullptr;
    expected = CONVC_NULL_POINTER;
    text = "fake_kernel: output:";
  }
  SECTION("no packed") {
    call.packed = nullptr;
    expected = CONVC_NULL_POINTER;
    text = "fake_kernel: packed:";
  }
  SECTION("no workspace") {
    call.workspace = nullptr;
    expected = CONVC_NULL_POINTER;
    text = "fake_kernel: workspace:";
  }
  SECTION("misaligned output") {
    call.io[2] = bytes.data() + 3;
    expected = CONVC_MISALIGNED;
    text = "fake_kernel: output: expected alignment 4, got address 0x";
  }
  SECTION("misaligned packed") {
    call.packed = bytes.data() + 16;
    expected = CONVC_MISALIGNED;
    text = "fake_kernel: packed: expected alignment 64";
  }
  SECTION("misaligned workspace") {
    call.workspace = bytes.data() + 32;
    expected = CONVC_MISALIGNED;
    text = "fake_kernel: workspace: expected alignment 64";
  }
  SECTION("output over input") {
    call.io[2] = call.io[0];
    expected = CONVC_OVERLAP;
    text = "fake_kernel: output: expected memory of its own, got 64 bytes at";
  }
  SECTION("the last byte of the output in the first of an input") {
    call.io = {bytes.data() + 124, bytes.data() + 256, bytes.data() + 64};
    expected = CONVC_OVERLAP;
    text = "overlap input (64 bytes at";
  }
  SECTION("the first byte of the output in the last of an input") {
    call.io = {bytes.data() + 256, bytes.data() + 64, bytes.data() + 124};
    expected = CONVC_OVERLAP;
    text = "overlap second (64 bytes at";
  }
  SECTION("output in packed") {
    call.io[2] = static_cast<unsigned char*>(call.packed) + 128;
    expected = CONVC_OVERLAP;
    text = "overlap packed";
  }
  SECTION("output in the workspace") {
    call.io[2] = static_cast<unsigned char*>(call.workspace) + 128;
    expected = CONVC_OVERLAP;
    text = "overlap workspace";
  }
  SECTION("workspace over an input") {
    call.io[1] = static_cast<unsigned char*>(call.workspace) + 4;
    expected = CONVC_OVERLAP;
    text = "fake_kernel: workspace: expected memory of its own";
  }
  SECTION("workspace over packed") {
    call.workspace = call.packed;
    expected = CONVC_OVERLAP;
    text = "overlap packed";
  }
  SECTION("small packed") {
    call.packed_bytes -= 1;
    expected = CONVC_TOO_SMALL;
    text = "fake_kernel: packed_bytes: expected at least 384, got 383";
  }
  SECTION("packed smaller than its header") {
    call.packed_bytes = 10;
    expected = CONVC_TOO_SMALL;
  }
  SECTION("small workspace") {
    call.workspace_bytes -= 1;
    expected = CONVC_TOO_SMALL;
    text = "fake_kernel: workspace_bytes: expected at least 192 (threads: 1), got 191";
  }
  CHECK(call.run() == expected);
  INFO(convc_last_error());
  CHECK(error_says(text));
  CHECK(untouched(call));
  CHECK(convc_run(call.kernel, nullptr, nullptr, 0, nullptr, 0, nullptr) == CONVC_NULL_POINTER);
}

TEST_CASE("neighbours are no overlap") {
  const FakeKernel fake(add_step);
  Call call(fake);
  call.prepare();
  Aligned bytes(256);
  std::memset(bytes.data(), 0, 256);
  call.io = {bytes.data(), bytes.data() + 128, bytes.data() + 64};
  CHECK(call.run() == CONVC_OK);
}

TEST_CASE("damaged or foreign packed weights are refused") {
  const FakeKernel fake(add_step);
  Call call(fake);
  call.prepare();
  convc_packed_header header = header_of(call);
  std::string text;
  SECTION("never packed") {
    std::memset(&header, 0, sizeof header);
    text = "expected the header that fake_kernel_pack writes";
  }
  SECTION("another byte order or file") {
    header.magic ^= 1;
  }
  SECTION("header of another size") {
    header.header_bytes = 128;
  }
  SECTION("packed by another runtime") {
    header.abi_version = 1;
    text = "packed: expected ABI version 3, got 1; pack the weights again";
  }
  SECTION("another kernel") {
    header.identity[0] ^= UINT64_C(1) << 63;
    text = "expected weights packed for variant \"wide\"";
  }
  SECTION("another variant") {
    header.identity[1] += 1;
  }
  SECTION("another size") {
    header.packed_bytes += 64;
    text = "packed: expected 384 bytes, got 448";
  }
  SECTION("a flipped bit in the reserved part") {
    header.reserved[2] = 1;
  }
  std::memcpy(call.packed, &header, sizeof header);
  CHECK(call.run() == CONVC_WRONG_PACKED);
  INFO(convc_last_error());
  CHECK(error_says("fake_kernel: packed: "));
  CHECK(error_says(text));
  CHECK(untouched(call));
}

TEST_CASE("packed weights may be copied elsewhere") {
  const FakeKernel fake(add_step);
  Call call(fake);
  call.prepare();
  Aligned copy(call.packed_bytes);
  std::memcpy(copy.data(), call.packed, call.packed_bytes);
  call.packed = copy.data();
  CHECK(call.run() == CONVC_OK);
}

TEST_CASE("generated code that fails becomes a status, with its layer") {
  const FakeKernel fake([](void**) -> std::int32_t { return -7; });
  Call call(fake);
  call.prepare();
  CHECK(call.run() == CONVC_INTERNAL);
  CHECK(error_says("fake_kernel: generated code of layer: expected 0, got -7"));
}

TEST_CASE("a descriptor that is not sound becomes a status") {
  constexpr convc_dim beyond[] = {{4, 1}, {5, 4}}, backwards[] = {{4, 1}, {4, -4}};
  constexpr convc_dim negative[] = {{4, 1}, {-1, 4}};
  convc_dim huge[8];
  std::fill_n(huge, 8, convc_dim{INT32_MAX, INT32_MAX});
  FakeKernel fake(add_step);
  Call call(fake);
  call.prepare();
  SECTION("no such input") {
    fake.arguments[0].index = 2;
  }
  SECTION("no such output") {
    fake.arguments[5].index = 1;
  }
  SECTION("beyond packed") {
    fake.arguments[2].offset_bytes = 384;
  }
  SECTION("beyond the workspace") {
    fake.arguments[4].offset_bytes = 64;
  }
  SECTION("unknown source") {
    fake.arguments[0].source = 77;
  }
  SECTION("a constant without data") {
    fake.arguments[0].source = CONVC_SOURCE_CONSTANT;
  }
  SECTION("too many dimensions") {
    fake.arguments[0].rank = CONVC_MAX_RANK + 1;
  }
  SECTION("unknown type") {
    fake.arguments[0].dtype = 9;
  }
  SECTION("too many arguments") {
    fake.steps[0].argument_count = CONVC_MAX_ARGUMENTS + 1;
  }
  SECTION("no dimensions") {
    fake.arguments[0].dims = nullptr;
  }
  SECTION("extents beyond the tensor") {
    fake.arguments[5].dims = beyond;
  }
  SECTION("an offset beyond the tensor") {
    fake.arguments[5].offset_bytes = 4;
  }
  SECTION("an offset between elements") {
    fake.arguments[5].offset_bytes = 2;
  }
  SECTION("an offset at 2^64") {
    fake.arguments[5].offset_bytes = UINT64_MAX - 3;
  }
  SECTION("a stride before the tensor") {
    fake.arguments[0].dims = backwards;
  }
  SECTION("a negative extent") {
    fake.arguments[0].dims = negative;
  }
  SECTION("reaches that overflow 64 bits") {
    fake.arguments[0].dims = huge;
    fake.arguments[0].rank = 8;
  }
  SECTION("an offset of no size") {
    fake.arguments[0].open_offset[1].count = 1;
  }
  SECTION("sizes without a table") {
    fake.descriptor.size_count = 1;
  }
  SECTION("no variants") {
    fake.descriptor.variant_count = 0;
  }
  CHECK(call.run() == CONVC_INTERNAL);
  CHECK(untouched(call));
}

TEST_CASE("error texts belong to their thread and survive success") {
  const FakeKernel fake(add_step);
  Call call(fake);
  call.prepare();
  call.packed_bytes = 1;
  CHECK(call.run() == CONVC_TOO_SMALL);
  const std::string before = convc_last_error();
  call.packed_bytes = 384;
  CHECK(call.run() == CONVC_OK);
  CHECK(convc_last_error() == before);
}
