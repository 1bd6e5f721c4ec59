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

/// Rows and products of a point p and of -p are neighbours, p's first: true for `u` of p or -p.
bool is_of_pair(const WinogradTransform& transform, int u) {
  return u >= transform.first_pair && u < transform.first_pair + 2 * transform.pairs;
}

/// The part of row `u` of B^T, of a finite point, with its inputs of even or odd power.
Expr half_of_row(const WinogradTransform& transform, int u, const std::vector<Expr>& d,
                 int parity) {
  Combination half;
  // Highest first: its coefficient is 1.
  for (int i = transform.inputs; i-- > 0;) {
    if (i / transform.stride % 2 != parity) continue;
    half.add(element(transform.input, transform, u, i), d[static_cast<std::size_t>(i)]);
  }
  return half.sum();
}

}  // namespace

std::vector<Expr> transformed_input(const WinogradTransform& transform,
                                    const std::vector<Expr>& d) {
  std::vector<Expr> values;
  while (values.size() < d.size()) {
    const int u = static_cast<int>(values.size());
    if (!is_of_pair(transform, u)) {
      Combination row;
      for (int i = 0; i < transform.inputs; ++i) {
        row.add(element(transform.input, transform, u, i), d[static_cast<std::size_t>(i)]);
      }
      values.push_back(row.sum());
      continue;
    }
    // The row of a point is p times an even polynomial plus an odd one; that of -p differs in the
    // sign of the one without the highest power.
    const int highest = transform.degree() % 2;
    const Expr a = half_of_row(transform, u, d, highest);
    const Expr b = half_of_row(transform, u, d, 1 - highest);
    values.push_back(a + b);
    values.push_back(a - b);
  }
  return values;
}

std::vector<Expr> transformed_output(const WinogradTransform& transform,
                                     const std::vector<Expr>& m) {
  std::vector<Expr> values;
  for (int i = 0; i < transform.outputs; ++i) {
    Combination value;
    for (std::size_t u = 0; u < m.size(); ++u) {
      Expr product = m[u];
      const double coefficient = element(transform.output, transform, i, static_cast<int>(u));
      if (is_of_pair(transform, static_cast<int>(u))) {
        const Expr& of_negative = m[++u];
        product = i % 2 == 0 ? product + of_negative : product - of_negative;
      }
      value.add(coefficient, product);
    }
    values.push_back(value.sum());
  }
  return values;
}

}  // namespace convc
