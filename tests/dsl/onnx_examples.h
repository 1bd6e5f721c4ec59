// The ONNX models of docs/errors.md.
#pragma once

#include <string>

namespace convc::test {

/// The bytes of a model of one Relu (or `op`) from "x" to "y", both of shape (1, 2, 3) where the
/// output says one.
struct OnnxExample {
  std::string op = "Relu";
  int opset = 17;
  bool wrong_output_shape = false;
  bool open_batch = false;  ///< its batch is called so
  [[nodiscard]] std::string bytes() const;
};

}  // namespace convc::test
