#include "tests/reference/conv.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <memory>
#include <sstream>

#include "tests/support/guarded_buffer.h"

namespace convc::test {
namespace {

struct OutputSize {
  std::int64_t height = 0, width = 0;
};

OutputSize output_size(const convc_conv2d& sizes) {
  OutputSize size;
  INFO(describe(sizes));
  REQUIRE(convc_reference_output_size(&sizes, &size.height, &size.width) == 0);
  return size;
}

/// The values in memory that faults when it is left.
std::unique_ptr<GuardedBuffer> guarded(const std::vector<float>& values) {
  auto buffer = std::make_unique<GuardedBuffer>(values.size());
  std::copy(values.begin(), values.end(), buffer->data());
  return buffer;
}

}  // namespace

std::int64_t Conv::out_height() const {
  return output_size(sizes).height;
}
std::int64_t Conv::out_width() const {
  return output_size(sizes).width;
}

std::size_t Conv::output_elements() const {
  const OutputSize size = output_size(sizes);
  return static_cast<std::size_t>(sizes.batch * size.height * size.width * sizes.filters);
}

std::vector<double> Conv::run() const {
  const auto guarded_input = guarded(input), guarded_kernel = guarded(kernel);
  const auto guarded_bias = guarded(bias);
  std::vector<double> output(output_elements(), -1e300);
  REQUIRE(convc_reference_conv2d(&sizes, guarded_input->data(), guarded_kernel->data(),
                                 bias.empty() ? nullptr : guarded_bias->data(), output.data(),
                                 nullptr) == 0);
  return output;
}

std::vector<double> Conv::magnitude() const {
  std::vector<double> output(output_elements()), result(output_elements(), -1);
  REQUIRE(convc_reference_conv2d(&sizes, input.data(), kernel.data(),
                                 bias.empty() ? nullptr : bias.data(), output.data(),
                                 result.data()) == 0);
  return result;
}

std::int64_t pick(std::mt19937& random, std::int64_t low, std::int64_t high) {
  return std::uniform_int_distribution<std::int64_t>(low, high)(random);
}

std::vector<float> small_integers(std::mt19937& random, std::size_t count) {
  std::vector<float> values(count);
  for (float& value : values) value = static_cast<float>(pick(random, -8, 8));
  return values;
}

Conv random_conv(std::mt19937& random) {
  for (;;) {
    Conv conv;
    convc_conv2d& s = conv.sizes;
    s.groups = pick(random, 1, 3);
    s.batch = pick(random, 1, 2);
    s.in_height = pick(random, 1, 9);
    s.in_width = pick(random, 1, 9);
    s.in_channels = s.groups * pick(random, 1, 3);
    s.filters = s.groups * pick(random, 1, 3);
    s.kernel_height = pick(random, 1, 4);
    s.kernel_width = pick(random, 1, 4);
    s.stride_height = pick(random, 1, 3);
    s.stride_width = pick(random, 1, 3);
    s.dilation_height = pick(random, 1, 3);
    s.dilation_width = pick(random, 1, 3);
    s.pad_top = pick(random, 0, 3);
    s.pad_bottom = pick(random, 0, 3);
    s.pad_left = pick(random, 0, 3);
    s.pad_right = pick(random, 0, 3);
    std::int64_t height = 0, width = 0;
    if (convc_reference_output_size(&s, &height, &width) != 0) continue;  // the filter is too large
    const auto elements = [](std::int64_t count) { return static_cast<std::size_t>(count); };
    conv.input =
        small_integers(random, elements(s.batch * s.in_height * s.in_width * s.in_channels));
    conv.kernel = small_integers(random, elements(s.kernel_height * s.kernel_width *
                                                  (s.in_channels / s.groups) * s.filters));
    if (pick(random, 0, 1) == 1) conv.bias = small_integers(random, elements(s.filters));
    return conv;
  }
}

std::string describe(const convc_conv2d& s) {
  std::ostringstream text;
  text << "batch " << s.batch << " in " << s.in_height << "x" << s.in_width << "x" << s.in_channels
       << " filters " << s.filters << " of " << s.kernel_height << "x" << s.kernel_width
       << " strides " << s.stride_height << "," << s.stride_width << " dilation "
       << s.dilation_height << "," << s.dilation_width << " padding " << s.pad_top << ","
       << s.pad_bottom << "," << s.pad_left << "," << s.pad_right << " groups " << s.groups;
  return text.str();
}

}  // namespace convc::test
