// convc.hpp: buffers, spans, structs and statuses.
#include <catch2/catch.hpp>
#include <cstring>
#include <utility>

#include "convc/convc.hpp"
#include "tests/runtime/fake_kernel.h"

using namespace convc::test;

namespace {

std::int32_t add_at_once(void** argv) {
  for (std::size_t i = 0; i < kTensorElements; ++i) {
    floats_of(argv, kOutput)[i] =
        floats_of(argv, kInput)[i] + floats_of(argv, kSecond)[i] + floats_of(argv, kPackedBias)[0];
  }
  return 0;
}

/// As convc generates them.
struct fake_weights {
  const float* kernel;
  const float* bias;
};
struct fake_io {
  const float* input;
  const float* second;
  float* output;
};

}  // namespace

TEST_CASE("buffers are aligned, movable and empty for no bytes") {
  convc::Buffer buffer(100);
  CHECK(reinterpret_cast<std::uintptr_t>(buffer.data()) % CONVC_ALIGNMENT == 0);
  CHECK(buffer.size_bytes() == 100);
  std::memset(buffer.data(), 1, 100);
  const convc::Buffer moved = std::move(buffer);
  CHECK(moved.data() != nullptr);
  CHECK(convc::Buffer().data() == nullptr);
  CHECK(convc::Buffer(0).data() == nullptr);
}

TEST_CASE("a kernel runs from structs and from spans") {
  const FakeKernel fake(add_at_once);
  const convc_kernel& kernel = fake.descriptor;
  convc::Buffer packed = convc::packed_buffer(kernel);
  convc::Buffer workspace = convc::workspace_buffer(kernel);
  std::vector<float> weights(kKernelElements, 1), bias(kFilters, 2);
  std::vector<float> input(kTensorElements, 10), second(kTensorElements, 20);
  std::vector<float> output(kTensorElements);

  SECTION("structs") {
    const fake_weights w{weights.data(), bias.data()};
    const fake_io io{input.data(), second.data(), output.data()};
    REQUIRE(convc::pack(kernel, w, packed));
    REQUIRE(convc::run(kernel, io, packed, workspace));
  }
  SECTION("spans") {
    REQUIRE(convc::pack<2>(kernel, {weights, bias}, packed));
    const convc::Status status =
        convc::run<2, 1>(kernel, {input, second}, {output}, packed, workspace);
    REQUIRE(status);
    CHECK(status.name() == std::string("CONVC_OK"));
    CHECK(status.text() == std::string());
  }
  CHECK(output == std::vector<float>(kTensorElements, 32));
}

TEST_CASE("sizes and errors") {
  const FakeKernel fake(add_at_once);
  const convc_kernel& kernel = fake.descriptor;
  convc::Buffer packed = convc::packed_buffer(kernel);
  convc::Buffer workspace = convc::workspace_buffer(kernel);
  std::vector<float> weights(kKernelElements, 1), bias(kFilters, 2), tensor(kTensorElements);
  std::vector<float> output(kTensorElements), small(kTensorElements - 1);

  const convc::Status short_bias = convc::pack<2>(kernel, {weights, small}, packed);
  CHECK(short_bias.code() == CONVC_WRONG_SIZE);
  CHECK(short_bias.text() == std::string("fake_kernel: bias: expected 5 elements, got 15"));
  const convc::Status one_input = convc::run(kernel, tensor, output, packed, workspace);
  CHECK(one_input.text() == std::string("fake_kernel: inputs: expected 2 spans, got 1"));
  const convc::Status short_output =
      convc::run<2, 1>(kernel, {tensor, tensor}, {small}, packed, workspace);
  CHECK(short_output.text() == std::string("fake_kernel: output: expected 16 elements, got 15"));

  REQUIRE(convc::pack<2>(kernel, {weights, bias}, packed));
  const convc::Status overlap =
      convc::run<2, 1>(kernel, {tensor, output}, {output}, packed, workspace);
  CHECK(overlap.code() == CONVC_OVERLAP);
  CHECK(overlap.text() == std::string(convc_last_error()));
}

TEST_CASE("a kernel that cannot run here says so when it is run") {
  FakeKernel fake(add_at_once);
  for (convc_variant& variant : fake.variants) variant.cpu_features = UINT64_C(1) << 60;
  convc::Buffer packed = convc::packed_buffer(fake.descriptor);
  convc::Buffer workspace = convc::workspace_buffer(fake.descriptor);
  CHECK(packed.size_bytes() == 0);
  const fake_io io{};
  CHECK(convc::run(fake.descriptor, io, packed, workspace).code() == CONVC_UNSUPPORTED_CPU);
}
