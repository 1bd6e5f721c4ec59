// Drafts: what a spec file, the C++ builder or a model says, before anything is checked against
// anything else. All make the same drafts, so all get the same checks and the same words. Plain
// data.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "dsl/layer_spec.h"
#include "dsl/module.h"
#include "dsl/source.h"

namespace convc {

struct LayerType;

/// An argument. `present` without `value` means it was given but wrong, and has been reported.
template <typename T>
struct Given {
  bool present = false;
  std::optional<T> value;
  SourceRange range;

  Given() = default;
  Given(T given, SourceRange where) : present(true), value(std::move(given)), range(where) {}
  [[nodiscard]] bool wrong() const { return present && !value; }
  /// The value, or what stands for it when it is not given.
  [[nodiscard]] T value_or(T other) const { return value ? *value : other; }
};

struct PaddingDraft {
  PaddingRule rule = PaddingRule::valid;
  Padding pairs;  ///< for explicit_pairs
};

/// Sizes, strides and dilations, and the elements of every tensor, are at most this: generated code
/// computes indices in 32 bits.
inline constexpr std::int64_t kMaxElements = (std::int64_t{1} << 31) - 1;

/// A size of the input: fixed, or a range known only at run time. `min` 0: the least that the
/// layers take; `max` kMaxElements: no other bound.
using DimDraft = Dim;
inline constexpr DimDraft kNone = {0, kMaxElements};

/// An input without its batch, in the order in which it is written: (height, width, channels), or
/// (channels, height, width) where the layers say so.
using ShapeDraft = std::vector<DimDraft>;

struct InputDraft {
  std::string name;  ///< empty: automatic
  SourceRange name_range;
  Given<ShapeDraft> shape;
  Given<DimDraft> batch;
  Given<Layout> data_format;
  SourceRange range;
};

struct LayerDraft {
  const LayerType* type = nullptr;  ///< of dsl/vocabulary.h; never null
  std::string name;                 ///< given or automatic
  SourceRange name_range;
  SourceRange callee;      ///< "Conv2D", where it is called
  bool broken = false;     ///< some argument has been reported
  bool unmatched = false;  ///< some argument has no parameter, so a missing one may be it

  Given<std::int64_t> filters, groups, depth_multiplier;
  Given<Size> kernel_size, strides, dilation_rate, output_padding;
  Given<PaddingDraft> padding;
  Given<PaddingMode> padding_mode;
  Given<float> padding_value;
  Given<Layout> data_format, output_data_format;
  Given<KernelLayout> kernel_layout;
  Given<bool> use_bias;
  Given<LiteralRef> kernel, pointwise_kernel, bias;

  /// Of a convolution: its own; of an activation layer: what it applies.
  Given<Activation> activation;
  Given<float> epsilon;         ///< BatchNormalization
  Given<bool> scales, centers;  ///< BatchNormalization
  Given<float> scale, offset;   ///< Rescaling
  Given<LiteralRef> alpha, gamma, beta, mean, variance;
  Given<std::vector<std::int64_t>> axis, shared_axes;  ///< counted with the batch, as Keras does

  Given<ShapeDraft> input_shape;
  Given<DimDraft> batch;
  Given<std::int64_t> input_pitch, output_pitch;
};

/// A layer with what it reads.
struct NodeDraft {
  LayerDraft layer;
  std::vector<std::size_t> inputs;  ///< tensors
  SourceRange range;                ///< of the call that connects them
};

/// Tensors are counted: first the inputs, then what each node makes.
struct GraphDraft {
  GraphForm form = GraphForm::layer;
  bool broken = false;
  std::string name;  ///< given or automatic; of a bare layer: the layer's
  SourceRange name_range;
  std::vector<InputDraft> inputs;
  std::vector<NodeDraft> nodes;  ///< in execution order
  std::vector<std::size_t> outputs;
  SourceRange range;  ///< the name of what was called
};

/// Gives a chain its input, from its first layer when there is no Input, and its output. Each node
/// of the chain reads what the one before it makes.
void complete_chain(GraphDraft* graph);

/// The name of a tensor: of an input, its own; of what a layer makes, the layer's. Inputs without a
/// name are "input", "input_1", ...; a single output is "output".
std::string tensor_name(const GraphDraft& graph, std::size_t tensor);

struct ModuleDraft {
  std::string name;
  std::vector<GraphDraft> graphs;
};

}  // namespace convc
