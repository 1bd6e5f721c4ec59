// Toom-Cook's transforms and their errors.
#include "generators/plan/winograd.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <map>
#include <sstream>

namespace convc {
namespace {

constexpr int kTaps = 3;

/// The finite points: 0, then pairs.
std::vector<double> points_of(int output_tile) {
  if (output_tile == 2) return {0, 1, -1};
  if (output_tile == 4) return {0, 0.5, -0.5, 2, -2};
  return {0, 1, -1, 0.5, -0.5, 2, -2};
}

/// Coefficients, lowest first, of the product of (x - point) over all points but number `left_out`.
std::vector<double> polynomial(const std::vector<double>& points, std::size_t left_out) {
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

/// Products of differences of points have the odd factors 3 and 5; 3 twice with seven points.
int odd_denominator(int output_tile) {
  return output_tile == 2 ? 1 : output_tile == 4 ? 3 * 5 : 9 * 5;
}

WinogradTransform make_transform(int output_tile) {
  const std::vector<double> points = points_of(output_tile);
  WinogradTransform t;
  t.outputs = output_tile;
  t.taps = kTaps;
  t.inputs = output_tile + kTaps - 1;
  t.denominator = odd_denominator(output_tile);
  t.pairs = output_tile / 2;
  const auto n = static_cast<std::size_t>(t.inputs);
  for (std::size_t u = 0; u < points.size(); ++u) {
    double norm = 1;
    for (std::size_t v = 0; v < points.size(); ++v) {
      if (v != u) norm *= points[u] - points[v];
    }
    std::vector<double> row = polynomial(points, u);
    row.resize(n, 0.0);
    t.input.insert(t.input.end(), row.begin(), row.end());
    for (int k = 0; k < kTaps; ++k) t.filter.push_back(std::pow(points[u], k) / norm);
  }
  const std::vector<double> at_infinity = polynomial(points, points.size());
  t.input.insert(t.input.end(), at_infinity.begin(), at_infinity.end());
  t.filter.insert(t.filter.end(), {0, 0, 1});
  for (int i = 0; i < t.outputs; ++i) {
    for (const double point : points) t.output.push_back(std::pow(point, i));
    t.output.push_back(i + 1 == t.outputs ? 1 : 0);
  }
  return t;
}

}  // namespace

const WinogradTransform& winograd_transform(std::int64_t taps, int output_tile) {
  static const WinogradTransform identity = {1, 1, 1, {1}, {1}, {1}, 1, 0};
  static const std::map<int, WinogradTransform> transforms = {
      {2, make_transform(2)}, {4, make_transform(4)}, {6, make_transform(6)}};
  return taps == 1 ? identity : transforms.at(output_tile);
}

WinogradTransforms winograd_transforms(const LayerSpec& layer, int output_tile) {
  return {winograd_transform(layer.kernel_size.height, output_tile),
          winograd_transform(layer.kernel_size.width, output_tile)};
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

double winograd_relative_rms(int output_tile) {
  constexpr double kOf2 = 0.6, kOf4 = 2.4, kOf6 = 7.3;
  return output_tile == 2 ? kOf2 : output_tile == 4 ? kOf4 : kOf6;
}

bool fast_admits_winograd(const LayerSpec& layer, int output_tile) {
  constexpr double kMostBound = 100, kMostRms = 20;
  return winograd_relative_bound(layer, output_tile) <= kMostBound &&
         winograd_relative_rms(output_tile) <= kMostRms;
}

std::string winograd_error_text(const LayerSpec& layer, int output_tile) {
  std::ostringstream text;
  text.precision(2);
  text << "error bound " << winograd_relative_bound(layer, output_tile)
       << " times direct's, typical errors " << winograd_relative_rms(output_tile) << " times";
  return text.str();
}

}  // namespace convc
