// Lowering: a Module as the user wrote it -> the Module that is planned and compiled, whose nodes
// are steps. Pure; no Halide.
#pragma once

#include "dsl/module.h"

namespace convc {

/// - Identity nodes (elementwise, no padding, linear) vanish unless they are all there is between
/// an
///   input and an output, or change the form of a tensor.
/// - Activations that read all along an axis (softmax) leave their convolution and become steps.
/// - Padding that stands alone joins the layer with a kernel that is its only reader: zeros (or the
///   constant 0) before a layer that pads with zeros, any mode before one without padding.
/// - Fusion: an elementwise node joins the node before it when that node's result goes nowhere
///   else: its post_ops are appended, its further inputs become further inputs of the node. Of an
///   Add's operands, the one computed last takes the sum in. After a channelwise node (softmax)
///   further post_ops may join it, those with a number for each channel only where it goes over the
///   channels. What cannot be fused stays: a step of its own.
/// - A transposed convolution becomes one stride-1 convolution for each phase of its output
///   (kernel_view, output_view), or `constant` where no tap reaches. Phases without output are left
///   out; constant ones come last.
/// - An operand whose rows have a pitch is copied first: post_ops read dense operands.
/// Names, variables and their order, and the io of every graph stay those of the written Module.
Module lower(const Module& module);
Graph lower(const Graph& graph);

/// The phases of one transposed convolution; a layer of another kind gives itself.
/// A phase's kernel_view has negative steps, as its taps are reversed, and its variable is that of
/// the transposed layer. Along an open axis all sizes but the input's differ from multiples of it
/// by constants: out = in + (out - in), output_view.whole = in * step + (whole - in * step), with
/// the representative numbers in the brackets; padding does not depend on the size.
std::vector<LayerSpec> phases_of(const LayerSpec& layer);

/// Index of the batch_normalization in post_ops that packing folds into kernel and bias: the first
/// post_op, when the layer has a kernel and its numbers come from where the kernel's come (both
/// literal or both at run time). -1: none.
int folded_normalization(const LayerSpec& layer);

}  // namespace convc
