// Printer: a Module back to spec text, in one canonical form.
#pragma once

#include <string>

#include "dsl/module.h"

namespace convc {

/// Spec text that reads back as an equal Module (under the same library name, which spec text does
/// not hold). Arguments that have their default value are left out; every name is written.
std::string print(const Module& module);

/// One layer as a line that is a spec of its own: the repro line of diagnostics. Names the shapes
/// that the layer reads; keeps the layer's name.
std::string layer_to_spec_line(const LayerSpec& layer);

/// The callable that writes a layer: "Conv2D", "ReLU", "Add".
std::string callable_name(const LayerSpec& layer);

}  // namespace convc
