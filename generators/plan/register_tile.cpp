// The cost model of register tiles. Pure.
#include "generators/plan/register_tile.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

namespace convc {
namespace {

constexpr std::int64_t kFloatBytes = 4;
constexpr std::int64_t kCacheLineBytes = 64;

/// A run of equal tiles along one dimension.
struct TileRun {
  std::int64_t count = 0;
  std::int64_t size = 0;
};

/// Whole tiles, then the ragged one: tails cost only their own work.
std::array<TileRun, 2> runs(std::int64_t extent, std::int64_t tile) {
  return {TileRun{extent / tile, tile}, TileRun{extent % tile == 0 ? 0 : 1, extent % tile}};
}

/// Input pixels whose addresses are a multiple of 4 KiB apart compete for one L1 set. A tile reads
/// one line per pixel and comes back to it channel by channel, so all of them should stay.
double l1_conflict_factor(const TileDomain& domain, std::int64_t pixels, const Machine& machine) {
  constexpr std::int64_t kWays = 8;
  const std::int64_t sets = machine.l1d_bytes / (kWays * kCacheLineBytes);
  if (domain.pixel_stride_bytes % kCacheLineBytes != 0) return 1.0;
  const std::int64_t distinct_sets =
      sets / std::gcd(sets, domain.pixel_stride_bytes / kCacheLineBytes);
  // One way is left to the weights that stream through.
  const double load =
      static_cast<double>(pixels) / static_cast<double>(distinct_sets * (kWays - 1));
  return load <= 1.0 ? 1.0 : load;
}

/// Cycles of one tap of a tile: the slowest of the multiply-add pipes, their latency, the load
/// ports and the front end.
double tap_cycles(std::int64_t pixels, std::int64_t vectors, const TileDomain& domain, int lanes,
                  const Machine& machine) {
  const double accumulators = static_cast<double>(pixels * vectors);
  const std::int64_t vector_bytes = lanes * kFloatBytes;
  const double full_width = static_cast<double>(lanes) / machine.f32_lanes;
  const double fma = accumulators * full_width / machine.fma_pipes;
  // Two load ports; a vector as wide as the register file allows takes one cycle per pipe.
  const double loads = static_cast<double>(vectors) * full_width / machine.fma_pipes +
                       static_cast<double>(pixels) / 2;
  constexpr double kIssueWidth = 5;
  constexpr double kLoopOverhead = 3;
  const double issue =
      (accumulators + static_cast<double>(vectors + pixels) + kLoopOverhead) / kIssueWidth;
  const double latency = machine.fma_latency_cycles;
  // A panel larger than half of L1 streams from L2 at about 32 bytes a cycle, mostly hidden.
  const std::int64_t panel_bytes = vectors * vector_bytes * domain.taps;
  constexpr double kL2BytesPerCycle = 32;
  constexpr double kExposed = 0.05;
  const double stream =
      panel_bytes <= machine.l1d_bytes / 2
          ? 0
          : kExposed * static_cast<double>(vectors * vector_bytes) / kL2BytesPerCycle;
  // Measured on Zen 4: each load, even when it fits beside the multiply-adds, costs this much.
  constexpr double kPerLoad = 0.06;
  const double crowding = kPerLoad * static_cast<double>(vectors + pixels);
  return (std::max({fma, loads, issue, latency}) + crowding) *
             l1_conflict_factor(domain, pixels, machine) +
         stream;
}

/// Cycles outside the loop over taps: clearing, bias, activation and store of each accumulator, and
/// waiting for an input that streams from beyond L2 (measured on Zen 4).
double tile_overhead_cycles(std::int64_t pixels, std::int64_t vectors, const TileDomain& domain,
                            const Machine& machine) {
  constexpr double kPerTile = 8;
  constexpr double kPerAccumulator = 1.5;
  constexpr double kPerStreamedLine = 4;
  const bool streams = domain.streamed_bytes > machine.l2_bytes;
  const double lines = static_cast<double>(pixels * domain.pixel_stride_bytes) / kCacheLineBytes;
  return kPerTile + kPerAccumulator * static_cast<double>(pixels * vectors) +
         (streams ? kPerStreamedLine * lines : 0);
}

RegisterTile make_tile(int height, int width, int vectors, int lanes) {
  RegisterTile tile;
  tile.height = height;
  tile.width = width;
  tile.vectors = vectors;
  tile.lanes = lanes;
  tile.text = std::to_string(height) + "x" + std::to_string(width) + " pixels x " +
              std::to_string(vectors) + " vectors of " + std::to_string(lanes) + " (" +
              std::to_string(height * width * vectors) + " accumulators)";
  return tile;
}

}  // namespace

TileDomain tile_domain(const LayerSpec& layer, bool flat) {
  TileDomain domain;
  const std::int64_t planes = layer.batch * layer.out.depth;
  domain.images = flat ? 1 : planes;
  domain.out = flat ? Size{1, planes * layer.out.height * layer.out.width}
                    : Size{layer.out.height, layer.out.width};
  domain.filters = layer.filters;
  domain.taps = layer.taps() * layer.in_channels;
  const std::int64_t pixels = layer.batch * layer.in.depth * layer.in.height * layer.in.width;
  domain.streamed_bytes = flat ? pixels * layer.in_channels * kFloatBytes : 0;
  const bool subsamples = layer.kernel_size == Size{};
  domain.pixel_stride_bytes =
      kFloatBytes *
      (copies_input(layer) ? copied_pixel_stride(layer.in_channels) : layer.in_channels) *
      (subsamples ? 1 : layer.strides.width);
  return domain;
}

TileDomain planar_domain(const LayerSpec& layer, std::int64_t rows, std::int64_t columns) {
  const auto blocks = [](std::int64_t total, std::int64_t block) {
    return (total + block - 1) / block;
  };
  TileDomain domain;
  domain.images = layer.batch * layer.out.depth * blocks(layer.out.height, rows) *
                  blocks(layer.out.width, columns);
  domain.out = {1, layer.filters};
  domain.filters = rows * columns;
  domain.taps = layer.taps() * layer.in_channels;
  return domain;
}

bool panel_exceeds_l2(const TileDomain& domain, int vectors, int lanes, const Machine& machine) {
  const std::int64_t share_bytes = machine.l2_bytes / 8 * 5;
  return domain.taps * vectors * lanes * kFloatBytes > share_bytes;
}

bool fits_registers(int height, int width, int vectors, const Machine& machine) {
  // Beside the accumulators stand one weights vector per filter vector and a broadcast input, which
  // AVX-512 folds into the multiply-add. Compilers spill when they have no register to spare.
  const int accumulators = height * width * vectors;
  constexpr int kSpare = 4;
  return accumulators <= machine.vector_registers - kSpare &&
         accumulators + vectors + 1 <= machine.vector_registers;
}

double predicted_cycles(const TileDomain& domain, const RegisterTile& tile,
                        const Machine& machine) {
  const std::int64_t filter_vectors = (domain.filters + tile.lanes - 1) / tile.lanes;
  double cycles = 0;
  for (const TileRun& rows : runs(domain.out.height, tile.height)) {
    for (const TileRun& columns : runs(domain.out.width, tile.width)) {
      for (const TileRun& vectors : runs(filter_vectors, tile.vectors)) {
        const std::int64_t count = rows.count * columns.count * vectors.count;
        if (count == 0) continue;
        const std::int64_t pixels = rows.size * columns.size;
        cycles += static_cast<double>(count) *
                  (tap_cycles(pixels, vectors.size, domain, tile.lanes, machine) *
                       static_cast<double>(domain.taps) +
                   tile_overhead_cycles(pixels, vectors.size, domain, machine));
      }
    }
  }
  cycles *= static_cast<double>(domain.images);
  // Blocks of channels pass their sums through memory.
  constexpr double kBlockedCost = 1.03;
  return panel_exceeds_l2(domain, tile.vectors, tile.lanes, machine) ? cycles * kBlockedCost
                                                                     : cycles;
}

RegisterTile choose_register_tile(const TileDomain& domain, const Machine& machine) {
  RegisterTile best;
  best.cycles = -1;
  constexpr std::int64_t kTallestTile = 4;
  const int tallest = static_cast<int>(std::min(domain.out.height, kTallestTile));
  // Half-width vectors waste fewer lanes when the filters are few or odd in number.
  for (const int lanes : {machine.f32_lanes, std::max(machine.f32_lanes / 2, 4)}) {
    const std::int64_t filter_vectors = (domain.filters + lanes - 1) / lanes;
    const int most_vectors =
        static_cast<int>(std::min<std::int64_t>(filter_vectors, machine.vector_registers / 2));
    for (int vectors = 1; vectors <= most_vectors; ++vectors) {
      // Sums that pass through memory do so row by row.
      const bool blocked = panel_exceeds_l2(domain, vectors, lanes, machine);
      for (int height = 1; height <= (blocked ? 1 : tallest); ++height) {
        for (int width = 1; width <= domain.out.width; ++width) {
          if (!fits_registers(height, width, vectors, machine)) break;
          RegisterTile tile = make_tile(height, width, vectors, lanes);
          tile.cycles = predicted_cycles(domain, tile, machine);
          if (best.cycles < 0 || tile.cycles < best.cycles) best = tile;
        }
      }
    }
  }
  return best;
}

}  // namespace convc
