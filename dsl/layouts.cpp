// Layouts: tensors that must agree are classes, and what layers demand is true of a whole class.
#include "dsl/layouts.h"

#include <algorithm>
#include <numeric>

#include "dsl/axes.h"
#include "dsl/text.h"
#include "dsl/vocabulary.h"

namespace convc {
namespace {

const char* word_of(Layout layout) {
  return layout == Layout::channels_last ? "channels_last" : "channels_first";
}

class LayoutInference {
 public:
  LayoutInference(const GraphDraft& draft, const std::vector<int>& ranks, Diagnostics& diagnostics)
      : draft_(draft), ranks_(ranks), diagnostics_(diagnostics) {
    parents_.resize(ranks.size());
    std::iota(parents_.begin(), parents_.end(), std::size_t{0});
    layouts_.resize(ranks.size());
  }

  std::optional<std::vector<Layout>> run() {
    // Classes first: a demand then meets all that it concerns.
    for (std::size_t i = 0; i < draft_.nodes.size(); ++i) {
      if (!chooses(draft_.nodes[i].layer)) unite(output_of(i), draft_.nodes[i].inputs.front());
    }
    for (std::size_t i = 0; i < draft_.inputs.size(); ++i) {
      if (draft_.inputs[i].data_format.value) {
        layouts_[root(i)] = *draft_.inputs[i].data_format.value;
      }
    }
    for (std::size_t i = 0; i < draft_.nodes.size(); ++i) demand_of(i);
    while (spread_over_merges()) {
    }
    for (std::size_t i = 0; i < draft_.nodes.size(); ++i) prefer_channels(i);
    while (spread_over_merges()) {
    }
    if (!ok_) return std::nullopt;
    std::vector<Layout> result;
    for (std::size_t i = 0; i < ranks_.size(); ++i) {
      result.push_back(layouts_[root(i)].value_or(Layout::channels_last));
    }
    return result;
  }

 private:
  // Whether the layer itself says what it reads and makes.
  static bool chooses(const LayerDraft& layer) {
    return layer.type->role == LayerRole::convolution ||
           layer.type->role == LayerRole::zero_padding;
  }
  [[nodiscard]] std::size_t output_of(std::size_t node) const {
    return draft_.inputs.size() + node;
  }
  std::size_t root(std::size_t tensor) {
    while (parents_[tensor] != tensor) {
      parents_[tensor] = parents_[parents_[tensor]];
      tensor = parents_[tensor];
    }
    return tensor;
  }
  void unite(std::size_t a, std::size_t b) { parents_[root(a)] = root(b); }

  void demand(std::size_t tensor, Layout layout, const LayerDraft& layer, SourceRange range) {
    std::optional<Layout>& known = layouts_[root(tensor)];
    if (known.value_or(layout) == layout) {
      known = layout;
      return;
    }
    ok_ = false;
    diagnostics_
        .error(Code::layouts_disagree, range.known() ? range : layer.callee,
               cat("layer \"", layer.name, "\" reads ", word_of(layout), ", but what it reads is ",
                   word_of(*known)))
        .help(chooses(layer) ? cat("add data_format=\"", word_of(*known),
                                   "\", or output_data_format= to the layer before it")
                             : cat("the axis of the channels is ",
                                   *known == Layout::channels_first ? 1 : ranks_[tensor] + 1));
  }

  void demand_of(std::size_t node) {
    const LayerDraft& layer = draft_.nodes[node].layer;
    const std::size_t input = draft_.nodes[node].inputs.front();
    if (chooses(layer)) {
      const Layout in = layer.data_format.value_or(Layout::channels_last);
      const Layout out = layer.output_data_format.value_or(in);
      demand(input, in, layer, layer.data_format.range);
      demand(output_of(node), out, layer, layer.output_data_format.range);
      return;
    }
    if (layer.data_format.value) {
      demand(input, *layer.data_format.value, layer, layer.data_format.range);
    }
    const std::optional<Layout> needed = layout_of_axis(layer, ranks_[input]);
    if (needed) demand(input, *needed, layer, axis_range(layer));
  }

  static bool goes_over_axis(const LayerDraft& layer) {
    return layer.activation.value && reads_whole_axis(layer.activation.value->function);
  }

  // Softmax can go over any axis. Where nothing says which is that of the channels, it is its own.
  void prefer_channels(std::size_t node) {
    const LayerDraft& layer = draft_.nodes[node].layer;
    const std::size_t input = draft_.nodes[node].inputs.front();
    std::optional<Layout>& known = layouts_[root(input)];
    if (known || chooses(layer) || !goes_over_axis(layer)) return;
    if (index_of_axis(layer, ranks_[input]) == 1) known = Layout::channels_first;
  }

  // The one axis of a layer, the last where it says none; 0 when there are several.
  static std::int64_t index_of_axis(const LayerDraft& layer, int rank) {
    const std::vector<std::int64_t> axes = layer.axis.value_or({-1});
    return axes.size() == 1 ? counted_from_0(axes[0], rank) : 0;
  }

  static SourceRange axis_range(const LayerDraft& layer) {
    if (layer.axis.present) return layer.axis.range;
    if (layer.shared_axes.present) return layer.shared_axes.range;
    return layer.activation.range.known() ? layer.activation.range : layer.callee;
  }

  // What the axes of a layer say of the layout of its input.
  std::optional<Layout> layout_of_axis(const LayerDraft& layer, int rank) {
    if (layer.type->role == LayerRole::batch_normalization) {
      const std::int64_t axis = index_of_axis(layer, rank);
      if (axis == rank + 1) return Layout::channels_last;
      if (axis == 1) return Layout::channels_first;
      return refuse_axis(layer, "`axis` must be that of the channels: -1, or 1 for channels_first",
                         "axis 0 is the batch; other axes are not supported yet",
                         "leave `axis` out, or write axis=1 for channels_first");
    }
    if (goes_over_axis(layer)) {
      const std::int64_t axis = index_of_axis(layer, rank);
      if (axis >= 1 && axis <= rank + 1) return std::nullopt;
      return refuse_axis(layer,
                         cat("`axis` must be one of 1 to ", rank + 1, ", or -1 to -", rank + 1),
                         "axis 0 is the batch; that and several axes are not supported yet",
                         "without `axis` it goes over the last one, as in Keras");
    }
    if (!layer.shared_axes.value) return std::nullopt;
    std::vector<std::int64_t> shared = *layer.shared_axes.value;
    std::sort(shared.begin(), shared.end());
    std::vector<std::int64_t> spatial(static_cast<std::size_t>(rank));
    std::iota(spatial.begin(), spatial.end(), 1);
    if (shared == spatial) return Layout::channels_last;
    std::iota(spatial.begin(), spatial.end(), 2);
    if (shared == spatial) return Layout::channels_first;
    const auto numbers = [rank](int first) {
      std::string list;
      for (int i = 0; i < rank; ++i) list += cat(i == 0 ? "" : ", ", first + i);
      return cat("[", list, "]");
    };
    return refuse_axis(layer,
                       cat("`shared_axes` must be the axes of ", axes_text(rank), ": ", numbers(1),
                           ", or ", numbers(2), " for channels_first"),
                       "axis 0 is the batch; other axes are not supported yet",
                       cat("write shared_axes=", numbers(1)));
  }

  std::nullopt_t refuse_axis(const LayerDraft& layer, const std::string& message,
                             const std::string& note, const std::string& help) {
    ok_ = false;
    diagnostics_.error(Code::bad_axis, axis_range(layer), message).note(note).help(help);
    return std::nullopt;
  }

  // Sums: a tensor whose layout nothing says takes that of the others. True when one did.
  bool spread_over_merges() {
    bool changed = false;
    for (const NodeDraft& node : draft_.nodes) {
      if (!node.layer.type->merges()) continue;
      std::optional<Layout> known;
      for (const std::size_t tensor : node.inputs) {
        if (!known) known = layouts_[root(tensor)];
      }
      if (!known) continue;
      for (const std::size_t tensor : node.inputs) {
        std::optional<Layout>& layout = layouts_[root(tensor)];
        changed = changed || !layout;
        layout = layout.value_or(*known);
      }
    }
    return changed;
  }

  const GraphDraft& draft_;
  const std::vector<int>& ranks_;
  Diagnostics& diagnostics_;
  std::vector<std::size_t> parents_;
  std::vector<std::optional<Layout>> layouts_;  // by the root of a class
  bool ok_ = true;
};

}  // namespace

std::optional<std::vector<Layout>> infer_layouts(const GraphDraft& draft,
                                                 const std::vector<int>& ranks,
                                                 Diagnostics& diagnostics) {
  return LayoutInference(draft, ranks, diagnostics).run();
}

}  // namespace convc
