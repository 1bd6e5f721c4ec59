// Output sizes, and convolutions that are none.
#include <catch2/catch.hpp>

#include "convc/reference.h"

namespace {

/// 7x8 pixels of 4 channels, 6 filters of 3x2.
convc_conv small() {
  convc_conv conv{};
  conv.in[1] = 7;
  conv.in[2] = 8;
  conv.in_channels = 4;
  conv.filters = 6;
  conv.kernel[1] = 3;
  conv.kernel[2] = 2;
  return conv;
}

}  // namespace

TEST_CASE("output sizes: floor((in + padding - reach) / stride) + 1") {
  convc_conv conv = small();
  std::int64_t out[3] = {};
  REQUIRE(convc_reference_output_size(&conv, out) == 0);
  CHECK((out[0] == 1 && out[1] == 5 && out[2] == 7));
  conv.stride[1] = conv.stride[2] = 2;
  conv.pad_before[1] = 1;
  conv.pad_after[2] = 1;
  REQUIRE(convc_reference_output_size(&conv, out) == 0);
  CHECK((out[1] == 3 && out[2] == 4));
  conv.dilation[1] = 3;  // reaches 7 of 8 rows
  REQUIRE(convc_reference_output_size(&conv, out) == 0);
  CHECK((out[1] == 1 && out[2] == 4));
  CHECK(convc_reference_reduction_length(&conv) == 3 * 2 * 4);
  conv.groups = 2;
  CHECK(convc_reference_reduction_length(&conv) == 3 * 2 * 2);
}

TEST_CASE("transposed output sizes: (in - 1) * stride + reach - padding + output_padding") {
  convc_conv conv = small();
  std::int64_t out[3] = {};
  conv.transposed = 1;
  conv.stride[1] = conv.stride[2] = 2;
  REQUIRE(convc_reference_output_size(&conv, out) == 0);
  CHECK((out[1] == 6 * 2 + 3 && out[2] == 7 * 2 + 2));
  CHECK(convc_reference_reduction_length(&conv) == 2 * 1 * 4);
  conv.pad_before[1] = 1;
  conv.pad_after[2] = 1;
  conv.output_padding[1] = 1;
  REQUIRE(convc_reference_output_size(&conv, out) == 0);
  CHECK((out[1] == 15 && out[2] == 15));
  conv.dilation[1] = 2;  // all taps of one parity: all reach every second row
  CHECK(convc_reference_reduction_length(&conv) == 3 * 1 * 4);
  conv.pad_before[1] = 16;
  conv.pad_after[1] = 2;
  CHECK(convc_reference_output_size(&conv, out) == -1);
}

TEST_CASE("what is no convolution is refused and writes nothing") {
  convc_conv conv = small();
  SECTION("negative batch") {
    conv.batch = -1;
  }
  SECTION("negative height") {
    conv.in[1] = -7;
  }
  SECTION("negative channels") {
    conv.in_channels = -1;
  }
  SECTION("negative filters") {
    conv.filters = -1;
  }
  SECTION("a negative kernel") {
    conv.kernel[2] = -1;
  }
  SECTION("a kernel larger than the input") {
    conv.kernel[1] = 8;
  }
  SECTION("a dilated kernel larger than the input") {
    conv.dilation[1] = 4;
  }
  SECTION("negative stride") {
    conv.stride[2] = -1;
  }
  SECTION("negative dilation") {
    conv.dilation[2] = -1;
  }
  SECTION("cropped to less than the kernel") {
    conv.pad_before[2] = -7;
  }
  SECTION("groups that do not divide the channels") {
    conv.groups = 3;
  }
  SECTION("groups that do not divide the filters") {
    conv.groups = 4;
  }
  SECTION("negative groups") {
    conv.groups = -2;
  }
  SECTION("unknown padding mode") {
    conv.padding_mode = 5;
  }
  SECTION("reflection of as much as there is") {
    conv.padding_mode = CONVC_PAD_REFLECT;
    conv.pad_after[1] = 7;
  }
  SECTION("more than once around") {
    conv.padding_mode = CONVC_PAD_CIRCULAR;
    conv.pad_before[2] = 9;
  }
  SECTION("neither forward nor transposed") {
    conv.transposed = 2;
  }
  SECTION("transposed with a padding mode") {
    conv.transposed = 1;
    conv.padding_mode = CONVC_PAD_REPLICATE;
  }
  SECTION("output padding forward") {
    conv.output_padding[1] = 1;
  }
  SECTION("negative output padding") {
    conv.transposed = 1;
    conv.output_padding[1] = -1;
  }
  SECTION("a transposed stride whose product overflows") {
    conv.transposed = 1;
    conv.stride[1] = INT64_MAX / 8;
  }
  SECTION("a product beyond 2^60") {
    conv.in[1] = conv.in[2] = INT64_C(1) << 30;
  }
  SECTION("sizes whose sums overflow") {
    conv.in[1] = conv.pad_before[1] = conv.pad_after[1] = INT64_MAX;
  }
  SECTION("a dilation whose product overflows") {
    conv.dilation[1] = INT64_MAX / 2;
  }
  std::int64_t out[3] = {-5, -6, -7};
  CHECK(convc_reference_output_size(&conv, out) == -1);
  CHECK((out[0] == -5 && out[1] == -6 && out[2] == -7));
  const double number = 1;
  const float weight = 1;
  double output = 77;
  CHECK(convc_reference_conv(&conv, &number, &weight, nullptr, &output, nullptr) == -1);
  CHECK(output == 77);
}

TEST_CASE("missing pointers are refused") {
  const convc_conv conv{};  // one number times one number
  const double number = 2;
  const float weight = 3;
  double output = 0;
  CHECK(convc_reference_conv(&conv, &number, &weight, nullptr, &output, nullptr) == 0);
  CHECK(output == 6);
  CHECK(convc_reference_conv(nullptr, &number, &weight, nullptr, &output, nullptr) == -1);
  CHECK(convc_reference_conv(&conv, nullptr, &weight, nullptr, &output, nullptr) == -1);
  CHECK(convc_reference_conv(&conv, &number, nullptr, nullptr, &output, nullptr) == -1);
  CHECK(convc_reference_conv(&conv, &number, &weight, nullptr, nullptr, nullptr) == -1);
}
