#include "generators/driver/prepared_kernel.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <random>
#include <stdexcept>

#include "generators/driver/gang.h"

namespace convc {
namespace {

void require_ok(convc_status status) {
  if (status != CONVC_OK)
    throw std::runtime_error(std::string(convc_status_name(status)) + ": " + convc_last_error());
}

void require_size(std::size_t bytes) {
  if (bytes == SIZE_MAX) throw std::runtime_error(convc_last_error());
}

}  // namespace

void append_sizes(std::vector<const void*>& io, const std::vector<std::int64_t>& open_sizes) {
  static_assert(sizeof(void*) == sizeof(std::int64_t));
  const std::size_t pointers = io.size();
  io.resize(pointers + open_sizes.size());
  if (!open_sizes.empty())
    std::memcpy(&io[pointers], open_sizes.data(), open_sizes.size() * sizeof(std::int64_t));
}

PreparedKernel::Memory PreparedKernel::allocate(std::size_t bytes) {
  // Each on pages of its own, wherever the layers before have left room. Never zero bytes:
  // aligned_alloc wants multiples of the alignment.
  constexpr std::size_t kPageBytes = 4096;
  static_assert(kPageBytes % CONVC_ALIGNMENT == 0);
  const std::size_t pages_bytes = (bytes / kPageBytes + 1) * kPageBytes;
  Memory memory(std::aligned_alloc(kPageBytes, pages_bytes));
  if (!memory) throw std::bad_alloc();
  std::fill_n(static_cast<char*>(memory.get()), pages_bytes, char{0});
  return memory;
}

PreparedKernel::Memory PreparedKernel::random_floats(std::size_t bytes, std::uint64_t stream) {
  Memory memory = allocate(bytes);
  std::mt19937_64 random(stream);
  std::generate_n(static_cast<float*>(memory.get()), bytes / sizeof(float),
                  [&] { return static_cast<float>(random() >> 40) * 0x1p-23f - 1.0f; });
  return memory;
}

PreparedKernel::PreparedKernel(const convc_kernel& kernel, std::string isa, unsigned threads,
                               const std::vector<std::int64_t>& open_sizes)
    : kernel_(kernel), isa_(std::move(isa)) {
  options_.struct_bytes = sizeof options_;
  options_.threads = threads;
  options_.isa = isa_.c_str();
  packed_bytes_ = convc_packed_bytes(&kernel_, &options_);
  workspace_bytes_ = convc_workspace_bytes(&kernel_, &options_);
  require_size(packed_bytes_);
  require_size(workspace_bytes_);

  std::uint64_t stream = 0;
  const std::int64_t* sizes = open_sizes.empty() ? nullptr : open_sizes.data();
  std::size_t bytes = 0;
  for (std::uint32_t i = 0; i < kernel_.input_count; ++i) {
    require_ok(convc_input_shape(&kernel_, i, sizes, nullptr, &bytes));
    tensors_.push_back(random_floats(bytes, ++stream));
  }
  for (std::uint32_t i = 0; i < kernel_.output_count; ++i) {
    require_ok(convc_output_shape(&kernel_, i, sizes, nullptr, &bytes));
    tensors_.push_back(allocate(bytes));
  }
  for (const Memory& tensor : tensors_) io_.push_back(tensor.get());
  append_sizes(io_, open_sizes);

  std::vector<Memory> variables;
  std::vector<const void*> pointers;
  for (std::uint32_t i = 0; i < kernel_.variable_count; ++i) {
    variables.push_back(random_floats(kernel_.variables[i].bytes, ++stream));
    pointers.push_back(variables.back().get());
  }
  packed_ = allocate(packed_bytes_);
  workspace_ = allocate(workspace_bytes_);
  if (packed_bytes_ != 0)
    require_ok(convc_pack(&kernel_, pointers.data(), packed_.get(), packed_bytes_, &options_));
  require_ok(convc_run(&kernel_, io_.data(), packed_.get(), packed_bytes_, workspace_.get(),
                       workspace_bytes_, &options_));
}

double PreparedKernel::run_seconds(std::size_t repetitions) {
  const Stopwatch stopwatch(options_.threads);
  for (std::size_t r = 0; r < repetitions; ++r) call();
  return stopwatch.seconds();
}

}  // namespace convc
