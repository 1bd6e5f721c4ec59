// The reference against results worked out by hand.
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "tests/reference/conv.h"

using namespace convc::test;

namespace {

using Doubles = std::vector<double>;

/// One channel, one filter, no bias.
Conv plain(std::int64_t height, std::int64_t width, std::vector<float> input,
           std::int64_t kernel_height, std::int64_t kernel_width, std::vector<float> kernel) {
  Conv conv;
  conv.sizes.batch = conv.sizes.in_channels = conv.sizes.filters = 1;
  conv.sizes.in_height = height;
  conv.sizes.in_width = width;
  conv.sizes.kernel_height = kernel_height;
  conv.sizes.kernel_width = kernel_width;
  conv.input = std::move(input);
  conv.kernel = std::move(kernel);
  return conv;
}

const std::vector<float> kVerticalEdges{1, 0, -1,  //
                                        1, 0, -1,  //
                                        1, 0, -1};

}  // namespace

TEST_CASE("vertical edges of the 5x5 image that is bright on the left") {
  // Each output is the sum of its window's left column minus that of its right column: over columns
  // 0 and 2 both bright, 30 - 30 = 0; over 1|3 and 2|4 bright against dark, 3 * 10 = 30.
  const Conv conv = plain(5, 5, {10, 10, 10, 0, 0,  //
                                 10, 10, 10, 0, 0,  //
                                 10, 10, 10, 0, 0,  //
                                 10, 10, 10, 0, 0,  //
                                 10, 10, 10, 0, 0},
                          3, 3, kVerticalEdges);
  CHECK(conv.out_height() == 3);
  CHECK(conv.out_width() == 3);
  CHECK(conv.run() == Doubles{0, 30, 30,  //
                              0, 30, 30,  //
                              0, 30, 30});
}

TEST_CASE("vertical edges of a 5x5 image of many values") {
  const Conv conv = plain(5, 5, {3, 0, 1, 2, 7,  //
                                 1, 5, 8, 9, 3,  //
                                 2, 7, 2, 5, 1,  //
                                 0, 1, 3, 1, 7,  //
                                 4, 2, 1, 6, 2},
                          3, 3, kVerticalEdges);
  // Column sums over rows 0-2: 6 12 11 16 11; rows 1-3: 3 13 13 15 11; rows 2-4: 6 10 6 12 10. Each
  // output is the difference of two that are two columns apart.
  CHECK(conv.run() == Doubles{6 - 11, 12 - 16, 11 - 11,  //
                              3 - 13, 13 - 15, 13 - 11,  //
                              6 - 6, 10 - 12, 6 - 10});
}

TEST_CASE("it is cross-correlation: the filter is not flipped") {
  const Conv conv = plain(1, 3, {1, 2, 3}, 1, 2, {10, 100});
  CHECK(conv.run() == Doubles{1 * 10 + 2 * 100, 2 * 10 + 3 * 100});
}

TEST_CASE("a filter as large as the image makes one number, the inner product") {
  const Conv conv = plain(2, 2, {1, 2, 3, 4}, 2, 2, {5, 6, 7, 8});
  CHECK(conv.run() == Doubles{1 * 5 + 2 * 6 + 3 * 7 + 4 * 8});
}

TEST_CASE("zeros surround the input, each side as given") {
  Conv conv = plain(1, 2, {1, 2}, 1, 1, {3});
  conv.sizes.pad_top = 1;
  conv.sizes.pad_left = 2;
  conv.sizes.pad_right = 1;
  CHECK(conv.out_height() == 2);
  CHECK(conv.out_width() == 5);
  CHECK(conv.run() == Doubles{0, 0, 0, 0, 0,  //
                              0, 0, 3, 6, 0});
}

TEST_CASE("strides skip, and drop what does not fill a window") {
  Conv conv = plain(3, 6,
                    {0, 1, 2, 3, 4, 5,        //
                     10, 11, 12, 13, 14, 15,  //
                     20, 21, 22, 23, 24, 25},
                    1, 1, {1});
  conv.sizes.stride_height = 2;
  conv.sizes.stride_width = 4;
  CHECK(conv.run() == Doubles{0, 4, 20, 24});
}

TEST_CASE("dilation spreads the taps") {
  Conv conv = plain(1, 6, {1, 2, 3, 4, 5, 6}, 1, 3, {1, 10, 100});
  conv.sizes.dilation_width = 2;
  CHECK(conv.run() == Doubles{1 + 30 + 500, 2 + 40 + 600});
  conv.sizes.stride_width = 2;  // strides and dilation together
  CHECK(conv.run() == Doubles{1 + 30 + 500});
}

TEST_CASE("channels are innermost in the input, filters in kernel and output") {
  Conv conv = plain(1, 2, {1, 2, 3, 4}, 1, 1, {1, 10, 100, 1000});
  conv.sizes.in_channels = 2;  // pixels (1, 2) and (3, 4)
  conv.sizes.filters = 2;      // filters (1, 100) and (10, 1000)
  conv.bias = {0.5F, 0.25F};
  CHECK(conv.run() == Doubles{1 + 200 + 0.5, 10 + 2000 + 0.25, 3 + 400 + 0.5, 30 + 4000 + 0.25});
}

TEST_CASE("groups see their own channels only") {
  Conv conv = plain(1, 1, {1, 2, 3, 4}, 1, 1, {1, 10, 100, 1000});
  conv.sizes.in_channels = 4;
  conv.sizes.filters = 2;
  conv.sizes.groups = 2;  // kernel [1][1][2][2]: filter 0 is (1, 100), filter 1 is (10, 1000)
  CHECK(conv.run() == Doubles{1 * 1 + 2 * 100, 3 * 10 + 4 * 1000});
}

TEST_CASE("images of a batch are apart") {
  Conv conv = plain(1, 2, {1, 2, 30, 40}, 1, 2, {1, 1});
  conv.sizes.batch = 2;
  CHECK(conv.run() == Doubles{3, 70});
}

TEST_CASE("relu clears what is negative and lets NaN through") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  Conv conv = plain(1, 4, {-2, 0, 3, nan}, 1, 1, {1});
  conv.sizes.activation = CONVC_ACTIVATION_RELU;
  const Doubles output = conv.run();
  CHECK(output[0] == 0);
  CHECK(output[1] == 0);
  CHECK(output[2] == 3);
  CHECK(std::isnan(output[3]));
}

TEST_CASE("sums are in double: what float would lose is there") {
  const Conv conv = plain(1, 3, {1e8F, 1, -1e8F}, 1, 3, {1, 1, 1});
  CHECK(conv.run() == Doubles{1});
  CHECK(conv.magnitude() == Doubles{2e8 + 1});
}
