// Builder calls to drafts; the rest is the checker's.
#include "dsl/builder.h"

#include <cmath>

#include "dsl/checker.h"
#include "dsl/cost.h"
#include "dsl/names.h"
#include "dsl/text.h"
#include "dsl/vocabulary.h"

namespace convc {
namespace {

class DraftMaker {
 public:
  DraftMaker(const std::string& library, Diagnostics& diagnostics)
      : library_(library), diagnostics_(diagnostics) {}

  GraphDraft graph(const Conv2D& layer) {
    GraphDraft graph;
    graph.layers.push_back(draft(layer, library_));
    graph.name = graph.layers.front().name;
    graph.broken = graph.layers.front().broken;
    return graph;
  }

  GraphDraft graph(const Sequential& chain) {
    GraphDraft graph;
    graph.is_sequential = true;
    // Keras makes the layers of a chain before the chain; names count in that order either way.
    graph.broken = !read_name(chain.name, "sequential", library_, &graph.name);
    const std::string scope = cat(library_, ".", graph.name);
    if (!chain.input.shape.empty()) {
      diagnostics_.set_origin(scope);
      InputDraft input;
      input.shape = shape(chain.input.shape, "`shape`");
      if (chain.input.batch_size) input.batch = {*chain.input.batch_size, {}};
      graph.broken = graph.broken || input.shape.wrong();
      graph.input = input;
    }
    for (const Conv2D& layer : chain.layers) {
      graph.layers.push_back(draft(layer, scope));
      graph.broken = graph.broken || graph.layers.back().broken;
    }
    if (!graph.layers.empty()) return graph;
    diagnostics_.set_origin(scope);
    diagnostics_.error(Code::empty_sequential, {},
                       cat("Sequential \"", graph.name, "\" has no layers"));
    graph.broken = true;
    return graph;
  }

 private:
  bool read_name(const std::string& given, const char* prefix, const std::string& scope,
                 std::string* name) {
    *name = given.empty() ? auto_names_.next(prefix) : given;
    diagnostics_.set_origin(cat(scope, ".", *name));
    return given.empty() ||
           check_name(given, "the name", Code::not_an_identifier, {}, "use name=\"", diagnostics_);
  }

  Given<ImageShape> shape(const std::vector<std::int64_t>& sizes, const char* what) {
    Given<ImageShape> given;
    given.present = true;
    if (sizes.size() == 3) {
      given.value = ImageShape{sizes[0], sizes[1], sizes[2]};
    } else {
      diagnostics_.error(
          Code::wrong_type, {},
          cat(what, " must be (height, width, channels), not ", count_of(sizes.size(), "size")));
    }
    return given;
  }

  Given<LiteralRef> literal(const Literal& numbers, const char* what) {
    Given<LiteralRef> given;
    given.present = true;
    for (const std::int64_t size : numbers.shape) {
      if (size >= 1) continue;
      diagnostics_.error(Code::literal_shape, {}, cat(what, " has a size of ", size));
      return given;
    }
    const std::optional<std::int64_t> count = product_of(numbers.shape);
    if (!count || static_cast<std::size_t>(*count) != numbers.values.size()) {
      diagnostics_.error(
          Code::literal_shape, {},
          cat(what, " has ", count_of(numbers.values.size(), "number"), ", but its shape is for ",
              count ? std::to_string(*count) : "more than 2^63"));
      return given;
    }
    for (const float value : numbers.values) {
      if (std::isfinite(value)) continue;
      diagnostics_.error(Code::literal_range, {}, cat(what, " holds a number that is not finite"));
      return given;
    }
    given.value = std::make_shared<const Literal>(numbers);
    return given;
  }

  LayerDraft draft(const Conv2D& layer, const std::string& scope) {
    LayerDraft out;
    out.broken = !read_name(layer.name, "conv2d", scope, &out.name);
    if (layer.filters) out.filters = {*layer.filters, {}};
    if (layer.kernel_size != Size2D{0, 0}) out.kernel_size = {layer.kernel_size, {}};
    out.strides = {layer.strides, {}};
    out.dilation_rate = {layer.dilation_rate, {}};
    out.groups = {layer.groups, {}};
    out.use_bias = {layer.use_bias, {}};
    if (layer.batch) out.batch = {*layer.batch, {}};
    if (!layer.input_shape.empty()) out.input_shape = shape(layer.input_shape, "`input_shape`");
    if (layer.kernel) out.kernel = literal(*layer.kernel, "`kernel`");
    if (layer.bias) out.bias = literal(*layer.bias, "`bias`");
    out.padding.present = true;
    if (const auto* word = std::get_if<std::string>(&layer.padding)) {
      const std::optional<PaddingMode> mode = read_padding(*word, {}, diagnostics_);
      if (mode) out.padding.value = PaddingDraft{*mode, {}};
    } else {
      out.padding.value =
          PaddingDraft{PaddingMode::explicit_pairs, std::get<Padding2D>(layer.padding)};
    }
    out.activation.present = true;
    out.activation.value = read_activation(layer.activation, {}, diagnostics_);
    // Each is called, whatever the ones before it say.
    const bool dtype_ok = read_dtype(layer.dtype, {}, diagnostics_).has_value();
    const bool format_ok = check_data_format(layer.data_format, {}, diagnostics_);
    const bool mode_ok = check_padding_mode(layer.padding_mode, {}, diagnostics_);
    out.broken = out.broken || !dtype_ok || !format_ok || !mode_ok || out.any_wrong();
    return out;
  }

  const std::string& library_;
  Diagnostics& diagnostics_;
  AutoNames auto_names_;
};

}  // namespace

ModuleBuilder& ModuleBuilder::conv2d(Conv2D layer) {
  parts_.emplace_back(std::move(layer));
  return *this;
}

ModuleBuilder& ModuleBuilder::sequential(Sequential chain) {
  parts_.emplace_back(std::move(chain));
  return *this;
}

std::optional<Module> ModuleBuilder::build(Diagnostics& diagnostics) const {
  const std::size_t errors_before = diagnostics.error_count();
  ModuleDraft draft;
  draft.name = name_;
  diagnostics.set_origin(name_);
  check_name(name_, "the library's name", Code::library_name, {}, "call it \"", diagnostics);
  if (parts_.empty()) {
    diagnostics.error(Code::no_layers, {}, "this library holds no layers");
  }
  DraftMaker maker(name_, diagnostics);
  for (const auto& part : parts_) {
    draft.graphs.push_back(std::visit([&](const auto& one) { return maker.graph(one); }, part));
  }
  std::optional<Module> module = check_module(draft, diagnostics);
  if (diagnostics.error_count() != errors_before) return std::nullopt;
  return module;
}

}  // namespace convc
