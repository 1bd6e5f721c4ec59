// Plans of the register-tiled algorithms whose vectors run over filters: direct, few_channels,
// pointwise, subsampled and split_channels. Pure.
#include <algorithm>
#include <vector>

#include "generators/plan/algorithms.h"
#include "generators/plan/integers.h"
#include "generators/plan/planned_sizes.h"
#include "generators/plan/register_tile.h"
#include "generators/plan/tasks.h"
#include "generators/plan/tiled_cost.h"

namespace convc {
namespace {

bool has_operand(const PostOp& op) {
  return op.kind == PostOpKind::add || op.kind == PostOpKind::multiply;
}

/// Pixels of a tensor follow one another without gaps: of all images, each pixel with its channels,
/// or of one image, in a plane for each channel.
bool has_flat_pixels(const TensorForm& form, std::int64_t channels, const LayerSpec& layer) {
  const bool one_image = layer.batch == 1 && !layer.open.batch;
  return form.row_pitch == 0 && (one_image || has_dense_channels(form, channels));
}

/// The same of what the layer writes, and of the operands read beside it.
bool has_flat_output(const LayerSpec& layer) {
  return has_flat_pixels(layer.output_form, layer.filters, layer) && !layer.output_view &&
         std::all_of(layer.post_ops.begin(), layer.post_ops.end(), [&](const PostOp& op) {
           return !has_operand(op) || op.operand_shape != OperandShape::full ||
                  has_flat_pixels({op.operand_layout, 0}, layer.filters, layer);
         });
}

bool is_plain_1x1(const LayerSpec& layer) {
  return layer.kind == LayerKind::conv && layer.kernel_size == Size{} &&
         layer.padding == Padding{} && layer.groups == 1;
}

/// An operand of one pixel per image keeps images apart.
bool merges_images(const LayerSpec& layer) {
  if (layer.batch == 1 && !layer.open.batch) return true;
  return std::none_of(layer.post_ops.begin(), layer.post_ops.end(), [](const PostOp& op) {
    return has_operand(op) && (op.operand_shape == OperandShape::per_channel ||
                               op.operand_shape == OperandShape::scalar);
  });
}

/// The largest divisor of `value` that is at most `limit`; 0 when there is none of useful size.
std::int64_t useful_divisor(std::int64_t value, std::int64_t limit) {
  constexpr std::int64_t kLeast = 16;
  const std::int64_t divisor = largest_divisor(value, std::max<std::int64_t>(limit, 1));
  return divisor >= kLeast ? divisor : 0;
}

/// Gray, RGB and RGBA images, whose loop over channels would be mostly overhead.
bool has_few_channels(const LayerSpec& layer) {
  constexpr std::int64_t kFewChannels = 4;
  return layer.in_channels <= kFewChannels && layer.kernel_size.width > 1 &&
         why_not_few_channels(layer).empty();
}

/// The layer as the loops of the algorithm see it: one group, folded channels.
LayerSpec as_tiled(const LayerSpec& layer, Algorithm algorithm) {
  if (algorithm == Algorithm::few_channels) return fold_channels(layer);
  LayerSpec tiled = one_group(layer);
  if (is_flat(algorithm) && !merges_images(layer)) tiled.batch = 1;
  return tiled;
}

/// Blocks of channels, when a panel of all of them takes too much of L2; 0: all at once.
std::int64_t channel_block(const LayerSpec& layer, const RegisterTile& tile, Algorithm algorithm,
                           const Machine& machine) {
  if (algorithm != Algorithm::direct ||
      !panel_exceeds_l2(tile_domain(layer, false), tile.vectors, tile.lanes, machine)) {
    return 0;
  }
  const std::int64_t bytes_per_channel = layer.taps() * tile.vectors * tile.lanes * kFloatBytes;
  const std::int64_t block =
      useful_divisor(layer.in_channels, machine.l2_bytes / 2 / bytes_per_channel);
  return block == layer.in_channels ? 0 : block;
}

/// The best plan of a register-tiled algorithm: each register tile, with tasks of several sizes, in
/// both loop orders.
class Search {
 public:
  /// `sizes` are those that the plan is for.
  Search(std::vector<LayerSpec> sizes, Algorithm algorithm, const Machine& machine,
         bool all_products)
      : sizes_(std::move(sizes)),
        layer_(sizes_[0]),
        machine_(machine),
        domains_(tile_domains(sizes_, is_flat(algorithm))),
        all_products_(all_products),
        flat_(is_flat(algorithm)),
        total_(flat_ ? layer_.batch * layer_.out.depth * layer_.out.height * layer_.out.width
                     : layer_.out.height) {
    plan_.algorithm = algorithm;
    const bool inside = leaves_out_padding(1);
    for (std::size_t i = 0; i < sizes_.size(); ++i) {
      domains_[i].splits_sums = algorithm == Algorithm::split_channels;
      if (inside) leave_out_padding(sizes_[i], domains_[i]);
    }
  }

  Plan best() {
    for (const RegisterTile& tile : promising_tiles()) {
      plan_.lanes = tile.lanes;
      plan_.tile_height = tile.height;
      plan_.tile_width = tile.width;
      plan_.tile_vectors = tile.vectors;
      plan_.partial_sums = tile.partial_sums == 1 ? 0 : tile.partial_sums;
      plan_.channel_block = channel_block(layer_, tile, plan_.algorithm, machine_);
      plan_.inside_taps = leaves_out_padding(tile.height);
      const Tasks tasks = choose_tasks(layer_, tile, flat_, machine_);
      plan_.row_block = tasks.row_block;
      plan_.column_block = tasks.column_block;
      plan_.panel_block = tasks.panel_block;
      try_orders(tile);
      try_other_tasks(tile);
    }
    best_.reason = "tile " + best_tile_.text + "; " + tasks_text() + "; " +
                   to_text(tiled_cost(layer_, best_, machine_));
    return best_;
  }

 private:
  /// Those that are fast where caches do not matter, and of those with one column the fastest:
  /// where the input streams (streams_input) they read the fewest streams.
  [[nodiscard]] std::vector<RegisterTile> promising_tiles() const {
    constexpr std::size_t kMostTiles = 16;
    std::vector<RegisterTile> tiles = register_tiles(domains_, machine_);
    std::stable_sort(tiles.begin(), tiles.end(), [](const RegisterTile& a, const RegisterTile& b) {
      return a.cycles < b.cycles;
    });
    if (tiles.size() <= kMostTiles) return tiles;
    const auto rest = tiles.begin() + kMostTiles;
    const auto narrow = std::find_if(rest, tiles.end(), [](const RegisterTile& tile) {
      return tile.width == 1 && tile.height > 1;
    });
    if (narrow != tiles.end()) std::iter_swap(rest, narrow);
    tiles.resize(kMostTiles + (narrow != tiles.end() ? 1 : 0));
    return tiles;
  }

  /// Rows (pixels, when flat) of tasks that are smaller or larger than what fits L2; where rows of
  /// a task are known and whole.
  void try_other_tasks(const RegisterTile& tile) {
    if (layer_.open.any() || plan_.column_block != 0) return;
    const std::int64_t step = flat_ ? tile.width : tile.height;
    const std::int64_t panels = ceil_div(layer_.filters, plan_.filter_panel());
    std::int64_t last = 0;
    for (const std::int64_t tasks : {1, 2, 3, 4, 6, 8, 12, 16, 24, 32}) {
      plan_.row_block = std::min(round_up(ceil_div(total_, tasks), step), total_);
      if (plan_.row_block == last) continue;
      last = plan_.row_block;
      for (const std::int64_t cuts : {1, 2, 4}) {
        if (cuts > panels) break;
        plan_.panel_block = cuts == 1 ? 0 : ceil_div(panels, cuts);
        try_orders(tile);
      }
    }
  }

  void try_orders(const RegisterTile& tile) {
    for (const LoopOrder order : {LoopOrder::filters_outer, LoopOrder::pixels_outer}) {
      plan_.loop_order = order;
      const double cycles = mean_cost(sizes_, [&](const LayerSpec& sized) {
        return tiled_cost(sized, plan_, machine_).total();
      });
      const double weighed = cycles * (1 + imbalance(cycles));
      if (least_ >= 0 && weighed >= least_) continue;
      least_ = weighed;
      best_ = plan_;
      best_tile_ = tile;
    }
  }

  /// What two threads, and as many as there is work for, lose because tasks are few or do not end
  /// together, as a share of one thread's time: all three matter.
  [[nodiscard]] double imbalance(double cycles) const {
    constexpr int kMostThreads = 8;
    constexpr double kTwo = 0.5, kMany = 0.01;
    const int many = std::min(threads_worth(cycles), kMostThreads);
    if (many < 2) return 0;
    return kTwo * (1 / tasks_busy_share(2) - 1) + kMany * (1 / tasks_busy_share(many) - 1);
  }

  [[nodiscard]] double tasks_busy_share(int threads) const {
    const std::int64_t panels = ceil_div(layer_.filters, plan_.filter_panel());
    const std::int64_t columns =
        plan_.column_block == 0 ? 1 : ceil_div(layer_.out.width, plan_.column_block);
    const std::int64_t images = flat_ ? 1 : layer_.batch * layer_.out.depth;
    return busy_share({total_, plan_.row_block == 0 ? total_ : plan_.row_block},
                      {panels, plan_.panel_block == 0 ? panels : plan_.panel_block},
                      images * columns, threads);
  }

  [[nodiscard]] std::string tasks_text() const {
    const std::int64_t block = best_.row_block == 0 ? total_ : best_.row_block;
    std::string text = "tasks of " + std::to_string(block) + (flat_ ? " pixels" : " rows");
    if (best_.column_block != 0) text += " by " + std::to_string(best_.column_block) + " columns";
    if (best_.panel_block != 0) text += " and " + std::to_string(best_.panel_block) + " panels";
    if (best_.channel_block != 0) {
      text += ", " + std::to_string(best_.channel_block) +
              " channels at a time, as a panel of all exceeds its share of L2";
    }
    return text + (best_.loop_order == LoopOrder::pixels_outer
                       ? ", each tile of pixels with panel after panel"
                       : ", each panel with tile after tile of pixels");
  }

  /// Tiles of so many rows do without enough products with the padding. Fewer gain nothing that
  /// could be measured, and NaN and infinities of the weights go through all products.
  [[nodiscard]] bool leaves_out_padding(std::int64_t tile_height) const {
    constexpr double kEnough = 0.04;
    if (all_products_ || flat_ || !why_not_inside_taps(layer_, tile_height).empty()) return false;
    TileDomain domain = domains_[0];
    leave_out_padding(layer_, domain);
    return real(domain.taps_of_tile(tile_height)) <= (1 - kEnough) * real(domain.taps);
  }

  const std::vector<LayerSpec> sizes_;
  const LayerSpec& layer_;
  const Machine& machine_;
  std::vector<TileDomain> domains_;  ///< of each size
  const bool all_products_;          ///< also those with the padding
  const bool flat_;
  const std::int64_t total_;
  Plan plan_, best_;
  RegisterTile best_tile_;
  double least_ = -1;
};

}  // namespace

LayerSpec one_group(const LayerSpec& layer) {
  LayerSpec group = layer;
  group.batch *= layer.groups;
  group.in_channels = layer.channels_per_group();
  group.filters = layer.filters_per_group();
  group.groups = 1;
  return group;
}

bool has_dense_channels(const TensorForm& form, std::int64_t channels) {
  return form.layout == Layout::channels_last || channels == 1;
}

bool has_dense_pixels(const TensorForm& form, std::int64_t channels) {
  return form.layout == Layout::channels_first || channels == 1;
}

bool leaves_out_planes(const Plan& plan, const LayerSpec& layer) {
  const bool reads_image = (plan.algorithm == Algorithm::direct && plan.channel_block == 0) ||
                           plan.algorithm == Algorithm::few_channels;
  return reads_image && !plan.all_taps && pads_planes_only(layer);
}

std::string why_not_direct(const LayerSpec& layer) {
  const bool is_conv = layer.kind == LayerKind::conv || layer.kind == LayerKind::depthwise_conv;
  return is_conv ? "" : "direct needs a layer with one filter bank";
}

std::string why_not_few_channels(const LayerSpec& layer) {
  if (layer.kind == LayerKind::conv && layer.groups == 1 && layer.dilation_rate.width == 1) {
    return {};
  }
  return "few_channels needs a convolution with groups=1 and no dilation of columns";
}

std::string why_not_pointwise(const LayerSpec& layer) {
  if (!is_plain_1x1(layer) || layer.strides != Size{}) {
    return "pointwise needs kernel_size=1, strides=1, no padding and groups=1";
  }
  if (!has_flat_output(layer) || !has_flat_pixels(layer.input_form, layer.in_channels, layer)) {
    return "pointwise needs images whose pixels follow one another without gaps";
  }
  return {};
}

std::string why_not_subsampled(const LayerSpec& layer) {
  if (!is_plain_1x1(layer) || layer.strides == Size{}) {
    return "subsampled needs kernel_size=1, strides above 1, no padding and groups=1";
  }
  if (!has_flat_output(layer) || !has_dense_channels(layer.input_form, layer.in_channels)) {
    return "subsampled needs an output whose pixels follow one another without gaps, and pixels of "
           "the input with their channels side by side";
  }
  return layer.open.any() ? "subsampled needs a fixed size" : "";
}

std::string why_not_split_channels(const LayerSpec& layer) {
  if (!why_not_direct(layer).empty()) return "split_channels needs a layer with one filter bank";
  if (largest_divisor(layer.channels_per_group(), kMostPartialSums) > 1) return {};
  return "split_channels needs a number of channels with a divisor from 2 to " +
         std::to_string(kMostPartialSums);
}

std::vector<Algorithm> promising_tiled_algorithms(const LayerSpec& layer, const Machine& machine) {
  std::vector<Algorithm> algorithms;
  if (why_not_pointwise(layer).empty()) {
    algorithms.push_back(Algorithm::pointwise);
    // Tiles of several rows have fewer pixels side by side.
    if (machine.costs.exposed_side_by_side > 0 && streams_input(layer, machine)) {
      algorithms.push_back(Algorithm::direct);
    }
  } else {
    algorithms.push_back(has_few_channels(layer) ? Algorithm::few_channels : Algorithm::direct);
  }
  if (why_not_subsampled(layer).empty()) algorithms.push_back(Algorithm::subsampled);
  // So many vectors of sums keep the multiply-add pipes busy: a tile of more needs no parts.
  const std::int64_t enough = std::int64_t{machine.fma_latency_cycles} * machine.fma_pipes;
  const std::int64_t sums =
      layer.out.height * layer.out.width * ceil_div(layer.filters_per_group(), machine.f32_lanes);
  if (sums <= enough && why_not_split_channels(layer).empty()) {
    algorithms.push_back(Algorithm::split_channels);
  }
  return algorithms;
}

std::string why_not_inside_taps(const LayerSpec& layer, std::int64_t tile_height) {
  if (!layer.pads_with_zeros()) return "inside_taps needs a padding of zeros";
  if (layer.kernel_size == Size{}) return "inside_taps needs filters of more than one tap";
  if (layer.open.height) return "inside_taps needs a fixed height";
  if (pads_planes_only(layer)) return "inside_taps needs padded rows; planes alone do without";
  const Padding& padding = layer.padding;
  if (padding.front > 0 || padding.back > 0) return {};
  if (padding.top <= 0 && padding.bottom <= 0) return "inside_taps needs padded rows or planes";
  return tile_height == 1 ? "" : "inside_taps leaves out rows where tiles are of one row";
}

Plan tiled_plan(const LayerSpec& layer, const Machine& machine, Algorithm algorithm,
                Accuracy accuracy) {
  std::vector<LayerSpec> sizes = planned_sizes(layer);
  for (LayerSpec& sized : sizes) sized = as_tiled(sized, algorithm);
  // A 1x1 filter whose channels are folded still is one.
  const bool all_products = accuracy == Accuracy::strict || layer.kernel_size == Size{};
  Plan plan = Search(std::move(sizes), algorithm, machine, all_products).best();
  if (algorithm == Algorithm::few_channels) {
    plan.reason = "channels=" + std::to_string(layer.in_channels) + " are folded into columns; " +
                  plan.reason;
  }
  if (layer.groups > 1) {
    plan.reason = "groups=" + std::to_string(layer.groups) + " are an outer loop; " + plan.reason;
  }
  return plan;
}

TiledCost tiled_layer_cost(const LayerSpec& layer, const Plan& plan, const Machine& machine) {
  // What inside_taps leaves out decides among tiles, not among algorithms: direct's model is the
  // surer one, and Winograd's plan for 7x7 images is faster than both predict.
  Plan whole = plan;
  whole.inside_taps = false;
  return tiled_cost(as_tiled(layer, plan.algorithm), whole, machine);
}

}  // namespace convc
