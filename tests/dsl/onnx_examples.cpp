// Made with ONNX' own schema, apart from the tests that use them: its headers are not ours.
#include "tests/dsl/onnx_examples.h"

#include "onnx-ml.pb.h"

namespace convc::test {

std::string OnnxExample::bytes() const {
  onnx::ModelProto model;
  model.set_ir_version(8);
  model.add_opset_import()->set_version(opset);
  onnx::GraphProto* graph = model.mutable_graph();
  onnx::NodeProto* node = graph->add_node();
  node->set_op_type(op);
  node->add_input("x");
  node->add_output("y");
  onnx::ValueInfoProto* input = graph->add_input();
  input->set_name("x");
  onnx::TypeProto::Tensor* type = input->mutable_type()->mutable_tensor_type();
  type->set_elem_type(onnx::TensorProto::FLOAT);
  for (const int size : {1, 2, 3}) type->mutable_shape()->add_dim()->set_dim_value(size);
  if (open_batch) type->mutable_shape()->mutable_dim(0)->set_dim_param("batch");
  onnx::ValueInfoProto* output = graph->add_output();
  output->set_name("y");
  if (wrong_output_shape) {
    *output->mutable_type() = input->type();
    output->mutable_type()->mutable_tensor_type()->mutable_shape()->mutable_dim(2)->set_dim_value(
        4);
  }
  return model.SerializeAsString();
}

}  // namespace convc::test
