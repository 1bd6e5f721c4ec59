// A layer whose chain begins with a function of all channels of a pixel: softmax, log_softmax,
// sparsemax, glu. The channels of a pixel, or of a vector of pixels, pass through a small array.
//
// Errors: softmax, log_softmax and glu are within 4 ulp of the exact value: differences to the
// largest channel are not rounded, and the sum of exponentials is a double. sparsemax is within
// (channels + 4) 2^-24 in absolute terms: it subtracts numbers of [0, 1], one of which is a mean.
#include <limits>

#include "generators/kernels/exponentials.h"
#include "generators/kernels/image_pass.h"

namespace convc {
namespace {

using Halide::cast;
using Halide::Expr;
using Halide::Func;
using Halide::RDom;
using Halide::select;
using Halide::TailStrategy;
using Halide::Tuple;
using Halide::Var;
using F = ActivationFunction;

class Channelwise : public ImagePass<Channelwise> {
 public:
  /* The maths. Part p of a reduction over channels is over every parts()-th one: vectors of
   * channels are added up as vectors. */
  void generate() {
    function = chain.front().activation.function;
    Expr result;
    if (function == F::glu) {
      const ImagePoint gate = point_of(v, v.channel + output_channels());
      Bindings let;
      result =
          let.in(gated(let, let(input(point_of(v).coordinates())), let(input(gate.coordinates()))));
    } else {
      define_largest();
      result = function == F::sparsemax ? sparsemax() : softmax();
    }
    output(pure_vars(v)) = apply_post_ops(chain, 1, chain.size(), result, operands_at(point_of(v)));
  }

  /* The schedule: one pass over the output. At a pixel, or at each vector of pixels, what all of
   * its channels need is computed first. */
  void schedule() {
    if (function == F::glu) {
      schedule_pass();
      return;
    }
    Func out = output;
    if (over_pixels()) {
      make_tasks({v.column, v.channel, v.row});
      out.split(v.column, pixels, v.column, lanes, TailStrategy::GuardWithIf)
          .reorder(v.column, v.channel, pixels)
          .vectorize(v.column);
    } else {
      make_tasks({v.channel, v.column, v.row});
      out.vectorize(v.channel, lanes, TailStrategy::ShiftInwards);
      pixels = v.column;
    }
    for (const Stage& stage : stages) schedule_stage(stage);
  }

 private:
  /// A Func that is computed per pixel, or per vector of pixels.
  struct Stage {
    Func func;
    Halide::RVar reduction{};  ///< of its update, if it has one
    /// Its first dimension, before those of the pixel: channels, parts; 0: it has none.
    int extent = 0;
    Var first{};
  };

  /// Vectors over pixels: where these are neighbours in memory, or channels would not fill vectors.
  bool over_pixels() const {
    return !dense_input || !dense_output || value(in_channels) < 2 * value(lanes);
  }
  int parts() const { return over_pixels() ? 1 : value(lanes); }
  int blocks() const { return ceil_div(value(in_channels), parts()); }

  /// The variables and the coordinates of a number per pixel, or of the first of several.
  std::vector<Var> pixel() const { return {v.column, v.row, v.plane, v.batch, v.group}; }
  std::vector<Var> pixel(const Var& first) const { return pure_vars(v, first); }
  std::vector<Expr> at(const Expr& first) const { return point_of(v, first).coordinates(); }
  std::vector<Expr> here() const { return {v.column, v.row, v.plane, v.batch, v.group}; }

  /// Vectors of pixels are computed whole, and all that fit a task: the last ones may lie beyond
  /// the image, unless it is made of whole tasks and they of whole vectors.
  Expr column_to_read() const {
    const SpatialAxis columns = column_axis();
    const int block = columns_per_task();
    if (!columns.open && columns.out % block == 0 && block % value(lanes) == 0) return v.column;
    return Halide::min(Halide::likely(v.column), columns.out_extent - 1);
  }

  /// channels(channel, pixel): the input, -inf where vectors exceed its channels. most(pixel).
  void define_largest() {
    const int count = value(in_channels);
    ImagePoint source = point_of(v);
    if (over_pixels()) source.column = column_to_read();
    if (count % parts() == 0) {
      channels(pixel(v.channel)) = input(source.coordinates());
    } else {
      source.channel = Halide::min(Halide::likely(v.channel), count - 1);
      channels(pixel(v.channel)) =
          select(Halide::likely(v.channel) < count, input(source.coordinates()),
                 -std::numeric_limits<float>::infinity());
    }
    add_over_channels(channels);

    Func part_most("part_most");
    part_most(pixel(part)) = channels(at(part));
    const RDom block(0, blocks(), "block");
    part_most(pixel(part)) = larger(part_most(at(part)), channels(at(block * parts() + part)));
    stages.push_back({part_most, block, parts(), part});
    const RDom each(0, parts(), "each");
    most(pixel()) = part_most(at(0));
    most(pixel()) = larger(most(here()), part_most(at(each)));
    stages.push_back({most, each});
  }

  /// The larger one. NaN is larger than nothing, but goes into the sum.
  static Expr larger(const Expr& a, const Expr& b) { return select(ieee::less(a, b), b, a); }

  /// The sums over all channels of two functions of channel c.
  template <typename Terms>
  Func sums(const std::string& name, const Tuple& zero, const Terms& terms) {
    Func part_sums("part_" + name), result(name);
    const RDom block(0, blocks(), "block"), each(0, parts(), "each");
    const Tuple added = terms(block * parts() + part);
    part_sums(pixel(part)) = zero;
    const Tuple so_far = part_sums(at(part));
    part_sums(pixel(part)) = Tuple(so_far[0] + added[0], so_far[1] + added[1]);
    stages.push_back({part_sums, block, parts(), part});
    result(pixel()) = zero;
    const Tuple total = result(here()), one = part_sums(at(each));
    result(pixel()) = Tuple(total[0] + one[0], total[1] + one[1]);
    stages.push_back({result, each});
    return result;
  }

  Expr softmax() {
    // e^(x - most). Those that are 1 are counted apart: the logarithm needs the sum of the others,
    // however small.
    Func term("term");
    Bindings let;
    term(pixel(v.channel)) =
        let.in(exponential_of_difference(let, let(channels(at(v.channel))), let(most(here()))));
    if (function == F::softmax) add_over_channels(term);
    const auto count = static_cast<float>(value(in_channels));
    const Func total = sums("total", {cast<double>(0), 0.0F}, [&](const Expr& channel) {
      const Expr below = ieee::sub(channels(at(channel)), most(here()));
      // A difference that is NaN counts for more than all channels together.
      const Expr ones =
          select(ieee::less(below, 0.0F), 0.0F, ieee::less(below, 1.0F), 1.0F, 2 * count);
      return Tuple(cast<double>(ieee::sub(term(at(channel)), ones)), ones);
    });
    const Tuple sum = total(here());
    Func per_pixel("per_pixel");
    stages.push_back({per_pixel, {}});
    // LLVM takes what comes out of polynomials for a number: NaN is made of bits.
    const Expr nan_bits = select(sum[1] > count, Expr(0x7fc00000U), Expr(0U));
    const auto or_nan = [&](const Expr& x) { return float_of(bits_of(x) | nan_bits); };
    if (function == F::softmax) {
      per_pixel(pixel()) = or_nan(cast<float>(sum[0] + cast<double>(sum[1])));
      return ieee::div(term(at(v.channel)), per_pixel(here()));
    }
    Bindings names;
    const Expr others = names(cast<float>(sum[0] + cast<double>(sum[1] - 1.0F)));
    per_pixel(pixel()) = or_nan(names.in(logarithm_of_1_plus(names, others)));
    return ieee::sub(ieee::sub(channels(at(v.channel)), most(here())), per_pixel(here()));
  }

  /// max(x - threshold, 0), with the threshold that makes the sum 1 (Martins and Astudillo 2016,
  /// algorithm 1, without sorting: of each channel, the channels are looked at that are no less).
  Expr sparsemax() {
    Func below("below"), no_less("no_less");
    below(pixel(v.channel)) = ieee::sub(channels(at(v.channel)), most(here()));
    add_over_channels(below);
    const RDom other(0, value(in_channels), "other");
    const Expr is_less = ieee::less(below(at(other)), below(at(v.channel)));
    no_less(pixel(v.channel)) = Tuple(0.0F, 0.0F);
    const Tuple so_far = no_less(at(v.channel));
    no_less(pixel(v.channel)) = Tuple(so_far[0] + select(is_less, 0.0F, 1.0F),
                                      so_far[1] + select(is_less, 0.0F, below(at(other))));
    add_over_channels(no_less, other);

    const Func support = sums("support", {0.0F, 0.0F}, [&](const Expr& channel) {
      const Expr x = below(at(channel));
      const Tuple above = no_less(at(channel));
      const Expr is_in = ieee::less(above[1], ieee::add(ieee::mul(above[0], x), 1.0F));
      return Tuple(select(is_in, 1.0F, 0.0F), select(is_in, x, 0.0F));
    });
    const Tuple sum = support(here());
    Func threshold("threshold");
    threshold(pixel()) = ieee::div(ieee::sub(sum[1], 1.0F), sum[0]);
    stages.push_back({threshold, {}});
    return ieee::at_least(0.0F, ieee::sub(below(at(v.channel)), threshold(here())));
  }

  void add_over_channels(const Func& func, const Halide::RVar& reduction = {}) {
    stages.push_back({func, reduction, blocks() * parts(), v.channel});
  }

  /// An array of constant size, once per task.
  void schedule_stage(const Stage& stage) {
    Func func = stage.func;
    func.compute_at(Func(output), pixels).hoist_storage(Func(output), task);
    for (const Var& dim : {v.row, v.plane, v.batch, v.group}) func.bound_extent(dim, 1);
    func.bound_extent(v.column, over_pixels() ? value(lanes) : 1);
    if (stage.extent > 0) func.bound_extent(stage.first, stage.extent);
    if (over_pixels()) {
      func.vectorize(v.column);
      if (func.has_update_definition())
        func.update().reorder(v.column, stage.reduction).vectorize(v.column);
    } else if (stage.extent > 0) {
      func.vectorize(stage.first, lanes);
      if (!func.has_update_definition()) return;
      func.update()
          .split(stage.first, block_of_channels, stage.first, lanes)
          .reorder(stage.first, stage.reduction, block_of_channels)
          .vectorize(stage.first);
    }
  }

  F function = F::softmax;
  Func channels{"channels"}, most{"most"};
  Var part{"part"}, pixels{"pixels"}, block_of_channels{"block_of_channels"};
  std::vector<Stage> stages;
};

}  // namespace
}  // namespace convc

HALIDE_REGISTER_GENERATOR(convc::Channelwise, convc_channelwise)
