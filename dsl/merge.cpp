// Broadcasting of the tensors that Add and Multiply read.
#include "dsl/merge.h"

#include <algorithm>

#include "dsl/axes.h"
#include "dsl/text.h"
#include "dsl/vocabulary.h"

namespace convc {
namespace {

MergeShape<std::int64_t> sizes_of(const InputShape& shape) {
  return {{shape.size.depth, shape.size.height, shape.size.width}, shape.channels};
}

// False when neither size is 1 and they differ.
bool broadcast(std::int64_t& to, std::int64_t size) {
  if (to == 1) to = size;
  return size == 1 || to == size;
}

}  // namespace

std::optional<InputShape> merge_shapes(const NodeDraft& node, const std::vector<InputShape>& shapes,
                                       const std::vector<Layout>& layouts, const ResolveMode& mode,
                                       Diagnostics& diagnostics) {
  std::string list;
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    list += cat(list.empty() ? "" : " and ", shape_text(shapes[i], layouts[i]));
  }
  const auto fail = [&](Code code, const std::string& message) -> Diagnostic& {
    Diagnostic& error = diagnostics.error(code, node.range, cat(message, ": ", list));
    if (!mode.note.empty()) error.note(mode.note);
    return error;
  };
  InputShape full = shapes.front();
  for (const InputShape& shape : shapes) {
    bool fits = shape.rank == full.rank && broadcast(full.channels, shape.channels);
    for (const Axis axis : kAxes)
      fits = fits && broadcast(at(full.size, axis), at(shape.size, axis));
    if (fits) continue;
    fail(Code::shapes_disagree,
         cat(node.layer.type->callable, " reads tensors of shapes that do not fit"))
        .help("sizes must be equal, or 1");
    return std::nullopt;
  }
  if (std::find(shapes.begin(), shapes.end(), full) == shapes.end()) {
    fail(Code::not_supported_yet, cat("every tensor of this ", node.layer.type->callable,
                                      " is repeated, which is not supported yet"))
        .note(cat("the result is ", shape_text(full, layouts.front())))
        .help("one of the tensors must have the shape of the result");
    return std::nullopt;
  }
  for (const InputShape& shape : shapes) {
    if (operand_shape<std::int64_t>(sizes_of(shape), sizes_of(full), 1)) continue;
    fail(Code::not_supported_yet, "repeating a tensor along these axes is not supported yet")
        .note(cat("the result is ", shape_text(full, layouts.front())))
        .help("a tensor may be repeated along all spatial axes, along the channels, or both");
    return std::nullopt;
  }
  return full;
}

}  // namespace convc
