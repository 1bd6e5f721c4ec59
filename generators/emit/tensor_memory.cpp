// Greedy placement by size; graphs have few nodes, so quadratic is good enough.
#include "generators/emit/tensor_memory.h"

#include <algorithm>
#include <vector>

#include "convc/kernel_abi.h"
#include "generators/emit/names.h"

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

std::vector<Life> lives_of(const Graph& graph) {
  std::vector<Life> lives;
  for (std::size_t step = 0; step < graph.nodes.size(); ++step) {
    for (TensorId tensor : graph.nodes[step].outputs) {
      if (contains(graph.outputs, tensor)) continue;
      Life life{tensor, step, step, 0, 0};
      for (std::size_t reader = step + 1; reader < graph.nodes.size(); ++reader) {
        if (contains(graph.nodes[reader].inputs, tensor)) life.last_step = reader;
      }
      const auto elements = static_cast<std::uint64_t>(
          element_count(fixed_shape(graph.tensors.at(static_cast<std::size_t>(tensor)))));
      life.bytes = CONVC_ALIGN_UP(elements * sizeof(float));
      lives.push_back(life);
    }
  }
  return lives;
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
