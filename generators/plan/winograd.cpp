// Toom-Cook's transforms and their errors.
#include "generators/plan/winograd.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <sstream>

namespace convc {
namespace {

using Points = std::vector<double>;

/// Coefficients, lowest first, of the product of (x - point) over all points but number `left_out`.
std::vector<double> polynomial(const Points& points, std::size_t left_out) {
  std::vector<double> coefficients = {1};
  for (std::size_t i = 0; i < points.size(); ++i) {
    if (i == left_out) continue;
    coefficients.push_back(0);
    for (std::size_t j = coefficients.size(); j-- > 0;) {
      coefficients[j] = (j == 0 ? 0 : coefficients[j - 1]) - points[i] * coefficients[j];
    }
  }
  return coefficients;
}

double magnitude_sum(const double* numbers, int count) {
  double sum = 0;
  for (int i = 0; i < count; ++i) sum += std::fabs(numbers[i]);
  return sum;
}

int nonzeros(const double* numbers, int count) {
  return static_cast<int>(
      std::count_if(numbers, numbers + count, [](double number) { return number != 0; }));
}

/// The most terms of a row.
int longest_row(const std::vector<double>& matrix, int rows, int columns) {
  int longest = 0;
  for (int i = 0; i < rows; ++i) {
    longest = std::max(longest, nonzeros(matrix.data() + std::size_t(i) * columns, columns));
  }
  return longest;
}

/// The largest sum of magnitudes that ones in all places make of an output.
double amplification(const WinogradTransform& t) {
  double largest = 0;
  for (int i = 0; i < t.outputs; ++i) {
    double sum = 0;
    for (int u = 0; u < t.inputs; ++u) {
      sum += std::fabs(t.output[std::size_t(i) * t.inputs + u]) *
             magnitude_sum(t.filter.data() + std::size_t(u) * t.taps, t.taps) *
             magnitude_sum(t.input.data() + std::size_t(u) * t.inputs, t.inputs);
    }
    largest = std::max(largest, sum / t.taps);
  }
  return largest;
}

/// Products of differences of the points 1/2 and 2 have the odd factors 3 and 5; 3 twice with 1.
int odd_denominator(const Points& points) {
  const auto has = [&points](double p) { return std::count(points.begin(), points.end(), p) != 0; };
  if (!has(2)) return 1;
  return has(1) ? 9 * 5 : 3 * 5;
}

/// F(outputs, taps) with a stride of 1, at the finite `points`, as many as outputs and taps less 2,
/// and infinity. Pairs come last among the points.
WinogradTransform toom_cook(int outputs, int taps, const Points& points) {
  WinogradTransform t;
  t.outputs = outputs;
  t.taps = taps;
  t.inputs = outputs + taps - 1;
  t.denominator = odd_denominator(points);
  t.pairs =
      static_cast<int>(std::count_if(points.begin(), points.end(), [](double p) { return p < 0; }));
  t.first_pair = static_cast<int>(points.size()) - 2 * t.pairs;
  const auto n = static_cast<std::size_t>(t.inputs);
  for (std::size_t u = 0; u < points.size(); ++u) {
    double norm = 1;
    for (std::size_t v = 0; v < points.size(); ++v) {
      if (v != u) norm *= points[u] - points[v];
    }
    std::vector<double> row = polynomial(points, u);
    row.resize(n, 0.0);
    t.input.insert(t.input.end(), row.begin(), row.end());
    for (int k = 0; k < taps; ++k) t.filter.push_back(std::pow(points[u], k) / norm);
  }
  const std::vector<double> at_infinity = polynomial(points, points.size());
  t.input.insert(t.input.end(), at_infinity.begin(), at_infinity.end());
  for (int k = 0; k < taps; ++k) t.filter.push_back(k + 1 == taps ? 1 : 0);
  for (int i = 0; i < t.outputs; ++i) {
    for (const double point : points) t.output.push_back(std::pow(point, i));
    t.output.push_back(i + 1 == t.outputs ? 1 : 0);
  }
  return t;
}

/// 3 taps with a stride of 2, from the F(outputs, 2) of the outer two.
WinogradTransform with_stride_2(const WinogradTransform& outer) {
  constexpr int kTaps = 3;
  WinogradTransform t = outer;
  t.taps = kTaps;
  t.stride = 2;
  t.inputs = (outer.outputs - 1) * t.stride + kTaps;
  const auto n = static_cast<std::size_t>(t.inputs), m = static_cast<std::size_t>(outer.outputs);
  const auto even = static_cast<std::size_t>(outer.inputs);
  t.input.assign(n * n, 0.0);
  t.filter.assign(n * kTaps, 0.0);
  t.output.assign(m * n, 0.0);
  for (std::size_t u = 0; u < even; ++u) {
    for (std::size_t i = 0; i < even; ++i) t.input[u * n + 2 * i] = outer.input[u * even + i];
    for (std::size_t k = 0; k < 2; ++k) t.filter[u * kTaps + 2 * k] = outer.filter[u * 2 + k];
    for (std::size_t i = 0; i < m; ++i) t.output[i * n + u] = outer.output[i * even + u];
  }
  for (std::size_t i = 0; i < m; ++i) {
    const std::size_t u = even + i;
    t.input[u * n + 2 * i + 1] = t.filter[u * kTaps + 1] = t.output[i * n + u] = 1;
  }
  return t;
}

/// With the root mean square of its errors (WinogradTransform::relative_rms).
WinogradTransform measured(WinogradTransform t, double relative_rms) {
  t.relative_rms = relative_rms;
  return t;
}

/// All forms but that of one tap.
const std::vector<WinogradTransform>& forms() {
  static const Points of_6_inputs = {0, 0.5, -0.5, 2, -2};
  static const Points of_8_inputs = {0, 1, -1, 0.5, -0.5, 2, -2};
  static const std::vector<WinogradTransform> all = {
      measured(toom_cook(2, 3, {0, 1, -1}), 0.6),
      measured(toom_cook(4, 3, of_6_inputs), 2.4),
      measured(toom_cook(6, 3, of_8_inputs), 7.3),
      measured(toom_cook(2, 5, of_6_inputs), 1.5),
      measured(toom_cook(4, 5, of_8_inputs), 6.0),
      measured(toom_cook(2, 7, of_8_inputs), 4.2),
      measured(with_stride_2(toom_cook(2, 2, {0, 1})), 0.5),
      measured(with_stride_2(toom_cook(4, 2, {0.5, -0.5, 2, -2})), 1.4),
  };
  return all;
}

}  // namespace

const WinogradTransform* find_winograd_transform(std::int64_t taps, std::int64_t stride,
                                                 int output_tile) {
  static const WinogradTransform identity = {1, 1, 1, 1, {1}, {1}, {1}, 1, 0, 0, 0};
  if (taps == 1) return stride == 1 ? &identity : nullptr;
  for (const WinogradTransform& form : forms()) {
    if (form.taps == taps && form.stride == stride && form.outputs == output_tile) return &form;
  }
  return nullptr;
}

bool has_winograd_transforms(const LayerSpec& layer, int output_tile) {
  return find_winograd_transform(layer.kernel_size.height, layer.strides.height, output_tile) !=
             nullptr &&
         find_winograd_transform(layer.kernel_size.width, layer.strides.width, output_tile) !=
             nullptr;
}

WinogradTransforms winograd_transforms(const LayerSpec& layer, int output_tile) {
  return {*find_winograd_transform(layer.kernel_size.height, layer.strides.height, output_tile),
          *find_winograd_transform(layer.kernel_size.width, layer.strides.width, output_tile)};
}

std::int64_t winograd_rounding_steps(std::int64_t channels, const WinogradTransforms& transforms) {
  std::int64_t steps = channels + 1;
  for (const WinogradTransform* t : {&transforms.row, &transforms.column}) {
    if (t->inputs == 1) continue;
    steps +=
        longest_row(t->input, t->inputs, t->inputs) + longest_row(t->output, t->outputs, t->inputs);
  }
  return steps;
}

double winograd_amplification(const LayerSpec& layer, int output_tile) {
  const WinogradTransforms transforms = winograd_transforms(layer, output_tile);
  return amplification(transforms.row) * amplification(transforms.column);
}

double winograd_relative_bound(const LayerSpec& layer, int output_tile) {
  const std::int64_t steps =
      winograd_rounding_steps(layer.channels_per_group(), winograd_transforms(layer, output_tile));
  const auto direct = static_cast<double>(layer.taps() * layer.channels_per_group() + 1);
  return winograd_amplification(layer, output_tile) * static_cast<double>(steps + 1) / direct;
}

double winograd_relative_rms(const LayerSpec& layer, int output_tile) {
  const WinogradTransforms transforms = winograd_transforms(layer, output_tile);
  return std::max(transforms.row.relative_rms, transforms.column.relative_rms);
}

bool fast_admits_winograd(const LayerSpec& layer, int output_tile) {
  constexpr double kMostBound = 100, kMostRms = 20;
  return winograd_relative_bound(layer, output_tile) <= kMostBound &&
         winograd_relative_rms(layer, output_tile) <= kMostRms;
}

std::string winograd_error_text(const LayerSpec& layer, int output_tile) {
  std::ostringstream text;
  text.precision(2);
  text << "error bound " << winograd_relative_bound(layer, output_tile)
       << " times direct's, typical errors " << winograd_relative_rms(layer, output_tile)
       << " times";
  return text.str();
}

}  // namespace convc
