#include "generators/driver/size_cases.h"

#include <algorithm>

#include "generators/driver/sized_graph.h"
#include "generators/driver/tensor_layout.h"

namespace convc {
namespace {

using Sizes = std::vector<std::int64_t>;

/// The batch, height or width of an input.
struct Place {
  std::size_t input = 0;
  int axis = 0;  ///< of TensorLayout
};

/// Where an open size appears in the inputs.
Place place_of(const convc_kernel& kernel, const Graph& written, std::uint32_t size) {
  for (std::uint32_t i = 0; i < kernel.input_count; ++i) {
    const convc_product* shape = kernel.inputs[i].open_shape;
    const Tensor& input = written.tensors[static_cast<std::size_t>(written.inputs[i])];
    const int rank = static_cast<int>(input.shape.size()) - 2;
    for (const int axis : {0, 2, 3}) {
      const int d = dimension_of_axis(input.form.layout, rank, axis);
      if (shape == nullptr || d < 0 || static_cast<std::uint32_t>(d) >= kernel.inputs[i].rank)
        continue;
      if (shape[d].count == 1 && shape[d].sizes[0] == size) return {i, axis};
    }
  }
  return {};
}

std::int64_t size_at(const InputSize& size, int axis) {
  return axis == 0 ? size.batch : axis == 2 ? size.height : size.width;
}

class Cases {
 public:
  Cases(const convc_kernel& kernel, const Graph& written) : kernel_(kernel), written_(written) {}

  std::vector<SizeCase> run(std::string* error) {
    if (kernel_.input_count != written_.inputs.size() ||
        kernel_.output_count != written_.outputs.size()) {
      *error = "the kernel has another number of inputs or outputs than the graph";
      return {};
    }
    std::vector<SizeCase> cases;
    for (const Sizes& sizes : choices()) {
      cases.push_back(case_of(sizes));
      *error = difference(cases.back());
      if (!error->empty()) return {};
    }
    return cases;
  }

 private:
  [[nodiscard]] const Tensor& tensor(TensorId id) const {
    return written_.tensors[static_cast<std::size_t>(id)];
  }

  [[nodiscard]] bool have_outputs(const Sizes& sizes) const {
    for (std::uint32_t i = 0; i < kernel_.input_count; ++i)
      if (convc_input_shape(&kernel_, i, sizes.data(), nullptr, nullptr) != CONVC_OK) return false;
    for (std::uint32_t i = 0; i < kernel_.output_count; ++i)
      if (convc_output_shape(&kernel_, i, sizes.data(), nullptr, nullptr) != CONVC_OK) return false;
    return true;
  }

  [[nodiscard]] std::vector<Sizes> choices() const {
    const std::uint32_t count = kernel_.open_count;
    const Sizes usual = open_sizes_of(kernel_, written_, representative_sizes(written_));
    Sizes least(count), odd(count), large(count);
    for (std::uint32_t k = 0; k < count; ++k) {
      const std::int64_t min = std::max<std::int64_t>(kernel_.sizes[k].min, 1);
      const std::int64_t max = kernel_.sizes[k].max;
      least[k] = min;
      odd[k] = std::clamp((min + usual[k]) / 2 | 1, min, max);
      large[k] = std::min(
          max, usual[k] + usual[k] / 2 + (place_of(kernel_, written_, k).axis == 0 ? 2 : 1));
    }
    grow_to_an_output(least);
    std::vector<Sizes> result = {usual};
    for (const Sizes& sizes : {least, odd, large})
      if (std::find(result.begin(), result.end(), sizes) == result.end() && have_outputs(sizes))
        result.push_back(sizes);
    return result;
  }

  void grow_to_an_output(Sizes& sizes) const {
    constexpr int kTries = 200;
    for (int tries = 0; tries < kTries && !have_outputs(sizes); ++tries)
      for (std::uint32_t k = 0; k < kernel_.open_count; ++k)
        sizes[k] = std::min(sizes[k] + 1, kernel_.sizes[k].max);
  }

  [[nodiscard]] SizeCase case_of(const Sizes& open) const {
    SizeCase result;
    result.open = open;
    std::vector<InputSize> sizes = representative_sizes(written_);
    for (std::uint32_t i = 0; i < kernel_.input_count; ++i) {
      const Tensor& input = tensor(written_.inputs[i]);
      const int rank = static_cast<int>(input.shape.size()) - 2;
      std::vector<std::int64_t> shape(kernel_.inputs[i].rank);
      if (open.empty() ||
          convc_input_shape(&kernel_, i, open.data(), shape.data(), nullptr) != CONVC_OK)
        continue;
      const auto extent = [&](int axis) {
        const int d = dimension_of_axis(input.form.layout, rank, axis);
        return d < 0 ? 1 : shape.at(static_cast<std::size_t>(d));
      };
      sizes[i] = {extent(0), extent(2), extent(3)};
    }
    result.graph = with_sizes(written_, sizes);
    for (std::uint32_t k = 0; k < kernel_.open_count; ++k)
      result.text += std::string(", ") + kernel_.sizes[k].name + " " + std::to_string(open[k]);
    return result;
  }

  using ShapeOf = convc_status (*)(const convc_kernel*, std::uint32_t, const std::int64_t*,
                                   std::int64_t*, std::size_t*);

  /// What the runtime says of a tensor that the graph does not.
  [[nodiscard]] std::string difference(const Tensor& expected, const convc_tensor& got,
                                       std::uint32_t index, const Sizes& open,
                                       ShapeOf shape_of) const {
    const std::string name = std::string("`") + got.name + "`";
    if (got.rank != expected.shape.size()) return name + " has another rank than the graph's";
    Sizes shape(got.rank);
    std::size_t bytes = 0;
    if (shape_of(&kernel_, index, open.empty() ? nullptr : open.data(), shape.data(), &bytes) !=
        CONVC_OK)
      return convc_last_error();
    for (std::size_t d = 0; d < shape.size(); ++d)
      if (shape[d] != expected.shape[d].min)
        return "dimension " + std::to_string(d) + " of " + name + ": expected " +
               std::to_string(expected.shape[d].min) + ", got " + std::to_string(shape[d]);
    const auto span = static_cast<std::size_t>(layout_of(expected).span) * sizeof(float);
    if (bytes == span) return "";
    return "bytes of " + name + ": expected " + std::to_string(span) + ", got " +
           std::to_string(bytes);
  }

  [[nodiscard]] std::string difference(const SizeCase& sized) const {
    std::string text;
    const auto tensor = [&](TensorId id) -> const Tensor& {
      return sized.graph.tensors[static_cast<std::size_t>(id)];
    };
    for (std::uint32_t i = 0; i < kernel_.input_count && text.empty(); ++i)
      text = difference(tensor(written_.inputs[i]), kernel_.inputs[i], i, sized.open,
                        convc_input_shape);
    for (std::uint32_t i = 0; i < kernel_.output_count && text.empty(); ++i)
      text = difference(tensor(written_.outputs[i]), kernel_.outputs[i], i, sized.open,
                        convc_output_shape);
    return text.empty() ? "" : "the descriptor is wrong: " + text + sized.text;
  }

  const convc_kernel& kernel_;
  const Graph& written_;
};

}  // namespace

std::vector<std::int64_t> open_sizes_of(const convc_kernel& kernel, const Graph& written,
                                        const std::vector<InputSize>& inputs) {
  Sizes sizes(kernel.open_count);
  for (std::uint32_t k = 0; k < kernel.open_count; ++k) {
    const Place place = place_of(kernel, written, k);
    sizes[k] = std::clamp(size_at(inputs[place.input], place.axis),
                          std::max<std::int64_t>(kernel.sizes[k].min, 1), kernel.sizes[k].max);
  }
  return sizes;
}

std::vector<SizeCase> size_cases(const convc_kernel& kernel, const Graph& written,
                                 std::string* error) {
  return Cases(kernel, written).run(error);
}

}  // namespace convc
