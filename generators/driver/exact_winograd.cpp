// Winograd's algorithm in double, stage by stage, with the units of each number.
#include "generators/driver/exact_winograd.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "generators/driver/bounded.h"
#include "generators/driver/winograd_tiles.h"

namespace convc {
namespace {

/// A number that is made by adding multiples of a unit.
struct Exact {
  double value = 0, terms = 0, unit = kInfinity;

  void add(double term, double term_unit) {
    value += term;
    terms += std::fabs(term);
    if (term != 0) unit = std::min(unit, term_unit);
  }
  [[nodiscard]] bool is_rounded() const { return terms > kExactUnits * unit; }
};

/// Entry (u, k) of G times its odd denominator: a multiple of 1/2.
double scaled_filter_entry(const WinogradTransform& t, std::int64_t u, std::int64_t k) {
  return scaled_entry(t.filter, t.taps, u, k, t.denominator);
}

class ExactSums {
 public:
  ExactSums(const convc_conv& conv, const std::vector<double>& input,
            const WinogradTransforms& transforms)
      : conv_(conv),
        rows_(transforms.row),
        columns_(transforms.column),
        image_(conv, input),
        channels_(conv.in_channels / groups_of(conv)) {
    convc_reference_output_size(&conv, out_);
    const auto weights = static_cast<std::size_t>(places() * channels_ * conv.filters);
    weights_.resize(weights);
    weight_units_.resize(weights);
  }

  /// False when a weight is rounded.
  bool transform(const std::vector<float>& kernel) {
    const std::int64_t row = channels_ * conv_.filters;
    const bool rounds_factors = denominators() > 1;
    for (std::int64_t place = 0; place < places(); ++place) {
      for (std::int64_t n = 0; n < row; ++n) {
        const Exact weight = transformed_weight(kernel, place, n, row);
        // Packing adds doubles whose factors are rounded: what cancels leaves a rest of them.
        const bool cancels =
            rounds_factors && weight.terms > 0 && std::fabs(weight.value) < 0x1p-20 * weight.terms;
        if (weight.unit == 0 || cancels || !is_float(weight.value)) return false;
        const auto at = static_cast<std::size_t>(place * row + n);
        weights_[at] = weight.value;
        weight_units_[at] = granularity(weight.value);
      }
    }
    return true;
  }

  ExactTerms terms(const std::vector<float>& bias) {
    ExactTerms result;
    const auto count =
        static_cast<std::size_t>(conv_.batch * out_[0] * out_[1] * out_[2] * conv_.filters);
    result.terms.resize(count);
    result.units.resize(count);
    for_each_tile(conv_, {rows_, columns_},
                  [&](std::int64_t plane, std::int64_t y, std::int64_t x) {
                    add_tile(plane, y, x, bias, result);
                  });
    return result;
  }

 private:
  [[nodiscard]] std::int64_t places() const { return std::int64_t{rows_.inputs} * columns_.inputs; }

  [[nodiscard]] double denominators() const {
    return static_cast<double>(rows_.denominator) * columns_.denominator;
  }

  /// Number `n` of [channel][filter] at a place. The unit is 0 where a tap is no multiple of the
  /// denominators.
  [[nodiscard]] Exact transformed_weight(const std::vector<float>& kernel, std::int64_t place,
                                         std::int64_t n, std::int64_t row) const {
    Exact weight;
    for (std::int64_t i = 0; i < rows_.taps; ++i) {
      for (std::int64_t j = 0; j < columns_.taps; ++j) {
        const auto tap = static_cast<double>(
            kernel[static_cast<std::size_t>((i * columns_.taps + j) * row + n)]);
        if (tap == 0) continue;
        const double multiple = tap / denominators();
        const double factor = scaled_filter_entry(rows_, place / columns_.inputs, i) *
                              scaled_filter_entry(columns_, place % columns_.inputs, j);
        const bool divides = multiple * denominators() == tap && is_float(multiple);
        weight.add(factor * multiple, divides ? granularity(factor * multiple) : 0);
      }
    }
    return weight;
  }

  /// Transformed inputs of one place, all channels. False when one is rounded, or unknown.
  bool transform_input(std::int64_t plane, std::int64_t y, std::int64_t x, std::int64_t place,
                       std::vector<Exact>& inputs) const {
    std::fill(inputs.begin(), inputs.end(), Exact());
    for (std::int64_t i = 0; i < rows_.inputs; ++i) {
      for (std::int64_t j = 0; j < columns_.inputs; ++j) {
        const double factor = entry(rows_.input, rows_.inputs, place / columns_.inputs, i) *
                              entry(columns_.input, columns_.inputs, place % columns_.inputs, j);
        if (factor == 0) continue;
        const double* pixel = image_.pixel(plane, y * rows_.stride + i, x * columns_.stride + j);
        if (pixel == nullptr && !continues_with_a_constant()) return false;
        for (std::size_t c = 0; c < inputs.size(); ++c) {
          const double number = pixel != nullptr ? pixel[c] : constant();
          inputs[c].add(factor * number, granularity(factor * number));
        }
      }
    }
    for (Exact& number : inputs) {
      if (number.is_rounded()) return false;
      number.unit = granularity(number.value);
    }
    return true;
  }

  /// What tiles read beyond the padding is more of it; of copies of pixels nothing is said.
  [[nodiscard]] bool continues_with_a_constant() const {
    return conv_.padding_mode == CONVC_PAD_ZEROS || conv_.padding_mode == CONVC_PAD_CONSTANT;
  }
  [[nodiscard]] double constant() const {
    return conv_.padding_mode == CONVC_PAD_CONSTANT ? conv_.padding_value : 0;
  }

  /// Sums of products [place][filter], whose units are 0 where they are rounded.
  [[nodiscard]] std::vector<Exact> products_of_tile(std::int64_t plane, std::int64_t y,
                                                    std::int64_t x) const {
    const std::int64_t filters = conv_.filters / groups_of(conv_);
    std::vector<Exact> products(static_cast<std::size_t>(places() * conv_.filters));
    std::vector<Exact> inputs(static_cast<std::size_t>(conv_.in_channels));
    for (std::int64_t place = 0; place < places(); ++place) {
      const bool is_known = transform_input(plane, y, x, place, inputs);
      Exact* sums = products.data() + place * conv_.filters;
      for (std::int64_t c = 0; c < channels_; ++c) {
        for (std::int64_t k = 0; k < conv_.filters; ++k) {
          const auto at = static_cast<std::size_t>((place * channels_ + c) * conv_.filters + k);
          const Exact& number = inputs[static_cast<std::size_t>(k / filters * channels_ + c)];
          if (weights_[at] == 0 || number.value == 0) continue;
          sums[k].add(weights_[at] * number.value, weight_units_[at] * number.unit);
        }
      }
      for (std::int64_t k = 0; k < conv_.filters; ++k) {
        sums[k].unit = is_known && !sums[k].is_rounded() ? granularity(sums[k].value) : 0;
      }
    }
    return products;
  }

  void add_tile(std::int64_t plane, std::int64_t y, std::int64_t x, const std::vector<float>& bias,
                ExactTerms& result) const {
    const std::vector<Exact> products = products_of_tile(plane, y, x);
    for (std::int64_t i = 0; i < std::min<std::int64_t>(rows_.outputs, out_[1] - y); ++i) {
      for (std::int64_t j = 0; j < std::min<std::int64_t>(columns_.outputs, out_[2] - x); ++j) {
        const std::int64_t pixel = (plane * out_[1] + y + i) * out_[2] + x + j;
        for (std::int64_t k = 0; k < conv_.filters; ++k) {
          Exact sum = output_of(products, i, j, k);
          if (!bias.empty()) {
            const auto number = static_cast<double>(bias[static_cast<std::size_t>(k)]);
            sum.add(number, granularity(number));
          }
          const auto at = static_cast<std::size_t>(pixel * conv_.filters + k);
          result.terms[at] = sum.terms;
          result.units[at] = sum.unit;
        }
      }
    }
  }

  /// Output (i, j) of a tile. Entries of A are powers of two.
  [[nodiscard]] Exact output_of(const std::vector<Exact>& products, std::int64_t i, std::int64_t j,
                                std::int64_t k) const {
    Exact sum;
    for (std::int64_t place = 0; place < places(); ++place) {
      const Exact& product = products[static_cast<std::size_t>(place * conv_.filters + k)];
      const double factor = entry(rows_.output, rows_.inputs, i, place / columns_.inputs) *
                            entry(columns_.output, columns_.inputs, j, place % columns_.inputs);
      if (factor == 0) continue;
      sum.add(factor * product.value, std::fabs(factor) * product.unit);
      if (product.unit == 0) sum.unit = 0;
    }
    return sum;
  }

  const convc_conv& conv_;
  const WinogradTransform &rows_, &columns_;
  const PaddedImage image_;
  const std::int64_t channels_;  ///< of a group
  std::int64_t out_[3] = {};
  std::vector<double> weights_, weight_units_;  ///< [place][channel of the group][filter]
};

}  // namespace

ExactTerms winograd_exact_terms(const convc_conv& conv, const std::vector<double>& input,
                                const std::vector<float>& kernel, const std::vector<float>& bias,
                                int output_tile) {
  ExactSums sums(conv, input, transforms_of(conv, output_tile));
  return sums.transform(kernel) ? sums.terms(bias) : ExactTerms();
}

}  // namespace convc
