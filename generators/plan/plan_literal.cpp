// Plans of small literal filters whose numbers are unrolled into the code: taps and separable.
// Pure.
#include <algorithm>
#include <cmath>

#include "generators/plan/algorithms.h"
#include "generators/plan/literal_filter.h"
#include "generators/plan/register_tile.h"
#include "generators/plan/tasks.h"

namespace convc {
namespace {

/// Numbers up to which a literal filter is unrolled into the code. 4 images of 4 channels cover
/// gray, RGB and RGBA filters; wider banks fill vectors with filters instead.
constexpr std::int64_t kMostUnrolledTaps = 256;
constexpr std::int64_t kMostUnrolledChannels = 4;

/// No vectors beside the bias, whose numbers would have to come from memory.
bool has_bias_alone(const LayerSpec& layer) {
  return std::all_of(layer.post_ops.begin(), layer.post_ops.end(), [](const PostOp& op) {
    return op.kind != PostOpKind::prelu && op.kind != PostOpKind::batch_normalization;
  });
}

/// LLVM makes nothing of a constant in fast-math that is infinite or NaN.
bool are_finite(const std::vector<float>& numbers) {
  return std::all_of(numbers.begin(), numbers.end(), [](float x) { return std::isfinite(x); });
}

bool has_finite_literals(const LayerSpec& layer) {
  return are_finite(layer.kernel->values) && (!layer.use_bias || are_finite(layer.bias->values));
}

bool is_unrolled(const LayerSpec& layer) {
  return layer.kind == LayerKind::conv && layer.weights_are_literal() &&
         has_finite_literals(layer) && layer.groups == 1 &&
         layer.filters <= kMostUnrolledChannels && layer.in_channels <= kMostUnrolledChannels &&
         layer.in.depth == 1 && layer.kernel_size.depth == 1 && layer.out.depth == 1 &&
         has_bias_alone(layer) &&
         static_cast<std::int64_t>(nonzero_taps(layer).size()) <= kMostUnrolledTaps;
}

std::int64_t count_nonzero(const std::vector<float>& values) {
  return static_cast<std::int64_t>(values.size()) - std::count(values.begin(), values.end(), 0.0f);
}

/// Multiply-adds per output pixel of the two passes. The vertical pass is made once per input
/// column, that is strides.width times per output column.
std::int64_t separable_cost(const LayerSpec& layer, const std::vector<SeparableSlice>& slices) {
  std::int64_t cost = 0;
  for (const SeparableSlice& slice : slices) {
    cost += count_nonzero(slice.vertical) * layer.strides.width + count_nonzero(slice.horizontal);
  }
  return cost;
}

std::string why_not_unrolled(const LayerSpec& layer, Algorithm algorithm) {
  if (is_unrolled(layer)) return {};
  return std::string(name_of(algorithm)) +
         " needs a 1-D or 2-D literal kernel of finite numbers, of at most 4 channels and 4 "
         "filters, groups=1 and no PReLU or BatchNormalization after it";
}

}  // namespace

std::string why_not_taps(const LayerSpec& layer) {
  return why_not_unrolled(layer, Algorithm::taps);
}

std::string why_not_separable(const LayerSpec& layer) {
  if (!is_unrolled(layer)) return why_not_unrolled(layer, Algorithm::separable);
  return separate(layer) ? "" : "separable needs a literal kernel of rank 1";
}

Plan literal_plan(const LayerSpec& layer, const Machine& machine) {
  Plan plan;
  plan.algorithm = Algorithm::taps;
  plan.lanes = machine.f32_lanes;
  plan.tile_width =
      static_cast<int>(std::min<std::int64_t>(4 * machine.f32_lanes, layer.out.width));
  const auto taps = static_cast<std::int64_t>(nonzero_taps(layer).size());
  const std::int64_t all = layer.taps() * layer.channels_per_group() * layer.filters;
  plan.reason = std::to_string(taps) + " of " + std::to_string(all) +
                " literal numbers are not zero; each is a constant in the code";
  if (const auto slices = separate(layer)) {
    const std::int64_t cost = separable_cost(layer, *slices);
    // The passes exchange a row through L1: worth it when a quarter of the work is saved.
    if (cost * 4 <= taps * 3) {
      plan.algorithm = Algorithm::separable;
      plan.reason = "the literal filter is of rank 1: two passes take " + std::to_string(cost) +
                    " multiply-adds per pixel, one would take " + std::to_string(taps);
    }
  }
  RegisterTile tile;
  tile.width = plan.tile_width;
  tile.cycles = static_cast<double>(taps * layer.batch * layer.out.height * layer.out.width) /
                machine.f32_lanes;
  const Tasks tasks = choose_tasks(layer, tile, /*flat=*/false, machine, TaskCuts::pixels);
  plan.row_block = tasks.row_block;
  plan.column_block = tasks.column_block;
  return plan;
}

}  // namespace convc
