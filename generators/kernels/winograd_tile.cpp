// Linear combinations with constant coefficients.
#include "generators/kernels/winograd_tile.h"

#include <cstddef>
#include <utility>

namespace convc {
namespace {

using Halide::Expr;

/// A sum that grows term by term; 0 without terms.
class Combination {
 public:
  void add(double coefficient, const Expr& value) {
    if (coefficient == 0) return;
    if (!sum_.defined()) {
      sum_ = coefficient == 1 ? value : value * static_cast<float>(coefficient);
    } else if (coefficient == 1) {
      sum_ = sum_ + value;
    } else if (coefficient == -1) {
      sum_ = sum_ - value;
    } else {
      sum_ = sum_ + value * static_cast<float>(coefficient);
    }
  }
  [[nodiscard]] Expr sum() const { return sum_.defined() ? sum_ : Expr(0.0F); }

 private:
  Expr sum_;
};

/// Element (row, column) of B^T or A^T.
double element(const std::vector<double>& matrix, const WinogradTransform& transform, int row,
               int column) {
  return matrix[static_cast<std::size_t>(row) * static_cast<std::size_t>(transform.inputs) +
                static_cast<std::size_t>(column)];
}

/// The part of row `u` of B^T with even or odd powers of the point.
Expr half_of_row(const WinogradTransform& transform, int u, const std::vector<Expr>& d,
                 int parity) {
  Combination half;
  // Highest first: its coefficient is 1.
  for (int i = transform.inputs; i-- > 0;) {
    if (i % 2 != parity) continue;
    half.add(element(transform.input, transform, u, i), d[static_cast<std::size_t>(i)]);
  }
  return half.sum();
}

}  // namespace

std::vector<Expr> transformed_input(const WinogradTransform& transform,
                                    const std::vector<Expr>& d) {
  std::vector<Expr> values;
  auto plain_row = [&](int u) {
    Combination row;
    for (int i = 0; i < transform.inputs; ++i) {
      row.add(element(transform.input, transform, u, i), d[static_cast<std::size_t>(i)]);
    }
    values.push_back(row.sum());
  };
  plain_row(0);
  for (int pair = 0; pair < transform.pairs; ++pair) {
    // The row of a point is p times an even polynomial plus an odd one; that of -p differs in the
    // sign of one of them, of which the highest power is even for p.
    const int u = 1 + 2 * pair;
    const int even = (transform.inputs - 2) % 2;
    const Expr a = half_of_row(transform, u, d, even), b = half_of_row(transform, u, d, 1 - even);
    values.push_back(a + b);
    values.push_back(a - b);
  }
  if (transform.inputs > 1) plain_row(transform.inputs - 1);
  return values;
}

std::vector<Expr> transformed_output(const WinogradTransform& transform,
                                     const std::vector<Expr>& m) {
  std::vector<Expr> sums, differences;
  for (std::size_t u = 1; sums.size() < static_cast<std::size_t>(transform.pairs); u += 2) {
    sums.push_back(m[u] + m[u + 1]);
    differences.push_back(m[u] - m[u + 1]);
  }
  std::vector<Expr> values;
  for (int i = 0; i < transform.outputs; ++i) {
    const auto coefficient = [&](std::size_t u) {
      return element(transform.output, transform, i, static_cast<int>(u));
    };
    Combination value;
    value.add(coefficient(0), m[0]);
    for (std::size_t pair = 0; pair < sums.size(); ++pair) {
      value.add(coefficient(1 + 2 * pair), i % 2 == 0 ? sums[pair] : differences[pair]);
    }
    if (m.size() > 1) value.add(coefficient(m.size() - 1), m.back());
    values.push_back(value.sum());
  }
  return values;
}

}  // namespace convc
