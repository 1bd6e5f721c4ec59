#include "generators/driver/run_arrays.h"

#include <algorithm>
#include <utility>

#include "dsl/check_numbers.h"
#include "generators/emit/layout_text.h"

namespace convc {
namespace {

/// "5, 5, 1 to 64, 3" in parentheses.
std::string expected_text(const Tensor& tensor) {
  std::string text;
  for (const Dim& dim : tensor.shape) {
    text += text.empty() ? "(" : ", ";
    text += std::to_string(dim.min);
    if (dim.fixed()) continue;
    text += dim.max >= kMaxTensorElements ? " or more" : " to " + std::to_string(dim.max);
  }
  return text + ")";
}

class ArrayReader {
 public:
  ArrayReader(const Options& options, const Graph& graph, const KernelInterface& interface,
              Diagnostics& diagnostics)
      : options_(options), graph_(graph), interface_(interface), diagnostics_(diagnostics) {
    arrays_.open_sizes.assign(interface.sizes.open_count, 0);
  }

  std::optional<CallArrays> read() {
    const std::vector<std::string> inputs =
        assign_files("--input", options_.inputs, interface_.inputs);
    const std::vector<std::string> outputs =
        assign_files("--output", options_.outputs, interface_.outputs);
    if (ok_) read_inputs(inputs);
    if (ok_) check_sizes();
    if (ok_) add_outputs(outputs);
    read_variables();
    return ok_ ? std::optional(std::move(arrays_)) : std::nullopt;
  }

 private:
  /// `origin` is a file or an option.
  Diagnostic& fail(const std::string& origin, const std::string& message) {
    ok_ = false;
    const ScopedOrigin at(diagnostics_, origin);
    return diagnostics_.error(Code::none, {}, message);
  }

  /// The files of --input or --output in the order of `tensors`. With one tensor its name may be
  /// left out.
  std::vector<std::string> assign_files(const std::string& option,
                                        const std::vector<std::string>& given,
                                        const std::vector<IoTensor>& tensors) {
    std::vector<std::string> paths(tensors.size());
    std::string names;
    for (const IoTensor& tensor : tensors) names += (names.empty() ? "" : ", ") + tensor.member;
    for (const std::string& text : given) {
      const std::string name = text.substr(0, text.find('='));
      const auto named = std::find_if(tensors.begin(), tensors.end(), [&](const IoTensor& tensor) {
        return name.size() < text.size() && tensor.member == name;
      });
      if (named == tensors.end() && tensors.size() > 1) {
        fail(option + " " + text, "which of " + names + "?")
            .help("write " + option + " NAME=FILE.npy");
        continue;
      }
      const bool has_name = named != tensors.end();
      std::string& path = paths[has_name ? static_cast<std::size_t>(named - tensors.begin()) : 0];
      if (!path.empty())
        fail(option + " " + text, "there is a file for it already, " + path)
            .help("remove one of the two");
      path = has_name ? text.substr(name.size() + 1) : text;
    }
    for (std::size_t i = 0; i < paths.size() && ok_; ++i) {
      if (paths[i].empty())
        fail(option, tensors[i].member + "=FILE.npy is missing").help("there are: " + names);
    }
    return paths;
  }

  std::optional<NpyArray> read_array(const std::string& path, const std::string& help) {
    std::string error;
    std::optional<NpyArray> array = read_npy(path, &error);
    if (!array) fail(path, error).help(help);
    return array;
  }

  [[nodiscard]] const Tensor& tensor_of(TensorId id) const {
    return graph_.tensors.at(static_cast<std::size_t>(id));
  }

  static std::vector<std::int64_t> shape_of(const IoTensor& tensor,
                                            const std::vector<std::int64_t>& sizes) {
    std::vector<std::int64_t> shape = tensor.shape;
    for (std::size_t i = 0; i < tensor.open_shape.size(); ++i)
      shape[i] = value_of(tensor.open_shape[i], sizes);
    return shape;
  }

  /// "the input of `net`", "the input `left` of `net`".
  [[nodiscard]] std::string input_text(std::size_t index) const {
    const bool is_one = interface_.inputs.size() == 1;
    return "the input " + (is_one ? "" : "`" + interface_.inputs[index].member + "` ") + "of `" +
           graph_.name + "`";
  }

  void read_inputs(const std::vector<std::string>& paths) {
    for (std::size_t i = 0; i < paths.size(); ++i) {
      std::optional<NpyArray> array = read_array(paths[i], kHowToSave);
      if (!array) continue;
      const Tensor& tensor = tensor_of(graph_.inputs[i]);
      std::vector<std::int64_t> shape = array->shape;
      // The batch axis may be left out where the batch can be 1.
      const bool left_out = shape.size() + 1 == tensor.shape.size() && tensor.shape[0].min == 1;
      if (left_out) shape.insert(shape.begin(), 1);
      if (!fits(shape, tensor)) {
        const std::string batch =
            tensor.shape[0].min == 1 ? "; the batch axis may be left out where it is 1" : "";
        fail(paths[i], input_text(i) + " has shape " + shape_text(array->shape) + ", expected " +
                           expected_text(tensor))
            .help("its axes: " + axes_text(tensor) + batch);
        continue;
      }
      if (i == 0) arrays_.has_batch_axis = !left_out;
      arrays_.inputs.push_back({paths[i], shape, rows_of(tensor, shape)});
      arrays_.input_arrays.push_back(std::move(*array));
      take_open_sizes(interface_.inputs[i], shape);
    }
  }

  static bool fits(const std::vector<std::int64_t>& shape, const Tensor& tensor) {
    return std::equal(
        shape.begin(), shape.end(), tensor.shape.begin(), tensor.shape.end(),
        [](std::int64_t size, const Dim& dim) { return size >= dim.min && size <= dim.max; });
  }

  /// The first tensor that has an open size says it.
  void take_open_sizes(const IoTensor& tensor, const std::vector<std::int64_t>& shape) {
    for (std::size_t i = 0; i < tensor.open_shape.size(); ++i) {
      const convc_product& extent = tensor.open_shape[i];
      if (extent.count == 0 || extent.sizes[0] >= interface_.sizes.open_count) continue;
      std::int64_t& size = arrays_.open_sizes[extent.sizes[0]];
      if (size == 0) size = shape[i];
    }
  }

  /// Every input must have the shape that follows from the open sizes.
  void check_sizes() {
    const std::vector<std::int64_t> sizes = all_sizes(interface_.sizes, arrays_.open_sizes);
    for (std::size_t i = 0; i < arrays_.inputs.size(); ++i) {
      const std::vector<std::int64_t> expected = shape_of(interface_.inputs[i], sizes);
      if (arrays_.inputs[i].shape == expected) continue;
      fail(arrays_.inputs[i].path,
           input_text(i) + " has shape " + shape_text(arrays_.inputs[i].shape) +
               ", but with the other inputs it must have " + shape_text(expected))
          .help("its axes: " + axes_text(tensor_of(graph_.inputs[i])));
    }
  }

  void add_outputs(const std::vector<std::string>& paths) {
    const std::vector<std::int64_t> sizes = all_sizes(interface_.sizes, arrays_.open_sizes);
    for (std::size_t i = 0; i < paths.size(); ++i) {
      const Tensor& tensor = tensor_of(graph_.outputs[i]);
      const std::vector<std::int64_t> shape = shape_of(interface_.outputs[i], sizes);
      arrays_.outputs.push_back({paths[i], shape, rows_of(tensor, shape)});
      if (arrays_.outputs.back().rows.span() < kMaxTensorElements) continue;
      fail(paths[i], "the output `" + interface_.outputs[i].member + "` of `" + graph_.name +
                         "` would have 2^31 elements or more: its shape is " + shape_text(shape))
          .help("use smaller inputs");
    }
  }

  void read_variables() {
    const std::vector<std::string> paths =
        options_.weights_directory.empty() ? single_files() : files_of_directory();
    for (std::size_t i = 0; i < paths.size(); ++i) {
      const Variable& variable = interface_.variables[i];
      std::optional<NpyArray> array = read_array(
          paths[i],
          options_.weights_directory.empty()
              ? kHowToSave
              : "--weights DIR holds LAYER.VARIABLE.npy for each variable, in numpy's format");
      if (!array) continue;
      const std::string what = variable.name + " of layer `" + variable.layer + "`";
      if (array->shape != variable.shape) {
        fail(paths[i], what + " has shape " + shape_text(array->shape) + ", expected " +
                           shape_text(variable.shape))
            .help("its axes: " + axes_text(variable, graph_.nodes[variable.node].layer));
        continue;
      }
      check_numbers(paths[i], what, variable, array->values);
      arrays_.variables.push_back(std::move(*array));
    }
  }

  /// As literals are checked.
  void check_numbers(const std::string& path, const std::string& what, const Variable& variable,
                     const std::vector<float>& values) {
    const ScopedOrigin origin(diagnostics_, path);
    warn_of_infinite(what, values, {}, diagnostics_);
    const std::optional<std::string> negative = negative_variance(values);
    if (variable.role != VariableRole::variance || !negative) return;
    diagnostics_.error(Code::negative_variance, {}, what + " " + *negative)
        .note("a variance is a mean of squares");
    ok_ = false;
  }

  /// LAYER.VARIABLE.npy, with Keras' names.
  std::vector<std::string> files_of_directory() const {
    std::vector<std::string> paths;
    for (const Variable& variable : interface_.variables)
      paths.push_back(options_.weights_directory + "/" + variable.layer + "." + variable.name +
                      ".npy");
    return paths;
  }

  /// --kernel and --bias of a single layer; none, and reported, where they do not suit it.
  std::vector<std::string> single_files() {
    std::vector<std::string> paths;
    bool takes_kernel = false, takes_bias = false, complete = true;
    for (const Variable& variable : interface_.variables) {
      const bool is_bias = variable.role == VariableRole::bias;
      const bool is_kernel = variable.role == VariableRole::kernel;
      takes_bias = takes_bias || is_bias;
      takes_kernel = takes_kernel || is_kernel;
      if (graph_.nodes.size() > 1 || !(is_bias || is_kernel)) {
        fail("--weights", "`" + graph_.name +
                              "` has more than a kernel and a bias: its numbers come from "
                              "--weights DIR")
            .help("DIR holds " + variable.layer + "." + variable.name + ".npy and so on");
        return {};
      }
      const std::string& path = is_bias ? options_.bias : options_.kernel;
      const std::string option = is_bias ? "--bias" : "--kernel";
      if (path.empty()) {
        fail(option,
             "`" + graph_.name + "` needs its " + variable.name + ", " + shape_text(variable.shape))
            .help("give it with " + option + " FILE.npy or --weights DIR");
        complete = false;
      }
      paths.push_back(path);
    }
    if ((!takes_kernel && !options_.kernel.empty()) || (!takes_bias && !options_.bias.empty())) {
      fail(takes_kernel ? "--bias" : "--kernel",
           "`" + graph_.name + "` takes no " + (takes_kernel ? "--bias" : "--kernel or --bias") +
               " at run time")
          .help(takes_kernel ? "it has no bias (use_bias=False)"
                             : "its numbers are in the spec, or it has none");
    }
    return complete ? paths : std::vector<std::string>{};
  }

  static constexpr const char* kHowToSave =
      "numpy.save(FILE, ARRAY.astype(numpy.float32)) writes such files";

  const Options& options_;
  const Graph& graph_;
  const KernelInterface& interface_;
  Diagnostics& diagnostics_;
  CallArrays arrays_;
  bool ok_ = true;
};

}  // namespace

std::optional<CallArrays> read_arrays(const Options& options, const Graph& graph,
                                      const KernelInterface& interface, Diagnostics& diagnostics) {
  return ArrayReader(options, graph, interface, diagnostics).read();
}

}  // namespace convc
