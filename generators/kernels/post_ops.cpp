// The steps of a chain, one after the other. What an accumulator is comes out of fast-math, so LLVM
// takes for granted that it is not NaN: no step here depends on a test for NaN (float_ops.h).
#include "generators/kernels/post_ops.h"

#include "generators/kernels/activations.h"
#include "generators/kernels/float_ops.h"

namespace convc {
namespace {

using Halide::Expr;

/// As in Keras, the result for both zeros is +0.
Expr prelu(const Expr& x, const Expr& slope) {
  return ieee::add(Halide::select(ieee::less(x, 0.0F), ieee::mul(x, slope), x), 0.0F);
}

Expr apply(const PostOp& step, int index, const Expr& x, const PostOpOperands& operands) {
  switch (step.kind) {
    case PostOpKind::activation:
      return activate(step.activation, x);
    case PostOpKind::prelu: {
      Bindings let;
      const Expr name = let(x);
      return let.in(prelu(name, operands.vector(index, VectorRole::slope)));
    }
    case PostOpKind::batch_normalization:
      return x * operands.vector(index, VectorRole::scale) +
             operands.vector(index, VectorRole::offset);
    case PostOpKind::rescaling:
      // Of two scalings in turn fast-math makes one, whose constant may be no float.
      return ieee::add(ieee::mul(x, step.scale), step.offset);
    case PostOpKind::add:
      return ieee::add(x, operands.operand(index));
    case PostOpKind::multiply:
      return ieee::mul(x, operands.operand(index));
  }
  return x;
}

}  // namespace

Expr apply_post_ops(const std::vector<PostOp>& chain, Expr value, const PostOpOperands& operands) {
  return apply_post_ops(chain, 0, chain.size(), std::move(value), operands);
}

Expr apply_post_ops(const std::vector<PostOp>& chain, std::size_t first, std::size_t last,
                    Expr value, const PostOpOperands& operands) {
  for (std::size_t i = first; i < last; ++i) {
    const int index = static_cast<int>(i);
    if (index != operands.folded) value = apply(chain[i], index, value, operands);
  }
  return value;
}

}  // namespace convc
