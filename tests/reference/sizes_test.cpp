// Output sizes, and convolutions that are none.
#include <catch2/catch.hpp>

#include "convc/reference.h"

namespace {

convc_conv2d small() {
  convc_conv2d conv{};
  conv.batch = 1;
  conv.in_height = 7;
  conv.in_width = 8;
  conv.in_channels = 4;
  conv.filters = 6;
  conv.kernel_height = 3;
  conv.kernel_width = 2;
  return conv;
}

}  // namespace

TEST_CASE("output sizes: floor((in + padding - reach) / stride) + 1") {
  convc_conv2d conv = small();
  std::int64_t height = 0, width = 0;
  REQUIRE(convc_reference_output_size(&conv, &height, &width) == 0);
  CHECK(height == 5);
  CHECK(width == 7);
  conv.stride_height = conv.stride_width = 2;
  conv.pad_top = 1;
  conv.pad_right = 1;
  REQUIRE(convc_reference_output_size(&conv, &height, &width) == 0);
  CHECK(height == 3);
  CHECK(width == 4);
  conv.dilation_height = 3;  // reaches 7 of 8 rows
  REQUIRE(convc_reference_output_size(&conv, &height, &width) == 0);
  CHECK(height == 1);
  CHECK(convc_reference_reduction_length(&conv) == 3 * 2 * 4);
  conv.groups = 2;
  CHECK(convc_reference_reduction_length(&conv) == 3 * 2 * 2);
}

TEST_CASE("what is no convolution is refused and writes nothing") {
  convc_conv2d conv = small();
  SECTION("no batch") {
    conv.batch = 0;
  }
  SECTION("negative height") {
    conv.in_height = -7;
  }
  SECTION("no channels") {
    conv.in_channels = 0;
  }
  SECTION("no filters") {
    conv.filters = 0;
  }
  SECTION("no kernel") {
    conv.kernel_width = 0;
  }
  SECTION("a kernel larger than the input") {
    conv.kernel_height = 8;
  }
  SECTION("a dilated kernel larger than the input") {
    conv.dilation_height = 4;
  }
  SECTION("negative stride") {
    conv.stride_width = -1;
  }
  SECTION("negative dilation") {
    conv.dilation_width = -1;
  }
  SECTION("negative padding") {
    conv.pad_left = -1;
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
  SECTION("unknown activation") {
    conv.activation = 2;
  }
  SECTION("reserved") {
    conv.reserved = 1;
  }
  SECTION("a product beyond 2^60") {
    conv.in_height = conv.in_width = INT64_C(1) << 30;
  }
  SECTION("sizes whose sums overflow") {
    conv.in_height = conv.pad_top = conv.pad_bottom = INT64_MAX;
  }
  SECTION("a dilation whose product overflows") {
    conv.dilation_height = INT64_MAX / 2;
  }
  std::int64_t height = -5, width = -6;
  CHECK(convc_reference_output_size(&conv, &height, &width) == -1);
  CHECK(height == -5);
  CHECK(width == -6);
  const float number = 1;
  double output = 77;
  CHECK(convc_reference_conv2d(&conv, &number, &number, nullptr, &output, nullptr) == -1);
  CHECK(output == 77);
}

TEST_CASE("missing pointers are refused") {
  convc_conv2d conv{};
  conv.batch = conv.in_height = conv.in_width = conv.in_channels = 1;
  conv.filters = conv.kernel_height = conv.kernel_width = 1;
  const float number = 2;
  double output = 0;
  CHECK(convc_reference_conv2d(&conv, &number, &number, nullptr, &output, nullptr) == 0);
  CHECK(output == 4);
  CHECK(convc_reference_conv2d(nullptr, &number, &number, nullptr, &output, nullptr) == -1);
  CHECK(convc_reference_conv2d(&conv, nullptr, &number, nullptr, &output, nullptr) == -1);
  CHECK(convc_reference_conv2d(&conv, &number, nullptr, nullptr, &output, nullptr) == -1);
  CHECK(convc_reference_conv2d(&conv, &number, &number, nullptr, nullptr, nullptr) == -1);
}
