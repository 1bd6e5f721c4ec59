// One run of a kernel in memory that is guarded: packs the weights, runs, and looks whether
// anything was touched that should not be. Needs the runtime and dsl.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "convc/kernel_abi.h"
#include "generators/driver/guarded_buffer.h"
#include "generators/driver/size_cases.h"
#include "generators/driver/tensor_layout.h"
#include "generators/driver/test_data.h"

namespace convc {

struct RunSetting {
  std::string isa;
  unsigned threads = 1;
  Placement placement = Placement::at_end;
};

class KernelRun {
 public:
  /// Copies the data into memory that is only for reading; gaps of pitched tensors hold NaN.
  KernelRun(const convc_kernel& kernel, const SizeCase& sizes, const TestData& data,
            const RunSetting& setting);

  /// Packs and runs; empty when all went well.
  std::string execute();
  /// Runs again into the same outputs, prefilled anew with NaN.
  std::string run();

  /// The memory of an output, gaps included.
  [[nodiscard]] const float* output(std::size_t index) const { return outputs_[index]->floats(); }
  [[nodiscard]] std::size_t output_bytes(std::size_t index) const {
    return outputs_[index]->size_bytes();
  }

 private:
  using BufferPtr = std::unique_ptr<GuardedBuffer>;

  [[nodiscard]] const Tensor& tensor(TensorId id) const {
    return sizes_.graph.tensors[static_cast<std::size_t>(id)];
  }
  BufferPtr nan_buffer(const char* name, std::size_t bytes, std::size_t alignment) const;
  void add_variables(const TestData& data);
  std::string pack();
  std::string call();
  [[nodiscard]] std::string damage() const;

  const convc_kernel& kernel_;
  const SizeCase& sizes_;
  RunSetting setting_;
  convc_options options_{};
  std::vector<BufferPtr> inputs_, outputs_, variables_;
  BufferPtr packed_, workspace_;
  std::string variables_error_;
};

}  // namespace convc
