// The chain of post_ops on one value: what a kernel does with an accumulator before it stores it.
// Maths only; holds no schedule.
#pragma once

#include <Halide.h>

#include <cstddef>
#include <functional>
#include <vector>

#include "dsl/post_op.h"
#include "generators/plan/plan.h"

namespace convc {

/// What the steps of a chain read beside the value, at the output coordinate of that value.
/// Post_ops are numbered by their index in the chain.
struct PostOpOperands {
  /// Element of the second tensor of an add or multiply.
  std::function<Halide::Expr(int post_op)> operand;
  /// Element of a channel vector: slope of prelu; scale, offset of batch_normalization.
  std::function<Halide::Expr(int post_op, VectorRole role)> vector;
  /// Index of the batch_normalization that packing folds into the weights, which is skipped; -1:
  /// none (folded_normalization of generators/plan/lowering.h).
  int folded = -1;
};

/// The f32 value after all steps of the chain. Precondition: no step reads all channels.
Halide::Expr apply_post_ops(const std::vector<PostOp>& chain, Halide::Expr value,
                            const PostOpOperands& operands);

/// The same for the steps [first, last).
Halide::Expr apply_post_ops(const std::vector<PostOp>& chain, std::size_t first, std::size_t last,
                            Halide::Expr value, const PostOpOperands& operands);

}  // namespace convc
