// Run-time sizes: what generated code is given, what follows from them, and every refusal.
#include <array>
#include <catch2/catch.hpp>
#include <cstring>
#include <vector>

#include "convc/convc.hpp"
#include "runtime/src/internal.h"
#include "tests/runtime/fake_kernel.h"
#include "tests/support/guarded_buffer.h"

using namespace convc::test;

namespace {

constexpr convc_product number(std::int64_t factor) {
  return {factor, 0, {}, 0};
}
constexpr convc_product times(std::int64_t factor, std::uint32_t a) {
  return {factor, 1, {a}, 0};
}
constexpr convc_product times(std::int64_t factor, std::uint32_t a, std::uint32_t b) {
  return {factor, 2, {a, b}, 0};
}

/// As convc generates it.
struct OpenIo {
  const float* input;
  float* output;
  std::int64_t height, width;
};

/// [height, width, 3] -> [rows, width, 2], where rows = floor((height - 3) / 2) + 1. Height is 1 to
/// 100, width 4 to 50. The step doubles the first channel into both of the output's.
struct OpenKernel {
  enum Size : std::uint32_t { kHeight, kWidth, kRows };
  std::array<convc_size, 3> sizes{
      convc_size{"height", CONVC_SIZE_OPEN, 0, 1, 100, 0, 0, 0, 0},
      convc_size{"width", CONVC_SIZE_OPEN, 0, 4, 50, 0, 0, 0, 0},
      convc_size{nullptr, CONVC_SIZE_DERIVED, kHeight, 1, INT64_MAX, 1, -3, 2, 1}};
  std::array<std::int64_t, 3> in_shape{100, 50, 3}, out_shape{49, 50, 2};
  std::array<convc_product, 3> in_open{times(1, kHeight), times(1, kWidth), number(3)};
  std::array<convc_product, 3> out_open{times(1, kRows), times(1, kWidth), number(2)};
  convc_tensor input{"input",        in_shape.data(),           3,        CONVC_DTYPE_F32, 60000,
                     in_open.data(), times(3, kHeight, kWidth), number(0)};
  convc_tensor output{"output",        out_shape.data(),        3,        CONVC_DTYPE_F32, 19600,
                      out_open.data(), times(2, kRows, kWidth), number(0)};
  std::array<convc_open_dim, 3> in_dims{convc_open_dim{number(3), number(1)},
                                        convc_open_dim{times(1, kWidth), number(3)},
                                        convc_open_dim{times(1, kHeight), times(3, kWidth)}};
  std::array<convc_open_dim, 3> out_dims{convc_open_dim{number(2), number(1)},
                                         convc_open_dim{times(1, kWidth), number(2)},
                                         convc_open_dim{times(1, kRows), times(2, kWidth)}};
  std::array<convc_argument, 2> arguments{
      convc_argument{CONVC_SOURCE_INPUT, 0, 0, nullptr, nullptr, in_dims.data(), {}, 3, 0},
      convc_argument{CONVC_SOURCE_OUTPUT, 0, 0, nullptr, nullptr, out_dims.data(), {}, 3, 0}};
  convc_step step{double_step, arguments.data(), 2, 1, "layer"};
  convc_variant variant{"plain", 0, {1, 2}, 0, 0, 0, 0, nullptr, &step, 0, 1};
  convc_kernel kernel{CONVC_ABI_VERSION,
                      sizeof(convc_kernel),
                      "open",
                      &input,
                      &output,
                      nullptr,
                      &variant,
                      1,
                      1,
                      0,
                      1,
                      sizes.data(),
                      3,
                      2};

  static int calls;
  static std::int32_t double_step(void** argv) {
    ++calls;
    const auto& in = *static_cast<convc_impl_halide_buffer*>(argv[1]);
    const auto& out = *static_cast<convc_impl_halide_buffer*>(argv[2]);
    const auto* from = static_cast<const float*>(static_cast<void*>(in.host));
    auto* to = static_cast<float*>(static_cast<void*>(out.host));
    for (int y = 0; y < out.dim[2].extent; ++y) {
      for (int x = 0; x < out.dim[1].extent; ++x) {
        for (int k = 0; k < out.dim[0].extent; ++k) {
          to[y * out.dim[2].stride + x * out.dim[1].stride + k] =
              2 * from[2 * y * in.dim[2].stride + x * in.dim[1].stride];
        }
      }
    }
    return 0;
  }

  convc_status run(const OpenIo& io) const {
    const void* const* members = reinterpret_cast<const void* const*>(&io);
    return convc_run(&kernel, members, nullptr, 0, nullptr, 0, nullptr);
  }
};
int OpenKernel::calls = 0;

}  // namespace

TEST_CASE("products that leave 64 bits are refused") {
  const std::int64_t most = INT64_MAX, third = INT64_MAX / 3, root = 3'037'000'499;
  struct {
    std::int64_t a, b;
    bool fits;
  } const cases[] = {{0, most, true},        {0, 0, true},           {most, 1, true},
                     {-most, 1, true},       {most, -1, true},       {third, 3, true},
                     {third + 1, 3, false},  {-third, 3, true},      {-third - 1, 3, false},
                     {-third, -3, true},     {root, root, true},     {root + 1, root + 1, false},
                     {root, -root, true},    {most, most, false},    {-most, most, false},
                     {INT64_MIN, -1, false}, {-1, INT64_MIN, false}, {INT64_MIN, 2, false},
                     {INT64_MIN, 1, false},  {INT64_MIN, 0, false},  {2, INT64_MIN / 2, false}};
  for (const auto& [a, b, fits] : cases) {
    CAPTURE(a, b);
    std::int64_t product = 77;
    REQUIRE((convc_impl_multiply(a, b, &product) != 0) == fits);
    CHECK(product == (fits ? a * b : 77));
    product = 77;
    REQUIRE((convc_impl_multiply(b, a, &product) != 0) == fits);
  }
}

TEST_CASE("a kernel runs on the sizes of the call, in memory of just that size") {
  const OpenKernel open;
  for (const std::int64_t height : {3, 4, 9, 100}) {
    for (const std::int64_t width : {4, 5, 50}) {
      const std::int64_t rows = (height - 3) / 2 + 1;
      GuardedBuffer input(static_cast<std::size_t>(height * width * 3));
      GuardedBuffer output(static_cast<std::size_t>(rows * width * 2));
      for (std::size_t i = 0; i < input.size(); ++i) input[i] = static_cast<float>(i);
      REQUIRE(open.run({input.data(), output.data(), height, width}) == CONVC_OK);
      for (std::int64_t i = 0; i < rows * width * 2; ++i) {
        const std::int64_t y = i / 2 / width, x = i / 2 % width;
        REQUIRE(output[static_cast<std::size_t>(i)] ==
                static_cast<float>(2 * (2 * y * width + x) * 3));
      }
    }
  }
}

TEST_CASE("neighbours are no overlap, and what overlaps is told with its bytes") {
  const OpenKernel open;
  std::vector<float> memory(3 * 4 * 3 + 1 * 4 * 2, 1.0F);
  CHECK(open.run({memory.data(), memory.data() + 36, 3, 4}) == CONVC_OK);
  CHECK(open.run({memory.data(), memory.data() + 35, 3, 4}) == CONVC_OVERLAP);
  CHECK(error_says("open: output: expected memory of its own, got 32 bytes at"));
  CHECK(error_says("overlap input (144 bytes at"));
}

TEST_CASE("sizes outside their range are refused by name, range and value") {
  const OpenKernel open;
  std::vector<float> in(3 * 4 * 3), out(8, -1.0F);
  OpenIo io{in.data(), out.data(), 3, 4};
  std::string text;
  SECTION("below") {
    io.width = 3;
    text = "open: width: expected 4 to 50, got 3";
  }
  SECTION("above") {
    io.height = 101;
    text = "open: height: expected 1 to 100, got 101";
  }
  SECTION("far above") {
    io.height = INT64_MAX;
    text = "open: height: expected 1 to 100, got 9223372036854775807";
  }
  SECTION("far below") {
    io.height = INT64_MIN;
    text = "got -9223372036854775808";
  }
  SECTION("no output") {
    io.height = 2;
    text =
        "open: height: expected one whose outputs have at least 1 elements along this axis, got 2, "
        "which gives 0";
  }
  CHECK(open.run(io) == CONVC_WRONG_SIZE);
  INFO(convc_last_error());
  CHECK(error_says(text));
  CHECK(out == std::vector<float>(8, -1.0F));
}

TEST_CASE("tensors and sizes beyond 32 bits are refused") {
  OpenKernel open;
  open.sizes[0].max = open.sizes[1].max = INT64_MAX;
  std::vector<float> in(36), out(8);
  CHECK(open.run({in.data(), out.data(), 30000, 30000}) == CONVC_WRONG_SIZE);
  CHECK(error_says("open: input: expected sizes that make less than 2^31 elements, got more"));
  CHECK(open.run({in.data(), out.data(), INT64_C(1) << 31, 4}) == CONVC_WRONG_SIZE);
  CHECK(error_says("open: height: expected 1 to 2147483647, got 2147483648"));
  open.sizes[2].multiplier = 4;
  CHECK(open.run({in.data(), out.data(), 1900000000, 4}) == CONVC_WRONG_SIZE);
  CHECK(error_says("have less than 2^31 elements along this axis, got 1900000000"));
}

TEST_CASE("a derived size rounds towards minus infinity") {
  OpenKernel open;
  open.sizes[2].min = -5;  // (1 - 3) / 2 = -1, and (2 - 3) / 2 = -1 too
  open.sizes[2].offset = 2;
  std::int64_t shape[3] = {};
  for (const std::int64_t height : {1, 2}) {
    const std::int64_t open_sizes[] = {height, 4};
    std::size_t bytes = 0;
    REQUIRE(convc_output_shape(&open.kernel, 0, open_sizes, shape, &bytes) == CONVC_OK);
    CHECK(shape[0] == 1);
    CHECK(bytes == 32);
  }
}

TEST_CASE("a pitch leaves a gap behind the last row") {
  OpenKernel open;
  open.output.open_elements = times(200, OpenKernel::kRows);  // rows of 200 elements
  open.output.open_gap = number(17);
  const std::int64_t open_sizes[] = {7, 4};
  std::size_t bytes = 0;
  REQUIRE(convc_output_shape(&open.kernel, 0, open_sizes, nullptr, &bytes) == CONVC_OK);
  CHECK(bytes == (3 * 200 - 17) * sizeof(float));
}

TEST_CASE("a step without output is left out") {
  OpenKernel open;
  open.sizes[2].min = 0;
  open.output.open_elements = times(2, OpenKernel::kHeight, OpenKernel::kWidth);
  std::vector<float> in(24), out(16);
  OpenKernel::calls = 0;
  CHECK(open.run({in.data(), out.data(), 2, 4}) == CONVC_OK);
  CHECK(OpenKernel::calls == 0);
}

TEST_CASE("shapes follow from sizes") {
  const OpenKernel open;
  const FakeKernel fake(OpenKernel::double_step);
  const std::int64_t sizes[] = {9, 7}, wrong[] = {9, 70};
  std::int64_t shape[4] = {};
  std::size_t bytes = 0;
  REQUIRE(convc_input_shape(&open.kernel, 0, sizes, shape, &bytes) == CONVC_OK);
  CHECK((shape[0] == 9 && shape[1] == 7 && shape[2] == 3 && bytes == 9 * 7 * 3 * 4));
  REQUIRE(convc_output_shape(&open.kernel, 0, sizes, shape, nullptr) == CONVC_OK);
  CHECK((shape[0] == 4 && shape[1] == 7 && shape[2] == 2));
  CHECK(convc_output_shape(&open.kernel, 0, wrong, shape, &bytes) == CONVC_WRONG_SIZE);
  CHECK(convc_output_shape(&open.kernel, 0, nullptr, shape, &bytes) == CONVC_NULL_POINTER);
  CHECK(convc_input_shape(&open.kernel, 1, sizes, shape, &bytes) == CONVC_WRONG_SIZE);
  CHECK(error_says("open: index: expected less than 1, got 1"));
  CHECK(convc_input_shape(nullptr, 0, sizes, shape, &bytes) == CONVC_NULL_POINTER);
  REQUIRE(convc_input_shape(&fake.descriptor, 1, nullptr, shape, &bytes) == CONVC_OK);
  CHECK((shape[0] == 4 && shape[1] == 4 && bytes == 64));
}

TEST_CASE("tables of sizes that are not sound become a status") {
  OpenKernel open;
  std::vector<float> in(36), out(8);
  SECTION("a size that comes later") {
    open.sizes[2].source = 2;
  }
  SECTION("no divisor") {
    open.sizes[2].divisor = 0;
  }
  SECTION("an open size among the derived") {
    open.sizes[2].kind = CONVC_SIZE_OPEN;
  }
  SECTION("a derived size among the open") {
    open.sizes[0].kind = CONVC_SIZE_DERIVED;
  }
  SECTION("more open sizes than sizes") {
    open.kernel.open_count = 4;
  }
  SECTION("too many sizes") {
    open.kernel.size_count = CONVC_MAX_SIZES + 1;
  }
  SECTION("no table") {
    open.kernel.sizes = nullptr;
  }
  SECTION("a product of no such size") {
    open.in_dims[1].extent.sizes[0] = 3;
  }
  SECTION("a product of too many sizes") {
    open.in_dims[1].extent.count = CONVC_MAX_PRODUCT_SIZES + 1;
  }
  SECTION("a product that overflows") {
    open.in_dims[1].stride = times(INT64_MAX, 0);
  }
  SECTION("a stride beyond 32 bits") {
    open.in_dims[1].stride = number(INT64_C(1) << 31);
  }
  SECTION("extents beyond the tensor") {
    open.out_dims[2].extent = times(1, OpenKernel::kHeight);
  }
  SECTION("an offset beyond the tensor") {
    open.arguments[1].open_offset[0] = times(2, OpenKernel::kWidth);
  }
  SECTION("a tensor without elements") {
    open.input.open_elements = number(0);
  }
  SECTION("a gap as large as the tensor") {
    open.input.open_gap = times(3, OpenKernel::kHeight, OpenKernel::kWidth);
  }
  SECTION("an unknown type") {
    open.input.dtype = 5;
  }
  CHECK(open.run({in.data(), out.data(), 3, 4}) == CONVC_INTERNAL);
  INFO(convc_last_error());
  CHECK(error_says("a bug in convc"));
}

TEST_CASE("convc.hpp: spans are checked against the sizes of the call") {
  const OpenKernel open;
  convc::Buffer none;
  const std::vector<float> in(3 * 4 * 3, 2.0F);
  std::vector<float> out(8);
  const std::array<std::int64_t, 2> sizes{3, 4}, wide{3, 5}, wrong{3, 51};
  CHECK(convc::run(open.kernel, sizes, in, out, none, none));
  CHECK(out == std::vector<float>(8, 4.0F));
  const OpenIo io{in.data(), out.data(), 3, 4};
  CHECK(convc::run(open.kernel, io, none, none));

  const convc::Status short_input = convc::run(open.kernel, wide, in, out, none, none);
  CHECK(short_input.text() == std::string("open: input: expected 45 elements, got 36"));
  const convc::Status range = convc::run(open.kernel, wrong, in, out, none, none);
  CHECK(range.text() == std::string("open: width: expected 4 to 50, got 51"));
  const convc::Status missing = convc::run(open.kernel, in, out, none, none);
  CHECK(missing.code() == CONVC_WRONG_SIZE);
  CHECK(missing.text() == std::string("open: sizes: expected 2 numbers, got 0"));
}
