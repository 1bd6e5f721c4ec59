#include "tests/runtime/fake_kernel.h"

#include <numeric>

namespace convc::test {
namespace {

constexpr std::int64_t kTensorShape[] = {4, 4};
constexpr std::int64_t kKernelShape[] = {2, 1, 4, 5};
constexpr std::int64_t kBiasShape[] = {5};

constexpr std::uint64_t kTensorBytes = kTensorElements * sizeof(float);
constexpr convc_product kFixed{};
constexpr convc_tensor kInputs[] = {
    {"input", kTensorShape, 2, CONVC_DTYPE_F32, kTensorBytes, nullptr, kFixed, kFixed},
    {"second", kTensorShape, 2, CONVC_DTYPE_F32, kTensorBytes, nullptr, kFixed, kFixed}};
constexpr convc_tensor kOutputs[] = {
    {"output", kTensorShape, 2, CONVC_DTYPE_F32, kTensorBytes, nullptr, kFixed, kFixed}};
constexpr convc_tensor kVariables[] = {
    {"kernel", kKernelShape, 4, CONVC_DTYPE_F32, kKernelElements * sizeof(float), nullptr, kFixed,
     kFixed},
    {"bias", kBiasShape, 1, CONVC_DTYPE_F32, kFilters * sizeof(float), nullptr, kFixed, kFixed}};

constexpr convc_dim kTensorDims[] = {{4, 1}, {4, 4}};
// Two panels of 4 filters for 5: 2 * 4 * (2 * 1 * 4) floats.
constexpr std::uint64_t kPackedKernelBytes = 2 * 4 * 8 * sizeof(float);
constexpr convc_dim kPackedKernelDims[] = {{64, 1}};
constexpr convc_dim kPackedBiasDims[] = {{8, 1}};

}  // namespace

convc_packing panels_packing(std::int64_t height, std::int64_t width, std::int64_t channels,
                             std::int64_t filters, std::int64_t panel, std::int64_t block) {
  convc_packing p{};
  p.kind = CONVC_PACK_PANELS;
  p.variable_elements = static_cast<std::uint64_t>(height * width * channels * filters);
  p.groups = p.kernel_depth = 1;
  p.filters = filters;
  p.channels = channels;
  p.kernel_height = height;
  p.kernel_width = width;
  p.filter_panel = panel;
  p.channel_block = block;
  p.filter_stride = 1;
  p.channel_stride = filters;
  p.column_stride = filters * channels;
  p.row_stride = p.depth_stride = filters * channels * width;
  p.gamma = p.beta = p.mean = p.variance = CONVC_NO_VARIABLE;
  return p;
}

convc_packing vector_packing(std::uint32_t variable, std::int64_t filters, std::int64_t panel) {
  convc_packing p = panels_packing(1, 1, 1, filters, panel, 1);
  p.kind = CONVC_PACK_VECTOR;
  p.variable = variable;
  return p;
}

convc_argument fake_argument(std::uint32_t source, std::uint32_t index, std::uint64_t offset_bytes,
                             const convc_dim* dims, std::uint32_t rank) {
  return {source, index, offset_bytes, nullptr, dims, nullptr, {}, rank, CONVC_DTYPE_F32};
}

FakeKernel::FakeKernel(StepFunction function, std::uint32_t max_tasks) {
  const std::uint64_t kernel_offset = CONVC_PACKED_HEADER_BYTES;
  const std::uint64_t bias_offset = kernel_offset + kPackedKernelBytes;
  const std::uint64_t packed_bytes = CONVC_ALIGN_UP(bias_offset + 8 * sizeof(float));
  packings[0] = panels_packing(2, 1, 4, 5, 4, 2);
  packings[0].offset_bytes = kernel_offset;
  packings[0].bytes = kPackedKernelBytes;
  packings[1] = vector_packing(1, 5, 4);
  packings[1].offset_bytes = bias_offset;
  packings[1].bytes = 8 * sizeof(float);

  arguments[0] = fake_argument(CONVC_SOURCE_INPUT, 0, 0, kTensorDims, 2);
  arguments[1] = fake_argument(CONVC_SOURCE_INPUT, 1, 0, kTensorDims, 2);
  arguments[2] = fake_argument(CONVC_SOURCE_PACKED, 0, kernel_offset, kPackedKernelDims, 1);
  arguments[3] = fake_argument(CONVC_SOURCE_PACKED, 0, bias_offset, kPackedBiasDims, 1);
  arguments[4] = fake_argument(CONVC_SOURCE_WORKSPACE, 0, 0, kTensorDims, 2);
  arguments[5] = fake_argument(CONVC_SOURCE_OUTPUT, 0, 0, kTensorDims, 2);
  steps[0] = {function, arguments.data(), 6, max_tasks, "layer"};

  const char* const names[] = {"future", "wide", "narrow"};
  for (std::size_t i = 0; i < variants.size(); ++i) {
    variants[i].isa = names[i];
    variants[i].cpu_features = i == 0 ? UINT64_C(1) << 62 : 0;
    variants[i].identity[0] = 100 + i;
    variants[i].identity[1] = 200 + i;
    variants[i].packed_bytes = packed_bytes;
    variants[i].packings = packings.data();
    variants[i].packing_count = 2;
    variants[i].steps = steps.data();
    variants[i].step_count = 1;
  }
  plan_scratch(0, 0);

  descriptor.abi_version = CONVC_ABI_VERSION;
  descriptor.struct_bytes = sizeof(convc_kernel);
  descriptor.name = "fake_kernel";
  descriptor.inputs = kInputs;
  descriptor.input_count = 2;
  descriptor.outputs = kOutputs;
  descriptor.output_count = 1;
  descriptor.variables = kVariables;
  descriptor.variable_count = 2;
  descriptor.variants = variants.data();
  descriptor.variant_count = 3;
}

void FakeKernel::plan_scratch(std::uint64_t shared_bytes, std::uint64_t thread_bytes) {
  for (convc_variant& variant : variants) {
    variant.workspace_bytes = kTensorBytes + shared_bytes;
    variant.scratch_offset_bytes = kTensorBytes;
    variant.thread_scratch_bytes = thread_bytes;
  }
}

Call::Call(const FakeKernel& fake, std::uint32_t threads)
    : kernel(&fake.descriptor),
      input(kTensorElements),
      second(kTensorElements, 0.5F),
      output(kTensorElements, -1.0F),
      weights_kernel(kKernelElements),
      weights_bias(kFilters, 7.0F) {
  std::iota(input.begin(), input.end(), 0.0F);
  std::iota(weights_kernel.begin(), weights_kernel.end(), 1.0F);
  options.struct_bytes = sizeof options;
  options.threads = threads;
  io = {input.data(), second.data(), output.data()};
  weights = {weights_kernel.data(), weights_bias.data()};
}

convc_status Call::pack() {
  return convc_pack(kernel, weights.data(), packed, packed_bytes, &options);
}

void Call::prepare() {
  packed_bytes = convc_packed_bytes(kernel, &options);
  workspace_bytes = convc_workspace_bytes(kernel, &options);
  memory.clear();
  memory.emplace_back(packed_bytes);
  memory.emplace_back(workspace_bytes);
  packed = memory[0].data();
  workspace = memory[1].data();
  pack();
}

convc_status Call::run() {
  return convc_run(kernel, io.data(), packed, packed_bytes, workspace, workspace_bytes, &options);
}

int parallel_loop(void* user_context, int min, int size,
                  const std::function<int(void* user_context, int index)>& body) {
  const auto task = [](void* context, int index, std::uint8_t* closure) {
    const void* opaque = closure;
    return (*static_cast<const std::function<int(void*, int)>*>(opaque))(context, index);
  };
  const void* opaque = &body;
  // Closures are read only, but Halide's signature does not say so.
  return convc_rt_do_par_for(user_context, task, min, size,
                             static_cast<std::uint8_t*>(const_cast<void*>(opaque)));
}

bool error_says(const std::string& part) {
  return std::string(convc_last_error()).find(part) != std::string::npos;
}

}  // namespace convc::test
