// Which neighbours become one step. Pure.
#include "generators/plan/fusion.h"

#include <algorithm>
#include <optional>

#include "generators/plan/plan.h"

namespace convc {
namespace {

constexpr int kNoNode = -1;

/// A graph being rewritten: nodes vanish from their slots, and who writes and reads each tensor is
/// at hand.
class Slots {
 public:
  explicit Slots(Graph graph)
      : graph_(std::move(graph)),
        producer_(graph_.tensors.size(), kNoNode),
        uses_(graph_.tensors.size(), 0) {
    for (const TensorId output : graph_.outputs) ++uses_[at(output)];
    for (Node& node : graph_.nodes) {
      for (const TensorId input : node.inputs) ++uses_[at(input)];
      for (const TensorId output : node.outputs) {
        producer_[at(output)] = static_cast<int>(slots_.size());
      }
      slots_.emplace_back(std::move(node));
    }
  }

  [[nodiscard]] int size() const { return static_cast<int>(slots_.size()); }
  [[nodiscard]] bool holds(int slot) const { return slots_[at(slot)].has_value(); }
  [[nodiscard]] const Node& node(int slot) const { return *slots_[at(slot)]; }
  /// Slot of the node that writes a tensor; kNoNode: an input of the graph.
  [[nodiscard]] int producer(TensorId tensor) const { return producer_[at(tensor)]; }
  /// A node reads it, once, and nothing else does; it is no output of the graph.
  [[nodiscard]] bool has_one_use(TensorId tensor) const { return uses_[at(tensor)] == 1; }

  /// Puts `merged` in place of two nodes, the second of which reads the first's result.
  void merge(int first, int second, int place, Node merged) {
    producer_[at(slots_[at(first)]->outputs.front())] = kNoNode;
    slots_[at(first)].reset();
    slots_[at(second)].reset();
    producer_[at(merged.outputs.front())] = place;
    slots_[at(place)] = std::move(merged);
  }

  Graph take() {
    graph_.nodes.clear();
    for (std::optional<Node>& slot : slots_) {
      if (slot) graph_.nodes.push_back(std::move(*slot));
    }
    return std::move(graph_);
  }

 private:
  static std::size_t at(int index) { return static_cast<std::size_t>(index); }

  Graph graph_;
  std::vector<std::optional<Node>> slots_;
  std::vector<int> producer_;
  std::vector<int> uses_;
};

bool has_cropping(const Padding& p) {
  return std::min({p.top, p.bottom, p.left, p.right, p.front, p.back}) < 0;
}

bool depends_on_size(PaddingRule rule) {
  return rule == PaddingRule::same || rule == PaddingRule::same_lower;
}

/* Padding into the layer after it. */

bool is_lone_padding(const LayerSpec& layer) {
  return layer.kind == LayerKind::elementwise && layer.padding.any() &&
         !has_cropping(layer.padding) && layer.post_ops.empty();
}

bool can_take_padding(const LayerSpec& layer, const LayerSpec& pad) {
  if (!layer.has_kernel() || layer.kind == LayerKind::conv_transpose) return false;
  if (has_cropping(layer.padding)) return false;
  // The rule would pad what it would see for a larger image.
  if (pad.open.any() && depends_on_size(layer.padding_rule)) return false;
  return !layer.padding.any() || (pad.pads_with_zeros() && layer.pads_with_zeros());
}

LayerSpec with_padding(LayerSpec layer, const LayerSpec& pad) {
  layer.padding_mode = pad.pads_with_zeros() ? PaddingMode::zeros : pad.padding_mode;
  layer.padding_value = pad.pads_with_zeros() ? 0 : pad.padding_value;
  layer.padding.top += pad.padding.top;
  layer.padding.bottom += pad.padding.bottom;
  layer.padding.left += pad.padding.left;
  layer.padding.right += pad.padding.right;
  layer.padding.front += pad.padding.front;
  layer.padding.back += pad.padding.back;
  layer.padding_rule = PaddingRule::explicit_pairs;
  layer.in = pad.in;
  layer.input_form = pad.input_form;
  layer.open = pad.open;
  return layer;
}

/// Takes in the padding that the node in `slot` reads; false when there is none that it can take.
bool fuse_padding_before(Slots& slots, int slot) {
  const Node& reader = slots.node(slot);
  const TensorId input = reader.inputs.front();
  const int producer = slots.producer(input);
  if (producer == kNoNode || !slots.has_one_use(input)) return false;
  const Node& pad = slots.node(producer);
  if (!is_lone_padding(pad.layer) || !can_take_padding(reader.layer, pad.layer)) return false;
  Node merged = reader;
  merged.layer = with_padding(reader.layer, pad.layer);
  merged.inputs.front() = pad.inputs.front();
  slots.merge(producer, slot, slot, std::move(merged));
  return true;
}

/* Post_ops into the node before. */

bool has_prelu(const std::vector<PostOp>& chain) {
  return std::any_of(chain.begin(), chain.end(),
                     [](const PostOp& op) { return op.kind == PostOpKind::prelu; });
}

bool is_per_element(const std::vector<PostOp>& chain) {
  return std::none_of(chain.begin(), chain.end(), is_channelwise);
}

/// A node of post_ops alone, each of which sees one element.
bool can_follow(const LayerSpec& layer) {
  return layer.kind == LayerKind::elementwise && layer.padding == Padding{} &&
         !may_be_padded(layer) && is_per_element(layer.post_ops);
}

/// Arguments of a kernel beside its operands and vectors, and room to spare.
constexpr std::size_t kOtherArguments = 8;
constexpr std::size_t kMostArguments = 64;

std::size_t vector_arguments(const LayerSpec& layer) {
  std::size_t vectors = 1;
  for (const PostOp& op : layer.post_ops) {
    if (op.kind == PostOpKind::prelu) vectors += 1;
    if (op.kind == PostOpKind::batch_normalization) vectors += 2;
  }
  return vectors;
}

bool can_take_post_ops(const Node& host, const Node& follower) {
  const LayerSpec& first = host.layer;
  const LayerSpec& second = follower.layer;
  // The shape of PReLU's variable follows the layout.
  const bool changes_layout = second.input_form.layout != second.output_form.layout;
  if (changes_layout && (has_prelu(first.post_ops) || has_prelu(second.post_ops))) return false;
  if (channelwise_axis(first) != TensorAxis::channels && !channel_vectors(second).empty()) {
    return false;
  }
  return host.inputs.size() + follower.inputs.size() + vector_arguments(first) +
             vector_arguments(second) + kOtherArguments <=
         kMostArguments;
}

/// The follower with another operand of its sum or product as what it reads; nullopt when the
/// operands cannot change places.
std::optional<Node> with_first_input(const Node& follower, std::size_t index) {
  if (index == 0) return follower;
  Node swapped = follower;
  if (swapped.layer.post_ops.empty()) return std::nullopt;
  PostOp& op = swapped.layer.post_ops.front();
  const bool commutes = op.kind == PostOpKind::add || op.kind == PostOpKind::multiply;
  if (!commutes || op.operand != static_cast<int>(index) ||
      op.operand_shape != OperandShape::full) {
    return std::nullopt;
  }
  for (const PostOp& other : swapped.layer.post_ops) {
    if (&other != &op && other.operand == op.operand) return std::nullopt;
  }
  std::swap(swapped.inputs[0], swapped.inputs[index]);
  std::swap(swapped.layer.input_form.layout, op.operand_layout);
  return swapped;
}

/// Host and follower as one node that writes the follower's tensor.
Node fused(Node host, const Node& follower) {
  for (PostOp op : follower.layer.post_ops) {
    if (op.name.empty()) op.name = follower.layer.name;
    if (op.kind == PostOpKind::add || op.kind == PostOpKind::multiply) {
      const TensorId operand = follower.inputs[static_cast<std::size_t>(op.operand)];
      op.operand = static_cast<int>(host.inputs.size());
      host.inputs.push_back(operand);
    }
    host.layer.post_ops.push_back(std::move(op));
  }
  host.layer.output_form = follower.layer.output_form;
  host.outputs = follower.outputs;
  return host;
}

/// Joins the node in `slot` to the producer of one of its operands; the latest one that can take
/// it.
void fuse_with_producer(Slots& slots, int slot) {
  const Node& follower = slots.node(slot);
  if (!can_follow(follower.layer)) return;
  int best = kNoNode;
  std::optional<Node> best_follower;
  for (std::size_t i = 0; i < follower.inputs.size(); ++i) {
    const TensorId input = follower.inputs[i];
    const int host = slots.producer(input);
    if (host <= best || !slots.has_one_use(input)) continue;
    std::optional<Node> arranged = with_first_input(follower, i);
    if (!arranged || !can_take_post_ops(slots.node(host), *arranged)) continue;
    best = host;
    best_follower = std::move(arranged);
  }
  if (best == kNoNode) return;
  // The host waits when an operand of its new post_ops is computed after it.
  const bool waits = std::any_of(best_follower->inputs.begin() + 1, best_follower->inputs.end(),
                                 [&](TensorId operand) { return slots.producer(operand) > best; });
  slots.merge(best, slot, waits ? slot : best, fused(slots.node(best), *best_follower));
}

}  // namespace

Graph fuse_padding(Graph graph) {
  Slots slots(std::move(graph));
  for (int slot = 0; slot < slots.size(); ++slot) {
    while (fuse_padding_before(slots, slot)) {
    }
  }
  return slots.take();
}

Graph fuse_post_ops(Graph graph) {
  Slots slots(std::move(graph));
  for (int slot = 0; slot < slots.size(); ++slot) {
    if (slots.holds(slot)) fuse_with_producer(slots, slot);
  }
  return slots.take();
}

}  // namespace convc
