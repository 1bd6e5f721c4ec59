// Winograd's algorithm on magnitudes, with magnitudes for transforms, in double.
#include "generators/driver/bounded_winograd.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "generators/driver/winograd_tiles.h"

namespace convc {
namespace {

std::vector<double> magnitudes_of(std::vector<double> numbers) {
  for (double& number : numbers) number = std::fabs(number);
  return numbers;
}

/// |B^T|, |G| and |A^T| of an axis.
struct WinogradAxis {
  explicit WinogradAxis(const WinogradTransform& t)
      : outputs(t.outputs),
        stride(t.stride),
        inputs(t.inputs),
        taps(t.taps),
        input(magnitudes_of(t.input)),
        filter(magnitudes_of(t.filter)),
        output(magnitudes_of(t.output)) {}

  std::int64_t outputs, stride, inputs, taps;
  std::vector<double> input, filter, output;
};

convc_conv with_padding_magnitude(convc_conv conv) {
  conv.padding_value = std::fabs(conv.padding_value);
  return conv;
}

class MagnitudeSums {
 public:
  MagnitudeSums(const convc_conv& conv, const WinogradTransforms& transforms,
                const std::vector<double>& magnitudes)
      : conv_(with_padding_magnitude(conv)),
        transforms_(transforms),
        rows_(transforms.row),
        columns_(transforms.column),
        image_(conv_, magnitudes) {
    convc_reference_output_size(&conv_, out_);
    set_beyond(magnitudes);
  }

  std::vector<double> sums(const std::vector<float>& kernel, const std::vector<float>& bias) {
    transform_filters(kernel);
    std::vector<double> result(
        static_cast<std::size_t>(conv_.batch * out_[0] * out_[1] * out_[2] * conv_.filters));
    for_each_tile(conv_, transforms_, [&](std::int64_t plane, std::int64_t y, std::int64_t x) {
      add_tile(plane, y, x, bias, result);
    });
    return result;
  }

 private:
  /// What tiles may read beyond the padded image: any number of the channel.
  void set_beyond(const std::vector<double>& magnitudes) {
    beyond_.assign(static_cast<std::size_t>(conv_.in_channels), conv_.padding_value);
    for (std::size_t i = 0; i < magnitudes.size(); ++i) {
      double& largest = beyond_[i % beyond_.size()];
      largest = std::max(largest, magnitudes[i]);
    }
  }

  /// filters_ [place][channel of the group][filter].
  void transform_filters(const std::vector<float>& kernel) {
    const std::int64_t row = conv_.in_channels / groups() * conv_.filters;
    filters_.assign(static_cast<std::size_t>(places() * row), 0.0);
    for (std::int64_t u = 0; u < rows_.inputs; ++u) {
      for (std::int64_t v = 0; v < columns_.inputs; ++v) {
        double* place = filters_.data() + (u * columns_.inputs + v) * row;
        for (std::int64_t i = 0; i < rows_.taps; ++i) {
          for (std::int64_t j = 0; j < columns_.taps; ++j) {
            const double factor =
                entry(rows_.filter, rows_.taps, u, i) * entry(columns_.filter, columns_.taps, v, j);
            const float* tap = kernel.data() + (i * columns_.taps + j) * row;
            for (std::int64_t n = 0; n < row; ++n) {
              place[n] += factor * std::fabs(static_cast<double>(tap[n]));
            }
          }
        }
      }
    }
  }

  void add_tile(std::int64_t plane, std::int64_t y, std::int64_t x, const std::vector<float>& bias,
                std::vector<double>& result) {
    const std::vector<double> products = products_of_tile(plane, y, x);
    for (std::int64_t i = 0; i < std::min(rows_.outputs, out_[1] - y); ++i) {
      for (std::int64_t j = 0; j < std::min(columns_.outputs, out_[2] - x); ++j) {
        double* sums =
            result.data() + ((plane * out_[1] + y + i) * out_[2] + x + j) * conv_.filters;
        for (std::int64_t k = 0; k < conv_.filters; ++k) {
          sums[k] = bias.empty() ? 0 : std::fabs(static_cast<double>(bias[std::size_t(k)]));
        }
        for (std::int64_t place = 0; place < places(); ++place) {
          const double factor = entry(rows_.output, rows_.inputs, i, place / columns_.inputs) *
                                entry(columns_.output, columns_.inputs, j, place % columns_.inputs);
          for (std::int64_t k = 0; k < conv_.filters; ++k) {
            sums[k] += factor * products[std::size_t(place * conv_.filters + k)];
          }
        }
      }
    }
  }

  /// [place][filter].
  [[nodiscard]] std::vector<double> products_of_tile(std::int64_t plane, std::int64_t y,
                                                     std::int64_t x) const {
    const std::int64_t channels = conv_.in_channels / groups(), filters = conv_.filters / groups();
    std::vector<double> products(static_cast<std::size_t>(places() * conv_.filters), 0.0);
    std::vector<double> inputs(static_cast<std::size_t>(conv_.in_channels));
    for (std::int64_t place = 0; place < places(); ++place) {
      transform_input(plane, y, x, place, inputs);
      const double* weights = filters_.data() + place * channels * conv_.filters;
      double* sums = products.data() + place * conv_.filters;
      for (std::int64_t c = 0; c < channels; ++c) {
        for (std::int64_t k = 0; k < conv_.filters; ++k) {
          sums[k] +=
              weights[c * conv_.filters + k] * inputs[std::size_t(k / filters * channels + c)];
        }
      }
    }
    return products;
  }

  void transform_input(std::int64_t plane, std::int64_t y, std::int64_t x, std::int64_t place,
                       std::vector<double>& inputs) const {
    std::fill(inputs.begin(), inputs.end(), 0.0);
    for (std::int64_t i = 0; i < rows_.inputs; ++i) {
      for (std::int64_t j = 0; j < columns_.inputs; ++j) {
        const double factor = entry(rows_.input, rows_.inputs, place / columns_.inputs, i) *
                              entry(columns_.input, columns_.inputs, place % columns_.inputs, j);
        if (factor == 0) continue;
        const double* pixel = image_.pixel(plane, y * rows_.stride + i, x * columns_.stride + j);
        const double* from = pixel != nullptr ? pixel : beyond_.data();
        for (std::size_t c = 0; c < inputs.size(); ++c) inputs[c] += factor * from[c];
      }
    }
  }

  [[nodiscard]] std::int64_t places() const { return rows_.inputs * columns_.inputs; }
  [[nodiscard]] std::int64_t groups() const { return groups_of(conv_); }

  const convc_conv conv_;
  const WinogradTransforms transforms_;
  const WinogradAxis rows_, columns_;
  const PaddedImage image_;
  std::int64_t out_[3] = {};
  std::vector<double> beyond_, filters_;
};

}  // namespace

bool winograd_may_compute(const convc_conv& conv, int output_tile) {
  if (conv.transposed != 0 || conv.kernel[0] != 1 || conv.stride[0] != 1) return false;
  bool any = false;
  for (const int axis : {1, 2}) {
    const std::int64_t taps = conv.kernel[axis];
    if (find_winograd_transform(taps, conv.stride[axis], output_tile) == nullptr) return false;
    if (taps > 1 && conv.dilation[axis] != 1) return false;
    any = any || taps > 1;
  }
  return any;
}

WinogradSums winograd_sums(const convc_conv& conv, const std::vector<double>& magnitudes,
                           const std::vector<float>& kernel, const std::vector<float>& bias,
                           int output_tile) {
  const WinogradTransforms transforms = transforms_of(conv, output_tile);
  WinogradSums result;
  result.terms = MagnitudeSums(conv, transforms, magnitudes).sums(kernel, bias);
  result.steps = winograd_rounding_steps(conv.in_channels / groups_of(conv), transforms) + 1;
  return result;
}

}  // namespace convc
