// Sizes flow from layer to layer. Open sizes are tried at the ends of their ranges: what fits there
// fits between, because sizes of outputs grow with those of inputs. Sums need more tries.
#include "dsl/graph_sizes.h"

#include <algorithm>
#include <functional>

#include "dsl/axes.h"
#include "dsl/merge.h"
#include "dsl/size_period.h"
#include "dsl/text.h"
#include "dsl/vocabulary.h"

namespace convc {
namespace {

// Of an open size that nothing else says, for planning and costs.
constexpr std::int64_t kTypicalImage = 56;
constexpr std::int64_t kTypicalSequence = 1024;

using Pick = std::function<std::int64_t(const Dim&, Axis, int rank)>;

bool is_open(const Dim& dim) {
  return !dim.fixed();
}
bool is_unbounded(const Dim& dim) {
  return is_open(dim) && dim.max == kMaxElements;
}
std::int64_t least_of(const Dim& dim) {
  return std::max<std::int64_t>(dim.min, 1);
}
std::int64_t typical_of(const Dim& dim, int rank) {
  return std::clamp(rank == 1 ? kTypicalSequence : kTypicalImage, least_of(dim), dim.max);
}

struct Pass {
  std::vector<InputShape> tensors;
  std::vector<LayerSpec> layers;
};

class SizeResolver {
 public:
  SizeResolver(const GraphDraft& draft, const std::vector<Layout>& layouts, const Dim& batch,
               Diagnostics& diagnostics)
      : draft_(draft), layouts_(layouts), batch_(batch), diagnostics_(diagnostics) {
    for (std::size_t i = 0; i < draft.inputs.size(); ++i) {
      inputs_.push_back(sizes_of(*draft.inputs[i].shape.value, layouts[i]));
    }
  }

  std::optional<GraphSizes> run() {
    if (!any_open()) {
      std::optional<Pass> only = pass(typical(), least_of(batch_), {}, diagnostics_);
      if (!only) return std::nullopt;
      return finish(*only, *only, *only);
    }
    find_least_sizes();
    std::optional<Pass> least = pass(this->least(), least_of(batch_),
                                     mode("at the least sizes", this->least()), diagnostics_);
    if (!least || !try_between(*least) || !try_greatest()) return std::nullopt;
    Diagnostics ignored;
    std::optional<Pass> greatest = pass(this->greatest(), batch_.max, {false, {}}, ignored);
    std::optional<Pass> usual =
        pass(typical(), std::clamp<std::int64_t>(1, least_of(batch_), batch_.max),
             mode("at typical sizes", typical()), diagnostics_);
    if (!greatest || !usual) return std::nullopt;
    return finish(*least, *greatest, std::move(*usual));
  }

 private:
  static TensorSizes sizes_of(const ShapeDraft& shape, Layout layout) {
    TensorSizes sizes;
    sizes.rank = static_cast<int>(shape.size()) - 1;
    const bool first = layout == Layout::channels_first;
    sizes.channels = first ? shape.front().max : shape.back().max;
    auto next = shape.begin() + (first ? 1 : 0);
    for (const Axis axis : axes_of(sizes.rank)) {
      Dim& dim = axis == Axis::depth    ? sizes.depth
                 : axis == Axis::height ? sizes.height
                                        : sizes.width;
      dim = *next++;
    }
    return sizes;
  }

  [[nodiscard]] bool any_open() const {
    return is_open(batch_) || std::any_of(inputs_.begin(), inputs_.end(), [](const TensorSizes& s) {
             return is_open(s.height) || is_open(s.width);
           });
  }

  static Pick typical() {
    return [](const Dim& dim, Axis, int rank) { return typical_of(dim, rank); };
  }
  static Pick least() {
    return [](const Dim& dim, Axis, int) { return least_of(dim); };
  }
  static Pick greatest() {
    return [](const Dim& dim, Axis, int) { return dim.max; };
  }

  // What a message about open sizes adds, with the sizes of the first input that has any.
  ResolveMode mode(const char* where, const Pick& pick) const {
    for (const TensorSizes& sizes : inputs_) {
      std::string list;
      for (const auto& [dim, axis] :
           {std::pair(&sizes.height, Axis::height), std::pair(&sizes.width, Axis::width)}) {
        if (!is_open(*dim)) continue;
        list += cat(list.empty() ? "" : ", ", name_of(axis), " = ", pick(*dim, axis, sizes.rank));
      }
      if (!list.empty()) return {true, cat(where, " of the input, ", list)};
    }
    return {true, cat(where, " of the input")};
  }

  // One resolution of the whole graph. The layers after one that fails are left out.
  std::optional<Pass> pass(const Pick& pick, std::int64_t batch, const ResolveMode& mode,
                           Diagnostics& diagnostics) const {
    Pass result;
    for (const TensorSizes& sizes : inputs_) {
      InputShape shape;
      shape.rank = sizes.rank;
      shape.batch = batch;
      shape.size.depth = sizes.depth.max;
      shape.size.height = pick(sizes.height, Axis::height, sizes.rank);
      shape.size.width = pick(sizes.width, Axis::width, sizes.rank);
      shape.channels = sizes.channels;
      result.tensors.push_back(shape);
    }
    for (const NodeDraft& node : draft_.nodes) {
      const std::optional<InputShape> input = input_of(node, result, mode, diagnostics);
      if (!input || !agrees(node, *input, mode, diagnostics)) return std::nullopt;
      const Layout made_layout = layouts_[result.tensors.size()];
      std::optional<LayerSpec> layer =
          resolve_layer(node.layer, *input, made_layout, mode, diagnostics);
      if (!layer) return std::nullopt;
      InputShape made = output_of(*layer);
      // Only where nothing is counted; the run time checks the true size.
      for (const Axis axis : kAxes)
        at(made.size, axis) = std::min(at(made.size, axis), kMaxElements);
      result.tensors.push_back(made);
      result.layers.push_back(std::move(*layer));
    }
    return result;
  }

  std::optional<InputShape> input_of(const NodeDraft& node, const Pass& so_far,
                                     const ResolveMode& mode, Diagnostics& diagnostics) const {
    if (!node.layer.type->merges()) return so_far.tensors[node.inputs.front()];
    std::vector<InputShape> shapes;
    std::vector<Layout> layouts;
    for (const std::size_t tensor : node.inputs) {
      shapes.push_back(so_far.tensors[tensor]);
      layouts.push_back(layouts_[tensor]);
    }
    return merge_shapes(node, shapes, layouts, mode, diagnostics);
  }

  // A layer that says what it reads must be right.
  bool agrees(const NodeDraft& node, const InputShape& input, const ResolveMode& mode,
              Diagnostics& diagnostics) const {
    if (!node.layer.input_shape.value) return true;
    const Layout layout = layouts_[node.inputs.front()];
    const TensorSizes stated = sizes_of(*node.layer.input_shape.value, layout);
    const auto in = [](std::int64_t size, const Dim& dim) {
      return size >= least_of(dim) && size <= dim.max;
    };
    if (stated.rank == input.rank && stated.channels == input.channels &&
        in(input.size.depth, stated.depth) && in(input.size.height, stated.height) &&
        in(input.size.width, stated.width)) {
      return true;
    }
    InputShape shown{
        1, {stated.height.max, stated.width.max, stated.depth.max}, stated.channels, stated.rank};
    Diagnostic& error =
        diagnostics.error(Code::shapes_disagree, node.layer.input_shape.range,
                          cat("`input_shape` is ", shape_text(shown, layout),
                              ", but this layer reads ", shape_text(input, layout)));
    if (!mode.note.empty()) error.note(mode.note);
    error.help("leave `input_shape` out: only the first layer of a chain needs it");
    return false;
  }

  // Sizes without a minimum get the least with which every layer has an output.
  void find_least_sizes() {
    for (const Axis axis : {Axis::height, Axis::width}) {
      bool any = false;
      for (TensorSizes& sizes : inputs_) any = any || dim_of(sizes, axis).min == 0;
      if (!any) continue;
      const auto fits = [&](std::int64_t candidate) {
        Diagnostics ignored;
        const Pick pick = [&](const Dim& dim, Axis at, int) {
          if (at == axis && dim.min == 0) return std::min(candidate, dim.max);
          return std::min(dim.max, kMaxElements / 2);
        };
        return pass(pick, 1, {false, {}}, ignored).has_value();
      };
      std::int64_t least = 1;
      while (least < kMaxElements / 2 && !fits(least)) least *= 2;
      if (!fits(least)) {
        least = 0;  // whatever fails does so for another reason
      } else if (least > 1) {
        std::int64_t low = least / 2 + 1;
        while (low < least) {
          const std::int64_t middle = low + (least - low) / 2;
          if (fits(middle)) {
            least = middle;
          } else {
            low = middle + 1;
          }
        }
      }
      for (TensorSizes& sizes : inputs_) {
        Dim& dim = dim_of(sizes, axis);
        if (dim.min != 0) continue;
        dim.min = least == 0 ? typical_of(dim, sizes.rank) : std::min(least, dim.max);
      }
    }
  }

  static Dim& dim_of(TensorSizes& sizes, Axis axis) {
    return axis == Axis::height ? sizes.height : sizes.width;
  }

  // Tensors that meet by ways of different strides may agree for some sizes only: all of a period.
  bool try_between(const Pass& least) const {
    const auto merge = std::find_if(draft_.nodes.begin(), draft_.nodes.end(),
                                    [](const auto& node) { return node.layer.type->merges(); });
    if (merge == draft_.nodes.end()) return true;
    const std::int64_t tries = std::min(period(least), widest_range());
    if (tries > kMostSizesTried) {
      diagnostics_
          .error(Code::not_supported_yet, merge->range,
                 cat("operands of sums are checked for up to ", kMostSizesTried,
                     " sizes of the input; the strides of these layers need ", tries))
          .help("give the input a smaller range, Dim(min=, max=), or a number");
      return false;
    }
    for (std::int64_t more = 1; more <= tries; ++more) {
      const Pick pick = [&](const Dim& dim, Axis, int) {
        return std::min(least_of(dim) + more, dim.max);
      };
      if (!pass(pick, least_of(batch_), mode("for some sizes", pick), diagnostics_)) return false;
    }
    return true;
  }

  // `resolved` has the layers.
  [[nodiscard]] std::int64_t period(const Pass& resolved) const {
    std::int64_t period = 1;
    for (const Axis axis : {Axis::height, Axis::width}) {
      std::vector<SizeGrowth> growths;
      for (const TensorSizes& sizes : inputs_) {
        growths.push_back(
            growth_of_input(is_open(axis == Axis::height ? sizes.height : sizes.width)));
      }
      for (std::size_t i = 0; i < draft_.nodes.size(); ++i) {
        std::vector<SizeGrowth> inputs;
        for (const std::size_t tensor : draft_.nodes[i].inputs) inputs.push_back(growths[tensor]);
        growths.push_back(growth_through(resolved.layers[i], axis, inputs));
        period = common_period(period, growths.back().period);
      }
    }
    return period;
  }

  [[nodiscard]] std::int64_t widest_range() const {
    std::int64_t widest = 0;
    for (const TensorSizes& sizes : inputs_) {
      widest = std::max({widest, sizes.height.max - least_of(sizes.height),
                         sizes.width.max - least_of(sizes.width)});
    }
    return widest;
  }

  // Tensors of the greatest sizes can be indexed. Where there is no greatest, the run time checks.
  bool try_greatest() const {
    const Pick pick = [](const Dim& dim, Axis, int) {
      return is_unbounded(dim) ? least_of(dim) : dim.max;
    };
    const std::int64_t batch = is_unbounded(batch_) ? least_of(batch_) : batch_.max;
    return pass(pick, batch, mode("at the greatest sizes", pick), diagnostics_).has_value();
  }

  GraphSizes finish(const Pass& least, const Pass& greatest, Pass usual) const {
    GraphSizes result;
    const Dim batch{least_of(batch_), batch_.max};
    for (std::size_t i = 0; i < usual.tensors.size(); ++i) {
      const InputShape& small = least.tensors[i];
      const InputShape& large = greatest.tensors[i];
      result.tensors.push_back({small.rank,
                                batch,
                                {small.size.depth, large.size.depth},
                                {small.size.height, large.size.height},
                                {small.size.width, large.size.width},
                                small.channels});
    }
    result.layers = std::move(usual.layers);
    for (std::size_t i = 0; i < result.layers.size(); ++i) {
      const TensorSizes& in = result.tensors[main_input(draft_, i, result.tensors)];
      const auto open = [](const Dim& dim) {
        return is_open(dim) ? std::optional(dim) : std::nullopt;
      };
      result.layers[i].open = {open(in.batch), open(in.height), open(in.width)};
    }
    return result;
  }

  const GraphDraft& draft_;
  const std::vector<Layout>& layouts_;
  Dim batch_;
  Diagnostics& diagnostics_;
  std::vector<TensorSizes> inputs_;
};

}  // namespace

std::size_t main_input(const GraphDraft& draft, std::size_t node,
                       const std::vector<TensorSizes>& tensors) {
  const std::vector<std::size_t>& inputs = draft.nodes[node].inputs;
  const TensorSizes& made = tensors[draft.inputs.size() + node];
  const auto whole = std::find_if(inputs.begin(), inputs.end(),
                                  [&](std::size_t tensor) { return tensors[tensor] == made; });
  return whole == inputs.end() ? inputs.front() : *whole;
}

std::optional<GraphSizes> resolve_sizes(const GraphDraft& draft, const std::vector<Layout>& layouts,
                                        const Dim& batch, Diagnostics& diagnostics) {
  return SizeResolver(draft, layouts, batch, diagnostics).run();
}

}  // namespace convc
