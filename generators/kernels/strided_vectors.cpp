// Strided loads as dense loads and shuffles. The calls that stand for them are pure functions of
// scalars, which Halide vectorizes like any other; a pass at the end of lowering replaces them.
#include "generators/kernels/strided_vectors.h"

#include <algorithm>
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
constexpr const char* kPairSums = "convc_pair_sums";
enum StridedArgument { kValue, kColumn, kColumns, kRow, kRows, kEnd, kOutside };

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

/// Such lanes in the order of columns. As pairs of 64 bits: else LLVM shuffles each number that
/// the value is computed of.
Expr in_order_of_columns(const Expr& value) {
  const int pairs = value.type().lanes() / 2, blocks = pairs / 2;
  std::vector<int> order;
  for (int pair = 0; pair < pairs; ++pair) order.push_back(pair % blocks * 2 + pair / blocks);
  const Expr bits = ir::Reinterpret::make(Halide::UInt(64, pairs), value);
  return ir::Reinterpret::make(value.type(), ir::Shuffle::make({bits}, order));
}

class LowerStridedVectors : public ir::IRMutator {
 public:
  explicit LowerStridedVectors(Shuffles of_target) : shuffles(of_target) {}

 protected:
  using ir::IRMutator::visit;

  ir::Stmt visit(const ir::For* loop) override {
    const ir::Interval min = ir::find_constant_bounds(loop->min, bounds);
    const ir::Interval last = ir::find_constant_bounds(loop->min + loop->extent - 1, bounds);
    const ir::ScopedBinding<ir::Interval> bound(bounds, loop->name, {min.min, last.max});
    return ir::IRMutator::visit(loop);
  }
  ir::Stmt visit(const ir::LetStmt* let) override { return bind<ir::LetStmt>(let); }
  Expr visit(const ir::Let* let) override { return bind<ir::Let>(let); }

  Expr visit(const ir::Call* call) override {
    if (call->name == kStrided) return shuffled(*call);
    if (call->name == kAlternating) return alternated(*call);
    if (call->name == kPairSums) return pairs_added(*call);
    if (call->name != kInOrder) return ir::IRMutator::visit(call);
    const int lanes = call->type.lanes();
    const Expr value = mutate(call->args[0]);
    const int stride = static_cast<int>(ir::as_const_int(scalar(call->args[1])).value());
    if (!takes_pairs_by_blocks(shuffles, stride, lanes)) return value;
    return in_order_of_columns(value);
  }

 private:
  template <typename Let>
  decltype(Let::body) bind(const Let* let) {
    const ir::ScopedBinding<ir::Interval> bound(bounds, let->name,
                                                ir::find_constant_bounds(let->value, bounds));
    const Expr value = mutate(let->value);
    return Let::make(let->name, value, mutate(let->body));
  }

  /// What a strided load reads.
  struct Elements {
    const ir::Load* load = nullptr;
    Expr first;
    int stride = 1, lanes = 1;
  };

  [[nodiscard]] Expr shuffled(const ir::Call& call) const {
    const Elements elements = elements_of(call.args[kValue]);
    const std::optional<int> first = first_column(call);
    if (first && shares_row(call, elements, *first)) return shared_row(call, elements, *first);
    if (first && elements.stride == 1) return neighbours(call, elements, *first, *first);
    // Taps less than a stride apart share dense loads.
    const int phase = first ? static_cast<int>(ir::mod_imp(*first, elements.stride))
                            : phase_of(elements.first, elements.stride);
    std::vector<Expr> dense;
    for (int i = 0; i < elements.stride; ++i) {
      const int offset = i * elements.lanes - phase;
      dense.push_back(first ? neighbours(call, elements, *first + offset, *first)
                            : loaded(elements, offset, ir::const_true(elements.lanes)));
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

  /// The even lanes of: each plus the next one, and what is single. As numbers of 64 bits that are
  /// cut in half: of a shuffle, LLVM makes one of each number that is added.
  [[nodiscard]] static Expr pairs_added(const ir::Call& call) {
    const int lanes = call.type.lanes(), all = 2 * lanes;
    std::vector<int> next;
    for (int lane = 0; lane < all; ++lane) next.push_back(lane / 2 * 2 + 1);
    const Expr pairs = existing_sums(call.args[0], call.args[1], call.args[2]);
    Expr sums = pairs + ir::Shuffle::make({pairs}, next);
    if (call.args.size() > 3) sums += existing_sums(call.args[3], call.args[4], call.args[5]);
    const Expr bits = ir::Reinterpret::make(Halide::UInt(64, lanes), sums);
    return ir::Reinterpret::make(call.type, ir::Cast::make(Halide::UInt(32, lanes), bits));
  }

  /// The dense vector of which every second element is loaded; zero but for lanes `from` to `last`.
  static Expr existing_sums(const Expr& every_second, const Expr& from, const Expr& last) {
    Elements elements = elements_of(every_second);
    const int lanes = elements.lanes *= 2;
    const Expr sums = loaded(elements, 0, ir::const_true(lanes)),
               place = ir::Ramp::make(1, 1, lanes);
    Expr exists = ir::const_true(lanes);
    if (number(from) > 0) exists = place > ir::Broadcast::make(unknown(number(from)), lanes);
    if (number(last) < lanes - 1) {
      exists = exists && place < ir::Broadcast::make(unknown(number(last) + 2), lanes);
    }
    return ir::Select::make(ir::simplify(exists), sums, ir::make_zero(sums.type()));
  }

  /// The column of the first lane; of an image without border, none.
  static std::optional<int> first_column(const ir::Call& call) {
    if (call.args.size() == 1) return {};
    const auto first = ir::as_const_int(ir::simplify(call.args[kColumn].as<ir::Ramp>()->base));
    if (!first) throw Halide::InternalError("strided() beside a border, in a loop over vectors");
    return static_cast<int>(*first);
  }

  /// A vector of columns side by side from `first` on; the first element's is `base`. Beside the
  /// border its other lanes are blended away where they are those of another row; else it is
  /// another vector, shuffled, that lies inside: a load with a mask occupies the multiply-add units
  /// of Zen 5.
  [[nodiscard]] Expr neighbours(const ir::Call& call, const Elements& elements, int first,
                                int base) const {
    const int lanes = elements.lanes, columns = columns_of(call);
    const bool in_image = lies_in_image(call, first, lanes);
    const int from = in_image ? first : std::clamp(first, 0, std::max(columns - lanes, 0));
    const Expr dense = in_image ? loaded(elements, first - base, ir::const_true(lanes))
                                : vector_of_row(call, elements, from, base);
    const int end = number(call.args[kEnd]);
    std::vector<int> taken;
    for (int column = first; column < first + lanes; ++column) {
      const bool exists = (column >= 0 && column < columns) || (in_image && column >= end);
      taken.push_back(exists ? column - from : lanes);
    }
    return ir::Shuffle::make({dense, ir::Broadcast::make(scalar(call.args[kOutside]), lanes)},
                             taken);
  }

  /// Whether the rows before and after are long enough for a vector of columns from `first` on.
  [[nodiscard]] bool lies_in_image(const ir::Call& call, int first, int lanes) const {
    const int columns = columns_of(call);
    const ir::Interval row = ir::find_constant_bounds(scalar(call.args[kRow]), bounds);
    const auto least = ir::as_const_int(row.min), most = ir::as_const_int(row.max);
    return least && most && first + *least * columns >= 0 &&
           first + lanes <= (number(call.args[kRows]) - *most) * columns;
  }

  /// With AVX-512, taps share the one vector of a short row and shuffle that: where there is no
  /// image to load each one's own from, and with a stride of 2. Shuffles of two vectors (vpermt2ps)
  /// take turns with multiply-adds on Zen 4 and 5.
  [[nodiscard]] bool shares_row(const ir::Call& call, const Elements& elements, int first) const {
    const bool is_short = ceil_div(columns_of(call), elements.stride) < elements.lanes;
    if (shuffles != Shuffles::of_all_lanes || !is_short || elements.stride > 2) return false;
    return elements.stride == 2 || !lies_in_image(call, first, elements.lanes);
  }

  /// The vector of columns `first`, `first` + stride, .. of a row with fewer of these than lanes:
  /// the last lane is outside, and stands for all that are.
  static Expr shared_row(const ir::Call& call, const Elements& elements, int first) {
    const int lanes = elements.lanes, stride = elements.stride;
    const int phase = ir::mod_imp(first, stride), shift = ir::div_imp(first, stride);
    const Expr row = row_of_phase(call, elements, phase, first);
    if (shift == 0) return row;
    const int count = ceil_div(columns_of(call) - phase, stride);
    std::vector<int> taken;
    for (int column = shift; column < shift + lanes; ++column) {
      const bool exists = column >= 0 && column < count;
      taken.push_back(exists ? column : lanes - 1);
    }
    return ir::Shuffle::make({row}, taken);
  }

  /// Columns `phase`, `phase` + stride, .. of a row.
  static Expr row_of_phase(const ir::Call& call, const Elements& elements, int phase, int first) {
    const int stride = elements.stride, lanes = elements.lanes;
    std::vector<Expr> dense;
    for (int i = 0; i < stride; ++i) {
      dense.push_back(vector_of_row(call, elements, i * lanes, first));
    }
    if (stride == 1) return dense.front();
    std::vector<int> taken;
    for (int lane = 0; lane < lanes; ++lane) taken.push_back(phase + lane * stride);
    return ir::Shuffle::make(dense, taken);
  }

  /// As many columns as there are lanes, from `column` on; the first element's is `first`.
  static Expr vector_of_row(const ir::Call& call, const Elements& elements, int column, int first) {
    const int lanes = elements.lanes, columns = columns_of(call);
    if (column < 0 || column >= columns) {
      return ir::Broadcast::make(unknown(scalar(call.args[kOutside])), lanes);
    }
    const int offset = column - first;
    if (column + lanes <= columns) return loaded(elements, offset, ir::const_true(lanes));
    const Expr exists =
        ir::Ramp::make(column, 1, lanes) < ir::Broadcast::make(unknown(columns), lanes);
    return ir::Select::make(exists, loaded(elements, offset, exists),
                            ir::Broadcast::make(scalar(call.args[kOutside]), lanes));
  }

  static int columns_of(const ir::Call& call) { return number(call.args[kColumns]); }

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
  static Expr loaded(const Elements& elements, int offset, const Expr& predicate) {
    const ir::Load& load = *elements.load;
    const int lanes = elements.lanes;
    return ir::Load::make(load.type.with_lanes(lanes), load.name,
                          ir::Ramp::make(ir::simplify(elements.first + offset), 1, lanes),
                          load.image, load.param, predicate, ir::ModulusRemainder());
  }

  static Expr scalar(const Expr& value) {
    const auto* broadcast = value.as<ir::Broadcast>();
    return broadcast == nullptr ? value : broadcast->value;
  }

  static int number(const Expr& value) {
    return static_cast<int>(ir::as_const_int(ir::simplify(scalar(value))).value());
  }

  Shuffles shuffles;
  ir::Scope<ir::Interval> bounds;  // of loops and what is computed of them
};

}  // namespace

bool shuffles_all_lanes(const Halide::Target& target) {
  return target.has_feature(Halide::Target::AVX512_Skylake);
}

Expr strided(const Expr& value) {
  return pure_call(kStrided, {value});
}

Expr strided(const Expr& value, const PlaneElement& at, const Expr& outside) {
  return pure_call(kStrided, {value, at.column, at.columns, at.row, at.rows, at.end, outside});
}

Expr alternating(const Expr& column, const Expr& even, const Expr& odd) {
  return ir::Call::make(even.type(), kAlternating, {column, even, odd}, ir::Call::PureExtern);
}

Expr pair_sums(const Expr& pairs, const Lanes& of_pairs) {
  return pure_call(kPairSums, {pairs, of_pairs.first, of_pairs.last});
}

Expr pair_sums(const Expr& pairs, const Lanes& of_pairs, const Expr& singles,
               const Lanes& of_singles) {
  return pure_call(kPairSums, {pairs, of_pairs.first, of_pairs.last, singles, of_singles.first,
                               of_singles.last});
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
