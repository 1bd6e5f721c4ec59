// Vectors of every n-th element of a row, for kernels whose vectors run over columns: dense loads
// that neighbouring taps share, and a shuffle. Halide writes strided loads as shuffles only in
// their natural order, which costs AVX a second shuffle for each, and next to a border it gathers.
#pragma once

#include <Halide.h>

namespace convc {

/// One instruction shuffles any lanes of two vectors, and a store with a mask costs no more than
/// one without.
bool shuffles_all_lanes(const Halide::Target& target);

/// `value`, a load. Of a vector of `stride` columns apart: dense loads and a shuffle. The lanes are
/// in an order of this room's own: all that is computed with them must be, until `in_order`.
Halide::Expr strided(const Halide::Expr& value);

/// Where an element lies in a plane of an image, whose rows follow one another in memory.
struct PlaneElement {
  Halide::Expr column, columns, row, rows;
  Halide::Expr end;  ///< lanes of columns from here on count for nothing
};

/// The same of an element that exists where 0 <= column < columns: `outside` elsewhere, and what is
/// read there is another row of the image, if anything.
Halide::Expr strided(const Halide::Expr& value, const PlaneElement& at,
                     const Halide::Expr& outside);

/// `even` in the lanes of even columns, else `odd`. Vectors begin at even columns.
Halide::Expr alternating(const Halide::Expr& column, const Halide::Expr& even,
                         const Halide::Expr& odd);

struct Lanes {
  int first = 0, last = 0;
};

/// Pairs of lanes added, plus the first of each two `singles`; what is added is zero in other lanes
/// than the given. `pairs` and `singles`: loads of every second element. In the order of columns.
Halide::Expr pair_sums(const Halide::Expr& pairs, const Lanes& of_pairs);
Halide::Expr pair_sums(const Halide::Expr& pairs, const Lanes& of_pairs,
                       const Halide::Expr& singles, const Lanes& of_singles);

/// `value`, computed of `strided` ones, with its lanes in the order of columns again.
Halide::Expr in_order(const Halide::Expr& value, int stride);

/// Pipelines that use these need it: makes the loads and shuffles, once loops are vectors.
void lower_strided_vectors(Halide::Pipeline& pipeline, const Halide::Target& target);

}  // namespace convc
