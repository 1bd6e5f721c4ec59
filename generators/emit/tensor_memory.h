// Places the tensors between the steps of a graph in one stretch of memory. Plain C++.
#pragma once

#include <cstdint>
#include <map>

#include "dsl/module.h"

namespace convc {

struct TensorMemory {
  std::map<TensorId, std::uint64_t> offset_bytes;  ///< multiples of 64; inner tensors only
  std::uint64_t total_bytes = 0;                   ///< a multiple of 64
};

/// A tensor lives from the first step that writes it to the last that writes or reads it; two that
/// live in the same step never overlap. Largest first, each at the lowest place that is free for
/// its whole life, which for a chain is two areas used in turn. Sizes are the largest ones. Throws
/// InputError for a tensor that is too large.
TensorMemory place_tensors(const Graph& graph);

}  // namespace convc
