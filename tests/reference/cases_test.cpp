// The reference against results worked out by hand.
#include <catch2/catch.hpp>

#include "tests/reference/conv.h"

using namespace convc::test;

namespace {

using Doubles = std::vector<double>;

/// One channel, one filter, no bias.
Conv plain(std::int64_t height, std::int64_t width, std::vector<double> input,
           std::int64_t kernel_height, std::int64_t kernel_width, std::vector<float> kernel) {
  Conv conv;
  conv.sizes.in[1] = height;
  conv.sizes.in[2] = width;
  conv.sizes.kernel[1] = kernel_height;
  conv.sizes.kernel[2] = kernel_width;
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
  CHECK(conv.out_shape()[2] == 3);
  CHECK(conv.out_shape()[3] == 3);
  CHECK(conv.run().values == Doubles{0, 30, 30,  //
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
  CHECK(conv.run().values == Doubles{6 - 11, 12 - 16, 11 - 11,  //
                                     3 - 13, 13 - 15, 13 - 11,  //
                                     6 - 6, 10 - 12, 6 - 10});
}

TEST_CASE("it is cross-correlation: the filter is not flipped") {
  const Conv conv = plain(1, 3, {1, 2, 3}, 1, 2, {10, 100});
  CHECK(conv.run().values == Doubles{1 * 10 + 2 * 100, 2 * 10 + 3 * 100});
}

TEST_CASE("a filter as large as the image makes one number, the inner product") {
  const Conv conv = plain(2, 2, {1, 2, 3, 4}, 2, 2, {5, 6, 7, 8});
  CHECK(conv.run().values == Doubles{1 * 5 + 2 * 6 + 3 * 7 + 4 * 8});
}

TEST_CASE("zeros surround the input, each side as given") {
  Conv conv = plain(1, 2, {1, 2}, 1, 1, {3});
  conv.sizes.pad_before[1] = 1;
  conv.sizes.pad_before[2] = 2;
  conv.sizes.pad_after[2] = 1;
  CHECK(conv.out_shape()[2] == 2);
  CHECK(conv.out_shape()[3] == 5);
  CHECK(conv.run().values == Doubles{0, 0, 0, 0, 0,  //
                                     0, 0, 3, 6, 0});
}

TEST_CASE("strides skip, and drop what does not fill a window") {
  Conv conv = plain(3, 6,
                    {0, 1, 2, 3, 4, 5,        //
                     10, 11, 12, 13, 14, 15,  //
                     20, 21, 22, 23, 24, 25},
                    1, 1, {1});
  conv.sizes.stride[1] = 2;
  conv.sizes.stride[2] = 4;
  CHECK(conv.run().values == Doubles{0, 4, 20, 24});
}

TEST_CASE("dilation spreads the taps") {
  Conv conv = plain(1, 6, {1, 2, 3, 4, 5, 6}, 1, 3, {1, 10, 100});
  conv.sizes.dilation[2] = 2;
  CHECK(conv.run().values == Doubles{1 + 30 + 500, 2 + 40 + 600});
  conv.sizes.stride[2] = 2;  // strides and dilation together
  CHECK(conv.run().values == Doubles{1 + 30 + 500});
}

TEST_CASE("channels are innermost in the input, filters in kernel and output") {
  Conv conv = plain(1, 2, {1, 2, 3, 4}, 1, 1, {1, 10, 100, 1000});
  conv.sizes.in_channels = 2;  // pixels (1, 2) and (3, 4)
  conv.sizes.filters = 2;      // filters (1, 100) and (10, 1000)
  conv.bias = {0.5F, 0.25F};
  CHECK(conv.run().values ==
        Doubles{1 + 200 + 0.5, 10 + 2000 + 0.25, 3 + 400 + 0.5, 30 + 4000 + 0.25});
}

TEST_CASE("groups see their own channels only") {
  Conv conv = plain(1, 1, {1, 2, 3, 4}, 1, 1, {1, 10, 100, 1000});
  conv.sizes.in_channels = 4;
  conv.sizes.filters = 2;
  conv.sizes.groups = 2;  // kernel [1][1][2][2]: filter 0 is (1, 100), filter 1 is (10, 1000)
  CHECK(conv.run().values == Doubles{1 * 1 + 2 * 100, 3 * 10 + 4 * 1000});
}

TEST_CASE("images of a batch are apart") {
  Conv conv = plain(1, 2, {1, 2, 30, 40}, 1, 2, {1, 1});
  conv.sizes.batch = 2;
  CHECK(conv.run().values == Doubles{3, 70});
}

TEST_CASE("sums are in double: what float would lose is there") {
  const Conv conv = plain(1, 3, {1e8, 1, -1e8}, 1, 3, {1, 1, 1});
  CHECK(conv.run().values == Doubles{1});
  CHECK(conv.magnitude() == Doubles{2e8 + 1});
}

TEST_CASE("three axes") {
  Conv conv = plain(1, 2, {1, 2, 10, 20, 100, 200}, 1, 2, {1, 2, 3, 4});
  conv.sizes.in[0] = 3;
  conv.sizes.kernel[0] = 2;
  CHECK(conv.run().values == Doubles{1 + 4 + 30 + 80, 10 + 40 + 300 + 800});
}

TEST_CASE("padding modes of the row 1 2 3") {
  Conv conv = plain(1, 3, {1, 2, 3}, 1, 1, {1});
  conv.sizes.pad_before[2] = conv.sizes.pad_after[2] = 2;
  conv.sizes.padding_value = 9;
  const auto with = [&conv](std::int32_t mode) {
    conv.sizes.padding_mode = mode;
    return conv.run().values;
  };
  CHECK(with(CONVC_PAD_ZEROS) == Doubles{0, 0, 1, 2, 3, 0, 0});
  CHECK(with(CONVC_PAD_CONSTANT) == Doubles{9, 9, 1, 2, 3, 9, 9});
  CHECK(with(CONVC_PAD_REFLECT) == Doubles{3, 2, 1, 2, 3, 2, 1});
  CHECK(with(CONVC_PAD_REPLICATE) == Doubles{1, 1, 1, 2, 3, 3, 3});
  CHECK(with(CONVC_PAD_CIRCULAR) == Doubles{2, 3, 1, 2, 3, 1, 2});
}

TEST_CASE("depthwise: each channel has filters of its own") {
  Conv conv = plain(1, 2, {1, 2, 3, 4}, 1, 2, {1, 10, 2, 20, 3, 30, 4, 40});
  conv.sizes.in_channels = conv.sizes.groups = 2;  // pixels (1, 2) and (3, 4)
  conv.sizes.filters = 4;                          // kernel [2][2 channels][2 of each]
  // Filters 0, 1 see 1 and 3; filters 2, 3 see 2 and 4.
  CHECK(conv.run().values ==
        Doubles{1 * 1 + 3 * 3, 10 * 1 + 30 * 3, 2 * 2 + 4 * 4, 20 * 2 + 40 * 4});
}

TEST_CASE("transposed: every input spreads the kernel") {
  Conv conv = plain(1, 2, {1, 10}, 1, 3, {1, 2, 3});
  conv.sizes.transposed = 1;
  CHECK(conv.run().values == Doubles{1, 2 + 10, 3 + 20, 30});
  conv.sizes.stride[2] = 2;
  CHECK(conv.run().values == Doubles{1, 2, 3 + 10, 20, 30});
  conv.sizes.pad_before[2] = 1;  // takes away from the output
  conv.sizes.output_padding[2] = 2;
  conv.bias = {0.5F};
  CHECK(conv.run().values == Doubles{2.5, 13.5, 20.5, 30.5, 0.5, 0.5});
  conv.sizes.dilation[2] = 2;
  conv.sizes.pad_before[2] = conv.sizes.output_padding[2] = 0;
  CHECK(conv.run().values == Doubles{1.5, 0.5, 12.5, 0.5, 23.5, 0.5, 30.5});
}

TEST_CASE("transposed kernels hold the channels innermost, then the filters of a group") {
  Conv conv = plain(1, 1, {1, 2}, 1, 1, {1, 10, 100, 1000, 3, 5});
  conv.sizes.transposed = 1;
  conv.sizes.in_channels = 2;
  conv.sizes.filters = 3;  // (1, 10), (100, 1000), (3, 5)
  CHECK(conv.run().values == Doubles{1 + 20, 100 + 2000, 3 + 10});
  conv.sizes.groups = 2;
  conv.sizes.filters = 4;  // of each group two: rows (1, 10), (100, 1000); group 0 has column 0
  conv.kernel.resize(4);
  CHECK(conv.run().values == Doubles{1, 100, 20, 2000});
}
