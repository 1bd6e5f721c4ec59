// Hashes that name kernels and packings. Equal input, equal build: equal hash, on every machine.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "dsl/layer_spec.h"
#include "generators/plan/plan.h"

namespace convc {

/// The version of Halide this build of convc generates code with, e.g. "21.0.0".
std::string halide_version();

/// Identifies the sources that decide what code comes out: dsl, plan, kernels, emit and the ABI
/// headers. A hash of their text, taken when convc is built (build_id.cmake), so that an edited
/// generator never finds its old kernels in the cache and a rebuilt but unchanged one does.
std::string build_id();

/// The symbol of a kernel's code, "convc_k_" and 32 hexadecimal digits: a hash of what the layer
/// computes (canonical_layer_text), the plan, the target, build_id and halide_version. It is also
/// the key in the cache.
std::string kernel_symbol(const LayerSpec& layer, const Plan& plan, const std::string& target);

/// What convc_variant.identity holds: a hash of `text`, never all zeros. The text describes what
/// packed weights must agree in: the layers, the ISA's name and the packings; no build, so packed
/// weights outlive a new convc as long as the layout stays.
std::array<std::uint64_t, 2> packing_identity(const std::string& text);

/// The symbol of constant data, "convc_d_" and 32 hexadecimal digits: a hash of the bytes.
std::string data_symbol(const std::string& bytes);

/// 32 hexadecimal digits.
std::string to_hex(const std::array<std::uint64_t, 2>& identity);

}  // namespace convc
