// Choice of the register tile: how many output pixels times filter vectors are accumulated in
// registers at once. A cost model with its terms in the open.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dsl/layer_spec.h"
#include "generators/plan/machine.h"
#include "generators/plan/plan.h"

namespace convc {

struct RegisterTile {
  int height = 1;
  int width = 1;
  int vectors = 1;
  int lanes = 1;
  int partial_sums = 1;  ///< accumulators of each vector of sums
  double cycles = 0;     ///< predicted for the whole layer, one thread
  std::string text;      ///< "1x14 pixels x 2 vectors of 16, 28 accumulators"
};

/// So many accumulators of a vector of sums do for every machine: 2 pipes of latency 4 take 8.
inline constexpr int kMostPartialSums = 12;

/// The image a tile walks over; pointwise layers flatten all pixels into one row.
struct TileDomain {
  std::int64_t images = 1;  ///< planes and groups count as images
  Size out;                 ///< depth 1
  std::int64_t filters = 1;
  std::int64_t taps = 1;                ///< multiply-adds per output element
  double planes_inside = 1;             ///< share of the taps that is not in planes of the padding,
  double rows_inside = 1;               ///< and in rows of it, where those are left out
  std::int64_t channels = 1;            ///< of a tap
  bool splits_sums = false;             ///< tiles have 2 or more partial_sums
  std::int64_t pixel_stride_bytes = 4;  ///< between inputs of neighbouring output pixels
  /// Ragged tiles are computed whole, as sizes arrive at run time.
  bool whole_rows = false, whole_columns = false;

  /// Taps of a tile of so many rows, on average.
  [[nodiscard]] std::int64_t taps_of_tile(std::int64_t tile_height) const;
};
/// Precondition: groups = 1 (one_group of algorithms.h).
TileDomain tile_domain(const LayerSpec& layer, bool flat);
/// The same of layers that differ in their sizes (planned_sizes.h).
std::vector<TileDomain> tile_domains(const std::vector<LayerSpec>& layers, bool flat);

/// Leaves out the taps in planes and rows of the padding: Plan::inside_taps.
void leave_out_padding(const LayerSpec& layer, TileDomain& domain);

/// The same with filters and pixels in each other's place, for planar kernels: vectors hold the
/// pixels of a block of rows, one row after the other; every filter is a broadcast. Precondition:
/// as above.
TileDomain planar_domain(const LayerSpec& layer, std::int64_t rows, std::int64_t columns);

/// Cycles for the whole domain with a given tile, whose input is in L1.
double predicted_cycles(const TileDomain& domain, const RegisterTile& tile, const Machine& machine);

/// All that fit the register file and the image, with their predicted cycles. Of several sizes, the
/// image is the first, and cycles the mean_cost of planned_sizes.h.
std::vector<RegisterTile> register_tiles(const std::vector<TileDomain>& sizes,
                                         const Machine& machine);

/// The tile with the fewest predicted cycles among all that fit the register file.
RegisterTile choose_register_tile(const std::vector<TileDomain>& sizes, const Machine& machine);

/// True when a panel with all its channels takes more than its share of L2 (five eighths; the rest
/// is the input's and the output's). Direct convolutions then take blocks of channels.
bool panel_exceeds_l2(const TileDomain& domain, int vectors, int lanes, const Machine& machine);

/// Lanes of vectors for `count` numbers side by side. Of few, a narrower vector wastes fewer lanes.
int lanes_for(std::int64_t count, const Machine& machine);

/// True when the accumulators and their operands stay in registers.
bool fits_registers(int height, int width, int vectors, const Machine& machine);

}  // namespace convc
