// Predictions of speed: what the machine allows a layer, and what a plan makes of it. Pure.
#pragma once

#include "dsl/layer_spec.h"
#include "generators/plan/machine.h"
#include "generators/plan/plan.h"

namespace convc {

/// Cycles below which one thread cannot be: multiply-adds at the FMA peak, or compulsory bytes at
/// the bandwidth of memory, whichever takes longer.
double roofline_cycles(const LayerSpec& layer, const Machine& machine);

/// Cycles that one thread takes with this plan, by the cost models of the algorithms.
double predicted_cycles(const LayerSpec& layer, const Plan& plan, const Machine& machine);

/// The same, were memory as fast as the caches.
double compute_cycles(const LayerSpec& layer, const Plan& plan, const Machine& machine);

/// Predicted speed as a fraction of the roofline's.
double predicted_fraction(const LayerSpec& layer, const Plan& plan, const Machine& machine);

/// Vectors of `lanes` numbers that hold `count` of them.
double vectors_of(std::int64_t count, int lanes);

/// Cycles for bytes that come from or go to memory.
double memory_cycles(std::int64_t bytes, const Machine& machine);

}  // namespace convc
