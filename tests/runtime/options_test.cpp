// convc_options of every size and content, thread counts, and the choice of the ISA variant.
#include <catch2/catch.hpp>
#include <cstring>

#include "tests/runtime/fake_kernel.h"

using namespace convc::test;

namespace {

/// Options as a caller with a longer (newer) struct has them.
struct NewerOptions {
  convc_options known;
  std::uint64_t stream;
};

struct RestoreDefaults {
  ~RestoreDefaults() {
    convc_set_isa(nullptr);
    convc_set_threads(0);
  }
};

}  // namespace

TEST_CASE("options: absent, full, shorter and longer structs") {
  const FakeKernel fake(do_nothing);
  NewerOptions newer{};
  convc_options& options = newer.known;
  CHECK(convc_kernel_isa(&fake.descriptor, nullptr) == std::string("wide"));

  SECTION("this version's size") {
    options.struct_bytes = sizeof options;
    options.isa = "narrow";
    CHECK(convc_kernel_isa(&fake.descriptor, &options) == std::string("narrow"));
  }
  SECTION("an older caller's size: the fields it does not have are not read") {
    options.struct_bytes = offsetof(convc_options, isa);
    options.isa = "no such variant";
    CHECK(convc_kernel_isa(&fake.descriptor, &options) == std::string("wide"));
    options.struct_bytes = sizeof(std::size_t);
    options.reserved = 1;
    CHECK(convc_kernel_isa(&fake.descriptor, &options) == std::string("wide"));
  }
  SECTION("a newer caller that uses nothing new") {
    options.struct_bytes = sizeof newer;
    CHECK(convc_kernel_isa(&fake.descriptor, &options) == std::string("wide"));
  }
  SECTION("a newer caller that uses something new") {
    options.struct_bytes = sizeof newer;
    newer.stream = 0x500;
    CHECK(convc_kernel_isa(&fake.descriptor, &options) == nullptr);
    CHECK(error_says("fake_kernel: options: expected zeros beyond the"));
    CHECK(error_says("got 0x05 at byte 33"));
  }
}

TEST_CASE("options: fields without a meaning are refused, and nothing runs") {
  const FakeKernel fake(do_nothing);
  Call call(fake);
  call.prepare();
  const convc_pool no_function{};

  SECTION("struct_bytes forgotten") {
    call.options.struct_bytes = 0;
  }
  SECTION("struct_bytes smaller than itself") {
    call.options.struct_bytes = 4;
  }
  SECTION("struct_bytes between two fields") {
    call.options.struct_bytes = 20;
  }
  SECTION("struct_bytes uninitialized") {
    call.options.struct_bytes = SIZE_MAX - 7;
  }
  SECTION("reserved") {
    call.options.reserved = 3;
  }
  SECTION("a pool without its function") {
    call.options.pool = &no_function;
  }
  CHECK(call.run() == CONVC_INVALID_OPTIONS);
  CHECK(error_says("fake_kernel: options"));
  CHECK(error_says("expected"));
  CHECK(error_says("got"));
  CHECK(call.pack() == CONVC_INVALID_OPTIONS);
  CHECK(convc_packed_bytes(call.kernel, &call.options) == SIZE_MAX);
  CHECK(convc_workspace_bytes(call.kernel, &call.options) == SIZE_MAX);
  CHECK(convc_kernel_isa(call.kernel, &call.options) == nullptr);
}

TEST_CASE("threads: the process-wide count") {
  const RestoreDefaults restore;
  convc_set_threads(0);
  const std::uint32_t cpus = convc_get_threads();
  CHECK(cpus >= 1);
  CHECK(cpus <= CONVC_MAX_THREADS);
  convc_set_threads(7);
  CHECK(convc_get_threads() == 7);
  convc_set_threads(100000);
  CHECK(convc_get_threads() == CONVC_MAX_THREADS);
  convc_set_threads(0);
  CHECK(convc_get_threads() == cpus);
}

TEST_CASE("workspace: one slice per thread that the loops can use") {
  const RestoreDefaults restore;
  FakeKernel fake(do_nothing, 5);
  fake.plan_scratch(100, 70);  // shared: 64 + 100, rounded up to 192; slices of 128
  convc_options options{};
  options.struct_bytes = sizeof options;
  const auto bytes = [&](std::uint32_t threads) {
    options.threads = threads;
    return convc_workspace_bytes(&fake.descriptor, &options);
  };
  CHECK(bytes(1) == 64 + 192 + 128 + 64);
  CHECK(bytes(2) == 64 + 192 + 2 * 128 + 64);
  CHECK(bytes(5) == 64 + 192 + 5 * 128 + 64);
  CHECK(bytes(6) == bytes(5));
  CHECK(bytes(UINT32_MAX) == bytes(5));
  convc_set_threads(3);
  CHECK(bytes(0) == bytes(3));
  CHECK(convc_workspace_bytes(&fake.descriptor, nullptr) == bytes(3));

  for (convc_variant& variant : fake.variants) {
    variant.workspace_bytes = variant.thread_scratch_bytes = 0;
  }
  CHECK(bytes(4) == 0);
}

TEST_CASE("isa: the best that runs, or the one asked for") {
  const RestoreDefaults restore;
  FakeKernel fake(do_nothing);
  Call call(fake);
  call.prepare();

  SECTION("the call's option") {
    call.options.isa = "narrow";
    CHECK(convc_kernel_isa(call.kernel, &call.options) == std::string("narrow"));
    CHECK(call.run() == CONVC_WRONG_PACKED);  // packed for "wide"
    call.prepare();
    CHECK(call.run() == CONVC_OK);
  }
  SECTION("the process-wide limit, and the call's option over it") {
    CHECK(convc_set_isa("narrow") == CONVC_OK);
    CHECK(convc_kernel_isa(call.kernel, nullptr) == std::string("narrow"));
    call.options.isa = "wide";
    CHECK(convc_kernel_isa(call.kernel, &call.options) == std::string("wide"));
    CHECK(convc_set_isa(nullptr) == CONVC_OK);
    CHECK(convc_kernel_isa(call.kernel, nullptr) == std::string("wide"));
  }
  SECTION("a variant this CPU cannot run") {
    call.options.isa = "future";
    CHECK(call.run() == CONVC_UNSUPPORTED_CPU);
    CHECK(error_says("fake_kernel: cpu: expected feature-62 (variant \"future\")"));
    CHECK(convc_workspace_bytes(call.kernel, &call.options) == SIZE_MAX);
  }
  SECTION("a name the kernel does not have") {
    call.options.isa = "sse9";
    CHECK(call.run() == CONVC_UNSUPPORTED_CPU);
    CHECK(
        error_says("options.isa: expected one of \"future\", \"wide\", \"narrow\", got \"sse9\""));
    CHECK(convc_set_isa("avx7") == CONVC_OK);
    CHECK(convc_kernel_isa(call.kernel, nullptr) == nullptr);
    CHECK(error_says("convc_set_isa: expected one of"));
  }
  SECTION("no variant at all can run") {
    for (convc_variant& variant : fake.variants) variant.cpu_features = UINT64_C(1) << 61;
    CHECK(call.run() == CONVC_UNSUPPORTED_CPU);
    CHECK(error_says("without feature-61"));
  }
  SECTION("packing serves a variant of another machine, when named") {
    call.options.isa = "future";
    CHECK(convc_packed_bytes(call.kernel, &call.options) == call.packed_bytes);
    CHECK(call.pack() == CONVC_OK);
    convc_packed_header header;
    std::memcpy(&header, call.packed, sizeof header);
    CHECK(header.identity[0] == fake.variants[0].identity[0]);
    CHECK(convc_set_isa("future") == CONVC_OK);  // a limit for all calls is no request to pack
    CHECK(convc_packed_bytes(call.kernel, nullptr) == SIZE_MAX);
  }
}

TEST_CASE("isa: names of convc_set_isa") {
  const RestoreDefaults restore;
  CHECK(convc_set_isa(std::string(31, 'x').c_str()) == CONVC_OK);
  CHECK(convc_set_isa(std::string(32, 'x').c_str()) == CONVC_INVALID_OPTIONS);
  CHECK(convc_set_isa(std::string(3200, 'x').c_str()) == CONVC_INVALID_OPTIONS);
  CHECK(error_says("expected a name of at most 31 characters"));
  for (int i = 0; i < 1000; ++i) REQUIRE(convc_set_isa(i % 2 == 0 ? "wide" : "narrow") == CONVC_OK);
}

TEST_CASE("cpu features: the same on every call, and consistent") {
  const std::uint64_t features = convc_cpu_features();
  CHECK(features == convc_cpu_features());
#if defined(__x86_64__)
  // The compiler's own view, which also asks XCR0.
  CHECK(((features & CONVC_CPU_SSE41) != 0) == (__builtin_cpu_supports("sse4.1") != 0));
  CHECK(((features & CONVC_CPU_AVX) != 0) == (__builtin_cpu_supports("avx") != 0));
  CHECK(((features & CONVC_CPU_FMA) != 0) == (__builtin_cpu_supports("fma") != 0));
  CHECK(((features & CONVC_CPU_AVX2) != 0) == (__builtin_cpu_supports("avx2") != 0));
  CHECK(((features & CONVC_CPU_AVX512F) != 0) == (__builtin_cpu_supports("avx512f") != 0));
  CHECK(((features & CONVC_CPU_AVX512CD) != 0) == (__builtin_cpu_supports("avx512cd") != 0));
  CHECK(((features & CONVC_CPU_AVX512VL) != 0) == (__builtin_cpu_supports("avx512vl") != 0));
  CHECK(((features & CONVC_CPU_AVX512DQ) != 0) == (__builtin_cpu_supports("avx512dq") != 0));
  CHECK(((features & CONVC_CPU_AVX512BW) != 0) == (__builtin_cpu_supports("avx512bw") != 0));
  CHECK(((features & CONVC_CPU_AVX512VBMI) != 0) == (__builtin_cpu_supports("avx512vbmi") != 0));
  CHECK(((features & CONVC_CPU_AVX512VNNI) != 0) == (__builtin_cpu_supports("avx512vnni") != 0));
#else
  CHECK(features == 0);
#endif
}

TEST_CASE("status names and versions") {
  CHECK(convc_status_name(CONVC_OK) == std::string("CONVC_OK"));
  CHECK(convc_status_name(CONVC_WRONG_SIZE) == std::string("CONVC_WRONG_SIZE"));
  CHECK(convc_status_name(static_cast<convc_status>(15)) == std::string("unknown convc_status"));
  CHECK(convc_abi_version() == CONVC_ABI_VERSION);
  CHECK(std::string(convc_version()).find('.') != std::string::npos);
}

TEST_CASE("a library of another ABI, or none, is refused") {
  FakeKernel fake(do_nothing);
  Call call(fake);
  call.prepare();
  fake.descriptor.abi_version = 99;
  CHECK(call.run() == CONVC_ABI_MISMATCH);
  CHECK(error_says("got version 99"));
  CHECK(call.pack() == CONVC_ABI_MISMATCH);
  fake.descriptor.abi_version = CONVC_ABI_VERSION;
  fake.descriptor.struct_bytes = 8;
  CHECK(call.run() == CONVC_ABI_MISMATCH);
  call.kernel = nullptr;
  CHECK(call.run() == CONVC_NULL_POINTER);
  CHECK(call.pack() == CONVC_NULL_POINTER);
}
