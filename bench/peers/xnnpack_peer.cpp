// XNNPACK as a peer: images are channels_last, as it knows them, bias and ReLU fused.
#include <xnnpack.h>

#include <limits>
#include <memory>
#include <random>

#include "bench/peers/peer.h"

namespace convc::peer {
namespace {

using Operator = std::shared_ptr<xnn_operator>;

std::int64_t product(const std::vector<std::int64_t>& sizes) {
  std::int64_t count = 1;
  for (const std::int64_t size : sizes) count *= size;
  return count;
}

/// XNNPACK may read up to XNN_EXTRA_BYTES beyond an image.
std::shared_ptr<std::vector<float>> random_floats(std::int64_t count) {
  auto numbers = std::make_shared<std::vector<float>>(static_cast<std::size_t>(count) +
                                                      XNN_EXTRA_BYTES / sizeof(float));
  std::mt19937 random(1);
  std::uniform_real_distribution<float> uniform(-1, 1);
  for (float& number : *numbers) number = uniform(random);
  return numbers;
}

std::uint32_t narrow(std::int64_t value) {
  return static_cast<std::uint32_t>(value);
}

/// Null when XNNPACK refuses.
Operator make_operator(const Layer& layer) {
  const std::int64_t filters = layer.filters / layer.groups;
  const std::int64_t channels = layer.in_channels / layer.groups;
  const auto kernel = random_floats(layer.filters * channels * product(layer.kernel_size));
  const auto bias = random_floats(layer.filters);
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  xnn_operator_t made = nullptr;
  const xnn_status status = xnn_create_convolution2d_nhwc_f32(
      narrow(layer.pad_before[0]), narrow(layer.pad_after[1]), narrow(layer.pad_after[0]),
      narrow(layer.pad_before[1]), narrow(layer.kernel_size[0]), narrow(layer.kernel_size[1]),
      narrow(layer.strides[0]), narrow(layer.strides[1]), narrow(layer.dilation_rate[0]),
      narrow(layer.dilation_rate[1]), narrow(layer.groups), static_cast<std::size_t>(channels),
      static_cast<std::size_t>(filters), static_cast<std::size_t>(layer.in_channels),
      static_cast<std::size_t>(layer.filters), kernel->data(),
      layer.use_bias ? bias->data() : nullptr, layer.relu ? 0.0F : -kInfinity, kInfinity, 0, &made);
  return status == xnn_status_success ? Operator(made, xnn_delete_operator) : nullptr;
}

std::vector<Form> prepare(const Layer& layer, pthreadpool_t pool, std::string* why_not) {
  if (layer.rank != 2) {
    *why_not = "XNNPACK has convolutions of two spatial axes only";
    return {};
  }
  const Operator convolution = make_operator(layer);
  const auto in = random_floats(layer.batch * layer.in_channels * product(layer.in));
  const auto out = random_floats(layer.batch * layer.filters * product(layer.out));
  if (!convolution ||
      xnn_setup_convolution2d_nhwc_f32(convolution.get(), static_cast<std::size_t>(layer.batch),
                                       static_cast<std::size_t>(layer.in[0]),
                                       static_cast<std::size_t>(layer.in[1]), in->data(),
                                       out->data(), pool) != xnn_status_success) {
    *why_not = "XNNPACK refuses this convolution";
    return {};
  }
  return {{"nhwc", [=] {
             static_cast<void>(in), static_cast<void>(out);  // kept as long as the operator
             xnn_run_operator(convolution.get(), pool);
           }}};
}

}  // namespace
}  // namespace convc::peer

int main(int argc, char** argv) {
  using namespace convc::peer;
  const unsigned threads = threads_of(argc, argv);
  if (xnn_initialize(nullptr) != xnn_status_success) return 1;
  const std::unique_ptr<pthreadpool, decltype(&pthreadpool_destroy)> pool(
      threads > 1 ? pthreadpool_create(threads) : nullptr, pthreadpool_destroy);
  // The library does not tell its version; the package that was built against does.
  const Peer peer = {"XNNPACK", CONVC_XNNPACK_VERSION,
                     [&](const Layer& layer, std::string* why_not) {
                       return prepare(layer, pool.get(), why_not);
                     }};
  return serve(peer, threads);
}
