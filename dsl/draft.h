// Drafts: what a spec file or the C++ builder says, before anything is checked against anything
// else. Both make the same drafts, so both get the same checks and the same words. Plain data.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "dsl/layer_spec.h"
#include "dsl/source.h"

namespace convc {

/// An argument. `present` without `value` means it was given but wrong, and has been reported.
template <typename T>
struct Given {
  bool present = false;
  std::optional<T> value;
  SourceRange range;

  Given() = default;
  Given(T given, SourceRange where) : present(true), value(std::move(given)), range(where) {}
  [[nodiscard]] bool wrong() const { return present && !value; }
};

struct PaddingDraft {
  PaddingMode mode = PaddingMode::valid;
  Padding2D pairs;  ///< for explicit_pairs
};

using ImageShape = std::array<std::int64_t, 3>;  ///< height, width, channels

struct InputDraft {
  Given<ImageShape> shape;
  Given<std::int64_t> batch;
  SourceRange range;
};

struct LayerDraft {
  std::string name;  ///< given or automatic
  SourceRange name_range;
  bool broken = false;     ///< some argument has been reported
  bool unmatched = false;  ///< some argument has no parameter, so a missing one may be it

  Given<std::int64_t> filters;
  Given<Size2D> kernel_size;
  Given<Size2D> strides;
  Given<PaddingDraft> padding;
  Given<Size2D> dilation_rate;
  Given<std::int64_t> groups;
  Given<Activation> activation;
  Given<bool> use_bias;
  Given<LiteralRef> kernel;
  Given<LiteralRef> bias;
  Given<ImageShape> input_shape;
  Given<std::int64_t> batch;

  SourceRange callee;  ///< "Conv2D", where it is called

  /// Some argument was given but has no value.
  [[nodiscard]] bool any_wrong() const {
    return filters.wrong() || kernel_size.wrong() || strides.wrong() || padding.wrong() ||
           dilation_rate.wrong() || groups.wrong() || activation.wrong() || use_bias.wrong() ||
           kernel.wrong() || bias.wrong() || input_shape.wrong() || batch.wrong();
  }
};

struct GraphDraft {
  bool is_sequential = false;
  bool broken = false;
  std::string name;  ///< given or automatic; of a bare layer: the layer's
  SourceRange name_range;
  std::optional<InputDraft> input;
  std::vector<LayerDraft> layers;
  SourceRange range;  ///< the name of what was called
};

struct ModuleDraft {
  std::string name;
  std::vector<GraphDraft> graphs;
};

}  // namespace convc
