#include "generators/driver/kernel_order.h"

namespace convc {
namespace {

bool is_permuted(const LayerSpec& layer, VariableRole role) {
  return layer.kernel_layout == KernelLayout::filters_first &&
         (role == VariableRole::kernel || role == VariableRole::pointwise_kernel);
}

/// Calls f(place with the filters first, place with the filters last) for every number.
/// Precondition: `shape` is that of filters_first.
template <class F>
void for_each_place(const std::vector<std::int64_t>& shape, F f) {
  std::size_t taps = 1;
  for (std::size_t i = 2; i < shape.size(); ++i) taps *= static_cast<std::size_t>(shape[i]);
  const auto outer = static_cast<std::size_t>(shape[0]), inner = static_cast<std::size_t>(shape[1]);
  for (std::size_t o = 0; o < outer; ++o)
    for (std::size_t i = 0; i < inner; ++i)
      for (std::size_t t = 0; t < taps; ++t)
        f((o * inner + i) * taps + t, (t * inner + i) * outer + o);
}

}  // namespace

std::vector<float> numbers_of(const LayerSpec& layer, const VariableNumbers& numbers,
                              VariableRole role, int post_op) {
  const std::vector<LayerVariable> variables = variables_of(layer);
  for (std::size_t v = 0; v < variables.size(); ++v) {
    if (variables[v].role != role || variables[v].post_op != post_op) continue;
    std::vector<float> result = numbers[v];
    if (is_permuted(layer, role))
      for_each_place(variables[v].shape, [&](std::size_t first, std::size_t last) {
        result[last] = numbers[v][first];
      });
    return result;
  }
  return {};
}

std::vector<float> as_given(const LayerSpec& layer, const LayerVariable& variable,
                            const std::vector<float>& filters_last) {
  std::vector<float> result = filters_last;
  if (is_permuted(layer, variable.role))
    for_each_place(variable.shape, [&](std::size_t first, std::size_t last) {
      result[first] = filters_last[last];
    });
  return result;
}

}  // namespace convc
