// A derived size is kept as floor((multiplier * source + addend) / divisor) of an open one wherever
// that is possible, so that equal sizes are found to be equal and a deep network has few.
#include "generators/emit/run_time_sizes.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <optional>
#include <set>
#include <tuple>

#include "generators/emit/input_error.h"
#include "generators/emit/internal_error.h"
#include "generators/emit/names.h"
#include "generators/emit/tensor_shape.h"
#include "generators/kernels/image_views.h"

namespace convc {
namespace {

constexpr int kFixed = -1;

std::int64_t floor_divide(std::int64_t a, std::int64_t b) {
  return a / b - (a % b < 0 ? 1 : 0);
}

/// floor((multiplier * size + addend) / divisor)
struct Affine {
  int source = 0;
  std::int64_t multiplier = 1, addend = 0, divisor = 1;
  friend auto operator<=>(const Affine&, const Affine&) = default;
};

/// In lowest terms: the floor of a fraction does not change when all its terms are divided by one
/// number, of the addend its floor.
Affine reduced(Affine form) {
  const std::int64_t common = std::gcd(form.multiplier, form.divisor);
  form.multiplier /= common;
  form.addend = floor_divide(form.addend, common);
  form.divisor /= common;
  return form;
}

/// The distinct sizes, numbered as they come.
class SizeTable {
 public:
  int open(const std::string& member, const Dim& range) {
    Entry entry;
    entry.member = member;
    entry.range = range;
    entries_.push_back(entry);
    return static_cast<int>(entries_.size()) - 1;
  }

  int derive(int source, const KernelSize& size) {
    const Affine form = composed(source, size);
    if (form == Affine{form.source}) return form.source;
    const auto [known, fresh] = derived_.emplace(form, static_cast<int>(entries_.size()));
    if (fresh) {
      entries_.emplace_back();
      entries_.back().form = form;
    }
    return known->second;
  }

  /// Less is a mistake of the caller's.
  void require(int size, std::int64_t min) {
    Entry& entry = entries_[static_cast<std::size_t>(size)];
    if (entry.form) entry.min = std::max(entry.min, min);
  }

  /// Writes the table with open sizes first, and `final_index` for each size's number here.
  void finish(RunTimeSizes& result, std::vector<std::uint32_t>& final_index) const {
    final_index.assign(entries_.size(), 0);
    std::vector<std::size_t> order;
    for (const bool derived : {false, true}) {
      for (std::size_t i = 0; i < entries_.size(); ++i) {
        if (entries_[i].form.has_value() == derived) order.push_back(i);
      }
      if (!derived) result.open_count = order.size();
    }
    if (order.size() > CONVC_MAX_SIZES) {
      throw InputError("it has " + std::to_string(order.size()) +
                           " sizes that are known at run time only; at most " +
                           std::to_string(CONVC_MAX_SIZES) + " are possible",
                       "give sizes numbers, or split the function");
    }
    for (std::size_t i = 0; i < order.size(); ++i) {
      final_index[order[i]] = static_cast<std::uint32_t>(i);
      result.sizes.push_back(size_of(entries_[order[i]], final_index));
    }
  }

 private:
  struct Entry {
    std::string member;          // of an open size
    Dim range;                   // of an open size
    std::optional<Affine> form;  // of a derived one
    std::int64_t min = 0;        // of a derived one
  };

  Affine composed(int source, const KernelSize& size) const {
    Affine outer{source, size.multiplier, size.addend + size.offset * size.divisor, size.divisor};
    const std::optional<Affine>& inner = entries_[static_cast<std::size_t>(source)].form;
    if (inner && inner->divisor == 1) {
      outer = {inner->source, outer.multiplier * inner->multiplier,
               outer.multiplier * inner->addend + outer.addend, outer.divisor};
    } else if (inner && outer.multiplier == 1) {
      outer = {inner->source, inner->multiplier, inner->addend + outer.addend * inner->divisor,
               outer.divisor * inner->divisor};
    }
    return reduced(outer);
  }

  static RunTimeSize size_of(const Entry& entry, const std::vector<std::uint32_t>& final_index) {
    RunTimeSize size;
    size.member = entry.member;
    convc_size& numbers = size.numbers;
    numbers.multiplier = numbers.divisor = 1;
    if (!entry.form) {
      numbers.kind = CONVC_SIZE_OPEN;
      numbers.min = entry.range.min;
      numbers.max = entry.range.max;
      return size;
    }
    numbers.kind = CONVC_SIZE_DERIVED;
    numbers.source = final_index[static_cast<std::size_t>(entry.form->source)];
    numbers.min = entry.min;
    numbers.max = kMaxTensorElements;
    numbers.multiplier = entry.form->multiplier;
    numbers.addend = entry.form->addend;
    numbers.divisor = entry.form->divisor;
    return size;
  }

  std::vector<Entry> entries_;
  std::map<Affine, int> derived_;
};

/// The sizes of one tensor: numbers in the table, or kFixed.
struct TensorSizes {
  int batch = kFixed, height = kFixed, width = kFixed;
  friend bool operator==(const TensorSizes&, const TensorSizes&) = default;
};

class GraphSizer {
 public:
  explicit GraphSizer(const Graph& graph) : graph_(graph) {
    for (const IoMember& member : io_members_of(graph)) {
      names_[member.tensor] = member.member;
      taken_.insert(member.member);
    }
  }

  RunTimeSizes run() {
    sizes_of_input(graph_.inputs.at(0));  // its open sizes come first
    for (const Node& node : graph_.nodes) add_node(node);
    for (const TensorId input : graph_.inputs) sizes_of_input(input);
    for (const auto& [tensor, sizes] : tensors_) add_elements(tensor, sizes);
    RunTimeSizes result;
    std::vector<std::uint32_t> final_index;
    table_.finish(result, final_index);
    const auto finish = [&](convc_product& product) {
      for (std::uint32_t i = 0; i < product.count; ++i) {
        product.sizes[i] = final_index[product.sizes[i]];
      }
    };
    for (auto& [tensor, product] : elements_) {
      finish(product);
      finish(gaps_.at(tensor));
      result.elements[tensor] = product;
      result.gaps[tensor] = gaps_.at(tensor);
      result.shapes[tensor] = shape_of(tensor, tensors_.at(tensor));
      for (convc_product& extent : result.shapes[tensor]) finish(extent);
    }
    for (const std::vector<int>& node : of_nodes_) {
      auto& indices = result.of_nodes.emplace_back();
      for (const int size : node) indices.push_back(final_index[static_cast<std::size_t>(size)]);
    }
    return result;
  }

 private:
  const Tensor& tensor(TensorId id) const {
    return graph_.tensors.at(static_cast<std::size_t>(id));
  }

  void add_node(const Node& node) {
    const TensorSizes in = sizes_of_input(node.inputs.at(0));
    std::vector<int>& sizes = of_nodes_.emplace_back();
    for (const KernelSize& size : kernel_sizes(node.layer)) {
      sizes.push_back(size.open_axis != 0
                          ? axis_of(in, size.open_axis)
                          : table_.derive(sizes.at(static_cast<std::size_t>(size.source)), size));
    }
    const SizeIndices indices = size_indices(node.layer);
    const auto at = [&](int index) {
      return index < 0 ? kFixed : sizes[static_cast<std::size_t>(index)];
    };
    const bool part = node.layer.output_view.has_value();
    const TensorSizes out = {at(indices.batch),
                             at(part ? indices.whole_height : indices.out_height),
                             at(part ? indices.whole_width : indices.out_width)};
    for (const int size : {out.height, out.width}) {
      if (size != kFixed) table_.require(size, 1);
    }
    for (const PostOp& op : node.layer.post_ops) {
      if (has_operand(op)) meet(node, op, out);
    }
    tensors_[node.outputs.at(0)] = out;
  }

  static int axis_of(const TensorSizes& sizes, char axis) {
    const int size = axis == 'n' ? sizes.batch : axis == 'h' ? sizes.height : sizes.width;
    if (size == kFixed) throw InternalError("a layer has a run-time size that its input has not");
    return size;
  }

  /// An operand has the sizes of what it is added to.
  void meet(const Node& node, const PostOp& op, const TensorSizes& expected) {
    const TensorId operand = node.inputs.at(static_cast<std::size_t>(op.operand));
    const bool has_pixels =
        op.operand_shape == OperandShape::full || op.operand_shape == OperandShape::per_pixel;
    TensorSizes wanted = expected;
    if (!has_pixels) wanted.height = wanted.width = kFixed;
    const auto [known, fresh] = tensors_.emplace(operand, wanted);
    if (fresh || known->second == wanted) return;
    throw InputError("`" + tensor(operand).name + "` and what layer `" + node.layer.name +
                         "` adds it to have run-time sizes that do not follow from the same ones",
                     "give these sizes numbers, or the inputs the same Dim");
  }

  /// Of a tensor that a layer reads; a further input of the graph may be met here first.
  TensorSizes sizes_of_input(TensorId id) {
    const auto known = tensors_.find(id);
    if (known != tensors_.end()) return known->second;
    const ShapeAxes axes = axes_of(tensor(id));
    TensorSizes sizes;
    sizes.batch = size_of_input(id, "batch", axes.batch);
    if (axes.height) sizes.height = size_of_input(id, "height", *axes.height);
    sizes.width = size_of_input(id, "width", axes.width);
    tensors_[id] = sizes;
    return sizes;
  }

  int size_of_input(TensorId id, const std::string& axis, std::size_t position) {
    const Dim range = tensor(id).shape[position];
    if (range.fixed()) return kFixed;
    const auto known = open_.find({axis, range.min, range.max});
    if (known != open_.end()) return known->second;
    const bool is_first = id == graph_.inputs.at(0);
    const int size = table_.open(member_for(is_first ? axis : names_.at(id) + "_" + axis), range);
    open_.emplace(std::tuple(axis, range.min, range.max), size);
    return size;
  }

  std::string member_for(const std::string& name) {
    std::string member = name;
    for (int number = 2; !taken_.insert(member).second; ++number) {
      member = name + "_" + std::to_string(number);
    }
    return member;
  }

  std::vector<convc_product> shape_of(TensorId id, const TensorSizes& sizes) const {
    const Tensor& t = tensor(id);
    const ShapeAxes axes = axes_of(t);
    std::vector<convc_product> shape;
    for (const Dim& dim : t.shape) shape.push_back(fixed_product(dim.max));
    const auto set = [&](std::size_t position, int size) {
      if (t.shape[position].fixed() || size == kFixed) return;
      shape[position] = size_product(size);
    };
    set(axes.batch, sizes.batch);
    set(axes.width, sizes.width);
    if (axes.height) set(*axes.height, sizes.height);
    return shape;
  }

  /// Elements of all rows, and what is left of the last one's pitch.
  void add_elements(TensorId id, const TensorSizes& sizes) {
    const Tensor& t = tensor(id);
    if (!is_open(t)) return;
    const bool width_is_open = !t.shape[axes_of(t).width].fixed();
    const bool has_pitch = t.form.row_pitch != 0;
    convc_product product = fixed_product(1);
    std::vector<std::int64_t> factors;
    for (const convc_product& extent : shape_of(id, sizes)) {
      factors.push_back(extent.factor);
      const bool is_width =
          width_is_open && extent.sizes[0] == static_cast<std::uint32_t>(sizes.width);
      if (extent.count == 0 || (has_pitch && is_width)) continue;
      product.sizes[product.count++] = extent.sizes[0];
    }
    const Rows rows = rows_of(t, factors);
    product.factor = rows.rows * rows.pitch;
    elements_[id] = product;
    gaps_[id] = fixed_product(width_is_open ? 0 : rows.pitch - rows.length);
    if (!has_pitch || !width_is_open) return;
    KernelSize gap;
    gap.multiplier = -rows.length;
    gap.addend = rows.pitch;
    gaps_[id] = size_product(table_.derive(sizes.width, gap));
  }

  static convc_product size_product(int size) {
    convc_product product = fixed_product(1);
    product.count = 1;
    product.sizes[0] = static_cast<std::uint32_t>(size);
    return product;
  }

  const Graph& graph_;
  SizeTable table_;
  std::map<TensorId, std::string> names_;  // of inputs and outputs
  std::set<std::string> taken_;
  std::map<std::tuple<std::string, std::int64_t, std::int64_t>, int> open_;  // axis, min, max
  std::map<TensorId, TensorSizes> tensors_;
  std::map<TensorId, convc_product> elements_, gaps_;
  std::vector<std::vector<int>> of_nodes_;
};

}  // namespace

convc_product fixed_product(std::int64_t value) {
  convc_product product{};
  product.factor = value;
  return product;
}

std::vector<std::int64_t> all_sizes(const RunTimeSizes& sizes,
                                    const std::vector<std::int64_t>& open_sizes) {
  std::vector<std::int64_t> values = open_sizes;
  for (std::size_t i = sizes.open_count; i < sizes.sizes.size(); ++i) {
    const convc_size& size = sizes.sizes[i].numbers;
    const std::int64_t source = values.at(size.source);
    values.push_back(floor_divide(source * size.multiplier + size.addend, size.divisor) +
                     size.offset);
  }
  return values;
}

std::int64_t value_of(const convc_product& product, const std::vector<std::int64_t>& sizes) {
  std::int64_t value = product.factor;
  for (std::uint32_t i = 0; i < product.count; ++i) value *= sizes.at(product.sizes[i]);
  return value;
}

convc_product RunTimeSizes::product(std::size_t node, const SizeProduct& of_node) const {
  convc_product result = fixed_product(of_node.factor);
  if (of_node.sizes.size() > CONVC_MAX_PRODUCT_SIZES) {
    throw InternalError("a kernel argument is a product of too many sizes");
  }
  std::vector<std::uint32_t> sorted;
  for (const int size : of_node.sizes) {
    sorted.push_back(of_nodes.at(node).at(static_cast<std::size_t>(size)));
  }
  std::sort(sorted.begin(), sorted.end());
  std::copy(sorted.begin(), sorted.end(), result.sizes);
  result.count = static_cast<std::uint32_t>(sorted.size());
  return result;
}

RunTimeSizes run_time_sizes(const Graph& graph) {
  return GraphSizer(graph).run();
}

}  // namespace convc
