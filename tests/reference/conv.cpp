#include "tests/reference/conv.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <functional>
#include <memory>
#include <numeric>
#include <sstream>

#include "tests/support/guarded_buffer.h"

namespace convc::test {
namespace {

std::int64_t or_one(std::int64_t value) {
  return value == 0 ? 1 : value;
}

/// The values in memory that faults when it is left.
template <class T>
std::unique_ptr<GuardedArray<T>> guarded(const std::vector<T>& values) {
  auto buffer = std::make_unique<GuardedArray<T>>(values.size());
  std::copy(values.begin(), values.end(), buffer->data());
  return buffer;
}

std::size_t product(const std::array<std::int64_t, 5>& shape) {
  return static_cast<std::size_t>(
      std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies<>()));
}

}  // namespace

Image::Image(const std::array<std::int64_t, 5>& sizes)
    : shape(sizes), values(product(sizes), 0.0) {}

double& Image::at(std::int64_t n, std::int64_t z, std::int64_t y, std::int64_t x, std::int64_t c) {
  return values.at(static_cast<std::size_t>(
      (((n * shape[1] + z) * shape[2] + y) * shape[3] + x) * shape[4] + c));
}
double Image::at(std::int64_t n, std::int64_t z, std::int64_t y, std::int64_t x,
                 std::int64_t c) const {
  return const_cast<Image*>(this)->at(n, z, y, x, c);
}

std::array<std::int64_t, 5> Conv::in_shape() const {
  return {or_one(sizes.batch), or_one(sizes.in[0]), or_one(sizes.in[1]), or_one(sizes.in[2]),
          or_one(sizes.in_channels)};
}

std::array<std::int64_t, 5> Conv::out_shape() const {
  std::int64_t out[3] = {};
  INFO(describe(sizes));
  REQUIRE(convc_reference_output_size(&sizes, out) == 0);
  return {or_one(sizes.batch), out[0], out[1], out[2], or_one(sizes.filters)};
}

std::size_t Conv::kernel_elements() const {
  return product({or_one(sizes.kernel[0]), or_one(sizes.kernel[1]), or_one(sizes.kernel[2]),
                  or_one(sizes.in_channels) / or_one(sizes.groups), or_one(sizes.filters)});
}

Image Conv::run() const {
  const auto guarded_input = guarded(input);
  const auto guarded_kernel = guarded(kernel), guarded_bias = guarded(bias);
  Image output(out_shape());
  const auto guarded_output = guarded(output.values);
  REQUIRE(input.size() == product(in_shape()));
  REQUIRE(kernel.size() == kernel_elements());
  REQUIRE(convc_reference_conv(&sizes, guarded_input->data(), guarded_kernel->data(),
                               bias.empty() ? nullptr : guarded_bias->data(),
                               guarded_output->data(), nullptr) == 0);
  output.values.assign(guarded_output->span().begin(), guarded_output->span().end());
  return output;
}

std::vector<double> Conv::magnitude() const {
  std::vector<double> output(product(out_shape())), result(output.size(), -1);
  REQUIRE(convc_reference_conv(&sizes, input.data(), kernel.data(),
                               bias.empty() ? nullptr : bias.data(), output.data(),
                               result.data()) == 0);
  return result;
}

void Conv::set_input(const Image& image) {
  sizes.batch = image.shape[0];
  std::copy(image.shape.begin() + 1, image.shape.begin() + 4, sizes.in);
  sizes.in_channels = image.shape[4];
  input = image.values;
}

Image Conv::input_image() const {
  Image image(in_shape());
  image.values = input;
  return image;
}

std::int64_t pick(std::mt19937& random, std::int64_t low, std::int64_t high) {
  return std::uniform_int_distribution<std::int64_t>(low, high)(random);
}

Conv random_conv(std::mt19937& random, const Features& features) {
  for (;;) {
    Conv conv;
    convc_conv& s = conv.sizes;
    s.groups = pick(random, 1, 3);
    s.batch = pick(random, 1, 2);
    s.in_channels = s.groups * pick(random, 1, 3);
    s.filters = s.groups * pick(random, 1, 3);
    s.transposed = features.transposed ? 1 : 0;
    if (features.padding_modes && !features.transposed) {
      s.padding_mode = static_cast<std::int32_t>(pick(random, CONVC_PAD_ZEROS, CONVC_PAD_CIRCULAR));
      s.padding_value = static_cast<double>(pick(random, -8, 8));
    }
    const std::int64_t rank = pick(random, 1, 3);
    for (std::int64_t axis = 3 - rank; axis < 3; ++axis) {
      s.in[axis] = pick(random, 1, rank == 3 ? 5 : 7);
      s.kernel[axis] = pick(random, 1, 4);
      s.stride[axis] = pick(random, 1, 3);
      s.dilation[axis] = pick(random, 1, 3);
      s.pad_before[axis] = pick(random, 0, 3);
      s.pad_after[axis] = pick(random, 0, 3);
      if (features.transposed) s.output_padding[axis] = pick(random, 0, 2);
    }
    std::int64_t out[3] = {};
    if (convc_reference_output_size(&s, out) != 0) continue;  // the filter or padding is too large
    conv.input = small_integers<double>(random, product(conv.in_shape()));
    conv.kernel = small_integers<float>(random, conv.kernel_elements());
    if (pick(random, 0, 1) == 1)
      conv.bias = small_integers<float>(random, static_cast<std::size_t>(s.filters));
    return conv;
  }
}

std::string describe(const convc_conv& s) {
  std::ostringstream text;
  const auto list = [&text](const char* name, const std::int64_t* values) {
    text << " " << name << " " << values[0] << "," << values[1] << "," << values[2];
  };
  text << (s.transposed != 0 ? "transposed, " : "") << "batch " << s.batch << " channels "
       << s.in_channels << " filters " << s.filters << " groups " << s.groups << " mode "
       << s.padding_mode;
  list("in", s.in);
  list("kernel", s.kernel);
  list("stride", s.stride);
  list("dilation", s.dilation);
  list("before", s.pad_before);
  list("after", s.pad_after);
  list("output_padding", s.output_padding);
  return text.str();
}

}  // namespace convc::test
