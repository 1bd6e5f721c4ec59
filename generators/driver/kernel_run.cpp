#include "generators/driver/kernel_run.h"

#include <algorithm>
#include <cstring>
#include <string_view>

namespace convc {
namespace {

/// All bits set: a NaN in every float, and no value that a kernel computes.
constexpr int kNanByte = 0xff;

std::string failure(const char* function, convc_status status) {
  return std::string(function) + ": " + convc_status_name(status) + ": " + convc_last_error();
}

}  // namespace

KernelRun::BufferPtr KernelRun::nan_buffer(const char* name, std::size_t bytes,
                                           std::size_t alignment) const {
  auto buffer = std::make_unique<GuardedBuffer>(name, bytes, alignment, setting_.placement);
  std::memset(buffer->data(), kNanByte, bytes);
  return buffer;
}

KernelRun::KernelRun(const convc_kernel& kernel, const SizeCase& sizes, const TestData& data,
                     const RunSetting& setting)
    : kernel_(kernel), sizes_(sizes), setting_(setting) {
  options_.struct_bytes = sizeof(options_);
  options_.threads = setting.threads;
  options_.isa = setting_.isa.c_str();
  const Graph& graph = sizes.graph;
  for (std::size_t i = 0; i < graph.inputs.size(); ++i) {
    const TensorLayout layout = layout_of(tensor(graph.inputs[i]));
    inputs_.push_back(nan_buffer(kernel.inputs[i].name,
                                 static_cast<std::size_t>(layout.span) * sizeof(float),
                                 sizeof(float)));
    float* memory = inputs_.back()->floats();
    layout.for_each(
        [&](std::size_t element, std::size_t place) { memory[place] = data.inputs[i][element]; });
    inputs_.back()->make_read_only();
  }
  add_variables(data);
}

void KernelRun::add_variables(const TestData& data) {
  const Graph& graph = sizes_.graph;
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    const LayerSpec& layer = graph.nodes[n].layer;
    const std::vector<LayerVariable> variables = variables_of(layer);
    for (std::size_t v = 0; v < variables.size(); ++v) {
      if (variables[v].literal) continue;
      const std::vector<float>& numbers = data.variables[n][v];
      const std::size_t number = variables_.size();
      const std::string_view name = keras_name(variables[v].role, layer);
      if (number >= kernel_.variable_count ||
          !std::string_view(kernel_.variables[number].name).ends_with(name) ||
          kernel_.variables[number].bytes != numbers.size() * sizeof(float)) {
        variables_error_ = "variable " + std::to_string(number) + " of the kernel should be `" +
                           std::string(name) + "` of " + variables[v].layer;
        return;
      }
      variables_.push_back(nan_buffer(kernel_.variables[number].name,
                                      numbers.size() * sizeof(float), sizeof(float)));
      std::copy(numbers.begin(), numbers.end(), variables_.back()->floats());
      variables_.back()->make_read_only();
    }
  }
  if (variables_.size() != kernel_.variable_count)
    variables_error_ = "the kernel wants " + std::to_string(kernel_.variable_count) +
                       " variables, the graph has " + std::to_string(variables_.size());
}

std::string KernelRun::execute() {
  std::string error = variables_error_.empty() ? pack() : variables_error_;
  if (error.empty()) error = run();
  return error;
}

std::string KernelRun::pack() {
  const std::size_t bytes = convc_packed_bytes(&kernel_, &options_);
  if (bytes == SIZE_MAX) return convc_last_error();
  if (bytes == 0) return "";
  packed_ = nan_buffer("packed weights", bytes, CONVC_ALIGNMENT);
  std::vector<const void*> pointers;
  for (const BufferPtr& variable : variables_) pointers.push_back(variable->data());
  const convc_status status =
      convc_pack(&kernel_, pointers.data(), packed_->data(), bytes, &options_);
  if (status != CONVC_OK) return failure("convc_pack", status);
  if (!packed_->surroundings_intact()) return "convc_pack wrote beside its buffer";
  packed_->make_read_only();
  return "";
}

std::string KernelRun::run() {
  const std::size_t workspace_bytes = convc_workspace_bytes(&kernel_, &options_);
  if (workspace_bytes == SIZE_MAX) return convc_last_error();
  // The workspace may have any content; its size is what the kernel may touch.
  workspace_ = nan_buffer("workspace", workspace_bytes, CONVC_ALIGNMENT);
  outputs_.clear();
  for (std::size_t i = 0; i < sizes_.graph.outputs.size(); ++i) {
    const TensorLayout layout = layout_of(tensor(sizes_.graph.outputs[i]));
    outputs_.push_back(nan_buffer(kernel_.outputs[i].name,
                                  static_cast<std::size_t>(layout.span) * sizeof(float),
                                  sizeof(float)));
  }
  const std::string error = call();
  return error.empty() ? damage() : error;
}

std::string KernelRun::call() {
  // As the generated struct: pointers, then sizes.
  static_assert(sizeof(void*) == sizeof(std::int64_t));
  std::vector<std::int64_t> io;
  const auto add_pointer = [&io](const void* pointer) {
    std::memcpy(&io.emplace_back(), &pointer, sizeof pointer);
  };
  for (const BufferPtr& input : inputs_) add_pointer(input->data());
  for (const BufferPtr& output : outputs_) add_pointer(output->data());
  io.insert(io.end(), sizes_.open.begin(), sizes_.open.end());
  const std::size_t workspace_bytes = workspace_->size_bytes();
  const convc_status status =
      convc_run(&kernel_, reinterpret_cast<const void* const*>(io.data()),
                packed_ ? packed_->data() : nullptr, packed_ ? packed_->size_bytes() : 0,
                workspace_bytes != 0 ? workspace_->data() : nullptr, workspace_bytes, &options_);
  return status == CONVC_OK ? "" : failure("convc_run", status);
}

/// What was written beside outputs, in their gaps and beside the workspace.
std::string KernelRun::damage() const {
  if (!workspace_->surroundings_intact()) return "bytes beside `workspace` were overwritten";
  for (std::size_t i = 0; i < outputs_.size(); ++i) {
    const std::string name = std::string("`") + kernel_.outputs[i].name + "`";
    if (!outputs_[i]->surroundings_intact()) return "bytes beside " + name + " were overwritten";
    const TensorLayout layout = layout_of(tensor(sizes_.graph.outputs[i]));
    if (layout.count() == static_cast<std::size_t>(layout.span)) continue;
    std::vector<bool> is_element(static_cast<std::size_t>(layout.span), false);
    layout.for_each([&](std::size_t, std::size_t place) { is_element[place] = true; });
    const auto* bytes = static_cast<const unsigned char*>(outputs_[i]->data());
    for (std::size_t place = 0; place < is_element.size(); ++place) {
      const unsigned char* first = bytes + place * sizeof(float);
      const bool untouched = std::all_of(first, first + sizeof(float),
                                         [](unsigned char byte) { return byte == kNanByte; });
      if (!is_element[place] && !untouched)
        return "the gaps between the rows of " + name + " were overwritten, first at element " +
               std::to_string(place) + " of its memory";
    }
  }
  return "";
}

}  // namespace convc
