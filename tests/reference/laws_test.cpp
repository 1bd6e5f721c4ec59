// Laws that hold for every convolution, on random ones. Values are small integers, so sums are
// exact and the laws hold to the last bit.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>

#include "tests/reference/conv.h"

using namespace convc::test;

namespace {

constexpr unsigned kSeed = 20240607;

/// Calls `law(conv, random)` for many random convolutions.
template <class Law>
void for_random_convs(Law law, const Features& features = {}) {
  std::mt19937 random(kSeed);
  for (int i = 0; i < kRandomConvs; ++i) {
    const Conv conv = random_conv(random, features);
    INFO("seed " << kSeed << ", convolution " << i << ": " << describe(conv.sizes));
    law(conv, random);
  }
}

/// The same for both directions.
template <class Law>
void for_both_directions(Law law) {
  for_random_convs(law);
  for_random_convs(law, {false, true});
}

std::size_t index(std::int64_t i) {
  return static_cast<std::size_t>(i);
}

/// The stretch [first, first + count) of an image's channels.
Image channels_of(const Image& image, std::int64_t first, std::int64_t count) {
  Image part({image.shape[0], image.shape[1], image.shape[2], image.shape[3], count});
  part.for_each([&](auto n, auto z, auto y, auto x, auto c, double& value) {
    value = image.at(n, z, y, x, first + c);
  });
  return part;
}

/// Where numpy.pad(mode) takes element `position` of an axis of `size` elements from; -1 for the
/// constant. Written as repeated images of the axis, not as formulas of one border.
std::int64_t padded_from(std::int32_t mode, std::int64_t position, std::int64_t size) {
  if (position >= 0 && position < size) return position;
  switch (mode) {
    case CONVC_PAD_REFLECT: {  // 0 1 2 3 2 1 0 1 ..
      const std::int64_t period = 2 * (size - 1);
      const std::int64_t phase = ((position % period) + period) % period;
      return phase < size ? phase : period - phase;
    }
    case CONVC_PAD_REPLICATE:
      return std::min(std::max<std::int64_t>(position, 0), size - 1);
    case CONVC_PAD_CIRCULAR:
      return ((position % size) + size) % size;
    default:
      return -1;
  }
}

}  // namespace

TEST_CASE("linear in the input") {
  for_both_directions([](const Conv& any, std::mt19937& random) {
    Conv conv = any;
    conv.sizes.padding_value = 0;  // what is not zero at zero is not linear
    Conv without_bias = conv, other = conv, sum = conv;
    without_bias.bias.clear();
    other.bias.clear();
    other.input = small_integers<double>(random, conv.input.size());
    for (std::size_t i = 0; i < sum.input.size(); ++i) {
      sum.input[i] = 3 * conv.input[i] + 2 * other.input[i];
    }
    const auto a = without_bias.run().values, b = other.run().values, c = sum.run().values;
    for (std::size_t i = 0; i < c.size(); ++i) {
      const double bias = conv.bias.empty() ? 0 : double{conv.bias[i % conv.bias.size()]};
      REQUIRE(c[i] == 3 * a[i] + 2 * b[i] + bias);
    }
  });
}

TEST_CASE("linear in the kernel") {
  for_both_directions([](Conv conv, std::mt19937& random) {
    conv.bias.clear();
    Conv other = conv, sum = conv;
    other.kernel = small_integers<float>(random, conv.kernel.size());
    for (std::size_t i = 0; i < sum.kernel.size(); ++i) {
      sum.kernel[i] = conv.kernel[i] - 4 * other.kernel[i];
    }
    const auto a = conv.run().values, b = other.run().values, c = sum.run().values;
    for (std::size_t i = 0; i < c.size(); ++i) REQUIRE(c[i] == a[i] - 4 * b[i]);
  });
}

TEST_CASE("strides subsample the result of stride 1") {
  for_random_convs([](const Conv& conv, std::mt19937&) {
    Conv dense = conv;
    const std::int64_t* s = conv.sizes.stride;
    for (std::int64_t& stride : dense.sizes.stride) stride = 1;
    Image strided = conv.run();
    const Image all = dense.run();
    const auto or_one = [](std::int64_t stride) { return stride == 0 ? 1 : stride; };
    strided.for_each([&](auto n, auto z, auto y, auto x, auto k, double value) {
      REQUIRE(value == all.at(n, z * or_one(s[0]), y * or_one(s[1]), x * or_one(s[2]), k));
    });
  });
}

TEST_CASE("a 1x1 convolution is a matrix product, and so is a transposed one") {
  for_both_directions([](const Conv& any, std::mt19937& random) {
    Conv conv = any;
    convc_conv& s = conv.sizes;
    s.groups = 1;
    for (int a = 0; a < 3; ++a) {
      s.kernel[a] = s.stride[a] = 1;
      s.pad_before[a] = s.pad_after[a] = s.output_padding[a] = 0;
    }
    conv.kernel = small_integers<float>(random, conv.kernel_elements());
    const Image input = conv.input_image();
    Image output = conv.run();
    output.for_each([&](auto n, auto z, auto y, auto x, auto k, double value) {
      double sum = conv.bias.empty() ? 0 : double{conv.bias[index(k)]};
      for (std::int64_t c = 0; c < s.in_channels; ++c) {
        const std::int64_t element = s.transposed != 0 ? k * s.in_channels + c : c * s.filters + k;
        sum += input.at(n, z, y, x, c) * double{conv.kernel[index(element)]};
      }
      REQUIRE(value == sum);
    });
  });
}

TEST_CASE("padding is an explicit border, by numpy.pad's definition") {
  for_random_convs([](const Conv& conv, std::mt19937&) {
    const convc_conv& s = conv.sizes;
    Conv bordered = conv;
    const Image image = conv.input_image();
    auto shape = image.shape;
    for (std::size_t a = 0; a < 3; ++a) {
      shape[a + 1] += s.pad_before[a] + s.pad_after[a];
      bordered.sizes.pad_before[a] = bordered.sizes.pad_after[a] = 0;
    }
    bordered.sizes.padding_mode = CONVC_PAD_ZEROS;
    Image border(shape);
    border.for_each([&](auto n, auto z, auto y, auto x, auto c, double& value) {
      const auto from = [&](std::size_t axis, std::int64_t position) {
        return padded_from(s.padding_mode, position - s.pad_before[axis], image.shape[axis + 1]);
      };
      const std::int64_t a = from(0, z), b = from(1, y), d = from(2, x);
      const bool outside = a < 0 || b < 0 || d < 0;
      const double constant = s.padding_mode == CONVC_PAD_CONSTANT ? s.padding_value : 0;
      value = outside ? constant : image.at(n, a, b, d, c);
    });
    bordered.set_input(border);
    REQUIRE(conv.run() == bordered.run());
  });
}

TEST_CASE("negative padding crops the input") {
  for_random_convs(
      [](const Conv& any, std::mt19937& random) {
        Conv conv = any;
        Conv cropped = any;
        const Image image = conv.input_image();
        auto shape = image.shape;
        std::int64_t first[3] = {};
        for (std::size_t a = 0; a < 3; ++a) {
          first[a] = pick(random, 0, image.shape[a + 1] - 1);
          const std::int64_t rest = image.shape[a + 1] - first[a];
          shape[a + 1] = pick(random, 1, rest);
          conv.sizes.pad_before[a] = -first[a];
          conv.sizes.pad_after[a] = shape[a + 1] - rest;
          cropped.sizes.pad_before[a] = cropped.sizes.pad_after[a] = 0;
          conv.sizes.kernel[a] = cropped.sizes.kernel[a] = 1;
        }
        Image crop(shape);
        crop.for_each([&](auto n, auto z, auto y, auto x, auto c, double& value) {
          value = image.at(n, z + first[0], y + first[1], x + first[2], c);
        });
        cropped.set_input(crop);
        conv.kernel = cropped.kernel = small_integers<float>(random, conv.kernel_elements());
        REQUIRE(conv.run() == cropped.run());
      },
      {false, false});
}

TEST_CASE("dilation is a kernel with zeros between its taps") {
  for_both_directions([](const Conv& conv, std::mt19937&) {
    Conv spread = conv;
    std::int64_t from[3], to[3], dilation[3];
    for (int a = 0; a < 3; ++a) {
      from[a] = std::max<std::int64_t>(conv.sizes.kernel[a], 1);
      dilation[a] = std::max<std::int64_t>(conv.sizes.dilation[a], 1);
      to[a] = spread.sizes.kernel[a] = (from[a] - 1) * dilation[a] + 1;
      spread.sizes.dilation[a] = 1;
    }
    const std::size_t tap_elements =
        conv.kernel.size() / static_cast<std::size_t>(from[0] * from[1] * from[2]);
    spread.kernel.assign(index(to[0] * to[1] * to[2]) * tap_elements, 0);
    std::size_t element = 0;
    for (std::int64_t d = 0; d < from[0]; ++d)
      for (std::int64_t i = 0; i < from[1]; ++i)
        for (std::int64_t j = 0; j < from[2]; ++j) {
          const std::int64_t tap =
              (d * dilation[0] * to[1] + i * dilation[1]) * to[2] + j * dilation[2];
          for (std::size_t e = 0; e < tap_elements; ++e) {
            spread.kernel[index(tap) * tap_elements + e] = conv.kernel[element++];
          }
        }
    REQUIRE(conv.run() == spread.run());
  });
}

TEST_CASE("groups are separate convolutions, concatenated") {
  for_both_directions([](const Conv& conv, std::mt19937&) {
    const convc_conv& s = conv.sizes;
    const std::int64_t channels = s.in_channels / s.groups, filters = s.filters / s.groups;
    const std::int64_t rows = static_cast<std::int64_t>(conv.kernel.size()) / s.filters;
    const Image whole = conv.run();
    for (std::int64_t g = 0; g < s.groups; ++g) {
      Conv part = conv;
      part.sizes.groups = 1;
      part.sizes.filters = filters;
      part.set_input(channels_of(conv.input_image(), g * channels, channels));
      part.kernel.clear();
      // Forward the last axis of the kernel is all filters; transposed all channels.
      const std::int64_t width = s.transposed != 0 ? channels : filters;
      const std::int64_t stride = width * s.groups;
      const std::int64_t count = rows * s.filters / stride;
      for (std::int64_t row = 0; row < count; ++row)
        for (std::int64_t k = 0; k < width; ++k)
          part.kernel.push_back(conv.kernel[index(row * stride + g * width + k)]);
      if (!conv.bias.empty()) {
        part.bias.assign(conv.bias.begin() + g * filters, conv.bias.begin() + (g + 1) * filters);
      }
      REQUIRE(part.run() == channels_of(whole, g * filters, filters));
    }
  });
}

TEST_CASE("a transposed convolution is the adjoint: <conv(x), y> == <x, transposed(y)>") {
  for_random_convs(
      [](const Conv& any, std::mt19937& random) {
        Conv forward = any;
        forward.bias.clear();
        const Image x = forward.input_image(), result = forward.run();
        Image y(result.shape);
        y.values = small_integers<double>(random, y.values.size());
        // The same numbers: forward [kernel..][channels / groups][filters], where filter k of all
        // is the transposed one's input channel.
        Conv back = forward;
        back.sizes.transposed = 1;
        back.sizes.filters = forward.sizes.in_channels;
        back.set_input(y);
        for (std::size_t a = 0; a < 3; ++a) {
          // What the stride drops at the end is the transposed one's output padding.
          const auto or_one = [](std::int64_t size) { return size == 0 ? 1 : size; };
          const std::int64_t reach =
              (or_one(back.sizes.kernel[a]) - 1) * or_one(back.sizes.dilation[a]) + 1;
          const std::int64_t without = (y.shape[a + 1] - 1) * or_one(back.sizes.stride[a]) + reach -
                                       back.sizes.pad_before[a] - back.sizes.pad_after[a];
          back.sizes.output_padding[a] = x.shape[a + 1] - without;
        }
        const Image adjoint = back.run();
        REQUIRE(adjoint.shape == x.shape);
        double left = 0, right = 0;
        for (std::size_t i = 0; i < y.values.size(); ++i) left += result.values[i] * y.values[i];
        for (std::size_t i = 0; i < x.values.size(); ++i) right += x.values[i] * adjoint.values[i];
        REQUIRE(left == right);
      },
      {false, false});
}

TEST_CASE("a batch is separate images, concatenated") {
  for_both_directions([](const Conv& conv, std::mt19937&) {
    const std::vector<double> whole = conv.run().values;
    std::vector<double> parts;
    const auto image = static_cast<std::ptrdiff_t>(conv.input.size()) / conv.sizes.batch;
    for (std::int64_t n = 0; n < conv.sizes.batch; ++n) {
      Conv one = conv;
      one.sizes.batch = 1;
      one.input.assign(conv.input.begin() + n * image, conv.input.begin() + (n + 1) * image);
      const std::vector<double> result = one.run().values;
      parts.insert(parts.end(), result.begin(), result.end());
    }
    REQUIRE(whole == parts);
  });
}

TEST_CASE("the magnitude is the convolution of absolute values") {
  for_both_directions([](const Conv& conv, std::mt19937&) {
    Conv absolute = conv;
    for (double& value : absolute.input) value = std::fabs(value);
    for (auto* values : {&absolute.kernel, &absolute.bias}) {
      for (float& value : *values) value = std::fabs(value);
    }
    absolute.sizes.padding_value = std::fabs(conv.sizes.padding_value);
    REQUIRE(conv.magnitude() == absolute.run().values);
  });
}
