// A pass at the end of lowering: vectors that were to be stored element by element are transposed,
// squares of four by four lanes, with the shuffles that all x86 vectors have within blocks of 128
// bits.
#include "generators/kernels/transposed_stores.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace convc {
namespace {

using Halide::Expr;
namespace ir = Halide::Internal;

/// Lanes of a block: as many, so that blocks are transposed as squares.
constexpr int kSide = kTransposedVectors;

/// `lane`s of each block of `a` and `b` in turn, `b`'s counted from kSide.
Expr shuffled_blocks(const Expr& a, const Expr& b, const std::array<int, kSide>& lanes) {
  const int all = a.type().lanes();
  std::vector<int> taken;
  for (int block = 0; block < all; block += kSide) {
    for (const int lane : lanes) {
      taken.push_back(block + lane % kSide + (lane < kSide ? 0 : all));
    }
  }
  return ir::Shuffle::make({a, b}, taken);
}

/// Vectors by name, as statements use them more than once.
class NamedVectors {
 public:
  Expr named(const Expr& value) {
    const std::string name = ir::unique_name("transposed");
    values_.emplace_back(name, value);
    return ir::Variable::make(value.type(), name);
  }
  [[nodiscard]] ir::Stmt around(ir::Stmt body) const {
    for (std::size_t i = values_.size(); i-- > 0;) {
      body = ir::LetStmt::make(values_[i].first, values_[i].second, body);
    }
    return body;
  }

 private:
  std::vector<std::pair<std::string, Expr>> values_;
};

/// A store of a vector whose elements lie `stride` apart.
struct StridedStore {
  ir::Stmt statement;
  const ir::Store* store = nullptr;
  Expr first, stride, value;
};

std::optional<StridedStore> strided_store(const ir::Stmt& statement) {
  std::vector<const ir::LetStmt*> lets;
  ir::Stmt inner = statement;
  while (const auto* let = inner.as<ir::LetStmt>()) {
    lets.push_back(let);
    inner = let->body;
  }
  const auto* store = inner.as<ir::Store>();
  const auto* index = store == nullptr ? nullptr : store->index.as<ir::Ramp>();
  if (index == nullptr || ir::is_const_one(index->stride) || index->lanes % kSide != 0 ||
      store->value.type().element_of() != Halide::Float(32) ||
      !ir::is_const_one(store->predicate)) {
    return {};
  }
  if (ir::expr_uses_var(store->value, store->name)) return {};  // the order of stores matters
  StridedStore strided = {statement, store, index->base, index->stride, store->value};
  for (std::size_t i = lets.size(); i-- > 0;) {
    const ir::LetStmt& let = *lets[i];
    strided.first = ir::substitute(let.name, let.value, strided.first);
    strided.stride = ir::substitute(let.name, let.value, strided.stride);
    strided.value = ir::Let::make(let.name, let.value, strided.value);
  }
  return strided;
}

bool are_of_one_array(const StridedStore& a, const StridedStore& b) {
  return a.store->name == b.store->name && a.value.type() == b.value.type() &&
         ir::equal(a.stride, b.stride);
}
bool are_neighbours(const StridedStore& a, const StridedStore& b) {
  return ir::is_const_one(ir::simplify(ir::common_subexpression_elimination(b.first - a.first)));
}

class TransposeStores : public ir::IRMutator {
 protected:
  using ir::IRMutator::visit;

  ir::Stmt visit(const ir::Block* block) override {
    std::vector<ir::Stmt> statements;
    ir::Stmt rest = block;
    while (const auto* both = rest.as<ir::Block>()) {
      append(both->first, statements);
      rest = both->rest;
    }
    append(rest, statements);
    std::vector<ir::Stmt> lowered;
    for (std::size_t i = 0; i < statements.size();) {
      std::vector<StridedStore> run;
      while (i < statements.size()) {
        std::optional<StridedStore> store = strided_store(statements[i]);
        if (!store || (!run.empty() && !are_of_one_array(run.front(), *store))) break;
        run.push_back(std::move(*store));
        ++i;
      }
      if (run.empty()) {
        lowered.push_back(mutate(statements[i++]));
      } else {
        append_transposed(std::move(run), lowered);
      }
    }
    return ir::Block::make(lowered);
  }

 private:
  static void append(const ir::Stmt& statement, std::vector<ir::Stmt>& statements) {
    const auto* both = statement.as<ir::Block>();
    if (both == nullptr) {
      statements.push_back(statement);
      return;
    }
    append(both->first, statements);
    append(both->rest, statements);
  }

  /// Takes four neighbours at a time out of `run`, stores that follow one another, or two.
  static void append_transposed(std::vector<StridedStore> run, std::vector<ir::Stmt>& lowered) {
    while (!run.empty()) {
      std::vector<std::size_t> taken = {0};
      for (std::size_t i = 1; i < run.size() && taken.size() < kSide; ++i) {
        if (are_neighbours(run[taken.back()], run[i])) taken.push_back(i);
      }
      if (taken.size() < kSide) taken.resize(std::min<std::size_t>(taken.size(), 2));
      std::vector<StridedStore> stores;
      for (const std::size_t i : taken) stores.push_back(run[i]);
      for (std::size_t i = taken.size(); i-- > 0;) {
        run.erase(run.begin() + static_cast<std::ptrdiff_t>(taken[i]));
      }
      lowered.push_back(stores.size() == 1 ? stores.front().statement : transposed(stores));
    }
  }

  /// Of two vectors or four.
  static ir::Stmt transposed(const std::vector<StridedStore>& stores) {
    NamedVectors names;
    std::vector<Expr> vectors;
    for (const StridedStore& store : stores) vectors.push_back(names.named(store.value));
    const std::vector<Expr> rows =
        stores.size() == kSide ? squares(vectors, names) : pairs(vectors[0], vectors[1], names);
    const int at_once = static_cast<int>(stores.size()), elements_of_row = kSide / at_once;
    const StridedStore& first = stores.front();
    std::vector<ir::Stmt> dense;
    for (int lane = 0; lane < first.value.type().lanes(); ++lane) {
      const int block = lane / kSide * kSide, of_block = lane % kSide;
      const int begin = block + of_block % elements_of_row * at_once;
      dense.push_back(ir::Store::make(
          first.store->name,
          ir::Shuffle::make_slice(rows[static_cast<std::size_t>(of_block / elements_of_row)], begin,
                                  1, at_once),
          ir::Ramp::make(ir::simplify(first.first + lane * first.stride), 1, at_once),
          first.store->param, ir::const_true(at_once), ir::ModulusRemainder()));
    }
    return names.around(ir::Block::make(dense));
  }

  /// Of each block, elements 0 of both vectors and elements 1; elements 2 and 3.
  static std::vector<Expr> pairs(const Expr& a, const Expr& b, NamedVectors& names) {
    return {names.named(shuffled_blocks(a, b, {0, 4, 1, 5})),
            names.named(shuffled_blocks(a, b, {2, 6, 3, 7}))};
  }

  /// Of each block, elements 0 of all four vectors; elements 1; 2; 3.
  static std::vector<Expr> squares(const std::vector<Expr>& vectors, NamedVectors& names) {
    const std::vector<Expr> left = pairs(vectors[0], vectors[1], names);
    const std::vector<Expr> right = pairs(vectors[2], vectors[3], names);
    std::vector<Expr> rows;
    for (std::size_t half = 0; half < left.size(); ++half) {
      rows.push_back(names.named(shuffled_blocks(left[half], right[half], {0, 1, 4, 5})));
      rows.push_back(names.named(shuffled_blocks(left[half], right[half], {2, 3, 6, 7})));
    }
    return rows;
  }
};

}  // namespace

void copy_transposed(Halide::Func& copy, const ImageVars& v, int lanes) {
  Halide::Var vector("column_vector"), channels("transposed_channels");
  copy.split(v.column, vector, v.column, lanes, Halide::TailStrategy::RoundUp)
      .split(v.channel, channels, v.channel, kTransposedVectors, Halide::TailStrategy::GuardWithIf)
      .reorder(v.column, v.channel, vector, channels, v.row)
      .vectorize(v.column)
      .unroll(v.channel);
}

void lower_transposed_stores(Halide::Pipeline& pipeline) {
  pipeline.add_custom_lowering_pass(new TransposeStores);  // Halide deletes it
}

}  // namespace convc
