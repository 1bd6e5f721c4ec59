// Folding: operators on constants, such as exporters write to compute shapes. Sees ONNX' schema.
#pragma once

#include <vector>

#include "dsl/onnx/constant.h"
#include "dsl/onnx/node.h"

namespace convc::onnx_import {

/// Inputs of a node; null where one is absent.
using Constants = std::vector<ConstantRef>;

/// The result of a node whose inputs are constants; null when something has been reported.
ConstantRef fold(NodeReader& node, const Constants& inputs, ConstantReader& limits);

/// Element i of the result is element indices[i] of `data`.
ConstantRef select(const Constant& data, std::vector<std::int64_t> shape,
                   const std::vector<std::int64_t>& indices);
/// The same elements in another shape.
ConstantRef reshaped(const Constant& data, std::vector<std::int64_t> shape);

/// An axis from 0 on; nullopt, reported, unless it is in [-rank, rank).
std::optional<std::size_t> axis_of(NodeReader& node, std::int64_t axis, std::size_t rank);
/// The list of integers that input `index` is; nullopt, reported, when it is something else.
std::optional<std::vector<std::int64_t>> list_of(NodeReader& node, const Constants& inputs,
                                                 std::size_t index);

// One function for each shape of the result (fold_shapes.cpp) ...
ConstantRef fold_reshape(NodeReader& node, const Constants& inputs);
ConstantRef fold_squeeze(NodeReader& node, const Constants& inputs);
ConstantRef fold_unsqueeze(NodeReader& node, const Constants& inputs);
ConstantRef fold_transpose(NodeReader& node, const Constants& inputs);
ConstantRef fold_slice(NodeReader& node, const Constants& inputs);
ConstantRef fold_gather(NodeReader& node, const Constants& inputs, ConstantReader& limits);
ConstantRef fold_concat(NodeReader& node, const Constants& inputs, ConstantReader& limits);

}  // namespace convc::onnx_import
