// Plans of Winograd convolutions. Pure.
#include <algorithm>

#include "generators/plan/algorithms.h"
#include "generators/plan/register_tile.h"
#include "generators/plan/roofline.h"
#include "generators/plan/winograd.h"

namespace convc {
namespace {

/// One tap, or three that an output steps over one by one.
bool suits(std::int64_t kernel_size, std::int64_t stride, std::int64_t dilation) {
  return (kernel_size == 1 || kernel_size == 3) && stride == 1 &&
         (kernel_size == 1 || dilation == 1);
}

constexpr std::int64_t kFloatBytes = 4;

/// Cycles of a vector in the transforms, per place of a tile: loads, two combinations, stores.
constexpr double kPerTransformedInput = 3, kPerTransformedProduct = 2.5;

std::int64_t ceil_div(std::int64_t a, std::int64_t b) {
  return (a + b - 1) / b;
}

/// The tasks of a plan, panels aside. All are of the same size.
struct WinogradTasks {
  std::int64_t count = 1;
  std::int64_t tiles = 1;   ///< of a task
  std::int64_t places = 1;  ///< of a tile
};

WinogradTasks tasks_of(const LayerSpec& layer, const Plan& plan) {
  const WinogradTransforms transforms = winograd_transforms(layer, plan.output_tile);
  const std::int64_t rows = plan.row_block == 0 ? layer.out.height : plan.row_block;
  const std::int64_t columns = plan.column_block == 0 ? layer.out.width : plan.column_block;
  WinogradTasks tasks;
  tasks.count = layer.batch * layer.groups * layer.out.depth * ceil_div(layer.out.height, rows) *
                ceil_div(layer.out.width, columns);
  tasks.tiles = ceil_div(rows, transforms.row.outputs) * ceil_div(columns, transforms.column.outputs);
  tasks.places = std::int64_t{transforms.row.inputs} * transforms.column.inputs;
  return tasks;
}

}  // namespace

std::string why_not_winograd(const LayerSpec& layer) {
  const Size& kernel = layer.kernel_size;
  if (layer.kind != LayerKind::conv || kernel.depth != 1 || layer.strides.depth != 1 ||
      layer.padding.front != 0 || layer.padding.back != 0 ||
      !suits(kernel.height, layer.strides.height, layer.dilation_rate.height) ||
      !suits(kernel.width, layer.strides.width, layer.dilation_rate.width) || kernel == Size{}) {
    return "winograd needs a convolution of 3 taps or one along each axis, without strides and "
           "dilation";
  }
  if (layer.kernel_view || layer.output_view) {
    return "winograd does not compute parts of transposed convolutions";
  }
  if (layer.open.any()) return "winograd needs sizes that are known";
  if (!has_dense_channels(layer.output_form, layer.filters)) {
    return "winograd needs an output that is channels_last";
  }
  return {};
}

double winograd_cycles(const LayerSpec& layer, const Plan& plan, const Machine& machine) {
  const WinogradTasks tasks = tasks_of(layer, plan);
  const LayerSpec group = one_group(layer);
  TileDomain products;
  products.images = tasks.count * tasks.places;
  products.out = {1, tasks.tiles};
  products.filters = group.filters;
  products.taps = group.in_channels;
  products.pixel_stride_bytes = kFloatBytes * copied_pixel_stride(group.in_channels);
  RegisterTile tile;
  tile.width = plan.tile_width;
  tile.vectors = plan.tile_vectors;
  tile.lanes = plan.lanes;
  const double tiles = static_cast<double>(tasks.count * tasks.tiles * tasks.places);
  return predicted_cycles(products, tile, machine) +
         tiles * (kPerTransformedInput * vectors_of(group.in_channels, plan.lanes) +
                  kPerTransformedProduct * vectors_of(group.filters, plan.lanes));
}

std::vector<Plan> winograd_plans(const LayerSpec&, const Machine&) {
  return {};
}

}  // namespace convc
