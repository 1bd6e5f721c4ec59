// The inputs and outputs of a model's graph: shapes, types and names.
#include <algorithm>

#include "dsl/names.h"
#include "dsl/onnx/importer.h"
#include "dsl/onnx/prune.h"
#include "dsl/resolve.h"
#include "dsl/text.h"

namespace convc::onnx_import {
namespace {

// Members that the io struct has for run-time sizes.
constexpr const char* kSizeMembers[] = {"batch", "height", "width"};

// A size for planning, where the model leaves it open.
constexpr std::int64_t kUsualHeight = 56, kUsualLength = 1024;

std::string lower(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return text;
}

bool is_word_of_c(const std::string& name) {
  Diagnostics unused;
  return !check_name(name, "", Code::reserved_name, {}, "", unused);
}

// A name as it can stand in C: no leading and no double underscores, which C and C++ reserve.
std::string c_name(const std::string& model_name) {
  constexpr std::size_t kLongest = 160;
  std::string name;
  for (const char c : to_identifier(model_name)) {
    if (c != '_' || (!name.empty() && name.back() != '_')) name += c;
  }
  name = name.substr(0, kLongest);
  while (!name.empty() && name.back() == '_') name.pop_back();
  if (name.empty() || (name[0] >= '0' && name[0] <= '9')) name.insert(0, name.empty() ? "x" : "x_");
  return name;
}

// What --dim calls a size that is no number; empty for a number.
std::string open_name(const onnx::ValueInfoProto& info, int index) {
  const onnx::TensorShapeProto::Dimension& dim = info.type().tensor_type().shape().dim(index);
  if (dim.has_dim_value()) return "";
  return dim.dim_param().empty() ? cat(info.name(), ".", index) : dim.dim_param();
}

}  // namespace

// Names are told apart without regard to case, since macros of the generated header are in
// capitals.
std::string Importer::unique_name(const std::string& model_name, std::set<std::string>& used) {
  const std::string wanted = c_name(model_name);
  std::string name = is_word_of_c(wanted) ? wanted + "_" : wanted;
  for (int i = 2; !used.insert(lower(name)).second; ++i) name = cat(wanted, "_", i);
  return name;
}

void Importer::add_initializers() {
  std::string error;
  for (const onnx::TensorProto& proto : model_.graph().initializer()) {
    Value value;
    value.constant = constants_.read(proto, &error);
    const std::string what = cat("initializer \"", shown(proto.name()), "\"");
    if (!value.constant) {
      fail(Code::onnx_damaged, cat(what, " ", error));
    } else {
      value.kind = Value::Kind::constant;
    }
    define(proto.name(), std::move(value), what);
  }
  for (const onnx::SparseTensorProto& proto : model_.graph().sparse_initializer()) {
    const std::string what = cat("initializer \"", shown(proto.values().name()), "\"");
    fail(Code::onnx_not_supported, cat(what, " is sparse, which is not supported"));
    define(proto.values().name(), Value{}, what);
  }
}

void Importer::add_inputs() {
  tensor_names_.insert(std::begin(kSizeMembers), std::end(kSizeMembers));
  std::set<std::string> seen;
  for (const onnx::ValueInfoProto& input : model_.graph().input()) {
    const bool twice = !seen.insert(input.name()).second;
    for (int i = 0; i < input.type().tensor_type().shape().dim_size(); ++i) {
      if (const std::string name = open_name(input, i); !name.empty()) dims_.meet(name);
    }
    // Before IR version 4, initializers are inputs too.
    const bool initialized = !twice && values_.count(input.name()) != 0;
    if (twice) {
      fail(Code::onnx_damaged, cat("input \"", shown(input.name()), "\" is defined twice"));
    } else if (!initialized) {
      add_input(input);
    }
  }
}

void Importer::add_input(const onnx::ValueInfoProto& input) {
  const std::string what = cat("input \"", shown(input.name()), "\"");
  const bool weights = weight_uses_.count(input.name()) != 0;
  const bool image = image_uses_.count(input.name()) != 0;
  Value value;
  if (weights && image) {
    fail(Code::onnx_not_supported, cat(what, " is read both as weights and as an image"));
  } else if (!weights && !image) {
    diagnostics_.warning(Code::unused_value, {}, cat(what, " is never read; it is left out"));
  } else if (std::optional<Image> found = image_of(input, what)) {
    if (weights && found->is_open()) {
      fail(Code::onnx_not_supported, cat(what, " holds weights, whose sizes must be known"));
    } else if (weights) {
      value.kind = Value::Kind::variable;
      value.shape = found->model_sizes();
    } else {
      value.kind = Value::Kind::image;
      value.image = std::move(*found);
      graph_.inputs.push_back(add_tensor(input.name(), value.image));
    }
  }
  define(input.name(), std::move(value), what);
}

// One size of an input: a number, or one that has a name in place of it.
bool Importer::add_size(const onnx::ValueInfoProto& info, const std::string& what, int index,
                        Image* image) {
  const onnx::TensorShapeProto& shape = info.type().tensor_type().shape();
  const int count = std::max(image->model_rank, 3);
  const bool stated = index < image->model_rank;
  const std::string name = stated ? open_name(info, index) : "";
  const std::optional<Dim> given = dims_.find(name);
  Dim dim{1, kMaxElements};
  if (given) {
    dim = *given;
  } else if (name.empty()) {
    const std::int64_t size = stated ? shape.dim(index).dim_value() : 1;
    dim = {size, size};
  }
  bool ok = true;
  if (dim.min < 1 || dim.max > kMaxElements) {
    fail(dim.min < 1 ? Code::bad_size : Code::size_too_large,
         cat(what, ": size ", index, " is ", dim.min, "; sizes are at least 1 and below 2^31"));
    ok = false;
  }
  if (!dim.fixed() && (index == 1 || (index > 1 && index < count - 2))) {
    fail(Code::onnx_not_supported, cat(what, ": size ", index, " (\"", shown(name), "\", the ",
                                       index == 1 ? "channels" : "depth",
                                       ") must be known; batch, height and width may be open"))
        .help(cat("give it a number: --dim ", shown(name), "=NUMBER"));
    ok = false;
  }
  const std::int64_t usual = index == 0 ? 1 : count == 3 ? kUsualLength : kUsualHeight;
  image->names.push_back(dim.fixed() ? "" : name);
  image->dims.push_back(dim);
  image->sizes.push_back(dim.fixed() ? dim.min : std::clamp(usual, dim.min, dim.max));
  return ok;
}

// The shape of an input.
std::optional<Image> Importer::image_of(const onnx::ValueInfoProto& info, const std::string& what) {
  const onnx::TypeProto::Tensor& type = info.type().tensor_type();
  if (!info.type().has_tensor_type() || type.elem_type() != onnx::TensorProto::FLOAT) {
    fail(Code::onnx_not_supported, info.type().has_tensor_type()
                                       ? cat(what, " has elements of ", type_name(type.elem_type()),
                                             "; only float is supported")
                                       : cat(what, " is not a tensor"));
    return std::nullopt;
  }
  if (!type.has_shape() || type.shape().dim_size() > 5) {
    fail(Code::onnx_not_supported,
         type.has_shape() ? cat(what, " has ", type.shape().dim_size(),
                                " sizes; a batch, channels and 1 to 3 spatial sizes are supported")
                          : cat(what, " has no shape"));
    return std::nullopt;
  }
  Image image;
  image.model_rank = type.shape().dim_size();
  bool ok = true;
  for (int i = 0; i < std::max(image.model_rank, 3); ++i) {
    ok = add_size(info, what, i, &image) && ok;
  }
  if (ok && !element_count(image.sizes)) {
    fail(Code::tensor_too_large,
         cat(what, " has the shape ", shape_text(image.sizes), ", which is 2^31 elements or more"));
    ok = false;
  }
  if (!ok) return std::nullopt;
  return image;
}

TensorId Importer::add_tensor(const std::string& model_name, Image& image) {
  Tensor tensor;
  tensor.name = unique_name(model_name, tensor_names_);
  tensor.form.layout = Layout::channels_first;
  tensor.shape = image.dims;
  image.id = static_cast<TensorId>(graph_.tensors.size());
  graph_.tensors.push_back(std::move(tensor));
  tensor_sources_.push_back(model_name);
  return image.id;
}

// What several layers hand to each other has a place of its greatest size.
bool Importer::check_bounds() {
  const std::vector<bool> needed = needed_tensors(graph_);
  const auto is_needed = [&](TensorId id) { return needed[static_cast<std::size_t>(id)]; };
  if (std::count_if(graph_.nodes.begin(), graph_.nodes.end(),
                    [&](const Node& node) { return is_needed(node.outputs.front()); }) < 2) {
    return true;
  }
  bool ok = true;
  for (const onnx::ValueInfoProto& input : model_.graph().input()) {
    const auto found = values_.find(input.name());
    if (found == values_.end() || found->second.kind != Value::Kind::image) continue;
    const Image& image = found->second.image;
    if (!is_needed(image.id)) continue;
    for (std::size_t i = 0; i < image.dims.size(); ++i) {
      if (image.dims[i].fixed() || image.dims[i].max < kMaxElements) continue;
      const std::string name = shown(image.names[i]);
      fail(Code::unbounded_size,
           cat("input \"", shown(input.name()), "\": size ", i, " (\"", name,
               "\") is open, without a greatest size, in a model of several layers"))
          .note("the workspace has room for the greatest size")
          .help(cat("give its range or its number, e.g. --dim ", name, i == 0 ? "=1:8" : "=64:512",
                    " or --dim ", name, i == 0 ? "=1" : "=224"));
      ok = false;
    }
  }
  return ok;
}

void Importer::add_outputs() {
  if (model_.graph().output_size() == 0) fail(Code::onnx_damaged, "the model has no outputs");
  for (const onnx::ValueInfoProto& output : model_.graph().output()) add_output(output);
}

void Importer::add_output(const onnx::ValueInfoProto& output) {
  const std::string what = cat("output \"", shown(output.name()), "\"");
  const auto found = values_.find(output.name());
  if (found == values_.end() || found->second.kind != Value::Kind::image) {
    fail(
        found == values_.end() ? Code::onnx_damaged : Code::onnx_not_supported,
        cat(what, found == values_.end() ? " is made by no node" : " is not computed: a constant"));
    return;
  }
  Image image = found->second.image;
  const onnx::TensorShapeProto& shape = output.type().tensor_type().shape();
  const std::vector<std::int64_t> sizes = image.model_sizes();
  bool agrees = !output.type().tensor_type().has_shape() || shape.dim_size() == image.model_rank;
  for (int i = 0; i < shape.dim_size() && agrees; ++i) {
    const bool known =
        shape.dim(i).has_dim_value() && image.dims[static_cast<std::size_t>(i)].fixed();
    agrees = !known || shape.dim(i).dim_value() == sizes[static_cast<std::size_t>(i)];
  }
  if (!agrees) {
    diagnostics_.warning(
        Code::onnx_output_shape, {},
        cat(what, " has the shape ", shape_text(sizes), "; the model says something else"));
  }
  const auto holds = [&](const std::vector<TensorId>& ids) {
    return std::find(ids.begin(), ids.end(), image.id) != ids.end();
  };
  // What is an input or another output as well is copied.
  if (holds(graph_.inputs) || holds(graph_.outputs)) {
    onnx::NodeProto copy;
    copy.set_op_type("Identity");
    copy.set_name(output.name());
    NodeReader node(copy, model_.graph().node_size(), opset_, diagnostics_);
    Node step;
    step.layer = layer_on(node, LayerKind::elementwise, image);
    step.inputs = {image.id};
    step.outputs = {add_tensor(output.name(), image)};
    graph_.nodes.push_back(std::move(step));
  } else if (const auto id = static_cast<std::size_t>(image.id);
             tensor_sources_[id] != output.name()) {  // it went through an Identity
    graph_.tensors[id].name = unique_name(output.name(), tensor_names_);
    tensor_sources_[id] = output.name();
  }
  graph_.outputs.push_back(image.id);
}

}  // namespace convc::onnx_import
