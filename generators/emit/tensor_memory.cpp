// Greedy placement by size; graphs have few nodes, so quadratic is good enough.
#include "generators/emit/tensor_memory.h"

#include <algorithm>
#include <vector>

#include "convc/kernel_abi.h"
#include "generators/emit/input_error.h"
#include "generators/emit/tensor_shape.h"

namespace convc {
namespace {

struct Life {
  TensorId tensor = 0;
  std::size_t first_step = 0;
  std::size_t last_step = 0;
  std::uint64_t bytes = 0;
  std::uint64_t offset = 0;

  [[nodiscard]] bool meets(const Life& other) const {
    return first_step <= other.last_step && other.first_step <= last_step;
  }
};

bool contains(const std::vector<TensorId>& list, TensorId tensor) {
  return std::find(list.begin(), list.end(), tensor) != list.end();
}

std::uint64_t bytes_of(const Tensor& tensor) {
  const std::int64_t elements = element_count(largest_shape(tensor));
  if (elements >= kMaxTensorElements) {
    throw InputError("the tensor `" + tensor.name +
                         "` between two steps has 2^31 elements or more at its largest",
                     "give run-time sizes a maximum, Dim(max=)");
  }
  return CONVC_ALIGN_UP(static_cast<std::uint64_t>(elements) * sizeof(float));
}

std::vector<Life> lives_of(const Graph& graph) {
  std::map<TensorId, Life> lives;
  for (std::size_t step = 0; step < graph.nodes.size(); ++step) {
    const Node& node = graph.nodes[step];
    for (const TensorId tensor : node.inputs) {
      const auto life = lives.find(tensor);
      if (life != lives.end()) life->second.last_step = step;
    }
    for (const TensorId tensor : node.outputs) {
      if (contains(graph.outputs, tensor)) continue;
      const auto index = static_cast<std::size_t>(tensor);
      const auto [life, fresh] =
          lives.try_emplace(tensor, Life{tensor, step, step, bytes_of(graph.tensors.at(index)), 0});
      if (!fresh) life->second.last_step = step;
    }
  }
  std::vector<Life> list;
  for (const auto& [tensor, life] : lives) list.push_back(life);
  return list;
}

/// The lowest offset at which `life` overlaps none of `placed` that it meets.
std::uint64_t lowest_offset(const Life& life, std::vector<Life> placed) {
  std::sort(placed.begin(), placed.end(),
            [](const Life& a, const Life& b) { return a.offset < b.offset; });
  std::uint64_t offset = 0;
  for (const Life& other : placed) {
    if (!life.meets(other)) continue;
    if (offset + life.bytes <= other.offset) break;
    offset = std::max(offset, other.offset + other.bytes);
  }
  return offset;
}

}  // namespace

TensorMemory place_tensors(const Graph& graph) {
  std::vector<Life> lives = lives_of(graph);
  std::stable_sort(lives.begin(), lives.end(),
                   [](const Life& a, const Life& b) { return a.bytes > b.bytes; });
  TensorMemory memory;
  std::vector<Life> placed;
  for (Life& life : lives) {
    life.offset = lowest_offset(life, placed);
    placed.push_back(life);
    memory.offset_bytes[life.tensor] = life.offset;
    memory.total_bytes = std::max(memory.total_bytes, life.offset + life.bytes);
  }
  return memory;
}

}  // namespace convc
