// Strided loads as dense loads and shuffles. The calls that stand for them are pure functions of
// scalars, which Halide vectorizes like any other; a pass at the end of lowering replaces them.
#include "generators/kernels/strided_vectors.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <string>
#include <vector>

#include "generators/plan/integers.h"

namespace convc {
namespace {

using Halide::Expr;
namespace ir = Halide::Internal;

constexpr const char* kStrided = "convc_strided";
constexpr const char* kInOrder = "convc_in_order";
constexpr const char* kAlternating = "convc_alternating";
enum StridedArgument { kValue, kColumn, kExtent, kOutside };

Expr pure_call(const char* name, const std::vector<Expr>& args) {
  return ir::Call::make(args.front().type(), name, args, ir::Call::PureExtern);
}

/// Lanes of a 128-bit register: what one instruction of AVX shuffles.
constexpr int kBlock = 4;

/// A shuffle of AVX takes its lanes from the same blocks of two vectors; one of AVX-512 takes any.
enum class Shuffles { of_blocks, of_all_lanes };

bool takes_pairs_by_blocks(Shuffles shuffles, int stride, int lanes) {
  return shuffles == Shuffles::of_blocks && stride == 2 && lanes % (2 * kBlock) == 0;
}

/// The column that a lane holds, counted in strides: for stride 2, of each block of two dense
/// vectors two columns of the first, then two of the second. So does vshufps.
int column_of(Shuffles shuffles, int lane, int stride, int lanes) {
  if (!takes_pairs_by_blocks(shuffles, stride, lanes)) return lane;
  const int block = lane / kBlock, second = lane % kBlock / 2, of_pair = lane % 2;
  return second * lanes / 2 + block * kBlock / 2 + of_pair;
}

std::vector<int> lanes_in_order(Shuffles shuffles, int stride, int lanes) {
  std::vector<int> order(static_cast<std::size_t>(lanes));
  for (int lane = 0; lane < lanes; ++lane) {
    order[static_cast<std::size_t>(column_of(shuffles, lane, stride, lanes))] = lane;
  }
  return order;
}

class LowerStridedVectors : public ir::IRMutator {
 public:
  explicit LowerStridedVectors(Shuffles of_target) : shuffles(of_target) {}

 protected:
  using ir::IRMutator::visit;

  Expr visit(const ir::Call* call) override {
    if (call->name == kStrided) return shuffled(*call);
    if (call->name == kAlternating) return alternated(*call);
    if (call->name != kInOrder) return ir::IRMutator::visit(call);
    const int lanes = call->type.lanes();
    const Expr value = mutate(call->args[0]);
    const int stride = static_cast<int>(ir::as_const_int(scalar(call->args[1])).value());
    if (!takes_pairs_by_blocks(shuffles, stride, lanes)) return value;
    return ir::Shuffle::make({value}, lanes_in_order(shuffles, stride, lanes));
  }

 private:
  /// What a strided load reads.
  struct Elements {
    const ir::Load* load = nullptr;
    Expr first;
    int stride = 1, lanes = 1;
  };

  [[nodiscard]] Expr shuffled(const ir::Call& call) const {
    const Elements elements = elements_of(call.args[kValue]);
    const std::optional<int> first = first_column(call);
    if (first && shuffles == Shuffles::of_all_lanes && elements.stride <= 2) {
      return shared_vectors(call, elements, *first);
    }
    if (first && elements.stride == 1) return neighbours(call, elements, *first, *first);
    // Taps less than a stride apart share dense loads.
    const int phase = first ? static_cast<int>(ir::mod_imp(*first, elements.stride))
                            : phase_of(elements.first, elements.stride);
    std::vector<Expr> dense;
    for (int i = 0; i < elements.stride; ++i) {
      const int offset = i * elements.lanes - phase;
      dense.push_back(first ? neighbours(call, elements, *first + offset, *first)
                            : dense_vector(elements, offset));
    }
    std::vector<int> taken;
    for (int lane = 0; lane < elements.lanes; ++lane) {
      taken.push_back(phase +
                      column_of(shuffles, lane, elements.stride, elements.lanes) * elements.stride);
    }
    return ir::Shuffle::make(dense, taken);
  }

  /// Where Halide sees such a selection, it makes two shorter vectors of every number.
  [[nodiscard]] Expr alternated(const ir::Call& call) {
    const int lanes = call.type.lanes();
    std::vector<int> taken;
    for (int lane = 0; lane < lanes; ++lane) taken.push_back(lane % 2 * lanes + lane);
    return ir::Shuffle::make({mutate(call.args[1]), mutate(call.args[2])}, taken);
  }

  /// The column of the first lane; of an image without border, none.
  static std::optional<int> first_column(const ir::Call& call) {
    if (call.args.size() == 1) return {};
    const auto first = ir::as_const_int(ir::simplify(call.args[kColumn].as<ir::Ramp>()->base));
    if (!first) throw Halide::InternalError("strided() beside a border, in a loop over vectors");
    return static_cast<int>(*first);
  }

  /// A vector of columns side by side from `first` on; the first element's is `base`. Beside the
  /// border it is another one, shuffled, that lies inside: a load with a mask occupies the
  /// multiply-add units of Zen 5.
  static Expr neighbours(const ir::Call& call, const Elements& elements, int first, int base) {
    const int lanes = elements.lanes, extent = extent_of(call);
    const int inside = std::clamp(first, 0, std::max(extent - lanes, 0));
    const Expr dense = vector_of_row(call, elements, inside, base);
    if (inside == first) return dense;
    std::vector<int> taken;
    for (int column = first; column < first + lanes; ++column) {
      const bool exists = column >= 0 && column < extent;
      taken.push_back(exists ? column - inside : lanes);
    }
    return ir::Shuffle::make({dense, ir::Broadcast::make(scalar(call.args[kOutside]), lanes)},
                             taken);
  }

  /// A vector of columns `first`, `first` + stride, .. of those vectors of the row that begin at
  /// multiples of the lanes: all taps share these. A load that crosses a line takes the time of
  /// two.
  static Expr shared_vectors(const ir::Call& call, const Elements& elements, int first) {
    const int lanes = elements.lanes, stride = elements.stride;
    const int phase = ir::mod_imp(first, stride), element = ir::div_imp(first, stride);
    const int vector = ir::div_imp(element, lanes), lane = ir::mod_imp(element, lanes);
    const auto part = [&](int index) {
      return vector_of_phase(call, elements, {phase, index}, first);
    };
    if (lane == 0) return part(vector);
    std::vector<int> taken(static_cast<std::size_t>(lanes));
    std::iota(taken.begin(), taken.end(), lane);
    // Lanes beyond the last element of a row are outside: they stand for others that are. Shuffles
    // of two vectors (vpermt2ps) take turns with multiply-adds on Zen 5.
    const int row = ceil_div(extent_of(call) - phase, stride);
    if (vector == -1 && row <= lane) return ir::Shuffle::make({part(0), part(0)}, taken);
    if (vector * lanes < row && row < (vector + 1) * lanes) {
      for (int& from : taken) from = std::min(from, lanes - 1);
      return ir::Shuffle::make({part(vector)}, taken);
    }
    return ir::Shuffle::make({part(vector), part(vector + 1)}, taken);
  }

  /// Of all elements that lie `number` after a multiple of the stride, the vector at `index`.
  struct Phase {
    int number, index;
  };
  static Expr vector_of_phase(const ir::Call& call, const Elements& elements, const Phase& phase,
                              int first) {
    const int stride = elements.stride, lanes = elements.lanes;
    std::vector<Expr> dense;
    for (int i = 0; i < stride; ++i) {
      dense.push_back(vector_of_row(call, elements, (phase.index * stride + i) * lanes, first));
    }
    if (stride == 1) return dense.front();
    std::vector<int> taken;
    for (int lane = 0; lane < lanes; ++lane) taken.push_back(phase.number + lane * stride);
    return ir::Shuffle::make(dense, taken);
  }

  /// As many columns as there are lanes, from `column` on; the first element's is `first`.
  static Expr vector_of_row(const ir::Call& call, const Elements& elements, int column, int first) {
    const ir::Load& load = *elements.load;
    const int lanes = elements.lanes, extent = extent_of(call);
    const auto loaded = [&](const Expr& predicate) {
      return ir::Load::make(
          load.type.with_lanes(lanes), load.name,
          ir::Ramp::make(ir::simplify(elements.first + (column - first)), 1, lanes), load.image,
          load.param, predicate, ir::ModulusRemainder());
    };
    if (column < 0 || column >= extent) {
      return ir::Broadcast::make(unknown(scalar(call.args[kOutside])), lanes);
    }
    if (column + lanes <= extent) return loaded(ir::const_true(lanes));
    const Expr exists =
        ir::Ramp::make(column, 1, lanes) < ir::Broadcast::make(unknown(extent), lanes);
    return ir::Select::make(exists, loaded(exists),
                            ir::Broadcast::make(scalar(call.args[kOutside]), lanes));
  }

  static int extent_of(const ir::Call& call) {
    return static_cast<int>(ir::as_const_int(scalar(call.args[kExtent])).value());
  }

  /// A number that LLVM takes for any. Where it knows which lanes are zero, it makes expansions of
  /// shuffles (vexpandps), which are slow.
  static Expr unknown(const Expr& number) {
    const Expr bits = Halide::reinterpret<float>(number);
    return Halide::reinterpret(
        number.type(),
        ir::Call::make(bits.type(), "llvm.arithmetic.fence.f32", {bits}, ir::Call::PureExtern));
  }

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

  /// As many elements side by side as there are lanes, `offset` elements from the first.
  static Expr dense_vector(const Elements& elements, int offset) {
    const ir::Load& load = *elements.load;
    const int lanes = elements.lanes;
    return ir::Load::make(load.type.with_lanes(lanes), load.name,
                          ir::Ramp::make(ir::simplify(elements.first + offset), 1, lanes),
                          load.image, load.param, ir::const_true(lanes), ir::ModulusRemainder());
  }

  static Expr scalar(const Expr& value) {
    const auto* broadcast = value.as<ir::Broadcast>();
    return broadcast == nullptr ? value : broadcast->value;
  }

  Shuffles shuffles;
};

}  // namespace

bool shuffles_all_lanes(const Halide::Target& target) {
  return target.has_feature(Halide::Target::AVX512_Skylake);
}

Expr strided(const Expr& value) {
  return pure_call(kStrided, {value});
}

Expr strided(const Expr& value, const Expr& column, const Expr& extent, const Expr& outside) {
  return pure_call(kStrided, {value, column, extent, outside});
}

Expr alternating(const Expr& column, const Expr& even, const Expr& odd) {
  return ir::Call::make(even.type(), kAlternating, {column, even, odd}, ir::Call::PureExtern);
}

Expr in_order(const Expr& value, int stride) {
  return pure_call(kInOrder, {value, stride});
}

void lower_strided_vectors(Halide::Pipeline& pipeline, const Halide::Target& target) {
  const Shuffles shuffles =
      shuffles_all_lanes(target) ? Shuffles::of_all_lanes : Shuffles::of_blocks;
  pipeline.add_custom_lowering_pass(new LowerStridedVectors(shuffles));  // Halide deletes it
}

}  // namespace convc
