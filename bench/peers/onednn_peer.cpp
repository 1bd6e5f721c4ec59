// oneDNN as a peer: its direct and its Winograd convolutions, each in the memory layout that it
// prefers, bias and ReLU fused, weights reordered beforehand.
#include <omp.h>

#include <memory>
#include <oneapi/dnnl/dnnl.hpp>
#include <random>
#include <unordered_map>

#include "bench/peers/peer.h"

namespace convc::peer {
namespace {

using Dims = dnnl::memory::dims;
using dnnl::convolution_forward;
using dnnl::memory;

const dnnl::engine& engine() {
  static const dnnl::engine cpu(dnnl::engine::kind::cpu, 0);
  return cpu;
}

Dims with_axes(std::initializer_list<std::int64_t> first, const std::vector<std::int64_t>& axes) {
  Dims dims(first);
  dims.insert(dims.end(), axes.begin(), axes.end());
  return dims;
}

/// The layout is the library's choice.
memory::desc any_layout(const Dims& dims) {
  return {dims, memory::data_type::f32, memory::format_tag::any};
}

memory random_memory(const memory::desc& desc) {
  memory result(desc, engine());
  std::mt19937 random(1);
  std::uniform_real_distribution<float> uniform(-1, 1);
  auto* numbers = static_cast<float*>(result.get_data_handle());
  for (std::size_t i = 0; i < desc.get_size() / sizeof(float); ++i) numbers[i] = uniform(random);
  return result;
}

convolution_forward::desc description(const Layer& layer, dnnl::algorithm algorithm) {
  const std::int64_t filters = layer.filters / layer.groups;
  const std::int64_t channels = layer.in_channels / layer.groups;
  const auto in = any_layout(with_axes({layer.batch, layer.in_channels}, layer.in));
  const auto out = any_layout(with_axes({layer.batch, layer.filters}, layer.out));
  const auto weights = any_layout(
      layer.groups == 1 ? with_axes({filters, channels}, layer.kernel_size)
                        : with_axes({layer.groups, filters, channels}, layer.kernel_size));
  Dims dilation = layer.dilation_rate;  // 0 is dense here
  for (auto& rate : dilation) --rate;
  const auto forward = dnnl::prop_kind::forward_inference;
  if (!layer.use_bias) {
    return {forward,          algorithm,      in, weights, out, layer.strides, dilation,
            layer.pad_before, layer.pad_after};
  }
  const auto bias = any_layout({layer.filters});
  return {forward, algorithm,     in,       weights,          bias,
          out,     layer.strides, dilation, layer.pad_before, layer.pad_after};
}

/// Throws dnnl::error when the algorithm cannot compute the layer.
Form make_form(const Layer& layer, dnnl::algorithm algorithm, const std::string& name) {
  dnnl::primitive_attr attributes;
  dnnl::post_ops chain;
  if (layer.relu) chain.append_eltwise(1.0F, dnnl::algorithm::eltwise_relu, 0.0F, 0.0F);
  attributes.set_post_ops(chain);
  const convolution_forward::primitive_desc chosen(description(layer, algorithm), attributes,
                                                   engine());
  std::unordered_map<int, memory> arguments = {
      {DNNL_ARG_SRC, random_memory(chosen.src_desc())},
      {DNNL_ARG_WEIGHTS, random_memory(chosen.weights_desc())},
      {DNNL_ARG_DST, random_memory(chosen.dst_desc())}};
  if (layer.use_bias) arguments.emplace(DNNL_ARG_BIAS, random_memory(chosen.bias_desc()));
  const convolution_forward primitive(chosen);
  const auto stream = std::make_shared<dnnl::stream>(engine());
  return {name + " " + chosen.impl_info_str(), [=] {
            primitive.execute(*stream, arguments);
            stream->wait();
          }};
}

std::vector<Form> prepare(const Layer& layer, std::string* why_not) {
  const std::pair<dnnl::algorithm, const char*> algorithms[] = {
      {dnnl::algorithm::convolution_direct, "direct"},
      {dnnl::algorithm::convolution_winograd, "winograd"}};
  std::vector<Form> forms;
  for (const auto& [algorithm, name] : algorithms) {
    try {
      forms.push_back(make_form(layer, algorithm, name));
    } catch (const dnnl::error& failure) {
      *why_not = failure.what();
    }
  }
  return forms;
}

}  // namespace
}  // namespace convc::peer

int main(int argc, char** argv) {
  const unsigned threads = convc::peer::threads_of(argc, argv);
  omp_set_num_threads(static_cast<int>(threads));
  const dnnl_version_t* version = dnnl_version();
  const convc::peer::Peer peer = {"oneDNN",
                                  std::to_string(version->major) + "." +
                                      std::to_string(version->minor) + "." +
                                      std::to_string(version->patch),
                                  convc::peer::prepare};
  return convc::peer::serve(peer, threads);
}
