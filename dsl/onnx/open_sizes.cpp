// Sizes flow from layer to layer, as in dsl/graph_sizes.cpp: what fits at both ends of a range fits
// between, because sizes of outputs grow with those of inputs. Operands of sums need more tries.
#include "dsl/onnx/open_sizes.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "dsl/axes.h"
#include "dsl/resize.h"
#include "dsl/resolve.h"
#include "dsl/size_period.h"
#include "dsl/text.h"

namespace convc::onnx_import {
namespace {

struct Sizes {
  std::int64_t batch = 1;
  Size size;
};

// The size of an open dimension that is tried.
using Pick = std::function<std::int64_t(const Dim&)>;

// The sizes of all tensors for one choice, or what stands in the way.
struct Pass {
  std::vector<Sizes> tensors;
  Code code = Code::none;
  std::string problem;
};

// Where a tensor has its batch or an axis; null when its rank has no such axis.
Dim* batch_of(Tensor& tensor) {
  return tensor.shape.data();
}
Dim* dim_of(Tensor& tensor, Axis axis) {
  const std::span<const Axis> axes = axes_of(static_cast<int>(tensor.shape.size()) - 2);
  const auto found = std::find(axes.begin(), axes.end(), axis);
  return found == axes.end() ? nullptr
                             : &tensor.shape[2 + static_cast<std::size_t>(found - axes.begin())];
}

class Settler {
 public:
  Settler(Graph& graph, Diagnostics& diagnostics) : graph_(graph), diagnostics_(diagnostics) {}

  bool run() {
    if (!any_open()) return true;
    raise_least();
    const auto least = [](const Dim& dim) { return dim.min; };
    const auto greatest = [](const Dim& dim) { return unbounded(dim) ? dim.min : dim.max; };
    if (!fits(least, "at the least sizes") || !fits_between()) return false;
    if (!fits(greatest, "at the greatest sizes")) return false;
    finish(pass(least), pass([](const Dim& dim) { return dim.max; }));
    return true;
  }

 private:
  [[nodiscard]] Tensor& tensor(TensorId id) const {
    return graph_.tensors[static_cast<std::size_t>(id)];
  }
  static bool unbounded(const Dim& dim) { return !dim.fixed() && dim.max == kMaxElements; }

  [[nodiscard]] bool any_open() const {
    return std::any_of(graph_.inputs.begin(), graph_.inputs.end(), [&](TensorId id) {
      const std::vector<Dim>& shape = tensor(id).shape;
      return std::any_of(shape.begin(), shape.end(), [](const Dim& dim) { return !dim.fixed(); });
    });
  }

  // Every tensor's sizes; those after a layer that does not fit are left out.
  [[nodiscard]] Pass pass(const Pick& pick) const {
    Pass result;
    result.tensors.resize(graph_.tensors.size());
    const auto sizes = [&](TensorId id) -> Sizes& {
      return result.tensors[static_cast<std::size_t>(id)];
    };
    for (const TensorId id : graph_.inputs) {
      sizes(id).batch = pick(*batch_of(tensor(id)));
      for (const Axis axis : kAxes) {
        const Dim* dim = dim_of(tensor(id), axis);
        if (dim != nullptr) at(sizes(id).size, axis) = pick(*dim);
      }
    }
    for (const Node& node : graph_.nodes) {
      const Sizes& in = sizes(node.inputs.front());
      const LayerSpec layer = resized(node.layer, in.batch, in.size);
      Sizes& made = sizes(node.outputs.front());
      made = {in.batch, layer.out};
      check_output(layer, &result);
      check_operands(node, &result);
      if (result.code != Code::none) break;
      for (const Axis axis : kAxes)
        at(made.size, axis) = std::min(at(made.size, axis), kMaxElements);
    }
    return result;
  }

  static void check_output(const LayerSpec& layer, Pass* result) {
    for (const Axis axis : axes_of(layer.rank)) {
      if (at(layer.out, axis) >= 1) continue;
      result->code = Code::bad_size;
      result->problem = cat("layer \"", layer.name, "\" makes an output of ", name_of(axis), " ",
                            at(layer.out, axis), " from an input of ", at(layer.in, axis));
    }
  }

  static void check_operands(const Node& node, Pass* result) {
    const Sizes& main = result->tensors[static_cast<std::size_t>(node.inputs.front())];
    for (const PostOp& op : node.layer.post_ops) {
      if (op.operand == 0) continue;
      const TensorId id = node.inputs[static_cast<std::size_t>(op.operand)];
      const Sizes& other = result->tensors[static_cast<std::size_t>(id)];
      const bool one =
          op.operand_shape == OperandShape::per_channel || op.operand_shape == OperandShape::scalar;
      if (main.batch == other.batch && other.size == (one ? Size{} : main.size)) continue;
      result->code = Code::shapes_disagree;
      result->problem = cat("the operands of layer \"", node.layer.name, "\" have ",
                            size_words(main), " and ", size_words(other));
    }
  }

  static std::string size_words(const Sizes& sizes) {
    return cat("height ", sizes.size.height, " and width ", sizes.size.width);
  }

  bool fits(const Pick& pick, const char* where) {
    Pass tried = pass(pick);
    for (std::size_t i = 0; i < graph_.tensors.size() && tried.code == Code::none; ++i) {
      std::int64_t count = tried.tensors[i].batch;
      bool is_countable = true;
      for (const std::int64_t size : {graph_.tensors[i].shape[1].max, tried.tensors[i].size.depth,
                                      tried.tensors[i].size.height, tried.tensors[i].size.width}) {
        is_countable = is_countable && size <= kMaxElements / count;
        if (is_countable) count *= size;
      }
      if (is_countable) continue;
      tried.code = Code::tensor_too_large;
      tried.problem = cat("tensor \"", graph_.tensors[i].name, "\" has 2^31 elements or more");
    }
    if (tried.code == Code::none) return true;
    diagnostics_.error(tried.code, {}, cat(where, ", ", tried.problem))
        .note(cat("sizes of the input that are open: ", open_words(pick)))
        .help("give other ranges, or numbers, with --dim");
    return false;
  }

  // Tensors that meet by ways of different strides may agree for some sizes only: all of a period.
  bool fits_between() {
    const bool meet = std::any_of(graph_.nodes.begin(), graph_.nodes.end(),
                                  [](const Node& node) { return node.inputs.size() > 1; });
    const std::int64_t tries = meet ? std::min(period(), widest_range()) : 0;
    if (tries > kMostSizesTried) {
      diagnostics_
          .error(Code::onnx_not_supported, {},
                 cat("operands of sums are checked for up to ", kMostSizesTried,
                     " sizes of the input; the strides of this model need ", tries))
          .help("give smaller ranges, or numbers, with --dim");
      return false;
    }
    for (std::int64_t more = 1; more <= tries; ++more) {
      const auto pick = [more](const Dim& dim) { return std::min(dim.min + more, dim.max); };
      if (!fits(pick, "for some sizes")) return false;
    }
    return true;
  }

  [[nodiscard]] std::int64_t period() const {
    std::int64_t period = 1;
    for (const Axis axis : {Axis::height, Axis::width}) {
      std::vector<SizeGrowth> growths(graph_.tensors.size());
      const auto growth = [&](TensorId id) -> SizeGrowth& {
        return growths[static_cast<std::size_t>(id)];
      };
      for (const TensorId id : graph_.inputs) {
        const Dim* dim = dim_of(tensor(id), axis);
        growth(id) = growth_of_input(dim != nullptr && !dim->fixed());
      }
      for (const Node& node : graph_.nodes) {
        std::vector<SizeGrowth> inputs;
        for (const TensorId id : node.inputs) inputs.push_back(growth(id));
        growth(node.outputs.front()) = growth_through(node.layer, axis, inputs);
        period = common_period(period, growth(node.outputs.front()).period);
      }
    }
    return period;
  }

  [[nodiscard]] std::int64_t widest_range() const {
    std::int64_t widest = 0;
    for (const TensorId id : graph_.inputs) {
      for (const Dim& dim : tensor(id).shape) widest = std::max(widest, dim.max - dim.min);
    }
    return widest;
  }

  // "batch = 1, height = 3" of the first input that has open sizes.
  [[nodiscard]] std::string open_words(const Pick& pick) const {
    std::string words;
    for (const TensorId id : graph_.inputs) {
      const auto add = [&](const char* name, const Dim* dim) {
        if (dim == nullptr || dim->fixed()) return;
        words += cat(words.empty() ? "" : ", ", name, " = ", pick(*dim));
      };
      add("batch", batch_of(tensor(id)));
      add("height", dim_of(tensor(id), Axis::height));
      add("width", dim_of(tensor(id), Axis::width));
      if (!words.empty()) break;
    }
    return words;
  }

  // Along an axis without a limit: the least size, by halving, with which every layer has an
  // output. The representative size has one.
  void raise_least() {
    for (const Axis axis : {Axis::height, Axis::width}) {
      std::int64_t low = 1, high = 0;
      for (const TensorId id : graph_.inputs) {
        const Dim* dim = dim_of(tensor(id), axis);
        if (dim != nullptr && unbounded(*dim)) high = kMaxElements / 2;
      }
      while (low < high) {
        const std::int64_t middle = low + (high - low) / 2;
        if (has_outputs(axis, middle)) {
          high = middle;
        } else {
          low = middle + 1;
        }
      }
      for (const TensorId id : graph_.inputs) {
        Dim* dim = dim_of(tensor(id), axis);
        if (dim != nullptr && unbounded(*dim)) dim->min = std::max(dim->min, low);
      }
    }
  }

  // With `size` along the axis where it has no limit.
  [[nodiscard]] bool has_outputs(Axis axis, std::int64_t size) {
    std::vector<Dim> kept;
    for (const TensorId id : graph_.inputs) {
      Dim* dim = dim_of(tensor(id), axis);
      kept.push_back(dim == nullptr ? Dim{} : *dim);
      if (dim != nullptr && unbounded(*dim)) *dim = {size, size};
    }
    const Pass tried = pass([](const Dim& dim) { return std::min(dim.max, kMaxElements / 2); });
    for (std::size_t i = 0; i < kept.size(); ++i) {
      Dim* dim = dim_of(tensor(graph_.inputs[i]), axis);
      if (dim != nullptr) *dim = kept[i];
    }
    return tried.code != Code::bad_size;
  }

  void finish(const Pass& least, const Pass& greatest) {
    for (std::size_t i = 0; i < graph_.tensors.size(); ++i) {
      *batch_of(graph_.tensors[i]) = {least.tensors[i].batch, greatest.tensors[i].batch};
      for (const Axis axis : kAxes) {
        Dim* dim = dim_of(graph_.tensors[i], axis);
        if (dim == nullptr) continue;
        *dim = {at(least.tensors[i].size, axis), at(greatest.tensors[i].size, axis)};
      }
    }
    for (Node& node : graph_.nodes) {
      Tensor& in = tensor(node.inputs.front());
      const auto open = [](const Dim* dim) {
        return dim == nullptr || dim->fixed() ? std::nullopt : std::optional(*dim);
      };
      node.layer.open = {open(batch_of(in)), open(dim_of(in, Axis::height)),
                         open(dim_of(in, Axis::width))};
    }
  }

  Graph& graph_;
  Diagnostics& diagnostics_;
};

}  // namespace

bool settle_open_sizes(Graph* graph, Diagnostics& diagnostics) {
  return Settler(*graph, diagnostics).run();
}

}  // namespace convc::onnx_import
