// Laws that hold for every convolution, on random ones. Values are small integers, so sums are
// exact and the laws hold to the last bit.
#include <catch2/catch.hpp>

#include "tests/reference/conv.h"

using namespace convc::test;

namespace {

constexpr unsigned kSeed = 20240607;

/// Calls `law(conv, random)` for many random convolutions.
template <class Law>
void for_random_convs(Law law) {
  std::mt19937 random(kSeed);
  for (int i = 0; i < kRandomConvs; ++i) {
    const Conv conv = random_conv(random);
    INFO("seed " << kSeed << ", convolution " << i << ": " << describe(conv.sizes));
    law(conv, random);
  }
}

std::size_t index(std::int64_t i) {
  return static_cast<std::size_t>(i);
}

}  // namespace

TEST_CASE("linear in the input") {
  for_random_convs([](const Conv& conv, std::mt19937& random) {
    Conv without_bias = conv, other = conv, sum = conv;
    without_bias.bias.clear();
    other.bias.clear();
    other.input = small_integers(random, conv.input.size());
    for (std::size_t i = 0; i < sum.input.size(); ++i) {
      sum.input[i] = 3 * conv.input[i] + 2 * other.input[i];
    }
    const auto a = without_bias.run(), b = other.run(), c = sum.run();
    for (std::size_t i = 0; i < c.size(); ++i) {
      const double bias = conv.bias.empty() ? 0 : conv.bias[i % conv.bias.size()];
      REQUIRE(c[i] == 3 * a[i] + 2 * b[i] + bias);
    }
  });
}

TEST_CASE("linear in the kernel") {
  for_random_convs([](Conv conv, std::mt19937& random) {
    conv.bias.clear();
    Conv other = conv, sum = conv;
    other.kernel = small_integers(random, conv.kernel.size());
    for (std::size_t i = 0; i < sum.kernel.size(); ++i) {
      sum.kernel[i] = conv.kernel[i] - 4 * other.kernel[i];
    }
    const auto a = conv.run(), b = other.run(), c = sum.run();
    for (std::size_t i = 0; i < c.size(); ++i) REQUIRE(c[i] == a[i] - 4 * b[i]);
  });
}

TEST_CASE("strides subsample the result of stride 1") {
  for_random_convs([](const Conv& conv, std::mt19937&) {
    Conv dense = conv;
    dense.sizes.stride_height = dense.sizes.stride_width = 1;
    const auto strided = conv.run(), all = dense.run();
    const convc_conv2d& s = conv.sizes;
    std::size_t at = 0;
    for (std::int64_t n = 0; n < s.batch; ++n) {
      for (std::int64_t y = 0; y < conv.out_height(); ++y) {
        for (std::int64_t x = 0; x < conv.out_width(); ++x) {
          for (std::int64_t k = 0; k < s.filters; ++k) {
            const std::int64_t row = n * dense.out_height() + y * s.stride_height;
            const std::int64_t pixel = row * dense.out_width() + x * s.stride_width;
            REQUIRE(strided[at++] == all[index(pixel * s.filters + k)]);
          }
        }
      }
    }
  });
}

TEST_CASE("a 1x1 convolution is a matrix product") {
  for_random_convs([](const Conv& any, std::mt19937& random) {
    Conv conv = any;
    convc_conv2d& s = conv.sizes;
    s.kernel_height = s.kernel_width = s.stride_height = s.stride_width = s.groups = 1;
    s.pad_top = s.pad_bottom = s.pad_left = s.pad_right = 0;
    conv.kernel = small_integers(random, index(s.in_channels * s.filters));
    const auto output = conv.run();
    for (std::int64_t pixel = 0; pixel < s.batch * s.in_height * s.in_width; ++pixel) {
      for (std::int64_t k = 0; k < s.filters; ++k) {
        double sum = conv.bias.empty() ? 0 : conv.bias[index(k)];
        for (std::int64_t c = 0; c < s.in_channels; ++c) {
          sum += double{conv.input[index(pixel * s.in_channels + c)]} *
                 double{conv.kernel[index(c * s.filters + k)]};
        }
        REQUIRE(output[index(pixel * s.filters + k)] == sum);
      }
    }
  });
}

TEST_CASE("padding is an explicit border of zeros") {
  for_random_convs([](const Conv& conv, std::mt19937&) {
    Conv bordered = conv;
    const convc_conv2d& s = conv.sizes;
    convc_conv2d& b = bordered.sizes;
    b.in_height += s.pad_top + s.pad_bottom;
    b.in_width += s.pad_left + s.pad_right;
    b.pad_top = b.pad_bottom = b.pad_left = b.pad_right = 0;
    bordered.input.assign(index(b.batch * b.in_height * b.in_width * b.in_channels), 0);
    for (std::int64_t n = 0; n < s.batch; ++n) {
      for (std::int64_t y = 0; y < s.in_height; ++y) {
        for (std::int64_t x = 0; x < s.in_width * s.in_channels; ++x) {
          const std::int64_t row = n * b.in_height + y + s.pad_top;
          const std::int64_t to = row * b.in_width * b.in_channels + s.pad_left * b.in_channels + x;
          const std::int64_t from = (n * s.in_height + y) * s.in_width * s.in_channels + x;
          bordered.input[index(to)] = conv.input[index(from)];
        }
      }
    }
    REQUIRE(conv.run() == bordered.run());
  });
}

TEST_CASE("dilation is a kernel with zeros between its taps") {
  for_random_convs([](const Conv& conv, std::mt19937&) {
    Conv spread = conv;
    const convc_conv2d& s = conv.sizes;
    convc_conv2d& d = spread.sizes;
    d.kernel_height = (s.kernel_height - 1) * s.dilation_height + 1;
    d.kernel_width = (s.kernel_width - 1) * s.dilation_width + 1;
    d.dilation_height = d.dilation_width = 1;
    const std::int64_t tap_elements = s.in_channels / s.groups * s.filters;
    spread.kernel.assign(index(d.kernel_height * d.kernel_width * tap_elements), 0);
    for (std::int64_t i = 0; i < s.kernel_height; ++i) {
      for (std::int64_t j = 0; j < s.kernel_width; ++j) {
        const std::int64_t tap = i * s.dilation_height * d.kernel_width + j * s.dilation_width;
        for (std::int64_t e = 0; e < tap_elements; ++e) {
          spread.kernel[index(tap * tap_elements + e)] =
              conv.kernel[index((i * s.kernel_width + j) * tap_elements + e)];
        }
      }
    }
    REQUIRE(conv.run() == spread.run());
  });
}

TEST_CASE("groups are separate convolutions, concatenated") {
  for_random_convs([](const Conv& conv, std::mt19937&) {
    const convc_conv2d& s = conv.sizes;
    const std::int64_t channels = s.in_channels / s.groups, filters = s.filters / s.groups;
    const auto whole = conv.run();
    for (std::int64_t g = 0; g < s.groups; ++g) {
      Conv part = conv;
      part.sizes.groups = 1;
      part.sizes.in_channels = channels;
      part.sizes.filters = filters;
      part.input.clear();
      for (std::int64_t pixel = 0; pixel < s.batch * s.in_height * s.in_width; ++pixel) {
        for (std::int64_t c = 0; c < channels; ++c) {
          part.input.push_back(conv.input[index(pixel * s.in_channels + g * channels + c)]);
        }
      }
      part.kernel.clear();
      for (std::int64_t row = 0; row < s.kernel_height * s.kernel_width * channels; ++row) {
        for (std::int64_t k = 0; k < filters; ++k) {
          part.kernel.push_back(conv.kernel[index(row * s.filters + g * filters + k)]);
        }
      }
      if (!conv.bias.empty()) {
        part.bias.assign(conv.bias.begin() + g * filters, conv.bias.begin() + (g + 1) * filters);
      }
      const auto result = part.run();
      for (std::int64_t i = 0; i < static_cast<std::int64_t>(result.size()); ++i) {
        const std::int64_t pixel = i / filters, k = i % filters;
        REQUIRE(result[index(i)] == whole[index(pixel * s.filters + g * filters + k)]);
      }
    }
  });
}

TEST_CASE("a batch is separate images, concatenated") {
  for_random_convs([](const Conv& conv, std::mt19937&) {
    const auto whole = conv.run();
    std::vector<double> parts;
    const auto image = static_cast<std::ptrdiff_t>(conv.input.size()) / conv.sizes.batch;
    for (std::int64_t n = 0; n < conv.sizes.batch; ++n) {
      Conv one = conv;
      one.sizes.batch = 1;
      one.input.assign(conv.input.begin() + n * image, conv.input.begin() + (n + 1) * image);
      const auto result = one.run();
      parts.insert(parts.end(), result.begin(), result.end());
    }
    REQUIRE(whole == parts);
  });
}

TEST_CASE("relu is the larger of the linear result and zero") {
  for_random_convs([](const Conv& conv, std::mt19937&) {
    Conv with_relu = conv;
    with_relu.sizes.activation = CONVC_ACTIVATION_RELU;
    const auto linear = conv.run(), result = with_relu.run();
    for (std::size_t i = 0; i < linear.size(); ++i) {
      REQUIRE(result[i] == (linear[i] > 0 ? linear[i] : 0));
    }
  });
}

TEST_CASE("the magnitude is the convolution of absolute values") {
  for_random_convs([](const Conv& conv, std::mt19937&) {
    Conv absolute = conv;
    for (auto* values : {&absolute.input, &absolute.kernel, &absolute.bias}) {
      for (float& value : *values) value = value < 0 ? -value : value;
    }
    REQUIRE(conv.magnitude() == absolute.run());
  });
}
