// Packing: the layouts against their definition, the header, and refusals.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cstring>
#include <numeric>

#include "convc/pack_layout.h"
#include "tests/runtime/fake_kernel.h"
#include "tests/support/guarded_buffer.h"

using namespace convc::test;

namespace {

std::int32_t do_nothing(void**) {
  return 0;
}

float packed_float(const Call& call, std::uint64_t offset_bytes) {
  float value;
  std::memcpy(&value, static_cast<const unsigned char*>(call.packed) + offset_bytes, sizeof value);
  return value;
}

/// One element of the PANELS layout, straight from its definition in kernel_abi.h.
float expected_panel_element(const convc_packing& p, const std::vector<float>& kernel,
                             std::int64_t index) {
  const std::int64_t lane = index % p.filter_panel;
  const std::int64_t c = index / p.filter_panel % p.channel_block;
  const std::int64_t j = index / p.filter_panel / p.channel_block % p.kernel_width;
  const std::int64_t i =
      index / p.filter_panel / p.channel_block / p.kernel_width % p.kernel_height;
  const std::int64_t outer =
      index / p.filter_panel / p.channel_block / p.kernel_width / p.kernel_height;
  const std::int64_t block = outer % (p.channels / p.channel_block);
  const std::int64_t filter = outer / (p.channels / p.channel_block) * p.filter_panel + lane;
  if (filter >= p.filters) return 0;
  const std::int64_t channel = block * p.channel_block + c;
  return kernel[static_cast<std::size_t>(
      ((i * p.kernel_width + j) * p.channels + channel) * p.filters + filter)];
}

}  // namespace

TEST_CASE("packed layouts are those of kernel_abi.h, and stay within their memory") {
  convc_packing p{CONVC_PACK_PANELS, 0, 0, 0, 3, 2, 6, 7, 4, 3};
  SECTION("several panels and blocks, a ragged last panel") {}
  SECTION("one block") {
    p.channel_block = 6;
  }
  SECTION("blocks of one channel") {
    p.channel_block = 1;
  }
  SECTION("panels of one filter") {
    p.filter_panel = 1;
  }
  SECTION("a panel wider than the filters") {
    p.filter_panel = 64;
  }
  SECTION("panels that fit exactly") {
    p.filters = 8;
  }
  SECTION("pointwise") {
    p.kernel_height = p.kernel_width = 1;
  }

  REQUIRE(convc_packing_variable_bytes(&p) ==
          static_cast<std::uint64_t>(p.kernel_height * p.kernel_width * p.channels * p.filters) *
              4);
  const auto elements = static_cast<std::size_t>(convc_packing_bytes(&p) / 4);
  GuardedBuffer source(static_cast<std::size_t>(convc_packing_variable_bytes(&p) / 4));
  std::iota(source.span().begin(), source.span().end(), 1.0F);
  const std::vector<float> kernel(source.span().begin(), source.span().end());
  for (const Flush flush : {Flush::end, Flush::start}) {
    GuardedBuffer destination(elements, flush);
    convc_pack_variable(&p, source.data(), destination.data());
    for (std::size_t i = 0; i < elements; ++i) {
      INFO("element " << i);
      REQUIRE(destination[i] == expected_panel_element(p, kernel, static_cast<std::int64_t>(i)));
    }
  }
}

TEST_CASE("bias is padded with zeros to whole panels") {
  const convc_packing p{CONVC_PACK_BIAS, 0, 0, 0, 1, 1, 1, 5, 4, 1};
  REQUIRE(convc_packing_bytes(&p) == 8 * 4);
  REQUIRE(convc_packing_variable_bytes(&p) == 5 * 4);
  GuardedBuffer bias(5), destination(8);
  std::iota(bias.span().begin(), bias.span().end(), 1.0F);
  convc_pack_variable(&p, bias.data(), destination.data());
  for (std::size_t i = 0; i < 8; ++i) {
    CHECK(destination[i] == (i < 5 ? static_cast<float>(i + 1) : 0.0F));
  }
}

TEST_CASE("packings that make no sense have no size and write nothing") {
  convc_packing p{CONVC_PACK_PANELS, 0, 0, 0, 3, 2, 6, 7, 4, 3};
  SECTION("unknown kind") {
    p.kind = 9;
  }
  SECTION("no filters") {
    p.filters = 0;
  }
  SECTION("negative height") {
    p.kernel_height = -3;
  }
  SECTION("no panel") {
    p.filter_panel = 0;
  }
  SECTION("no block") {
    p.channel_block = 0;
  }
  SECTION("a block that does not divide") {
    p.channel_block = 4;
  }
  SECTION("64 bits overflow") {
    p.filters = INT64_MAX;
    p.channels = 3;
  }
  CHECK(convc_packing_bytes(&p) == 0);
  CHECK(convc_packing_variable_bytes(&p) == 0);
  convc_pack_variable(&p, nullptr, nullptr);
}

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
  for (std::int64_t i = 0; i < 64; ++i) {
    INFO("element " << i);
    CHECK(packed_float(call, 64 + 4 * static_cast<std::uint64_t>(i)) ==
          expected_panel_element(fake.packings[0], call.weights_kernel, i));
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
  SECTION("a packing of another shape than its variable: convc's own fault") {
    fake.packings[0].filters = 4;
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
