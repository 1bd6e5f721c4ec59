// convc_pack: the header, what lies where, and refusals. The layouts are pack_layout_test.cpp's.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cstring>

#include "convc/pack_layout.h"
#include "tests/runtime/fake_kernel.h"
#include "tests/support/guarded_buffer.h"

using namespace convc::test;

namespace {

float packed_float(const Call& call, std::uint64_t offset_bytes) {
  float value;
  std::memcpy(&value, static_cast<const unsigned char*>(call.packed) + offset_bytes, sizeof value);
  return value;
}

}  // namespace

TEST_CASE("convc_pack writes header, panels and bias, and zeros between") {
  const FakeKernel fake(do_nothing);
  Call call(fake);
  call.prepare();
  CHECK(call.packed_bytes == 384);
  convc_packed_header header;
  std::memcpy(&header, call.packed, sizeof header);
  CHECK(header.magic == CONVC_PACKED_MAGIC);
  CHECK(header.abi_version == CONVC_ABI_VERSION);
  CHECK(header.header_bytes == 64);
  CHECK(header.identity[0] == 101);
  CHECK(header.identity[1] == 201);
  CHECK(header.packed_bytes == 384);
  std::vector<float> panels(64);
  convc_pack_variable(&fake.packings[0], call.weights.data(), panels.data());
  CHECK(panels[0] != panels[1]);
  for (std::uint64_t i = 0; i < 64; ++i) {
    INFO("element " << i);
    CHECK(packed_float(call, 64 + 4 * i) == panels[i]);
  }
  for (std::uint64_t i = 0; i < 16; ++i) {
    CHECK(packed_float(call, 320 + 4 * i) == (i < 5 ? 7.0F : 0.0F));
  }
}

TEST_CASE("convc_pack refuses, names the argument, and writes nothing") {
  FakeKernel fake(do_nothing);
  Call call(fake);
  call.prepare();
  std::memset(call.packed, 0x5a, call.packed_bytes);
  convc_status expected = CONVC_OK;
  std::string text;
  Aligned bytes(1024);

  SECTION("no packed") {
    call.packed = nullptr;
    expected = CONVC_NULL_POINTER;
    text = "fake_kernel: packed: expected 384 bytes of memory, got NULL";
  }
  SECTION("misaligned packed") {
    call.packed = bytes.data() + 32;
    expected = CONVC_MISALIGNED;
    text = "fake_kernel: packed: expected alignment 64, got address 0x";
  }
  SECTION("small packed") {
    call.packed_bytes = 383;
    expected = CONVC_TOO_SMALL;
    text = "fake_kernel: packed_bytes: expected at least 384, got 383";
  }
  SECTION("no bias") {
    call.weights[1] = nullptr;
    expected = CONVC_NULL_POINTER;
    text = "fake_kernel: bias: expected 20 bytes of memory, got NULL";
  }
  SECTION("misaligned kernel") {
    call.weights[0] = bytes.data() + 2;
    expected = CONVC_MISALIGNED;
    text = "fake_kernel: kernel: expected alignment 4";
  }
  SECTION("packed over the weights") {
    call.weights[1] = static_cast<unsigned char*>(call.packed) + 380;
    expected = CONVC_OVERLAP;
    text = "overlap bias (20 bytes at";
  }
  SECTION("a packing beyond packed: convc's own fault") {
    fake.packings[1].offset_bytes = 376;
    expected = CONVC_INTERNAL;
    text = "a bug in convc";
  }
  SECTION("a packing over the header: convc's own fault") {
    fake.packings[1].offset_bytes = 0;
    expected = CONVC_INTERNAL;
  }
  SECTION("a packing of another size than its variable: convc's own fault") {
    fake.packings[0].variable_elements += 1;
    expected = CONVC_INTERNAL;
  }
  SECTION("a packing of no such variable: convc's own fault") {
    fake.packings[0].variable = 2;
    expected = CONVC_INTERNAL;
  }
  SECTION("a normalization by a variable of another size: convc's own fault") {
    fake.packings[1].variance = 0;
    expected = CONVC_INTERNAL;
  }
  SECTION("a normalization by no such variable: convc's own fault") {
    fake.packings[1].variance = 1;
    fake.packings[1].gamma = 7;
    expected = CONVC_INTERNAL;
  }
  SECTION("a packing larger than its place: convc's own fault") {
    fake.packings[1].bytes -= 4;
    expected = CONVC_INTERNAL;
  }
  CHECK(call.pack() == expected);
  INFO(convc_last_error());
  CHECK(error_says(text));
  const auto* first = static_cast<const unsigned char*>(call.memory[0].data());
  CHECK(std::all_of(first, first + 384, [](unsigned char byte) { return byte == 0x5a; }));

  CHECK(convc_pack(call.kernel, nullptr, call.memory[0].data(), 384, nullptr) ==
        CONVC_NULL_POINTER);
}

TEST_CASE("weights may be unaligned to anything but float, and may be the same memory") {
  const FakeKernel fake(do_nothing);
  Call call(fake);
  call.prepare();
  GuardedBuffer kernel(kKernelElements);
  kernel.fill(3);
  call.weights = {kernel.data(), kernel.data()};
  CHECK(call.pack() == CONVC_OK);
  CHECK(packed_float(call, 320) == 3.0F);
}

TEST_CASE("a kernel without packed weights packs nothing") {
  FakeKernel fake(do_nothing);
  for (convc_variant& variant : fake.variants) variant.packed_bytes = 0;
  CHECK(convc_packed_bytes(&fake.descriptor, nullptr) == 0);
  CHECK(convc_pack(&fake.descriptor, nullptr, nullptr, 0, nullptr) == CONVC_OK);
}
