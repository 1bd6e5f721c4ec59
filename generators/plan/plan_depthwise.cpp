// Plans of depthwise layers: one channel per group, vectors over channels, no reduction over them.
// Pure.
#include <algorithm>
#include <numeric>
#include <optional>
#include <string>

#include "generators/plan/algorithms.h"
#include "generators/plan/integers.h"
#include "generators/plan/register_tile.h"
#include "generators/plan/tasks.h"

namespace convc {
namespace {

/// Rows and columns of a register tile.
struct TileShape {
  int height = 1;
  int width = 1;
};

/// The order in which tiles are taken.
struct Traversal {
  TileShape tile;
  LoopOrder order = LoopOrder::pixels_outer;
  std::int64_t lines = 0;     ///< cache lines of a pixel that a task copies; 0: all
  std::int64_t together = 0;  ///< cache lines that a task reads in place; 0: all
  std::string text;           ///< the reason
};

/// Pixels lie so far apart that those of a tile share a few sets of L1: the fewer a tile reads, the
/// more of them stay until they are read again.
bool pixels_compete(const LayerSpec& layer, std::int64_t bytes) {
  return layer.in_channels * kFloatBytes % bytes == 0;
}

/// A vector is a whole cache line: with AVX-512.
bool fills_lines(const Machine& machine) {
  return machine.f32_lanes * kFloatBytes >= kCacheLineBytes;
}

bool steps(const LayerSpec& layer) {
  return layer.strides.width > 1 || layer.strides.height > 1;
}

/// Rows of the input are not what taps can read.
bool copies_rows(const LayerSpec& layer) {
  return !has_dense_channels(layer.input_form, layer.in_channels) ||
         (may_be_padded(layer) && !fills_border(layer.padding_mode));
}

/// Taps read the input itself, unless its pixels compete for sets of L1.
bool reads_input(const LayerSpec& layer) {
  return !copies_rows(layer) && layer.filters == layer.in_channels;
}

/// Pixels that outputs of so many rows read.
std::int64_t pixels_read(const LayerSpec& layer, std::int64_t rows) {
  LayerSpec one_channel = layer;
  one_channel.in_channels = 1;
  return task_input_bytes(one_channel, rows, layer.out.width) / kFloatBytes;
}

/// Pixels that an image's outputs read, and those that they write.
std::int64_t pixels_of_image(const LayerSpec& layer) {
  return pixels_read(layer, layer.out.height) + layer.out.height * layer.out.width;
}

/// Pixels of which L1 holds a line each: lines a multiple of 4 KiB apart share a set.
std::int64_t pixels_in_l1(const LayerSpec& layer, const Machine& machine) {
  const std::int64_t channels =
      reads_input(layer) ? layer.in_channels : copied_pixel_stride(layer.filters);
  const std::int64_t apart =
      std::max(std::gcd(channels * kFloatBytes, kL1WayBytes), kCacheLineBytes);
  return kL1WayBytes / apart * machine.l1d_ways;
}

/// Pixels that a row of tiles needs in L1 for the next one to find what both read. What is written
/// is needed no more: measured, counting half of it divides the faster from the slower.
std::int64_t pixels_of_tile_row(const LayerSpec& layer, std::int64_t height) {
  const std::int64_t rows = (height - 1) * layer.strides.height +
                            (layer.kernel_size.height - 1) * layer.dilation_rate.height + 1;
  return rows * layer.kernel_size.depth * layer.in.width + height * layer.out.width / 2;
}

/// Measured on Zen 3 and Zen 4. Outputs of two rows share the input rows between them; an image of
/// a few columns is best taken by whole rows.
TileShape tile_shape(const LayerSpec& layer) {
  constexpr std::int64_t kNarrow = 7;
  const int rows = layer.out.height > 1 ? 2 : 1;
  const auto columns = [&](std::int64_t most) {
    return static_cast<int>(std::min(most, layer.out.width));
  };
  if (steps(layer) && pixels_compete(layer, 2048)) return {1, columns(2)};
  if (layer.out.width <= kNarrow) return {1, columns(kNarrow)};
  if (steps(layer) || pixels_compete(layer, 1024)) return {rows, columns(2)};
  if (layer.out.width % 4 == 0 || layer.out.width % kNarrow != 0) return {rows, columns(4)};
  return {1, columns(kNarrow)};
}

/// The widest tile of 7 to 4 columns that leaves the fewest over.
int tile_columns(const LayerSpec& layer) {
  constexpr int kMost = 7, kLeast = 4;
  if (layer.out.width <= kMost) return static_cast<int>(layer.out.width);
  int best = kMost;
  for (int width = kMost - 1; width >= kLeast; --width) {
    if (round_up(layer.out.width, width) < round_up(layer.out.width, best)) best = width;
  }
  return best;
}

/// With strides and a run-time size. Tiles of 3 outputs along an axis share more of what they read
/// and ask than those of 2. Of wide pixels tiles of two columns are as fast or faster. Measured
/// with AVX-512: on Zen 4 for 3 columns of taps, on Zen 5 for 5.
std::optional<TileShape> tile_that_asks(const LayerSpec& layer, const Machine& machine) {
  constexpr std::int64_t kMostLines = 4, kFewTaps = 3;
  const bool asks = layer.open.height && layer.open.width && may_be_padded(layer);
  if (!asks || !steps(layer) || !reads_input(layer) || !fills_lines(machine) ||
      layer.filters * kFloatBytes > kMostLines * kCacheLineBytes) {
    return std::nullopt;
  }
  return layer.kernel_size.width <= kFewTaps ? TileShape{3, 2} : TileShape{2, 3};
}

/// One panel's lines of the input and the output, which lie a pixel apart, come fast: they stay in
/// L1, or the machine fetches such lines as well as those in order.
bool panel_comes_fast(const LayerSpec& layer, const Machine& machine) {
  return machine.costs.fetches_lines_apart ||
         pixels_of_image(layer) * kCacheLineBytes <= machine.l1d_bytes;
}

/// A tile whose panel takes all pixels of a task: 9 weights serve 63 multiply-adds of a row of 7
/// pixels. It must find in L1 what the row of tiles before has read. Zen 5 with AVX-512: 1.1 to 2.2
/// times as fast as all panels of a tile in turn; AVX2: 1.2. On Zen 4 rows that take 0.77 of L1's
/// lines are faster by other ways, of 0.71 they are not.
std::optional<TileShape> tile_of_kept_weights(const LayerSpec& layer, const Machine& machine) {
  if (layer.open.any() || !panel_comes_fast(layer, machine)) return std::nullopt;
  if (!fills_lines(machine)) {
    // The next panel must find the other half of a line.
    constexpr int kWholeRow = 7;
    const TileShape tile = tile_shape(layer);
    const bool fits = tile.height == 1 && tile.width == kWholeRow && !pixels_compete(layer, 1024);
    return fits ? std::optional(tile) : std::nullopt;
  }
  if (layer.filters % machine.f32_lanes != 0) return std::nullopt;
  const int rows = layer.out.height % 2 == 0 ? 2 : 3;
  for (const int height : {rows, 1}) {
    const bool stays = real(pixels_of_tile_row(layer, height)) <=
                       machine.costs.rows_share * real(pixels_in_l1(layer, machine));
    if (stays && height <= layer.out.height) return TileShape{height, tile_columns(layer)};
  }
  return std::nullopt;
}

/// Writing pixels a multiple of 4 KiB apart, one vector each, takes Zen 5 ten times as long as
/// writing them in order: a task takes several lines of each. Of 2 KiB, its loads wait for stores
/// whose addresses agree in the lower 12 bits, as those of buffers of whole pages do. Where lines
/// apart come slowly, whole pixels are faster: Sapphire Rapids takes 0.63 to 0.81 of the time.
std::optional<Traversal> traversal_of_copies(const LayerSpec& layer, const Machine& machine) {
  if (!reads_input(layer) ||
      !copies_competing_pixels(layer.in_channels, layer.strides.width, layer.kernel_size.width)) {
    return std::nullopt;
  }
  Traversal copied;
  copied.text = ", read from a copy whose pixels do not compete for sets of L1";
  copied.tile = {1, tile_columns(layer)};
  const bool takes_lines = machine.costs.fetches_lines_apart;
  const bool ways_apart = !steps(layer) && pixels_compete(layer, kL1WayBytes);
  if (takes_lines) copied.lines = ways_apart ? 8 : 4;
  if (steps(layer) || ways_apart) return copied;
  if (!fills_lines(machine) || layer.open.any()) return std::nullopt;
  if (!takes_lines) copied.tile = tile_shape(layer);
  if (layer.out.height > 1) copied.tile.height = 2;
  return copied;
}

/// Lines that the machine likes to read together, where the rows of a tile then stay in L1 and
/// those of whole pixels do not; else 0. Zen 4: 0.81 to 0.93 of the time of whole pixels.
std::int64_t lines_that_stay(const LayerSpec& layer, const Machine& machine) {
  const std::int64_t lines = machine.costs.lines_together;
  const std::int64_t all = ceil_div(layer.filters * kFloatBytes, kCacheLineBytes);
  const bool has_lines = fills_lines(machine) && layer.filters % machine.f32_lanes == 0;
  if (lines == 1 || all <= lines || !has_lines || !reads_input(layer) || layer.open.any()) return 0;
  const auto stay = [&](std::int64_t of_each) {
    return pixels_of_tile_row(layer, 1) * of_each * kCacheLineBytes <= machine.l1d_bytes;
  };
  return stay(lines) && !stay(all) ? equal_blocks(all, lines, 1) : 0;
}

Traversal traversal(const LayerSpec& layer, const Machine& machine) {
  if (const auto copied = traversal_of_copies(layer, machine)) return *copied;
  if (const auto tile = tile_of_kept_weights(layer, machine)) {
    return {.tile = *tile,
            .order = LoopOrder::filters_outer,
            .text = ", a panel for all pixels in turn"};
  }
  Traversal all;
  all.tile = tile_that_asks(layer, machine).value_or(tile_shape(layer));
  all.together = lines_that_stay(layer, machine);
  const bool likes_wide_tiles = fills_lines(machine) && machine.costs.fetches_lines_apart &&
                                machine.costs.lines_together == 1;
  if (!likes_wide_tiles || layer.open.any() || steps(layer)) return all;
  all.tile = {layer.out.height > 1 ? 2 : 1, tile_columns(layer)};
  return all;
}

/// Vectors of so many cache lines.
std::int64_t panels_of(std::int64_t lines, const Plan& plan) {
  return lines * kCacheLineBytes / kFloatBytes / plan.lanes;
}

/// Tasks of some lines of each pixel, whose input stays in L1; of fewer where then all rows stay,
/// and none is read for two tasks.
std::string cut_lines(const LayerSpec& layer, const Machine& machine, std::int64_t lines,
                      Plan& plan) {
  const auto stay = [&](std::int64_t rows, std::int64_t of_each) {
    return pixels_read(layer, rows) * of_each * kCacheLineBytes <= machine.l1d_bytes;
  };
  std::int64_t rows = layer.out.height, fewer = lines;
  while (!stay(rows, fewer) && fewer / 2 >= machine.costs.least_lines) fewer /= 2;
  if (stay(rows, fewer)) lines = fewer;
  while (!stay(rows, lines) && rows > plan.tile_height) --rows;
  plan.row_block = equal_blocks(layer.out.height, rows, plan.tile_height);
  plan.panel_block = panels_of(lines, plan);
  return "tasks of " + std::to_string(plan.panel_block) + " panels and " +
         std::to_string(plan.row_block) + " rows, whose input stays in L1";
}

/// What a layer reads and writes stays in L2.
bool stays_in_l2(const LayerSpec& layer, const Machine& machine) {
  return pixels_of_image(layer) * layer.filters * kFloatBytes <= machine.l2_bytes;
}

/// A task of rows for each thread, if that divides them well. What a thread writes lies in one
/// piece: processors fetch ahead, and lines beyond the end of a piece come from another's cache.
std::string cut_rows(const LayerSpec& layer, int threads, Plan& plan) {
  constexpr double kDividesWell = 0.8;
  const std::int64_t images = layer.batch * layer.out.depth;
  const std::int64_t cuts = ceil_div(threads, images);
  const std::int64_t whole = round_up(layer.out.height, plan.tile_height);
  const std::int64_t block = round_up(ceil_div(layer.out.height, cuts), plan.tile_height);
  const double busy = busy_share({layer.out.height, block}, {}, images, threads);
  const bool is_cut = busy >= kDividesWell;
  plan.row_block = is_cut ? block : whole;
  const std::string panels =
      plan.panel_block > 0 ? std::to_string(plan.panel_block) : "all of an image's";
  return "tasks of " + std::to_string(plan.row_block) + " rows, " + panels + " panels in each";
}

}  // namespace

LayerSpec read_in_place(const LayerSpec& layer) {
  LayerSpec read = layer;
  read.in_channels = read.groups = 1;
  return read;
}

std::string why_not_depthwise(const LayerSpec& layer) {
  const bool is_conv = layer.kind == LayerKind::conv || layer.kind == LayerKind::depthwise_conv;
  if (is_conv && layer.channels_per_group() == 1) return {};
  return "depthwise needs one channel per group";
}

Plan depthwise_plan(const LayerSpec& layer, const Machine& machine) {
  Plan plan;
  plan.algorithm = Algorithm::depthwise;
  plan.lanes = lanes_for(layer.filters, machine);
  const Traversal chosen = traversal(layer, machine);
  plan.tile_height = chosen.tile.height;
  plan.tile_width = chosen.tile.width;
  plan.loop_order = chosen.order;
  RegisterTile tile;
  tile.height = plan.tile_height;
  tile.width = plan.tile_width;
  tile.lanes = plan.lanes;
  tile.cycles = static_cast<double>(layer.batch * layer.out.depth * layer.out.height *
                                    layer.out.width * layer.filters * layer.taps()) /
                machine.f32_lanes;
  const LayerSpec read = copies_rows(layer) ? layer : read_in_place(layer);
  const Tasks tasks = choose_tasks(read, tile, /*flat=*/false, machine, TaskCuts::pixels);
  plan.row_block = tasks.row_block;
  plan.column_block = tasks.column_block;
  std::string cut = tasks.text;
  if (chosen.lines > 0) {
    cut = cut_lines(layer, machine, chosen.lines, plan);
  } else if (chosen.together > 0 || (chosen.order == LoopOrder::filters_outer &&
                                     layer.out.height > 1 && stays_in_l2(layer, machine))) {
    plan.panel_block = panels_of(chosen.together, plan);
    cut = cut_rows(layer, threads_worth(tile.cycles), plan);
  }
  plan.reason = "one channel per group: vectors over channels, " +
                std::to_string(plan.tile_height) + "x" + std::to_string(plan.tile_width) +
                " pixels at a time" + chosen.text + "; " + cut;
  return plan;
}

}  // namespace convc
