// A pass at the end of lowering, which finds stores with constant masks and takes the masks away.
#include "generators/kernels/row_stores.h"

#include <optional>
#include <vector>

namespace convc {
namespace {

using Halide::Expr;
namespace ir = Halide::Internal;

/// The number of lanes that are stored, the first ones; none of a store of another kind. A constant
/// address LLVM would take for one that stores beside it do not touch.
std::optional<int> stored_lanes(const ir::Store& store) {
  const auto* index = store.index.as<ir::Ramp>();
  const auto* exists = store.predicate.as<ir::LE>();
  const auto* lane = exists == nullptr ? nullptr : exists->a.as<ir::Ramp>();
  const auto* last = exists == nullptr ? nullptr : exists->b.as<ir::Broadcast>();
  if (index == nullptr || lane == nullptr || last == nullptr || !ir::is_const_zero(lane->base) ||
      !ir::is_const_one(lane->stride) || !ir::is_const_one(index->stride) ||
      ir::is_const(index->base)) {
    return {};
  }
  const auto last_lane = ir::as_const_int(last->value);
  if (!last_lane) return {};
  const int lanes = static_cast<int>(*last_lane) + 1;
  const bool covers_excess = lanes >= index->lanes / 2 && lanes < index->lanes;
  return covers_excess ? std::optional(lanes) : std::nullopt;
}

Expr index_of(const ir::Store& store) {
  return store.index.as<ir::Ramp>()->base;
}

ir::Stmt store_of(const ir::Store& store, const Expr& value, const Expr& first) {
  const int lanes = value.type().lanes();
  const Expr index = lanes == 1 ? first : ir::Ramp::make(first, 1, lanes);
  return ir::Store::make(store.name, value, index, store.param, ir::const_true(lanes),
                         ir::ModulusRemainder());
}

/// Pieces of 4, 2 and 1 lanes, as registers have them.
ir::Stmt in_pieces(const ir::Store& store, int lanes) {
  const std::string name = ir::unique_name("row");
  const Expr row = ir::Variable::make(store.value.type(), name);
  std::vector<ir::Stmt> pieces;
  int done = 0;
  for (int piece = store.value.type().lanes() / 2; piece > 0; piece /= 2) {
    if ((lanes & piece) == 0) continue;
    pieces.push_back(store_of(store, ir::Shuffle::make_slice(row, done, 1, piece),
                              ir::simplify(index_of(store) + done)));
    done += piece;
  }
  return ir::LetStmt::make(name, store.value, ir::Block::make(pieces));
}

class LowerRowStores : public ir::IRMutator {
 protected:
  using ir::IRMutator::visit;

  ir::Stmt visit(const ir::Block* block) override {
    const auto* first = block->first.as<ir::Store>();
    const auto* rest = block->rest.as<ir::Block>();
    const auto* next = (rest == nullptr ? block->rest : rest->first).as<ir::Store>();
    if (first == nullptr || next == nullptr || !is_overwritten(*first, *next)) {
      return ir::IRMutator::visit(block);
    }
    const ir::Stmt whole = store_of(*first, first->value, index_of(*first));
    return ir::Block::make(whole, mutate(block->rest));
  }

  ir::Stmt visit(const ir::Store* store) override {
    const std::optional<int> lanes = stored_lanes(*store);
    return lanes ? in_pieces(*store, *lanes) : ir::IRMutator::visit(store);
  }

 private:
  static bool is_overwritten(const ir::Store& first, const ir::Store& next) {
    const std::optional<int> lanes = stored_lanes(first);
    return lanes && first.name == next.name && stored_lanes(next) == lanes &&
           !ir::expr_uses_var(next.value, first.name) &&
           ir::can_prove(index_of(next) - index_of(first) == *lanes);
  }
};

}  // namespace

void lower_row_stores(Halide::Pipeline& pipeline) {
  pipeline.add_custom_lowering_pass(new LowerRowStores);  // Halide deletes it
}

}  // namespace convc
