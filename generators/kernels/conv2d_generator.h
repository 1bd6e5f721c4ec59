// What all Conv2D generators share: the parameters that describe the layer, the buffers, and the
// first and last stage of the maths (zero padding, bias and activation). Holds no schedule.
#pragma once

#include <Halide.h>

#include <vector>

#include "generators/kernels/dims.h"

namespace convc {

/// Base of the generators. Parameters are named as in LayerSpec and Plan; `kernel_parameters`
/// (kernel.cpp) is the one table that sets them.
template <typename Derived>
class Conv2DGenerator : public Halide::Generator<Derived> {
 public:
  template <typename T>
  using Param = Halide::GeneratorParam<T>;

  Param<int> batch{"batch", 1};
  Param<int> in_height{"in_height", 8}, in_width{"in_width", 8}, in_channels{"in_channels", 16};
  Param<int> filters{"filters", 16};
  Param<int> kernel_height{"kernel_height", 3}, kernel_width{"kernel_width", 3};
  Param<int> stride_height{"stride_height", 1}, stride_width{"stride_width", 1};
  Param<int> dilation_height{"dilation_height", 1}, dilation_width{"dilation_width", 1};
  Param<int> pad_top{"pad_top", 0}, pad_left{"pad_left", 0};
  Param<int> pad_bottom{"pad_bottom", 0}, pad_right{"pad_right", 0};
  Param<int> groups{"groups", 1};
  Param<bool> use_bias{"use_bias", true};
  Param<bool> relu{"relu", false};

  Param<int> lanes{"lanes", 16};
  Param<int> tile_vectors{"tile_vectors", 2};
  Param<int> tile_height{"tile_height", 1}, tile_width{"tile_width", 4};
  Param<int> channel_block{"channel_block", 0};
  Param<int> row_block{"row_block", 0};
  Param<int> panel_block{"panel_block", 0};
  Param<int> copied_pixel{"copied_pixel", 1};  // numbers between pixels of a copied input
  Param<bool> pixels_outer{"pixels_outer", false};

 protected:
  using ImageInput = typename Halide::Generator<Derived>::template Input<Halide::Buffer<float, 4>>;
  using PackedKernel =
      typename Halide::Generator<Derived>::template Input<Halide::Buffer<float, 6>>;
  using PackedBias = typename Halide::Generator<Derived>::template Input<Halide::Buffer<float, 1>>;
  using ImageOutput =
      typename Halide::Generator<Derived>::template Output<Halide::Buffer<float, 4>>;

  static int value(const Param<int>& param) { return param; }
  static int ceil_div(int a, int b) { return (a + b - 1) / b; }

  int out_height() const {
    const int span = (value(kernel_height) - 1) * value(dilation_height) + 1;
    return (value(in_height) + value(pad_top) + value(pad_bottom) - span) / value(stride_height) +
           1;
  }
  int out_width() const {
    const int span = (value(kernel_width) - 1) * value(dilation_width) + 1;
    return (value(in_width) + value(pad_left) + value(pad_right) - span) / value(stride_width) + 1;
  }
  int panel() const { return value(tile_vectors) * value(lanes); }
  int panels() const { return ceil_div(value(filters), panel()); }
  int channels_per_group() const { return value(in_channels) / value(groups); }
  int channels_per_block() const {
    return value(channel_block) == 0 ? channels_per_group() : value(channel_block);
  }
  /// The first input channel that a filter reads.
  Halide::Expr first_channel(const Halide::Var& filter) const {
    return (filter / (value(filters) / value(groups))) * channels_per_group();
  }
  /// A coordinate of an output element whose input may be read. A tile is always computed whole;
  /// the part of it that lies outside the image repeats the last element, and is not stored. Halide
  /// splits off the loop iterations for which that can happen, so the others do not pay for it.
  static Halide::Expr inside(const Halide::Var& coordinate, int extent, int tile) {
    if (extent % tile == 0) return coordinate;
    return Halide::min(Halide::likely(coordinate), extent - 1);
  }
  bool is_padded() const {
    return value(pad_top) + value(pad_bottom) + value(pad_left) + value(pad_right) > 0;
  }

  /// padded(channel, column, row, batch): the input with zeros around it; index 0 is the first
  /// padded row or column. `always` gives zeros outside also when the layer has no padding.
  template <typename Image>
  Halide::Func zero_padded(Image& image, bool always = false) const {
    const ImageVars v;
    Halide::Func padded("padded");
    if (!is_padded() && !always) {
      padded(v.channel, v.column, v.row, v.batch) = image(v.channel, v.column, v.row, v.batch);
      return padded;
    }
    const Halide::Region bounds = {{Halide::Expr(), Halide::Expr()},
                                   {0, value(in_width)},
                                   {0, value(in_height)},
                                   {Halide::Expr(), Halide::Expr()}};
    Halide::Func bordered = Halide::BoundaryConditions::constant_exterior(image, 0.0f, bounds);
    padded(v.channel, v.column, v.row, v.batch) =
        bordered(v.channel, v.column - value(pad_left), v.row - value(pad_top), v.batch);
    return padded;
  }

  /// Whole tiles of rows in a task.
  int tile_rows_per_task() const {
    return ceil_div(value(row_block) == 0 ? out_height() : value(row_block), value(tile_height));
  }

  /// Copies what a task of `rows` output rows reads, at the start of the task. Its storage has a
  /// constant size, also where Halide cannot prove that the last task needs no more than the
  /// others.
  void copy_per_task(Halide::Func& copy, const Halide::Func& consumer, const Halide::Var& task,
                     const ImageVars& v, int rows, int stride_rows, int stride_columns) const {
    copy.compute_at(consumer, task)
        .store_in(Halide::MemoryType::Heap)
        .bound_storage(v.batch, 1)
        .bound_storage(v.row, (std::min(rows, out_height()) - 1) * stride_rows +
                                  (value(kernel_height) - 1) * value(dilation_height) + 1)
        .bound_storage(v.column, (out_width() - 1) * stride_columns +
                                     (value(kernel_width) - 1) * value(dilation_width) + 1);
  }

  /// Bias and activation of one accumulated value. NaN stays NaN under relu, as in Keras.
  Halide::Expr finished(Halide::Expr sum, const Halide::Expr& bias) const {
    if (use_bias) sum = sum + bias;
    return relu ? Halide::strict_float(Halide::select(sum < 0.0f, 0.0f, sum)) : sum;
  }
};

}  // namespace convc
