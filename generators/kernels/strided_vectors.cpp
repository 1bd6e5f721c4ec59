// Strided loads as dense loads and shuffles. The calls that stand for them are pure functions of
// scalars, which Halide vectorizes like any other; a pass at the end of lowering replaces them.
#include "generators/kernels/strided_vectors.h"

#include <numeric>
#include <string>
#include <vector>

namespace convc {
namespace {

using Halide::Expr;
namespace ir = Halide::Internal;

constexpr const char* kStrided = "convc_strided";
constexpr const char* kInOrder = "convc_in_order";
enum StridedArgument { kValue, kColumn, kExtent, kOutside };

Expr pure_call(const char* name, const std::vector<Expr>& args) {
  return ir::Call::make(args.front().type(), name, args, ir::Call::PureExtern);
}

/// Lanes of a 128-bit register: what one instruction of AVX shuffles.
constexpr int kBlock = 4;

bool takes_pairs_by_blocks(int stride, int lanes) {
  return stride == 2 && lanes % (2 * kBlock) == 0;
}

/// The column that a lane holds, counted in strides: for stride 2, of each block of two dense
/// vectors two columns of the first, then two of the second. So does vshufps.
int column_of(int lane, int stride, int lanes) {
  if (!takes_pairs_by_blocks(stride, lanes)) return lane;
  const int block = lane / kBlock, second = lane % kBlock / 2, of_pair = lane % 2;
  return second * lanes / 2 + block * kBlock / 2 + of_pair;
}

std::vector<int> lanes_in_order(int stride, int lanes) {
  std::vector<int> order(static_cast<std::size_t>(lanes));
  for (int lane = 0; lane < lanes; ++lane) {
    order[static_cast<std::size_t>(column_of(lane, stride, lanes))] = lane;
  }
  return order;
}

class LowerStridedVectors : public ir::IRMutator {
 protected:
  using ir::IRMutator::visit;

  Expr visit(const ir::Call* call) override {
    if (call->name == kStrided) return shuffled(*call);
    if (call->name != kInOrder) return ir::IRMutator::visit(call);
    const int lanes = call->type.lanes();
    const Expr value = mutate(call->args[0]);
    const int stride = static_cast<int>(ir::as_const_int(scalar(call->args[1])).value());
    if (!takes_pairs_by_blocks(stride, lanes)) return value;
    return ir::Shuffle::make({value}, lanes_in_order(stride, lanes));
  }

 private:
  static Expr shuffled(const ir::Call& call) {
    const Elements elements = elements_of(call.args[kValue]);
    // Taps less than a stride apart share dense loads.
    const int phase =
        phase_of(call.args.size() == 1 ? elements.first : call.args[kColumn].as<ir::Ramp>()->base,
                 elements.stride);
    std::vector<Expr> dense;
    for (int i = 0; i < elements.stride; ++i) {
      dense.push_back(dense_vector(call, elements, i * elements.lanes - phase));
    }
    std::vector<int> taken;
    for (int lane = 0; lane < elements.lanes; ++lane) {
      taken.push_back(phase + column_of(lane, elements.stride, elements.lanes) * elements.stride);
    }
    return ir::Shuffle::make(dense, taken);
  }

  /// What a strided load reads.
  struct Elements {
    const ir::Load* load = nullptr;
    Expr first;
    int stride = 1, lanes = 1;
  };

  static Elements elements_of(const Expr& value) {
    const Element first = element_of(value, 0), second = element_of(value, 1);
    const Expr stride = ir::simplify(second.index - first.index);
    return {first.load, first.index, static_cast<int>(ir::as_const_int(stride).value()),
            value.type().lanes()};
  }

  struct Element {
    const ir::Load* load = nullptr;
    Expr index;
  };

  /// Where a lane comes from. Of loads that together read all of a row, Halide makes shuffles of
  /// dense loads.
  static Element element_of(const Expr& value, int lane) {
    if (const auto* shuffle = value.as<ir::Shuffle>()) {
      int position = shuffle->indices[static_cast<std::size_t>(lane)];
      for (const Expr& vector : shuffle->vectors) {
        if (position < vector.type().lanes()) return element_of(vector, position);
        position -= vector.type().lanes();
      }
    }
    const auto* load = value.as<ir::Load>();
    const auto* index = load == nullptr ? nullptr : load->index.as<ir::Ramp>();
    if (index == nullptr) throw Halide::InternalError("strided() of what is no vector's load");
    return {load, index->base + lane * index->stride};
  }

  static int phase_of(const Expr& column, int stride) {
    const ir::ModulusRemainder known = ir::modulus_remainder(column);
    if (known.modulus % stride != 0) return 0;
    return static_cast<int>(ir::mod_imp(known.remainder, std::int64_t{stride}));
  }

  /// As many elements side by side as there are lanes, `offset` elements from its first.
  static Expr dense_vector(const ir::Call& call, const Elements& elements, int offset) {
    const ir::Load& load = *elements.load;
    const int lanes = elements.lanes;
    const auto side_by_side = [&](const Expr& first) {
      return ir::Ramp::make(ir::simplify(first + offset), 1, lanes);
    };
    const auto loaded = [&](const Expr& predicate) {
      return ir::Load::make(load.type.with_lanes(lanes), load.name, side_by_side(elements.first),
                            load.image, load.param, predicate, ir::ModulusRemainder());
    };
    if (call.args.size() == 1) return loaded(ir::const_true(lanes));
    const Expr column = side_by_side(call.args[kColumn].as<ir::Ramp>()->base);
    const Expr exists = ir::simplify(
        column >= 0 && column < ir::Broadcast::make(scalar(call.args[kExtent]), lanes));
    const Expr outside = ir::Broadcast::make(scalar(call.args[kOutside]), lanes);
    if (ir::is_const_zero(exists)) return outside;
    if (ir::is_const_one(exists)) return loaded(exists);
    return Halide::select(exists, loaded(exists), outside);
  }

  static Expr scalar(const Expr& value) {
    const auto* broadcast = value.as<ir::Broadcast>();
    return broadcast == nullptr ? value : broadcast->value;
  }
};

}  // namespace

Expr strided(const Expr& value) {
  return pure_call(kStrided, {value});
}

Expr strided(const Expr& value, const Expr& column, const Expr& extent, const Expr& outside) {
  return pure_call(kStrided, {value, column, extent, outside});
}

Expr in_order(const Expr& value, int stride) {
  return pure_call(kInOrder, {value, stride});
}

void lower_strided_vectors(Halide::Pipeline& pipeline) {
  pipeline.add_custom_lowering_pass(new LowerStridedVectors);  // Halide deletes it
}

}  // namespace convc
