// The cost model of register tiles. Pure.
#include "generators/plan/register_tile.h"

#include <algorithm>
#include <cmath>

#include "generators/plan/integers.h"
#include "generators/plan/planned_sizes.h"
#include "generators/plan/tile_cost.h"

namespace convc {
namespace {

/// That accumulators leave to operands.
constexpr int kSpareRegisters = 4;

RegisterTile make_tile(int height, int width, int vectors, int lanes, int partial_sums) {
  RegisterTile tile;
  tile.height = height;
  tile.width = width;
  tile.vectors = vectors;
  tile.lanes = lanes;
  tile.partial_sums = partial_sums;
  tile.text = std::to_string(height) + "x" + std::to_string(width) + " pixels x " +
              std::to_string(vectors) + " vectors of " + std::to_string(lanes) +
              (partial_sums == 1 ? "" : " x " + std::to_string(partial_sums) + " partial sums") +
              " (" + std::to_string(height * width * vectors * partial_sums) + " accumulators)";
  return tile;
}

/// Accumulators of each vector of sums, of which a tile has so many; 0: there is no room for two.
int splits(const TileDomain& domain, int sums, const Machine& machine) {
  if (!domain.splits_sums) return 1;
  const int room = (machine.vector_registers - kSpareRegisters) / sums;
  const auto parts =
      static_cast<int>(largest_divisor(domain.channels, std::clamp(room, 1, kMostPartialSums)));
  return parts > 1 ? parts : 0;
}

/// An axis of an image and of the filters over it.
struct PaddedAxis {
  std::int64_t in, out, before, kernel_size, stride, dilation_rate;
};

/// Share of the taps that read the image, of all outputs along the axis together.
double share_inside(const PaddedAxis& axis) {
  std::int64_t inside = 0;
  for (std::int64_t tap = 0; tap < axis.kernel_size; ++tap) {
    // Output o reads input o * stride - begin.
    const std::int64_t begin = axis.before - tap * axis.dilation_rate;
    const std::int64_t first = ceil_div(std::max<std::int64_t>(begin, 0), axis.stride);
    const std::int64_t end = axis.in + begin;
    const std::int64_t reached = end <= 0 ? 0 : ceil_div(end, axis.stride);
    inside += std::max<std::int64_t>(std::min(reached, axis.out) - first, 0);
  }
  return real(inside) / real(axis.kernel_size * axis.out);
}

}  // namespace

std::int64_t TileDomain::taps_of_tile(std::int64_t tile_height) const {
  const double share = planes_inside * (tile_height == 1 ? rows_inside : 1);
  return std::llround(share * real(taps));
}

TileDomain tile_domain(const LayerSpec& layer, bool flat) {
  TileDomain domain;
  const std::int64_t planes = layer.batch * layer.out.depth;
  domain.images = flat ? 1 : planes;
  domain.out = flat ? Size{1, planes * layer.out.height * layer.out.width}
                    : Size{layer.out.height, layer.out.width};
  domain.whole_rows = !flat && layer.open.height;
  domain.whole_columns = flat ? layer.open.any() : layer.open.width.has_value();
  domain.filters = layer.filters;
  domain.taps = layer.taps() * layer.in_channels;
  domain.channels = layer.in_channels;
  const bool subsamples = layer.kernel_size == Size{};
  domain.pixel_stride_bytes =
      kFloatBytes *
      (copies_input(layer) ? copied_pixel_stride(layer.in_channels) : layer.in_channels) *
      (subsamples ? 1 : layer.strides.width);
  return domain;
}

std::vector<TileDomain> tile_domains(const std::vector<LayerSpec>& layers, bool flat) {
  std::vector<TileDomain> domains;
  for (const LayerSpec& layer : layers) domains.push_back(tile_domain(layer, flat));
  return domains;
}

void leave_out_padding(const LayerSpec& layer, TileDomain& domain) {
  const Size &in = layer.in, &out = layer.out, &kernel = layer.kernel_size;
  const Size &strides = layer.strides, &rate = layer.dilation_rate;
  domain.planes_inside = share_inside(
      {in.depth, out.depth, layer.padding.front, kernel.depth, strides.depth, rate.depth});
  domain.rows_inside = share_inside(
      {in.height, out.height, layer.padding.top, kernel.height, strides.height, rate.height});
}

TileDomain planar_domain(const LayerSpec& layer, std::int64_t rows, std::int64_t columns) {
  TileDomain domain;
  domain.images = layer.batch * layer.out.depth * ceil_div(layer.out.height, rows) *
                  ceil_div(layer.out.width, columns);
  domain.out = {1, layer.filters};
  domain.filters = rows * columns;
  domain.taps = layer.taps() * layer.in_channels;
  return domain;
}

bool panel_exceeds_l2(const TileDomain& domain, int vectors, int lanes, const Machine& machine) {
  const std::int64_t share_bytes = machine.l2_bytes / 8 * 5;
  return domain.taps * vectors * lanes * kFloatBytes > share_bytes;
}

int lanes_for(std::int64_t count, const Machine& machine) {
  constexpr int kFewestLanes = 4;
  int lanes = machine.f32_lanes;
  while (lanes > kFewestLanes && lanes / 2 >= count) lanes /= 2;
  return lanes;
}

bool fits_registers(int height, int width, int vectors, const Machine& machine) {
  // Beside the accumulators stand one weights vector per filter vector and a broadcast input, which
  // AVX-512 folds into the multiply-add. Compilers spill when they have no register to spare.
  const int accumulators = height * width * vectors;
  return accumulators <= machine.vector_registers - kSpareRegisters &&
         accumulators + vectors + 1 <= machine.vector_registers;
}

double predicted_cycles(const TileDomain& domain, const RegisterTile& tile,
                        const Machine& machine) {
  const std::int64_t filter_vectors = ceil_div(domain.filters, tile.lanes);
  const std::int64_t height =
      domain.whole_rows ? round_up(domain.out.height, tile.height) : domain.out.height;
  const std::int64_t width =
      domain.whole_columns ? round_up(domain.out.width, tile.width) : domain.out.width;
  double cycles = 0;
  for (const TileRun& rows : tile_runs(height, tile.height)) {
    for (const TileRun& columns : tile_runs(width, tile.width)) {
      for (const TileRun& vectors : tile_runs(filter_vectors, tile.vectors)) {
        const std::int64_t count = rows.count * columns.count * vectors.count;
        if (count == 0) continue;
        TileVisit visit;
        visit.pixels = rows.size * columns.size;
        visit.vectors = vectors.size;
        visit.lanes = tile.lanes;
        visit.partial_sums = tile.partial_sums;
        visit.taps = domain.taps_of_tile(tile.height);
        visit.pixel_stride_bytes = domain.pixel_stride_bytes;
        const std::int64_t panel_bytes = vectors.size * tile.lanes * kFloatBytes * domain.taps;
        if (panel_bytes > l1_share_bytes(machine))
          visit.panel_bytes_from_l2 = static_cast<double>(panel_bytes);
        cycles += static_cast<double>(count) * visit_cycles(visit, machine).total();
      }
    }
  }
  return cycles * static_cast<double>(domain.images);
}

std::vector<RegisterTile> register_tiles(const std::vector<TileDomain>& sizes,
                                         const Machine& machine) {
  const TileDomain& domain = sizes[0];
  std::vector<RegisterTile> tiles;
  constexpr std::int64_t kTallestTile = 4;
  const int tallest = static_cast<int>(std::min(domain.out.height, kTallestTile));
  // Half-width vectors waste fewer lanes when the filters are few or odd in number.
  for (const int lanes : {machine.f32_lanes, std::max(machine.f32_lanes / 2, 4)}) {
    const std::int64_t filter_vectors = ceil_div(domain.filters, lanes);
    const int most_vectors =
        static_cast<int>(std::min<std::int64_t>(filter_vectors, machine.vector_registers / 2));
    for (int vectors = 1; vectors <= most_vectors; ++vectors) {
      // Sums that pass through memory do so row by row.
      const bool blocked = panel_exceeds_l2(domain, vectors, lanes, machine);
      for (int height = 1; height <= (blocked ? 1 : tallest); ++height) {
        for (int width = 1; width <= domain.out.width; ++width) {
          if (!fits_registers(height, width, vectors, machine)) break;
          const int partial_sums = splits(domain, height * width * vectors, machine);
          if (partial_sums == 0) continue;
          tiles.push_back(make_tile(height, width, vectors, lanes, partial_sums));
          tiles.back().cycles = mean_cost(sizes, [&](const TileDomain& sized) {
            return predicted_cycles(sized, tiles.back(), machine);
          });
        }
      }
    }
  }
  return tiles;
}

RegisterTile choose_register_tile(const std::vector<TileDomain>& sizes, const Machine& machine) {
  const std::vector<RegisterTile> tiles = register_tiles(sizes, machine);
  return *std::min_element(
      tiles.begin(), tiles.end(),
      [](const RegisterTile& a, const RegisterTile& b) { return a.cycles < b.cycles; });
}

}  // namespace convc
