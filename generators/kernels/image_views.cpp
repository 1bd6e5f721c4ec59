// Extents and strides of images.
#include "generators/kernels/image_views.h"

#include <algorithm>
#include <utility>

#include "generators/kernels/dims.h"

namespace convc {
namespace {

/// A size that is fixed, or known when the kernel runs.
SizeProduct size(std::int64_t value, int index) {
  return index < 0 ? fixed(value) : SizeProduct{1, {index}};
}

SizeProduct operator*(SizeProduct a, const SizeProduct& b) {
  a.factor *= b.factor;
  a.sizes.insert(a.sizes.end(), b.sizes.begin(), b.sizes.end());
  std::sort(a.sizes.begin(), a.sizes.end());
  if (a.factor == 0) a.sizes.clear();
  return a;
}

bool operator==(const SizeProduct& a, const SizeProduct& b) {
  return a.factor == b.factor && a.sizes == b.sizes;
}

/// A whole tensor: its extents, and channels as groups see them.
struct TensorShape {
  TensorForm form;
  std::int64_t channels = 1, groups = 1;
  SizeProduct width, height, depth, batch;
};

std::vector<ArgumentDim> dims_of(const TensorShape& tensor) {
  std::vector<ArgumentDim> dims(image_dim::count);
  const std::int64_t channels_of_group = tensor.channels / tensor.groups;
  const bool last = tensor.form.layout == Layout::channels_last;
  const SizeProduct column = fixed(last ? tensor.channels : 1);
  const SizeProduct row =
      tensor.form.row_pitch != 0 ? fixed(tensor.form.row_pitch) : column * tensor.width;
  const SizeProduct plane = row * tensor.height;
  const SizeProduct volume = plane * tensor.depth;
  const SizeProduct channel = last ? fixed(1) : volume;
  dims[image_dim::channel] = {fixed(channels_of_group), channel};
  dims[image_dim::column] = {tensor.width, column};
  dims[image_dim::row] = {tensor.height, row};
  dims[image_dim::plane] = {tensor.depth, plane};
  dims[image_dim::batch] = {tensor.batch, last ? volume : volume * fixed(tensor.channels)};
  dims[image_dim::group] = {fixed(tensor.groups), channel * fixed(channels_of_group)};
  return dims;
}

/// The tensor that the layer writes (part of).
TensorShape whole_output(const LayerSpec& layer, std::int64_t groups) {
  const SizeIndices sizes = size_indices(layer);
  const bool part = layer.output_view.has_value();
  const Size whole = part ? layer.output_view->whole : layer.out;
  return {layer.output_form,
          layer.filters,
          groups,
          size(whole.width, part ? sizes.whole_width : sizes.out_width),
          size(whole.height, part ? sizes.whole_height : sizes.out_height),
          fixed(whole.depth),
          size(layer.batch, sizes.batch)};
}

/// Elements before the first one of the view: columns, rows and planes.
std::vector<SizeProduct> offset_of(const OutputView& view, const std::vector<ArgumentDim>& dims) {
  std::vector<SizeProduct> offset;
  const auto add = [&](int dim, std::int64_t count) {
    if (count == 0) return;
    offset.push_back(dims[static_cast<std::size_t>(dim)].stride * fixed(count));
  };
  add(image_dim::column, view.first.width);
  add(image_dim::row, view.first.height);
  add(image_dim::plane, view.first.depth);
  return offset;
}

/// Narrows dimensions of the whole output to the elements that the layer writes.
void apply_view(const LayerSpec& layer, KernelArgument& image) {
  if (!layer.output_view) return;
  const OutputView& view = *layer.output_view;
  const SizeIndices sizes = size_indices(layer);
  image.offset = offset_of(view, image.dims);
  auto narrow = [&](int dim, const SizeProduct& extent, std::int64_t step) {
    image.dims[static_cast<std::size_t>(dim)].extent = extent;
    SizeProduct& stride = image.dims[static_cast<std::size_t>(dim)].stride;
    stride = stride * fixed(step);
  };
  narrow(image_dim::column, size(layer.out.width, sizes.out_width), view.step.width);
  narrow(image_dim::row, size(layer.out.height, sizes.out_height), view.step.height);
  narrow(image_dim::plane, fixed(layer.out.depth), view.step.depth);
}

/// Puts the axis that softmax goes over in the place of the channels.
void exchange_dims(const LayerSpec& layer, KernelArgument& image) {
  const auto dim_of = [](TensorAxis axis) {
    return axis == TensorAxis::depth    ? image_dim::plane
           : axis == TensorAxis::height ? image_dim::row
           : axis == TensorAxis::width  ? image_dim::column
                                        : image_dim::channel;
  };
  std::swap(image.dims[image_dim::channel],
            image.dims[static_cast<std::size_t>(dim_of(channelwise_axis(layer)))]);
}

std::int64_t groups_of(const LayerSpec& layer, const Plan& plan) {
  return packed_layout(layer, plan).groups;
}

/// The output, before any exchange of dimensions.
KernelArgument written_image(const LayerSpec& layer, const Plan& plan) {
  KernelArgument image{ArgumentRole::output, 0, {}, {}};
  image.dims = dims_of(whole_output(layer, groups_of(layer, plan)));
  apply_view(layer, image);
  return image;
}

/// Dimension `dim` can become part of `into`: consecutive elements stay equally far apart.
bool merges(const std::vector<ArgumentDim>& dims, int into, int dim) {
  const ArgumentDim& inner = dims[static_cast<std::size_t>(into)];
  const ArgumentDim& outer = dims[static_cast<std::size_t>(dim)];
  return outer.extent == fixed(1) || inner.extent == fixed(1) ||
         outer.stride == inner.stride * inner.extent;
}

void merge(std::vector<ArgumentDim>& dims, int into, int dim) {
  ArgumentDim& inner = dims[static_cast<std::size_t>(into)];
  ArgumentDim& outer = dims[static_cast<std::size_t>(dim)];
  if (inner.extent == fixed(1)) inner.stride = outer.stride;
  inner.extent = inner.extent * outer.extent;
  outer.extent = fixed(1);
}

/// `width` holds the elements of both from now on.
void merge_size(std::int64_t& width, std::optional<Dim>& open_width, std::int64_t& other,
                std::optional<Dim>& open_other) {
  if (open_width || open_other) {
    const Dim a = open_width.value_or(Dim{width, width});
    const Dim b = open_other.value_or(Dim{other, other});
    open_width = Dim{a.min * b.min, a.max * b.max};
    open_other.reset();
  }
  width *= std::exchange(other, 1);
}

}  // namespace

KernelArgument input_image(const LayerSpec& layer, const Plan& plan) {
  const SizeIndices sizes = size_indices(layer);
  KernelArgument image{ArgumentRole::input, 0, {}, {}};
  image.dims =
      dims_of({layer.input_form, layer.in_channels, groups_of(layer, plan),
               size(layer.in.width, sizes.in_width), size(layer.in.height, sizes.in_height),
               fixed(layer.in.depth), size(layer.batch, sizes.batch)});
  if (folds_buffer(layer, plan)) {
    ArgumentDim& column = image.dims[image_dim::column];
    column = {column.extent * fixed(layer.in_channels), fixed(1)};
    image.dims[image_dim::channel].extent = fixed(1);
  }
  exchange_dims(layer, image);
  return image;
}

KernelArgument output_image(const LayerSpec& layer, const Plan& plan) {
  KernelArgument image = written_image(layer, plan);
  exchange_dims(layer, image);
  return image;
}

KernelArgument operand_image(const LayerSpec& layer, const Plan& plan, int post_op) {
  const PostOp& op = layer.post_ops[static_cast<std::size_t>(post_op)];
  TensorShape tensor = whole_output(layer, groups_of(layer, plan));
  tensor.form = {op.operand_layout, 0};
  const std::vector<ArgumentDim> extents = dims_of(tensor);
  const bool has_channels =
      op.operand_shape == OperandShape::full || op.operand_shape == OperandShape::per_channel;
  const bool has_pixels =
      op.operand_shape == OperandShape::full || op.operand_shape == OperandShape::per_pixel;
  if (!has_channels) tensor.channels = tensor.groups = 1;
  if (!has_pixels) tensor.width = tensor.height = tensor.depth = fixed(1);
  KernelArgument image{ArgumentRole::operand, op.operand, dims_of(tensor), {}};
  // What the operand does not have is the same everywhere: stride 0 along the output's extent.
  auto repeat = [&](int dim) {
    const auto index = static_cast<std::size_t>(dim);
    image.dims[index] = {extents[index].extent, fixed(0)};
  };
  if (!has_channels) {
    for (int dim : {image_dim::channel, image_dim::group}) repeat(dim);
  }
  if (!has_pixels) {
    for (int dim : {image_dim::column, image_dim::row, image_dim::plane}) repeat(dim);
  }
  if (has_pixels) {
    apply_view(layer, image);
  } else {
    for (int dim : {image_dim::column, image_dim::row, image_dim::plane}) {
      image.dims[static_cast<std::size_t>(dim)].extent =
          written_image(layer, plan).dims[static_cast<std::size_t>(dim)].extent;
    }
  }
  exchange_dims(layer, image);
  return image;
}

bool folds_buffer(const LayerSpec& layer, const Plan& plan) {
  return plan.algorithm == Algorithm::few_channels &&
         layer.input_form.layout == Layout::channels_last &&
         (layer.padding_mode == PaddingMode::zeros || layer.padding_mode == PaddingMode::constant);
}

bool merges_pixels(const LayerSpec& layer, const Plan& plan) {
  if (plan.is_flat()) return true;
  const bool reads_one_pixel = layer.kind == LayerKind::elementwise ||
                               (plan.algorithm == Algorithm::planar &&
                                layer.kernel_size == Size{} && layer.strides == Size{});
  return reads_one_pixel && layer.padding == Padding{};
}

LayerSpec merge_pixels(const LayerSpec& layer, std::span<KernelArgument> images) {
  LayerSpec merged = layer;
  for (const int dim : {image_dim::row, image_dim::plane, image_dim::batch}) {
    const bool all = std::all_of(images.begin(), images.end(), [&](const KernelArgument& image) {
      return merges(image.dims, image_dim::column, dim);
    });
    if (!all) break;
    for (KernelArgument& image : images) merge(image.dims, image_dim::column, dim);
    std::optional<Dim> depth;
    std::int64_t& other = dim == image_dim::row     ? merged.in.height
                          : dim == image_dim::plane ? merged.in.depth
                                                    : merged.batch;
    std::optional<Dim>& open_other = dim == image_dim::row     ? merged.open.height
                                     : dim == image_dim::plane ? depth
                                                               : merged.open.batch;
    merge_size(merged.in.width, merged.open.width, other, open_other);
  }
  merged.out = merged.in;
  return merged;
}

}  // namespace convc
