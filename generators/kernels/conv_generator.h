// What all generators share: the parameters that describe the layer, the buffers, and the first and
// last stage of the maths (padding, bias and post_ops). Holds no schedule but that of the copy.
#pragma once

#include <Halide.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "dsl/layer_spec.h"
#include "generators/kernels/coordinates.h"
#include "generators/kernels/image_views.h"
#include "generators/kernels/padded_input.h"
#include "generators/kernels/post_ops.h"
#include "generators/plan/integers.h"

namespace convc {

/// Base of the generators. Parameters are named as in LayerSpec and Plan; the tables of kernel.cpp
/// set them. Sizes of axes that are open are representative.
template <typename Derived>
class ConvGenerator : public Halide::Generator<Derived> {
 public:
  template <typename T>
  using Param = Halide::GeneratorParam<T>;
  template <int Rank>
  using BufferInput =
      typename Halide::Generator<Derived>::template Input<Halide::Buffer<float, Rank>>;
  using ImageOutput =
      typename Halide::Generator<Derived>::template Output<Halide::Buffer<float, image_dim::count>>;

  Param<int> batch{"batch", 1};
  Param<int> in_depth{"in_depth", 1}, in_height{"in_height", 8}, in_width{"in_width", 8};
  Param<int> in_channels{"in_channels", 16}, filters{"filters", 16};
  Param<int> kernel_depth{"kernel_depth", 1}, kernel_height{"kernel_height", 3},
      kernel_width{"kernel_width", 3};
  Param<int> stride_depth{"stride_depth", 1}, stride_height{"stride_height", 1},
      stride_width{"stride_width", 1};
  Param<int> dilation_depth{"dilation_depth", 1}, dilation_height{"dilation_height", 1},
      dilation_width{"dilation_width", 1};
  Param<int> pad_front{"pad_front", 0}, pad_top{"pad_top", 0}, pad_left{"pad_left", 0};
  Param<int> pad_back{"pad_back", 0}, pad_bottom{"pad_bottom", 0}, pad_right{"pad_right", 0};
  Param<PaddingRule> padding_rule{"padding_rule", PaddingRule::valid, padding_rule_names()};
  Param<PaddingMode> padding_mode{"padding_mode", PaddingMode::zeros, padding_mode_names()};
  Param<std::string> padding_value{"padding_value", "0"};
  Param<bool> reads_input{"reads_input", true};  // false: zero everywhere (LayerKind::constant)
  Param<int> groups{"groups", 1};
  // All groups are one run of channels: PackedLayout::merges_groups.
  Param<bool> merges_groups{"merges_groups", false};
  Param<int> depth_multiplier{"depth_multiplier", 1};
  // The buffer of the input has channels folded into columns (fold_channels): this many, or 1.
  Param<int> folded_channels{"folded_channels", 1};
  Param<bool> open_batch{"open_batch", false}, open_height{"open_height", false},
      open_width{"open_width", false};
  // Channels (of the input: columns) lie one element apart.
  Param<bool> dense_input{"dense_input", true}, dense_output{"dense_output", true};
  Param<bool> dense_columns{"dense_columns", false};

  // Which packed arrays there are, and the chain.
  Param<bool> packed_kernel{"packed_kernel", true};
  Param<bool> packed_depthwise{"packed_depthwise", false};
  Param<bool> packed_vectors{"packed_vectors", true};  // false: literal numbers in the code
  Param<bool> use_bias{"use_bias", true};              // also the one a folded normalization makes
  Param<std::string> post_ops{"post_ops", ""};
  Param<int> folded_post_op{"folded_post_op", -1};  // the normalization that is in the weights

  Param<int> lanes{"lanes", 16};
  Param<int> tile_vectors{"tile_vectors", 2};
  Param<int> tile_height{"tile_height", 1}, tile_width{"tile_width", 4};
  Param<int> channel_block{"channel_block", 0};
  Param<int> row_block{"row_block", 0}, column_block{"column_block", 0};
  Param<int> panel_block{"panel_block", 0};
  Param<int> copied_pixel{"copied_pixel", 1};  // numbers between pixels of a copied input
  Param<bool> pixels_outer{"pixels_outer", false};

  // The buffers, in the order of kernel_arguments: input, kernel, depthwise, vectors, operands,
  // output. `configure` adds those that the layer has.
  BufferInput<image_dim::count> input{"input"};
  BufferInput<filter_dim::count>* kernel = nullptr;
  BufferInput<filter_dim::count>* depthwise = nullptr;
  ImageOutput output{"output"};

  void configure() {
    chain = post_ops_from_text(std::string(post_ops));
    if (packed_kernel) kernel = this->template add_input<FilterBuffer>("kernel");
    if (packed_depthwise) depthwise = this->template add_input<FilterBuffer>("depthwise");
    if (packed_vectors) add_vectors();
    for (std::size_t i = 0; i < chain.size(); ++i) {
      if (!has_operand(chain[i])) continue;
      operands[static_cast<int>(i)] =
          this->template add_input<ImageBuffer>("operand_" + std::to_string(i));
    }
  }

 protected:
  using ImageBuffer = Halide::Buffer<float, image_dim::count>;
  using FilterBuffer = Halide::Buffer<float, filter_dim::count>;
  using VectorBuffer = Halide::Buffer<float, vector_dim::count>;

  static int value(const Param<int>& param) { return param; }

  /* The axes. */
  SpatialAxis column_axis() const {
    return axis({.in = in_width,
                 .kernel_size = kernel_width,
                 .stride = stride_width,
                 .dilation = dilation_width,
                 .before = pad_left,
                 .after = pad_right,
                 .open = open_width},
                image_dim::column);
  }
  SpatialAxis row_axis() const {
    return axis({.in = in_height,
                 .kernel_size = kernel_height,
                 .stride = stride_height,
                 .dilation = dilation_height,
                 .before = pad_top,
                 .after = pad_bottom,
                 .open = open_height},
                image_dim::row);
  }
  SpatialAxis plane_axis() const {
    return axis({.in = in_depth,
                 .kernel_size = kernel_depth,
                 .stride = stride_depth,
                 .dilation = dilation_depth,
                 .before = pad_front,
                 .after = pad_back,
                 .open = false},
                image_dim::plane);
  }

  bool is_open() const { return open_batch || open_height || open_width; }

  /* Channels. Images are [group, .., channel]; with merges_groups there is one group of them all.
   */
  int channels_per_group() const { return value(in_channels) / value(groups); }
  int filters_per_group() const { return value(filters) / value(groups); }
  int image_groups() const { return merges_groups ? 1 : value(groups); }
  int input_channels() const { return value(in_channels) / image_groups(); }
  int output_channels() const { return value(filters) / image_groups(); }
  /// The first input channel that output channel `filter` reads.
  Halide::Expr first_channel(const Halide::Expr& filter) const {
    if (!merges_groups) return 0;
    return (filter / filters_per_group()) * channels_per_group();
  }
  int panel() const { return value(tile_vectors) * value(lanes); }
  int panels() const { return ceil_div(output_channels(), panel()); }  ///< of an image group
  /// Vectors of the register tile, where they hold filters.
  int accumulators() const { return value(tile_height) * value(tile_width) * value(tile_vectors); }

  /* Tasks. */
  int rows_per_task() const { return value(row_block) == 0 ? row_axis().out : value(row_block); }
  int columns_per_task() const {
    return value(column_block) == 0 ? column_axis().out : value(column_block);
  }
  int tile_rows_per_task() const { return ceil_div(rows_per_task(), value(tile_height)); }
  int tile_columns_per_task() const { return ceil_div(columns_per_task(), value(tile_width)); }

  /// Fixes the loops over the output to its size, where that is known now.
  void bound_output(const Halide::Var& filter, const ImageVars& v) {
    Halide::Func out = output;
    const SpatialAxis columns = column_axis(), rows = row_axis();
    out.bound(filter, 0, output_channels()).bound(v.group, 0, image_groups());
    out.bound(v.plane, 0, plane_axis().out);
    if (!columns.open) out.bound(v.column, 0, columns.out);
    if (!rows.open) out.bound(v.row, 0, rows.out);
    if (!open_batch) out.bound(v.batch, 0, value(batch));
  }

  /// Makes one loop of `tasks`, those of a plane, and the planes, images and groups of the
  /// output. With run-time sizes the loops of known size are inside: Halide sees that a task is of
  /// one plane only when it divides by constants to find it.
  Halide::Stage fuse_outer_loops(const Halide::Var& tasks, const ImageVars& v) {
    return fuse_outer_loops(Halide::Func(output), tasks, v);
  }
  Halide::Stage fuse_outer_loops(Halide::Stage out, const Halide::Var& tasks, const ImageVars& v) {
    if (is_open()) {
      out.reorder(v.plane, v.group, tasks, v.batch)
          .fuse(v.plane, v.group, outer_loops)
          .fuse(tasks, v.batch, tasks)
          .fuse(outer_loops, tasks, tasks);
    } else if (value(kernel_depth) > 1) {
      // The next task reads most of the same planes.
      out.reorder(v.plane, tasks, v.batch, v.group)
          .fuse(v.plane, tasks, tasks)
          .fuse(tasks, v.batch, tasks)
          .fuse(tasks, v.group, tasks);
    } else {
      out.reorder(tasks, v.plane, v.batch, v.group)
          .fuse(tasks, v.plane, tasks)
          .fuse(tasks, v.batch, tasks)
          .fuse(tasks, v.group, tasks);
    }
    return out;
  }

  /// Of an axis cut into pieces of `outputs`, those of a task, at most `most`. Where its size
  /// arrives at run time, the tasks are as equal as they can be: no last one of a sliver.
  static Halide::Expr equal_share(const SpatialAxis& axis, int outputs, int most) {
    if (!axis.open) return most;
    const Halide::Expr pieces = (axis.out_extent + outputs - 1) / outputs;
    const Halide::Expr tasks = (pieces + most - 1) / most;
    return (pieces + tasks - 1) / tasks;
  }

  /// How many tiles are a task, and what happens to those that the output ends within.
  struct Tiling {
    int panels_per_task = 1;
    Halide::Expr tile_columns_per_task, tile_rows_per_task;
    Halide::TailStrategy panel = Halide::TailStrategy::GuardWithIf;
    Halide::TailStrategy column = Halide::TailStrategy::GuardWithIf;
    Halide::TailStrategy row = Halide::TailStrategy::GuardWithIf;
  };

  /// Splits `out`, the output or a specialization of it, into register tiles of tile_height rows,
  /// tile_width columns and a panel of `panel_filters` filters; then the tiles into tasks.
  void tile(Halide::Stage out, const Halide::Var& filter, const ImageVars& v, int panel_filters,
            const Tiling& tiling) {
    constexpr auto kGuard = Halide::TailStrategy::GuardWithIf;
    out.split(filter, panel_index, filter, panel_filters, tiling.panel)
        .split(v.column, tile_column, in_tile_column, tile_width, tiling.column)
        .split(v.row, tile_row, in_tile_row, tile_height, tiling.row)
        .split(panel_index, panel_task, panel_index, tiling.panels_per_task, kGuard)
        .split(tile_row, row_task, tile_row, tiling.tile_rows_per_task, kGuard)
        .split(tile_column, column_task, tile_column, tiling.tile_columns_per_task, kGuard);
  }
  void tile_output(const Halide::Var& filter, const ImageVars& v, int panel_filters,
                   int panels_per_task) {
    bound_output(filter, v);
    Tiling tiling;
    tiling.panels_per_task = panels_per_task;
    tiling.tile_columns_per_task = tile_columns_per_task();
    tiling.tile_rows_per_task = tile_rows_per_task();
    tile(Halide::Func(output), filter, v, panel_filters, tiling);
  }

  /// Orders the loops of `out`, a tiled output or its specialization: `loops` of a task from the
  /// inside out, beginning with those of a tile, which are unrolled vectors of `vector` elements
  /// along `over`, filters or in_tile_column; one parallel loop of the three `tasks`, likewise.
  void order_tiles(Halide::Stage out, const Halide::Var& filter, const ImageVars& v,
                   std::vector<Halide::VarOrRVar> loops, const std::vector<Halide::Var>& tasks,
                   const Halide::Var& over, int vector) {
    loops.insert(loops.end(), tasks.begin(), tasks.end());
    out.reorder(loops).fuse(tasks[0], tasks[1], task).fuse(task, tasks[2], task);
    fuse_outer_loops(out, task, v)
        .parallel(task)
        .vectorize(over, vector)
        .unroll(filter)
        .unroll(in_tile_column)
        .unroll(in_tile_row);
  }
  void order_tiles(const Halide::Var& filter, const ImageVars& v,
                   const std::vector<Halide::VarOrRVar>& loops, const Halide::Var& over,
                   int vector) {
    order_tiles(Halide::Func(output), filter, v, loops, {panel_task, column_task, row_task}, over,
                vector);
  }

  /// A coordinate of an output element whose input may be read. A tile is always computed whole;
  /// the part of it that lies outside the image repeats the last element, and is not stored. Halide
  /// splits off the loop iterations for which that can happen, so the others do not pay for it.
  static Halide::Expr inside(const Halide::Var& coordinate, const SpatialAxis& axis, int tile) {
    if (!axis.open && axis.out % tile == 0) return coordinate;
    return Halide::min(Halide::likely(coordinate), axis.out_extent - 1);
  }

  /* The input. */
  bool is_padded() const {
    return column_axis().bordered || row_axis().bordered || plane_axis().bordered;
  }

  /// padded(channel, column, row, plane, batch, group): the input with what padding_mode says
  /// around it; index 0 is the first padded plane, row or column. Negative padding crops. `always`:
  /// there is something outside also when the layer has no padding.
  Halide::Func padded_input(bool always = false) {
    return padded_input({column_axis(), row_axis(), plane_axis()}, always);
  }
  Halide::Func padded_input(const SpatialAxes& axes, bool always = false) {
    return convc::padded_input(input, axes, border(always));
  }
  Border border(bool always = false) const {
    return {.mode = padding_mode,
            .value = std::strtof(std::string(padding_value).c_str(), nullptr),
            .reads_input = reads_input,
            .always = always};
  }

  /// What a task needs along an axis: `elements` windows of `span` elements, `stride` apart.
  struct Window {
    int elements = 1, stride = 1, span = 1;
    [[nodiscard]] int extent() const { return (elements - 1) * stride + span; }
  };
  /// The window over the padded input of `elements` output elements (no more than there are).
  static Window window(int elements, const SpatialAxis& axis) {
    return {axis.open ? elements : std::min(elements, axis.out), axis.stride, axis.span()};
  }

  /// Computes `copy`, what a task reads, at the start of the task. Its storage has a constant size,
  /// also where Halide cannot prove that the last task needs no more than the others. A task is of
  /// one plane, image and group. Where vectors run over columns, rows end with a whole one.
  void copy_per_task(Halide::Func& copy, const Halide::Func& consumer, const Halide::Var& one_task,
                     const ImageVars& v, Window planes, Window rows, Window columns) const {
    const int vector = dense_input ? 1 : value(lanes);
    copy.compute_at(consumer, one_task)
        .store_in(Halide::MemoryType::Heap)
        .bound_storage(v.group, 1)
        .bound_storage(v.batch, 1)
        .bound_storage(v.plane, planes.extent())
        .bound_storage(v.row, rows.extent())
        .bound_storage(v.column, round_up(columns.extent(), vector));
  }

  /* The output. */
  /// Bias and the chain of post_ops of one accumulated value of output element `at`.
  Halide::Expr finished(const Halide::Expr& sum, const ImagePoint& at) const {
    return post_processed(use_bias ? sum + bias(at) : sum, at);
  }
  Halide::Expr bias(const ImagePoint& at) const { return vector_element(-1, VectorRole::bias, at); }

  /// The chain of post_ops of the value of output element `at`.
  Halide::Expr post_processed(const Halide::Expr& value, const ImagePoint& at) const {
    return apply_post_ops(chain, value, operands_at(at));
  }

  /// What the chain reads at output element `at`.
  PostOpOperands operands_at(const ImagePoint& at) const {
    PostOpOperands result;
    result.operand = [this, at](int post_op) { return (*operands.at(post_op))(at.coordinates()); };
    result.vector = [this, at](int post_op, VectorRole role) {
      return vector_element(post_op, role, at);
    };
    result.folded = folded_post_op;
    return result;
  }

  /// Element of a channel vector for output element `at`.
  Halide::Expr vector_element(int post_op, VectorRole role, const ImagePoint& at) const {
    return (*vectors.at({post_op, role}))(at.channel, at.group);
  }

  std::vector<PostOp> chain;  // `post_ops`, from `configure` on

  /// Loops over a tiled output.
  Halide::Var panel_index{"panel"}, panel_task{"panel_task"}, tile_column{"tile_column"},
      in_tile_column{"in_tile_column"}, tile_row{"tile_row"}, in_tile_row{"in_tile_row"},
      row_task{"row_task"}, column_task{"column_task"}, task{"task"};

 private:
  struct AxisNumbers {
    int in, kernel_size, stride, dilation, before, after;
    bool open;
  };

  SpatialAxis axis(const AxisNumbers& numbers, int dim) const {
    SpatialAxis result;
    result.kernel_size = numbers.kernel_size;
    result.stride = numbers.stride;
    result.dilation = numbers.dilation;
    result.pad_before = numbers.before;
    result.pad_after = numbers.after;
    result.in = numbers.in;
    result.open = numbers.open;
    result.out = (numbers.in + numbers.before + numbers.after - result.span()) / numbers.stride + 1;
    if (numbers.open) {
      const int folded = dim == image_dim::column ? value(folded_channels) : 1;
      result.in_extent = input.dim(dim).extent() / folded;
    } else {
      result.in_extent = result.in;
    }
    return with_expressions(result, padding_rule);
  }

  void add_vectors() {
    if (use_bias) add_vector(-1, VectorRole::bias, "bias");
    for (std::size_t i = 0; i < chain.size(); ++i) {
      const int index = static_cast<int>(i);
      if (index == value(folded_post_op)) continue;
      const std::string suffix = "_" + std::to_string(i);
      if (chain[i].kind == PostOpKind::prelu)
        add_vector(index, VectorRole::slope, "slope" + suffix);
      if (chain[i].kind == PostOpKind::batch_normalization) {
        add_vector(index, VectorRole::scale, "scale" + suffix);
        add_vector(index, VectorRole::offset, "offset" + suffix);
      }
    }
  }
  void add_vector(int post_op, VectorRole role, const std::string& name) {
    vectors[{post_op, role}] = this->template add_input<VectorBuffer>(name);
  }

  Halide::Var outer_loops{"outer_loops"};
  std::map<int, BufferInput<image_dim::count>*> operands;  // by index into `chain`
  std::map<std::pair<int, VectorRole>, BufferInput<vector_dim::count>*> vectors;
};

}  // namespace convc
