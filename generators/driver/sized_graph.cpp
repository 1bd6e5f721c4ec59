#include "generators/driver/sized_graph.h"

#include <algorithm>
#include <utility>

#include "dsl/axes.h"
#include "dsl/resize.h"
#include "generators/driver/tensor_layout.h"
#include "generators/emit/tensor_shape.h"

namespace convc {
namespace {

// Axes of TensorLayout.
constexpr int kBatch = 0;
constexpr int axis_number(Axis axis) {
  return 1 + static_cast<int>(axis);
}

/// Null when the tensor's rank has no such axis.
Dim* dim_of(Tensor& tensor, int axis) {
  const int rank = static_cast<int>(tensor.shape.size()) - 2;
  const int dimension = dimension_of_axis(tensor.form.layout, rank, axis);
  return dimension < 0 ? nullptr : &tensor.shape[static_cast<std::size_t>(dimension)];
}

std::int64_t least_of(Tensor tensor, int axis) {
  const Dim* dim = dim_of(tensor, axis);
  return dim == nullptr ? 1 : std::max<std::int64_t>(dim->min, 1);
}

bool is_open_along(Tensor tensor, int axis) {
  const Dim* dim = dim_of(tensor, axis);
  return dim != nullptr && !dim->fixed();
}

void set_size(Tensor& tensor, std::int64_t batch, const Size& size) {
  *dim_of(tensor, kBatch) = {batch, batch};
  for (const Axis axis : kAxes) {
    Dim* dim = dim_of(tensor, axis_number(axis));
    if (dim != nullptr) *dim = {at(size, axis), at(size, axis)};
  }
}

}  // namespace

bool has_open_sizes(const Graph& graph) {
  return std::any_of(graph.inputs.begin(), graph.inputs.end(), [&](TensorId id) {
    return is_open(graph.tensors[static_cast<std::size_t>(id)]);
  });
}

std::vector<InputSize> representative_sizes(const Graph& graph) {
  std::vector<InputSize> sizes;
  for (const TensorId input : graph.inputs) {
    const Tensor& tensor = graph.tensors[static_cast<std::size_t>(input)];
    // Where it is an operand, the operation says what its open sizes are equal to.
    const auto reader = std::find_if(graph.nodes.begin(), graph.nodes.end(), [&](const Node& node) {
      return std::find(node.inputs.begin(), node.inputs.end(), input) != node.inputs.end();
    });
    const auto size_along = [&](int axis, std::int64_t of_reader) {
      const bool is_open = reader != graph.nodes.end() && is_open_along(tensor, axis);
      return is_open ? of_reader : least_of(tensor, axis);
    };
    const LayerSpec read_by = reader == graph.nodes.end() ? LayerSpec{} : reader->layer;
    sizes.push_back({size_along(kBatch, read_by.batch),
                     size_along(axis_number(Axis::height), read_by.in.height),
                     size_along(axis_number(Axis::width), read_by.in.width)});
  }
  return sizes;
}

Graph with_sizes(const Graph& graph, const std::vector<InputSize>& sizes) {
  if (!has_open_sizes(graph)) return graph;
  Graph sized = graph;
  const auto tensor = [&sized](TensorId id) -> Tensor& {
    return sized.tensors[static_cast<std::size_t>(id)];
  };
  const auto size_of = [](const Tensor& input) {
    Size size;
    for (const Axis axis : kAxes) at(size, axis) = least_of(input, axis_number(axis));
    return size;
  };
  for (std::size_t i = 0; i < graph.inputs.size(); ++i) {
    Tensor& input = tensor(graph.inputs[i]);
    set_size(input, sizes[i].batch, {sizes[i].height, sizes[i].width, size_of(input).depth});
  }
  for (Node& node : sized.nodes) {
    const Tensor& input = tensor(node.inputs[0]);
    node.layer = resized(std::move(node.layer), least_of(input, kBatch), size_of(input));
    set_size(tensor(node.outputs[0]), node.layer.batch, node.layer.out);
  }
  return sized;
}

}  // namespace convc
