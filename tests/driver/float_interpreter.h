// Executes a lowered graph in float32, one number at a time: kernels as they should be, without
// plans, tiles or Halide. Between lowering and expectation, it shows that these two agree.
#pragma once

#include <vector>

#include "dsl/module.h"
#include "generators/driver/test_data.h"

namespace convc::test {

/// The outputs of `lowered`, dense channels_last, on the data of the graph that it was `written`
/// as. Elements that no node writes are NaN.
std::vector<std::vector<float>> interpret(const Graph& lowered, const Graph& written,
                                          const TestData& data);

}  // namespace convc::test
