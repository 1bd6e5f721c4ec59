# Finds ONNX' schema, the file onnx-ml.proto, as ONNX' Python wheel has it.
#
# Input:  CONVC_ONNX_ROOT, the wheel's onnx/ directory; by default that of build/venv, where
#         tools/setup installs it.
# Output: OnnxSchema_FOUND, OnnxSchema_PROTO (the file), OnnxSchema_INCLUDE_DIR (its folder).
set(CONVC_ONNX_ROOT "" CACHE PATH "The ONNX wheel's onnx/ directory")

set(_convc_onnx_root "${CONVC_ONNX_ROOT}")
if(NOT _convc_onnx_root)
  file(GLOB _convc_onnx_root
    "${CMAKE_CURRENT_LIST_DIR}/../build/venv/lib/python3*/site-packages/onnx")
endif()

find_path(OnnxSchema_INCLUDE_DIR onnx-ml.proto HINTS ${_convc_onnx_root} NO_DEFAULT_PATH)
mark_as_advanced(OnnxSchema_INCLUDE_DIR)
set(OnnxSchema_PROTO "${OnnxSchema_INCLUDE_DIR}/onnx-ml.proto")

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(OnnxSchema
  REQUIRED_VARS OnnxSchema_INCLUDE_DIR
  REASON_FAILURE_MESSAGE "Run `make setup`, or pass -DCONVC_ONNX_ROOT=<site-packages>/onnx.")
